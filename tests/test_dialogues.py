"""The project's dialogues, each played in virtual time; and that each expectation can fail.

Over real peer connections they are a benchmark: `voxline bench turns --live`.
"""

from dataclasses import replace

import pytest
from dialogues import accounts

from benchmarks.dialogue.scenario import FOLDER, Expectation, keys, read
from benchmarks.dialogue.sound import missing, render
from benchmarks.dialogue.verdict import judge
from benchmarks.dialogue.virtual import VirtualWorld
from benchmarks.dialogue.world import Part

NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))

# What a conversation is made of; each has a dialogue of its own.
ASKED_FOR = {
    *("hesitation", "breath", "um", "list", "long-number", "interrupt-early", "interrupt-late"),
    *("interrupt-last-word", "backchannel", "both-at-once", "silent-caller", "two-minutes"),
    *("hold", "noise", "withdrawn", "correction", "word-over-reply"),
}


def play(name, overrides=None):
    """Part and account of one; skips the test where a recording is missing."""
    scenario = read(FOLDER / f"{name}.yaml")
    if absent := missing(scenario):
        pytest.skip(f"no recording {', '.join(absent)}; set VOXLINE_RECORDINGS")
    part = Part(name, scenario, render(scenario))
    [account] = accounts([part], VirtualWorld(), overrides)
    return part, account


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_goes_as_it_should(name) -> None:
    part, account = play(name)
    bad = [each for each in judge(part.scenario, account) if not each.is_good]
    assert not bad, "\n".join(f"{v.what}: {v.measured}, expected {v.expected}" for v in bad)


def test_none_is_forgotten() -> None:
    assert set(NAMES) >= ASKED_FOR


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "harm", "hurt"),
    [
        # each a mutant of the turn-taking, and the dialogue that kills it
        ("hesitation", {"turns.end_of_turn_ms": 150}, "line 1 cut_ins"),
        ("breath", {"turns.end_of_turn_ms": 150}, "line 1 cut_ins"),
        ("patient", {"turns.end_of_turn_ms": 300}, "line 1 cut_ins"),
        ("question", {"turns.end_of_turn_ms": 900}, "line 1 answered_ms"),
        ("interrupt-late", {"turns.barge_in_ms": 1500}, "line 2 silent_ms"),
        ("both-at-once", {"turns.barge_in_ms": 5000}, "cut"),
        ("withdrawn", {"turns.withdraw_ms": 0}, "understood"),
        ("afterthought", {"turns.withdraw_ms": 0}, "understood"),
        ("afterthought-slow", {"turns.withdraw_ms": 0}, "cut"),
        ("silent-caller", {"turns.silence_prompts": 0}, "heard"),
        ("silent-caller", {"turns.silence_prompt_s": 30}, "ended_by"),
        ("hold", {"agent.engine": "scripted"}, "heard"),  # nobody is told to hold
        ("word-over-reply", {"agent.engine": "scripted"}, "cut"),  # no word is understood
        ("word-over-reply", {"turns.backchannel_ms": 0}, "utterances"),
        (
            "noise",
            {
                "vad.notice_threshold": 0.02,
                "vad.start_threshold": 0.02,
                "vad.stop_threshold": 0.01,
            },
            "utterances",
        ),
    ],
)
def test_a_threshold_that_harms_a_conversation_is_seen(name, harm, hurt) -> None:
    part, account = play(name, harm)
    assert hurt in [each.what for each in judge(part.scenario, account) if not each.holds]


FALSE = {
    "answered_ms": 100,
    "silent_ms": 50,
    "resumed_ms": 1,
    "ducked_ms": 10,
    "utterances": 3,
    "completed": 4,
    "cut": 4,
    "heard": ("ninety-nine",),
    "unheard": ("one two",),
    "understood": ("good heavens",),
    "not_understood": ("listened",),
    "ended_by": "agent",
    "ended_ms": 100,
    "state": "closed",
}


@pytest.mark.slow
def test_each_expectation_of_a_played_dialogue_can_fail() -> None:
    """One key after the other is made false in a dialogue that holds."""
    part, account = play("interrupt-late")
    for key, wrong in FALSE.items():
        mutant = replace(part.scenario, expect=(Expectation(line=2, **{key: wrong}),))
        [verdict] = judge(mutant, account)
        assert not verdict.holds, key
    known = {name for name in Expectation.__slots__ if name not in ("line", "fails_because")}
    assert known == {*FALSE, "cut_ins"}  # that one has harm enough above
    assert keys(Expectation(**FALSE)) == tuple(k for k in Expectation.__slots__ if k in FALSE)
