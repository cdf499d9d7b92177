"""When a replay is the same as its record, and what is told where it is not."""

import pytest

import agent.flight.entries as en
from agent.commands import PrepareReply, TryReply
from agent.events import ReplyWanted
from agent.flight.compare import TOLERANCE_S, compare


def packets(count):
    return [en.Packet(0.0, 1, n, 0, b"x") for n in range(count)]


def step(at, *commands, after=0):
    return [*packets(after), en.Stepped(at, ReplyWanted(), commands)]


def tick(due, *commands):
    return [en.Ticked(due + 0.003, due, commands)]


def test_the_same_is_identical() -> None:
    entries = [*step(1.0, PrepareReply(1), after=3), *tick(2.0, TryReply(1))]
    difference = compare(entries, entries)
    assert difference.identical
    assert (difference.count, difference.most_s) == (2, 0.0)


def test_nothing_is_the_same_as_nothing() -> None:
    assert compare([], packets(3)).identical


@pytest.mark.parametrize(
    ("recorded", "now"),
    [
        (step(1.0, PrepareReply(1)), step(1.0, PrepareReply(2))),
        (step(1.0, PrepareReply(1)), step(1.0, TryReply(1))),
        (step(1.0, PrepareReply(1)), []),
        ([], step(1.0, PrepareReply(1))),
        (step(1.0, PrepareReply(1), after=1), step(1.03, PrepareReply(1), after=2)),
        (tick(1.0, TryReply(1)), tick(0.97, TryReply(1))),
    ],
)
def test_another_command_or_another_time_is_a_difference(recorded, now) -> None:
    difference = compare(recorded, now)
    assert not difference.identical
    assert difference.recorded == next(en.decisions(recorded), None)
    assert difference.now == next(en.decisions(now), None)


def test_the_first_difference_is_told_and_how_far_apart_the_equal_ones_before_it_are() -> None:
    recorded = [*step(1.0, PrepareReply(1)), *tick(1.5, TryReply(1)), *tick(3.0, TryReply(2))]
    now = [*step(1.004, PrepareReply(1)), *tick(1.6, TryReply(1)), *tick(3.0, TryReply(3))]
    difference = compare(recorded, now)
    assert difference.most_s == pytest.approx(0.004)
    assert difference.recorded == en.Decision(1.5, None, TryReply(1))
    assert difference.now == en.Decision(1.6, None, TryReply(1))


def test_a_packet_is_the_tolerance() -> None:
    just = TOLERANCE_S * 0.99
    assert compare(tick(1.0, TryReply(1)), tick(1.0 + just, TryReply(1))).identical
    assert not compare(tick(1.0, TryReply(1)), tick(1.0 + 2 * just, TryReply(1))).identical


def test_a_busy_loop_notices_later_between_the_same_packets() -> None:
    recorded, now = step(1.3, PrepareReply(1), after=7), step(1.0, PrepareReply(1), after=7)
    assert compare(recorded, now).identical


def test_where_the_record_ends_one_side_may_lack_something() -> None:
    first, second = step(1.0, PrepareReply(1)), tick(2.0, TryReply(1))
    assert compare([*first, *second], first, until_s=1.99).identical
    assert compare(first, [*first, *second], until_s=1.99).identical
    assert not compare(first, [*first, *second], until_s=2.01).identical
    other = tick(2.0, TryReply(5))
    assert not compare([*first, *second], [*first, *other], until_s=1.99).identical
