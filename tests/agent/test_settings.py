"""What holds in a call: the file's values, the session's over them."""

import pytest

from agent.config_file import load
from agent.events import CallSettings
from agent.settings import merged, turn_rules, vad_config

CONFIG = load(None)
NOTHING = CallSettings()


def test_what_was_not_asked_for_stays() -> None:
    first = merged(NOTHING, CallSettings(speed=1.2, create_response=False))
    both = merged(first, CallSettings(voice="robot"))
    assert both == CallSettings(speed=1.2, create_response=False, voice="robot")


def test_a_session_that_asks_for_nothing_gets_the_file() -> None:
    rules = turn_rules(CONFIG, NOTHING)
    assert rules.end_of_turn_s == CONFIG.turns.end_of_turn_ms / 1000
    assert rules.create_response and rules.interrupt_response and rules.greets
    assert vad_config(CONFIG, NOTHING) == CONFIG.vad


@pytest.mark.parametrize(("asked_ms", "wait_s"), [(50, 0.05), (700, 0.7)])
def test_a_session_may_ask_for_another_wait(asked_ms, wait_s) -> None:
    assert turn_rules(CONFIG, CallSettings(end_of_turn_ms=asked_ms)).end_of_turn_s == wait_s


def test_a_call_without_a_greeting_does_not_greet() -> None:
    assert not turn_rules(load(None, {"agent.greeting": ""}), NOTHING).greets


def test_a_threshold_below_the_other_takes_that_along() -> None:
    vad = vad_config(CONFIG, CallSettings(vad_threshold=0.2, preroll_ms=0))
    assert (vad.start_threshold, vad.stop_threshold, vad.preroll_ms) == (0.2, 0.2, 0)
