"""The jitter buffer as its callers see it. Packets are 20 ms, numbered from 0, unless said."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.audio.frame import RTP_FRAME, RTP_HZ
from agent.config import Receive
from agent.media.jitter import (
    Cause,
    Conceal,
    Drop,
    JitterBuffer,
    Play,
    Recover,
    RtpAudio,
    Silence,
    Stalled,
)

MS = RTP_HZ // 1000


def packet(index: int, *, ssrc=1, base=0, ticks=RTP_FRAME, pause_ms=0) -> RtpAudio:
    """Packet `index` of a stream whose numbers begin at `base`, after `pause_ms` of DTX."""
    return RtpAudio(
        ssrc=ssrc,
        sequence=(base + index) % 2**16,
        timestamp=(base * ticks + index * ticks + pause_ms * MS) % 2**32,
        payload=f"{ssrc}:{index}".encode(),
        duration_ticks=ticks,
    )


def play(index: int, ssrc=1) -> Play:
    return Play(f"{ssrc}:{index}".encode())


@dataclass
class Line:
    """A buffer and its clock. Keeps what comes out, with its time in ms."""

    receive: Receive = field(default_factory=Receive)
    now_ms: float = 0.0

    def __post_init__(self):
        self.buffer = JitterBuffer(self.receive)
        self.out = []

    def push(self, *packets, at_ms):
        """Let time pass until `at_ms`, ticking when due, then push."""
        self.run(until_ms=at_ms)
        for each in packets:
            self.out += [(at_ms, step) for step in self.buffer.push(each, at_ms / 1000)]
        return self

    def run(self, until_ms):
        for _ in range(100_000):
            due = self.buffer.deadline
            if due is None or due * 1000 >= until_ms:
                self.now_ms = until_ms
                return self
            self.now_ms = max(self.now_ms, due * 1000)
            now = max(due, self.now_ms / 1000)
            self.out += [(round(now * 1000, 3), step) for step in self.buffer.tick(now)]
        raise AssertionError("the deadline never moves")

    @property
    def steps(self):
        return [step for _, step in self.out]


def length(steps) -> int:
    """Ticks that steps give out, packets being 20 ms."""
    return sum(getattr(step, "duration_ticks", RTP_FRAME) for step in steps if is_audio(step))


def is_audio(step) -> bool:
    return not isinstance(step, Drop)


def saved_up(out) -> float:
    """By how many ticks packets brought more than 1.01 times its time, in any stretch."""
    brought, least, most = 0.0, 0.0, 0.0
    for at_ms, step in out:
        least = min(least, brought - 1.01 * at_ms * MS)
        brought += length([step]) * (not isinstance(step, Stalled))
        most = max(most, brought - 1.01 * at_ms * MS - least)
    return most


# -- order -------------------------------------------------------------------------------------


def test_nothing_is_due_before_the_first_packet():
    assert JitterBuffer(Receive()).deadline is None
    assert JitterBuffer(Receive()).tick(1000.0) == []


def test_packets_in_order_are_played_at_once():
    line = Line()
    for i in range(5):
        line.push(packet(i), at_ms=20 * i)
    assert line.out == [(20 * i, play(i)) for i in range(5)]


def test_a_swapped_pair_is_put_in_order():
    line = Line().push(packet(0), at_ms=0).push(packet(2), at_ms=20).push(packet(1), at_ms=25)
    assert line.out == [(0, play(0)), (25, play(1)), (25, play(2))]
    assert line.buffer.lost == 0


def test_a_burst_in_any_order_is_put_in_order():
    line = Line().push(packet(0), at_ms=0)
    line.push(packet(4), packet(3), packet(2), packet(5), packet(1), at_ms=30)
    assert line.steps == [play(i) for i in range(6)]


def test_numbers_wrap_around():
    base = 2**16 - 3
    line = Line()
    for i in (0, 1, 3, 2, 4, 5):
        line.push(packet(i, base=base), at_ms=20)
    late_timestamps = Line()
    start = replace(packet(0), timestamp=2**32 - RTP_FRAME)
    late_timestamps.push(start, at_ms=0).push(replace(packet(1), timestamp=0), at_ms=20)
    assert line.steps == [play(i) for i in range(6)]
    assert late_timestamps.steps == [play(0), play(1)]


@pytest.mark.parametrize("ticks", [120, 240, 480, 1920, 2880, 5760])
def test_packets_of_other_durations(ticks):
    line = Line().push(packet(0, ticks=ticks), packet(1, ticks=ticks), at_ms=0)
    line.push(packet(3, ticks=ticks), at_ms=10).run(until_ms=31)
    assert line.steps == [play(0), play(1), Recover(play(3).payload, ticks), play(3)]


# -- loss --------------------------------------------------------------------------------------


def test_a_lost_packet_is_recovered_after_the_reorder_wait():
    line = Line().push(packet(0), at_ms=0).push(packet(2), at_ms=40).run(until_ms=100)
    assert line.out[1:] == [(60, Recover(play(2).payload, RTP_FRAME)), (60, play(2))]
    assert line.buffer.lost == 1


def test_a_lost_packet_delays_only_the_one_that_shows_it():
    line = Line()
    for i in (0, 1, 2, *range(4, 50)):
        line.push(packet(i), at_ms=20 * i)
    delays = {i: at - 20 * i for i in range(50) for at, step in line.out if step == play(i)}
    assert delays == {i: 20 if i == 4 else 0 for i in range(50) if i != 3}


def test_without_a_wait_nothing_is_delayed():
    line = Line(Receive(reorder_wait_ms=0)).push(packet(0), at_ms=0).push(packet(2), at_ms=40)
    assert line.out[-1] == (40, play(2))


def test_of_several_lost_the_last_is_recovered_and_the_others_concealed():
    line = Line().push(packet(0), at_ms=0).push(packet(4), at_ms=80).run(until_ms=120)
    assert line.steps[1:] == [
        Conceal(2 * RTP_FRAME),
        Recover(play(4).payload, RTP_FRAME),
        play(4),
    ]


def test_a_long_gap_is_concealed_so_far_and_then_silent():
    line = Line(Receive(conceal_ms=100, stall_ms=2000))
    line.push(packet(0), at_ms=0).push(packet(11), at_ms=220).run(until_ms=250)
    assert line.steps[1:] == [
        Conceal(80 * MS),
        Silence(100 * MS),
        Recover(play(11).payload, 20 * MS),
        play(11),
    ]


def test_two_gaps_are_closed_each_in_its_time():
    line = Line().push(packet(0), at_ms=0)
    line.push(packet(2), at_ms=20).push(packet(4), at_ms=30).run(until_ms=60)
    assert line.out[1:] == [
        (40, Recover(play(2).payload, RTP_FRAME)),
        (40, play(2)),
        (50, Recover(play(4).payload, RTP_FRAME)),
        (50, play(4)),
    ]


def test_late_and_duplicate_packets_are_dropped_and_told_apart():
    line = Line().push(packet(0), at_ms=0).push(packet(2), packet(2), at_ms=40)
    line.push(packet(1), packet(1), packet(2), packet(0), at_ms=70)
    assert line.steps[1] == Drop(Cause.DUPLICATE)  # of one that waits
    assert line.steps[-4:] == [
        Drop(Cause.LATE),
        Drop(Cause.LATE),
        Drop(Cause.DUPLICATE),
        Drop(Cause.DUPLICATE),
    ]


def test_a_loss_that_the_timestamps_deny_takes_no_time():
    """Telephone events share the sequence numbers of the audio but not its time (RFC 4733)."""
    line = Line().push(packet(0), at_ms=0)
    line.push(replace(packet(5), timestamp=RTP_FRAME), at_ms=20).run(until_ms=60)
    assert line.steps == [play(0), play(5)]


# -- silence -----------------------------------------------------------------------------------


def test_a_pause_of_the_sender_is_silence_of_its_length():
    line = Line(Receive(stall_ms=2000))
    line.push(packet(0), at_ms=0).push(packet(1, pause_ms=400), at_ms=420)
    assert line.steps == [play(0), Silence(400 * MS), play(1)]


@pytest.mark.parametrize("stall_ms", [40, 200, 1000, 2000])
def test_no_pause_of_the_sender_is_too_long_to_take_its_time(stall_ms):
    line = Line(Receive(stall_ms=stall_ms)).push(packet(0), at_ms=0)
    for pause_ms in (stall_ms - 20, 7000):
        start_ms = line.out[-1][0]
        before = length(line.steps)
        i = sum(is_audio(step) for step in line.steps)
        paused_ms = start_ms - 20 * (i - 1) + pause_ms
        line.push(packet(i, pause_ms=paused_ms), at_ms=start_ms + pause_ms + 20)
        assert length(line.steps) - before == (pause_ms + 20) * MS


def test_a_timestamp_from_nowhere_is_a_short_silence():
    line = Line().push(packet(0), at_ms=0).push(packet(1, pause_ms=3_600_000), at_ms=20)
    assert line.steps == [play(0), Silence(1000 * MS), play(1)]
    line.push(packet(2), at_ms=40)  # and one that jumps back takes no time
    assert line.steps[3:] == [play(2)]


def test_time_goes_on_in_a_stall():
    line = Line(Receive(stall_ms=200)).push(packet(0), at_ms=0).run(until_ms=1000)
    assert line.out[1] == (200, Stalled(200 * MS))
    assert line.out[2] == (220, Stalled(20 * MS))
    assert length(line.steps[1:]) == 980 * MS


def test_nothing_that_a_stalled_network_held_back_is_lost():
    line = Line().push(packet(0), at_ms=0)
    line.push(*(packet(i) for i in range(1, 150)), at_ms=3000).push(packet(150), at_ms=3020)
    assert [s for s in line.steps if not isinstance(s, Stalled)] == [
        play(i) for i in range(151)
    ]


def test_a_pause_is_not_filled_twice():
    line = Line(Receive(stall_ms=200)).push(packet(0), at_ms=0)
    line.push(packet(1, pause_ms=400), at_ms=420).run(until_ms=425)
    assert length(line.steps) == (20 + 400 + 20) * MS
    assert line.steps[-1] == play(1)


def test_an_outage_is_not_filled_twice():
    line = Line(Receive(stall_ms=200, reorder_wait_ms=0)).push(packet(0), at_ms=0)
    line.push(packet(50), at_ms=1000)
    assert length(line.steps) == (20 + 980 + 20) * MS
    assert line.buffer.lost == 49


def test_the_silence_of_one_stall_does_not_stand_for_a_later_loss():
    line = Line(Receive(stall_ms=200, reorder_wait_ms=0)).push(packet(0), at_ms=0)
    line.push(packet(1), at_ms=1000).push(packet(3), at_ms=1040)
    assert line.steps[-3:] == [play(1), Recover(play(3).payload, RTP_FRAME), play(3)]
    line.run(until_ms=1300)
    assert line.out[-3] == (1240, Stalled(200 * MS))  # and a second one is waited for as well


def test_a_machine_that_slept_is_not_answered_with_hours_of_silence():
    buffer = JitterBuffer(Receive())
    buffer.push(packet(0), 0.0)
    assert buffer.tick(3600.0) == [Stalled(1000 * MS)]
    assert buffer.deadline == pytest.approx(3600.02)


# -- another sender ----------------------------------------------------------------------------


def test_another_source_starts_afresh():
    line = Line().push(packet(0), packet(1), at_ms=0)
    line.push(packet(0, ssrc=2, base=777), packet(1, ssrc=2, base=777), at_ms=20)
    assert line.steps == [play(0), play(1), play(0, ssrc=2), play(1, ssrc=2)]


def test_a_change_of_source_leaves_nothing_behind():
    line = Line().push(packet(0), packet(2), packet(0, ssrc=2), at_ms=0)
    assert line.steps[-2:] == [play(2), play(0, ssrc=2)]


def test_a_straggler_of_the_former_source_does_no_harm():
    line = Line().push(packet(0), packet(0, ssrc=2), packet(1), packet(1), packet(0), at_ms=0)
    line.push(packet(1, ssrc=2), at_ms=20)
    assert [s for s in line.steps if is_audio(s)] == [
        play(0),
        play(0, ssrc=2),
        play(1),
        play(1, ssrc=2),
    ]


def test_sources_are_counted():
    line = Line()
    for ssrc in range(100):
        line.push(packet(0, ssrc=ssrc), at_ms=ssrc)
    assert line.steps.count(Drop(Cause.SOURCE)) == 92
    assert line.push(packet(1, ssrc=3), at_ms=100).steps[-1] == play(1, ssrc=3)


@pytest.mark.parametrize("jump", [5000, 20_000, -5000, -20_000])
def test_a_sender_that_restarts_is_followed(jump):
    line = Line()
    for i in range(3):
        line.push(packet(i, base=30_000), at_ms=20 * i)
    for i in range(3, 6):
        line.push(packet(i, base=30_000 + jump), at_ms=20 * i)
    assert line.steps == [play(i) for i in range(6)]
    line.push(packet(1, base=30_000 + jump), at_ms=120)
    assert line.steps[-1] == Drop(Cause.LATE)  # not taken for one of before


def test_a_restart_leaves_nothing_behind():
    """Killed: what waited behind a gap is forgotten, or is put after what it came before."""
    line = Line().push(packet(0), packet(2), at_ms=0)
    line.push(packet(20_000), packet(20_001), at_ms=10).run(until_ms=100)
    assert line.steps == [
        play(0),
        Recover(play(2).payload, RTP_FRAME),
        play(2),
        play(20_000),
        play(20_001),
    ]


def test_packets_from_nowhere_that_are_far_from_each_other_are_no_restart():
    """Killed: any packet ahead of the former one proves a restart."""
    line = Line().push(packet(0), packet(20_000), packet(22_000), at_ms=0)
    line.push(packet(1), at_ms=20)
    assert line.steps == [play(0), play(1)]


def test_a_single_packet_from_nowhere_is_no_restart():
    line = Line().push(packet(0), at_ms=0)
    for i in range(1, 5):
        line.push(packet(i), packet(20_000 + i), at_ms=20 * i)
    assert line.steps == [play(i) for i in range(5)]


# -- bounds ------------------------------------------------------------------------------------


def test_a_flood_brings_no_more_audio_than_time_and_ten_seconds():
    line = Line()
    for i in range(12_000):
        line.push(packet(i), at_ms=i / 2)  # 40 times too fast, for six seconds
    played = sum(isinstance(step, Play) for step in line.steps) / 50
    assert 16 <= played <= 16.2
    assert line.steps[-1] == Drop(Cause.FLOOD)


def test_a_flood_of_pauses_brings_no_more_silence_than_time_and_ten_seconds():
    line = Line()
    for i in range(500):
        line.push(packet(i, pause_ms=400 * i), at_ms=i)
    brought = length([step for step in line.steps if not isinstance(step, Stalled)])
    assert 10_300 * MS <= brought <= 10_510 * MS


def test_a_long_silence_saves_up_no_more_than_ten_seconds():
    """Killed: all the time in which a sender was silent may come at once."""
    line = Line().push(packet(0), at_ms=0)
    for i in range(1, 2000):
        line.push(packet(i), at_ms=100_000 + i / 100)
    played = sum(isinstance(step, Play) for step in line.steps[1:])
    assert 500 <= played <= 502


def test_what_waits_behind_a_gap_is_bounded():
    line = Line().push(packet(0), at_ms=0)
    line.push(*(packet(2 + i) for i in range(1000)), at_ms=0)
    assert line.steps[1:4] == [Recover(play(2).payload, RTP_FRAME), play(2), play(3)]
    holes = JitterBuffer(Receive())
    for i in range(0, 2000, 2):
        holes.push(packet(i), 0.0)
        assert len(holes._streams[1].held) <= 64


@pytest.mark.parametrize("drift", [0.999, 1.001, 1.01])
def test_a_sender_whose_clock_is_off_loses_nothing(drift):
    line = Line()
    for i in range(5_000):
        line.push(packet(i), at_ms=20 * i / drift)
    assert line.steps == [play(i) for i in range(5_000)]


# -- whatever the network does -----------------------------------------------------------------

networks = st.lists(
    st.tuples(
        st.booleans() | st.just(True),  # mostly delivered
        st.floats(0, 60) | st.just(0.0),  # delay, ms
        st.none() | st.floats(0, 300),  # delay of a second copy, ms
        st.sampled_from([0, 0, 0, 0, 400, 3000]),  # pause of the sender before it, ms
    ),
    min_size=1,
    max_size=120,
)
settings_of_buffer = st.builds(
    Receive,
    reorder_wait_ms=st.integers(0, 100),
    conceal_ms=st.integers(0, 500),
    stall_ms=st.integers(40, 2000),
)


def arrivals(network, base, hops):
    """(at_ms, packet) as the network delivers them; the source changes after packets `hops`."""
    paused, ssrc, number, delivered = 0.0, 1, 0, []
    for i, (arrives, delay, copy, pause) in enumerate(network):
        paused += pause
        if i in hops:
            ssrc, number = ssrc + 1, 0
        each = replace(packet(number, ssrc=ssrc, base=base, pause_ms=paused))
        each = replace(each, timestamp=int(each.timestamp) % 2**32)
        number += 1
        sent = 20 * i + paused
        if arrives:
            delivered.append((sent + delay, each))
        if copy is not None:
            delivered.append((sent + copy, each))
    return sorted(delivered, key=lambda pair: pair[0])


@given(networks, settings_of_buffer, st.integers(0, 2**16 - 1), st.sets(st.integers(0, 119)))
@settings(max_examples=150, deadline=None)
def test_order_once_and_bounds_hold_whatever_the_network_does(network, receive, base, hops):
    """Killed: a second copy of what is held takes its place, and one of them vanishes."""
    line = Line(receive)
    sent = arrivals(network, base, set(sorted(hops)[:6]))
    for at_ms, each in sent:
        line.push(each, at_ms=at_ms)
        assert sum(len(s.held) for s in line.buffer._streams.values()) <= 64
    end_ms = sent[-1][0] + 1000 if sent else 1000
    line.run(until_ms=end_ms)

    played = [tuple(map(int, s.payload.split(b":"))) for s in line.steps if isinstance(s, Play)]
    assert len(played) == len(set(played)), "a packet was played twice"
    for ssrc in {ssrc for ssrc, _ in played}:
        numbers = [number for source, number in played if source == ssrc]
        assert numbers == sorted(numbers), "out of order"
    stalled = [s for s in line.steps if isinstance(s, Stalled)]
    assert length(stalled) <= end_ms * MS
    assert saved_up(line.out) <= 10_000 * MS + 1
    assert all(s.duration_ticks > 0 for s in line.steps if hasattr(s, "duration_ticks"))
    drops = sum(isinstance(s, Drop) for s in line.steps)
    assert len(played) + drops == len(sent), "a packet vanished"


@settings(deadline=None)
@given(st.sets(st.integers(1, 98), max_size=40), settings_of_buffer)
def test_loss_leaves_no_hole_and_delays_nobody_for_longer_than_the_wait(lost, receive):
    """Killed: what is neither recovered nor concealed is left out."""
    line = Line(receive)
    for i in range(100):
        if i not in lost:
            line.push(packet(i), at_ms=20 * i)
    line.run(until_ms=20 * 99 + receive.reorder_wait_ms + 0.001)
    assert line.buffer.lost == len(lost)
    filled = [s for s in line.steps if not isinstance(s, Play)]
    assert length(filled) >= len(lost) * RTP_FRAME
    if not any(isinstance(s, Stalled) for s in filled):
        assert length(filled) == len(lost) * RTP_FRAME
    for at_ms, step in line.out:
        if isinstance(step, Play):
            late = at_ms - 20 * int(step.payload.split(b":")[1])
            assert late <= receive.reorder_wait_ms + 0.001


@settings(deadline=None)
@given(st.permutations(range(1, 9)), st.integers(0, 2**16 - 1))
def test_any_order_within_the_wait_is_put_right(order, base):
    line = Line(Receive(reorder_wait_ms=20)).push(packet(0, base=base), at_ms=0)
    for i, index in enumerate(order):
        line.push(packet(index, base=base), at_ms=160 + 2 * i)
    assert line.steps[-8:] == [play(i) for i in range(1, 9)] and line.buffer.lost == 0


# Packets whose numbers are all far from each other do no more than raise suspicion, so nonsense
# comes in runs: from somewhere on, each packet so much after the one before it.
runs_of_nonsense = st.lists(
    st.tuples(
        st.integers(1, 3) | st.integers(1, 20),  # SSRC
        st.integers(0, 2**16 - 1),  # sequence number and timestamp of the first
        st.integers(0, 2**32 - 1),
        st.sampled_from([1, 2, 80]),  # packets
        st.sampled_from([1, 2, 70, -1]) | st.integers(0, 2**16 - 1),
        st.sampled_from([RTP_FRAME, RTP_HZ, -RTP_FRAME]) | st.integers(0, 2**32 - 1),
        st.sampled_from([0, 1, 20]),  # ms from each to the next
        st.sampled_from([0, 20, 60_000]),  # and of silence before the first
    ),
    max_size=12,
)


@settings(deadline=None)
@given(runs_of_nonsense, settings_of_buffer)
def test_nonsense_is_bounded_too(runs, receive):
    """Killed: silence or packets that cost their sender nothing, a pause that saves up for a
    flood, no end to what is held, a restart that is proved backwards or forgets what is held.
    """
    line, at_ms = Line(receive), 0.0
    for ssrc, sequence, timestamp, count, step, jump, each_ms, silent_ms in runs:
        at_ms += silent_ms
        for i in range(count):
            each = RtpAudio(
                ssrc,
                (sequence + i * step) % 2**16,
                (timestamp + i * jump) % 2**32,
                b"1:0",
                RTP_FRAME,
            )
            line.push(each, at_ms=at_ms)
            at_ms += each_ms
            streams = line.buffer._streams.values()
            assert len(streams) <= 8
            assert sum(len(stream.held) for stream in streams) <= 64
    assert saved_up(line.out) <= 10_000 * MS + 1
    assert length([s for s in line.steps if isinstance(s, Stalled)]) <= at_ms * MS
