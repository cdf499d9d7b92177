"""Dialogues for turns.py are data: (seconds, what happens, what the agent does about it)."""

from dataclasses import replace

from agent.commands import PrepareReply, ReleaseReply, TryReply
from agent.events import EndReason, HungUp, PauseJudged, SpeechEnded, SpeechStarted
from agent.turn_rules import TurnRules

RULES = TurnRules(
    end_of_turn_s=0.4,
    barge_in_s=0.2,
    silence_prompt_s=10,
    silence_prompts=1,
    idle_s=300,
    confirm_s=0.06,
    greets=False,
)
STARTS, STOPS = SpeechStarted(0, 0), SpeechEnded(0, 0)
LEAVES = HungUp(EndReason.CALLER)
TIME = None  # only time passes

ANSWERED = [  # a turn of the caller and the reply to it, as a beginning for others
    (0.0, STARTS, []),
    (1.0, STOPS, [PrepareReply(1)]),
    (1.4, TIME, [ReleaseReply(1)]),
]

JUDGING = replace(RULES, judges=True, withdraw_s=0.4)
TRIED = [  # an answer that leaves as soon as the end is likely
    (0.0, STARTS, []),
    (1.0, SpeechEnded(936, ago_ms=64), [PrepareReply(1)]),
    (1.02, PauseJudged(84, wait_ms=150, odds=0.4), []),
    (1.085, TIME, []),
    (1.087, TIME, [TryReply(1)]),
]

YIELDING = replace(RULES, backchannel_s=0.5, backchannel_wait_s=0.2)


def play(turns, steps) -> None:
    """Let a dialogue happen to `turns`, and see that the agent does as it says."""
    for now, event, expected in steps:
        done = turns.tick(now) if event is TIME else turns.handle(event, now)
        assert done == expected, f"at {now} s"
