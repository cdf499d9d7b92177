"""The order of a replay: causes in turn, and timers only where the record has their effect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agent.flight.entries as en
from agent import commands as do
from agent import events as ev
from agent.flight.script import Fire, Give, Script

LATE_S = 0.1


def packet(at):
    return en.Packet(at, 1, 0, 0, b"x")


def tick(at, due):
    return en.Ticked(at, due, (do.TryReply(1),))


END = en.Stepped(9.0, ev.HungUp(ev.EndReason.CALLER), ())


def test_causes_are_given_in_their_order() -> None:
    causes = [en.Joined(0.0), packet(0.1), packet(0.1), en.Opened(0.05)]
    script = Script(causes, LATE_S)
    assert [script.next({}) for _ in causes] == [Give(cause.at, cause) for cause in causes]
    assert script.next({}) is None


def test_a_packet_that_was_read_first_comes_before_a_deadline_that_had_passed() -> None:
    script = Script([packet(1.004), tick(1.005, 1.0)], LATE_S)
    assert script.next({en.Ticked: 1.0}) == Give(1.004, packet(1.004))
    assert script.next({en.Ticked: 1.0}) == Fire(1.005, en.Ticked)


def test_a_deadline_that_came_first_comes_first_though_a_packet_has_the_same_time() -> None:
    script = Script([tick(1.0, 1.0), packet(1.0)], LATE_S)
    assert script.next({en.Ticked: 1.0}) == Fire(1.0, en.Ticked)
    script.happened(tick(1.0, {None: 1.0}), {})
    assert script.next({}) == Give(1.0, packet(1.0))


def test_an_effect_that_has_come_already_needs_no_timer() -> None:
    script = Script([packet(1.0), en.Heard(1.0, 320), packet(1.02)], LATE_S)
    script.next({en.Ticked: 1.01})
    script.happened(en.Heard(1.0, 320), {None: 1.01})
    assert script.next({en.Ticked: 1.01}) == Give(1.02, packet(1.02))


def test_an_effect_that_does_not_come_is_passed_over() -> None:
    script = Script([en.Heard(1.0, 320), packet(1.02)], LATE_S)
    assert script.next({}) == Give(1.02, packet(1.02))


def test_a_timer_of_another_kind_does_not_run_for_an_effect_that_it_cannot_have() -> None:
    script = Script([en.Heard(1.0, 320), tick(1.01, 1.0), en.Sent(1.02), packet(1.03)], LATE_S)
    timers = {en.Ticked: 0.98, None: 0.97}
    assert script.next(timers) == Fire(1.01, en.Ticked)  # nobody may bring the samples
    script.happened(tick(1.01, 1.0), {})
    assert script.next({None: 0.97}) == Fire(1.02, None)
    script.happened(en.Sent(1.02), {})
    assert script.next({}) == Give(1.03, packet(1.03))


def test_a_timer_that_changes_nothing_is_not_run_for_ever() -> None:
    script = Script([tick(1.0, 1.0), packet(1.02)], LATE_S)
    steps = [script.next({en.Ticked: 1.0}) for _ in range(2000)]
    assert Give(1.02, packet(1.02)) in steps


def test_no_timer_is_later_than_any_live_one() -> None:
    script = Script([packet(1.0), packet(1.2)], LATE_S)
    script.next({})
    assert script.next({en.Ticked: 1.05}) == Fire(1.05, en.Ticked)
    assert script.next({en.Ticked: 1.15}) == Give(1.2, packet(1.2))


def test_freely_every_timer_runs_when_it_is_due() -> None:
    script = Script([packet(1.004), tick(1.005, 1.0), packet(1.02)], 0.0)
    assert script.next({en.Ticked: 1.0}) == Fire(1.0, en.Ticked)
    assert script.next({}) == Give(1.004, packet(1.004))
    assert script.next({en.Ticked: 1.03}) == Give(1.02, packet(1.02))


@pytest.mark.parametrize("late_s", [0.0, LATE_S])
def test_who_hung_up_from_outside_does_so_again(late_s) -> None:
    script = Script([packet(1.0), END], late_s)
    script.next({})
    assert script.next({}) == Give(9.0, END)


@pytest.mark.parametrize("late_s", [0.0, LATE_S])
def test_a_call_that_ended_by_itself_is_not_ended_again(late_s) -> None:
    script = Script([packet(1.0), END], late_s)
    script.next({})
    script.happened(END, {})
    assert script.next({}) is None


def test_work_takes_the_time_that_it_took() -> None:
    effects = [en.Heard(1.001, 320), en.Voiced(1.003, 0.5), en.Sent(1.2)]
    script = Script([packet(1.0), *effects], LATE_S)
    script.next({})
    assert script.happened(packet(1.0), {}) == 1.001
    assert script.happened(en.Heard(1.0, 320), {}) == 1.003
    assert script.happened(en.Voiced(1.0, 0.5), {}) == 1.003  # the next is another matter


def test_time_does_not_run_ahead_of_a_timer() -> None:
    script = Script([packet(1.0), en.Heard(1.0, 320), en.Sent(1.01)], LATE_S)
    script.next({})
    script.happened(packet(1.0), {None: 1.005})
    assert script.happened(en.Heard(1.0, 320), {None: 1.005}) == 1.0


def test_what_the_record_does_not_have_moves_no_clock() -> None:
    script = Script([packet(1.0), en.Left(5.0, 1, 480)], LATE_S)
    script.next({})
    assert script.happened(en.Left(1.0, 1, 480), {}) == 0.0
    assert script.happened(en.Left(1.0, 2, 480), {}) == 0.0


@given(
    st.lists(st.tuples(st.floats(0, 10), st.sampled_from("ph"))),
    st.floats(0, 10),
    st.sampled_from([0.0, LATE_S]),
    st.sampled_from([None, en.Heard, en.Ticked]),
)
def test_all_causes_come_once_whatever_timers_there_are(what, timer, late_s, kind) -> None:
    """The law: nothing that came from outside is lost, repeated or moved to another place."""
    entries = [packet(at) if which == "p" else en.Heard(at, 320) for at, which in what]
    script, given_ = Script(entries, late_s), []
    due = timer
    while step := script.next({kind: due}):
        if isinstance(step, Fire):
            due += 0.02
        else:
            given_.append(step.entry)
    assert given_ == [entry for entry in entries if isinstance(entry, en.Packet)]
