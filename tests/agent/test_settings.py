"""What holds in a call: the file's values, the session's over them."""

import pytest

from agent.config_file import load
from agent.requests import CallSettings
from agent.settings import merged, patience, turn_rules, vad_config

CONFIG = load(None)
NOTHING = CallSettings()


def test_what_was_not_asked_for_stays() -> None:
    first = merged(NOTHING, CallSettings(speed=1.2, create_response=False))
    both = merged(first, CallSettings(voice="robot"))
    assert both == CallSettings(speed=1.2, create_response=False, voice="robot")


def test_a_session_that_asks_for_nothing_gets_the_file() -> None:
    rules = turn_rules(CONFIG, NOTHING)
    assert rules.judges and rules.end_of_turn_s == CONFIG.turns.longest_wait_ms / 1000
    assert rules.create_response and rules.interrupt_response and rules.greets
    assert vad_config(CONFIG, NOTHING) == CONFIG.vad


@pytest.mark.parametrize(("asked_ms", "wait_s"), [(50, 0.05), (700, 0.7)])
def test_a_session_may_ask_for_another_wait(asked_ms, wait_s) -> None:
    rules = turn_rules(CONFIG, CallSettings(end_of_turn_ms=asked_ms))
    assert rules.end_of_turn_s == wait_s and not rules.judges


@pytest.mark.parametrize(
    ("phrase", "rule"), [("greeting", "greets"), ("still_there", "asks"), ("goodbye", "parts")]
)
def test_a_phrase_that_is_left_empty_is_not_said(phrase, rule) -> None:
    assert getattr(turn_rules(CONFIG, NOTHING), rule)
    assert not getattr(turn_rules(load(None, {f"agent.{phrase}": ""}), NOTHING), rule)


def test_a_threshold_below_the_other_takes_that_along() -> None:
    vad = vad_config(CONFIG, CallSettings(vad_threshold=0.2, preroll_ms=0))
    assert (vad.start_threshold, vad.stop_threshold, vad.preroll_ms) == (0.2, 0.2, 0)


def test_a_fixed_wait_in_the_file_is_a_fixed_wait_unless_a_session_wants_a_judge() -> None:
    fixed = load(None, {"turns.end_of_turn_ms": 300})
    assert not turn_rules(fixed, NOTHING).judges
    assert turn_rules(fixed, NOTHING).end_of_turn_s == 0.3
    assert turn_rules(fixed, CallSettings(end_of_turn_ms=0)).judges


def test_a_session_may_be_more_or_less_eager_than_the_file() -> None:
    assert patience(CONFIG, NOTHING).eagerness == "auto"
    assert patience(CONFIG, CallSettings(eagerness="low")).eagerness == "low"
    assert patience(CONFIG, NOTHING).longest_ms == CONFIG.turns.longest_wait_ms
