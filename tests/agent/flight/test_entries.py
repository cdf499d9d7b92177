"""What a record holds, and what can be read off it."""

import pytest

import agent.flight.entries as en
from agent import commands as do
from agent import events as ev

CALL = (
    en.Packet(0.1, 1, 2, 3, b"x"),
    en.Stepped(0.1, ev.SpeechStarted(0, 64), ()),
    en.Packet(0.2, 1, 3, 963, b"y"),
    en.Stepped(0.21, ev.SpeechEnded(100, 64), (do.PrepareReply(1),)),
    en.Ticked(0.52, 0.5, (do.TryReply(1), do.CommitUtterance())),
    en.Stepped(0.9, ev.HungUp(ev.EndReason.CALLER), (do.CancelReply(1, "call_ended"),)),
)


def test_decisions_are_the_commands_in_order() -> None:
    assert list(en.decisions(CALL)) == [
        en.Decision(0.21, 2, do.PrepareReply(1)),
        en.Decision(0.5, None, do.TryReply(1)),
        en.Decision(0.5, None, do.CommitUtterance()),
        en.Decision(0.9, 2, do.CancelReply(1, "call_ended")),
    ]


def test_a_deadlines_decision_is_made_when_it_is_due_and_not_when_the_loop_came_to_it() -> None:
    late = en.Ticked(0.7, 0.5, (do.TryReply(1),))
    assert next(en.decisions([late])).at == 0.5


def test_only_a_hang_up_ends_a_call() -> None:
    assert [entry for entry in CALL if en.hung_up(entry)] == [CALL[-1]]
    assert en.hung_up(CALL[-1]) == ev.HungUp(ev.EndReason.CALLER)


@pytest.mark.parametrize("kind", [en.Packet, en.Joined, en.Opened, en.Began, en.Asked])
def test_causes_come_from_outside(kind) -> None:
    assert issubclass(kind, en.Cause)
    assert not issubclass(kind, en.Effect)
