"""Which engine runs, and why."""

import pytest

from agent.choose import build, choose
from agent.config import Agent


@pytest.mark.parametrize(
    ("agent", "brain", "voice"),
    [
        (Agent(), "operator", "espeak"),
        (Agent(engine="operator"), "operator", "espeak"),
        (Agent(engine="scripted"), "scripted", "tone"),
        (Agent(engine="scripted", voice="espeak"), "scripted", "espeak"),
        (Agent(brain="scripted"), "scripted", "espeak"),
    ],
)
def test_the_engine_names_brain_and_voice_and_parts_replace_them(agent, brain, voice) -> None:
    choice = choose(agent)
    assert (choice.brain, choice.voice) == (brain, voice)


def test_a_choice_says_why() -> None:
    assert "auto" in choose(Agent()).why
    assert "scripted" in choose(Agent(engine="scripted")).why


@pytest.mark.parametrize("engine", ["operator", "scripted"])
def test_what_was_chosen_can_be_built(engine) -> None:
    brain, voice = build(Agent(engine=engine))
    brain.listen().close()
    assert voice.voices()
