"""Which engine runs, and why."""

import pytest

from agent.choose import build, choose
from agent.config import Agent, Config


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
    choice = choose(Config(agent=agent))
    assert (choice.brain, choice.voice) == (brain, voice)


def test_a_choice_says_why() -> None:
    assert "auto" in choose(Config()).why
    assert "scripted" in choose(Config(agent=Agent(engine="scripted"))).why


@pytest.mark.parametrize("engine", ["operator", "scripted"])
def test_what_was_chosen_can_be_built(engine) -> None:
    brain, voice = build(Config(agent=Agent(engine=engine)))
    brain.listen().close()
    assert voice.voices()
