"""Packets leave on an absolute grid; what left is known to the sample. In virtual time."""

import asyncio

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from agent.config import Playout as Settings
from agent.config import Send
from agent.media.opus import Encoder
from agent.media.playout import LATE_BOUNDS_MS, Playout
from agent.virtual_time import run

FRAME = 480
TAIL = 3  # packets after a turn that stops in mid sound: a fall to zero, two of silence


class Sender:
    """Stands for aiortc's RTP sender: asks for packets and notes (loop time, pts, payload)."""

    def __init__(self, track: Playout) -> None:
        self.track = track
        self.sent: list[tuple[float, int, bytes]] = []
        self.ended = False
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                packet = await self.track.recv()
                assert packet.time_base * 48_000 == 1
                self.sent.append((loop.time(), packet.pts, bytes(packet)))
        except MediaStreamError:
            self.ended = True

    @property
    def times(self) -> list[float]:
        return [when for when, _, _ in self.sent]

    @property
    def timestamps(self) -> list[int]:
        return [pts for _, pts, _ in self.sent]

    def samples(self) -> np.ndarray:
        return np.concatenate([np.frombuffer(data, np.float32) for _, _, data in self.sent])


def a_track(**settings) -> Playout:
    return Playout(Settings(**settings), lambda samples: samples.tobytes())


def ramp(frames: float, start: int = 1) -> np.ndarray:
    return np.arange(start, start + int(frames * FRAME), dtype=np.float32) / 1e6


def stall(seconds: float) -> None:
    """The loop did nothing else for so long."""
    asyncio.get_running_loop().now += seconds


def test_packets_leave_every_20_ms_and_carry_what_was_played():
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, ramp(50))
        track.end(1)
        await asyncio.sleep(5)
        assert sender.times == pytest.approx([n * 0.02 for n in range(50 + TAIL)])
        assert sender.timestamps == [n * 960 for n in range(50 + TAIL)]
        assert np.array_equal(sender.samples()[: 50 * FRAME], ramp(50))

    run(main())


@pytest.mark.slow
def test_an_hour_does_not_drift_by_a_tick():
    async def main():
        track = a_track(depth_ms=60_000)
        packets = 0

        async def listen():
            nonlocal packets
            loop = asyncio.get_running_loop()
            while True:
                packet = await track.recv()
                assert packet.pts == 960 * packets
                assert loop.time() == pytest.approx(packets * 0.02, abs=1e-6)
                packets += 1

        listener = asyncio.create_task(listen())
        for _ in range(60):
            track.play(1, np.zeros(60 * 24_000, np.float32))
            await asyncio.sleep(59.999)
            await track.room()
        assert packets >= 60 * 60 * 50 - 60
        assert track.stats.underruns == track.stats.late_packets == 0
        listener.cancel()

    run(main())


def test_silence_is_not_sent_but_timestamps_follow_the_clock():
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, ramp(1))
        track.end(1)
        await asyncio.sleep(7.0)
        assert len(sender.sent) == 1 + TAIL
        track.play(2, ramp(2))  # at 7.000 s
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert sender.times[1 + TAIL] == pytest.approx(7.0)  # at once
        assert sender.timestamps[1 + TAIL] == 7 * 48_000
        await asyncio.sleep(1)
        assert sender.times[2 + TAIL] == pytest.approx(7.02)
        assert sender.timestamps[2 + TAIL] == 7 * 48_000 + 960

    run(main())


@pytest.mark.parametrize("pause_ms", [0, 1, 19, 20, 21, 61, 333])
def test_a_turn_after_a_short_pause_is_never_less_than_20_ms_behind(pause_ms):
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, ramp(1))
        track.end(1)
        await asyncio.sleep(0.02 * TAIL + pause_ms / 1000)  # the last one goes out now
        track.play(2, ramp(3))
        track.end(2)
        await asyncio.sleep(1)
        assert np.diff(sender.times).min() >= 0.02 - 1e-9
        assert np.diff(sender.timestamps).min() >= 960
        assert np.allclose(np.array(sender.timestamps) / 48_000, sender.times, atol=2e-5)

    run(main())


def test_a_stalled_loop_catches_up_and_does_not_shift():
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, ramp(50))
        track.end(1)
        await asyncio.sleep(0.205)  # 11 packets are out
        stall(0.1)
        await asyncio.sleep(2)
        assert sender.timestamps == [n * 960 for n in range(50 + TAIL)]
        assert sender.times[11:16] == pytest.approx([0.305] * 5)  # 0.22 .. 0.30
        assert sender.times[16:] == pytest.approx([n * 0.02 for n in range(16, 50 + TAIL)])
        assert np.array_equal(sender.samples()[: 50 * FRAME], ramp(50))
        assert track.stats.worst_late_ms == pytest.approx(85, abs=0.1)

    run(main())


def test_lateness_is_counted_by_how_late():
    async def main():
        track = a_track()
        Sender(track)
        track.play(1, ramp(50))
        track.end(1)
        await asyncio.sleep(0.205)
        stall(0.1)  # five packets are late: by 85, 65, 45, 25 and 5 ms
        await asyncio.sleep(2)
        counts = dict(zip([*LATE_BOUNDS_MS, "beyond"], track.stats.lateness, strict=True))
        assert counts == {1: 48, 2: 0, 5: 1, 10: 0, 20: 0, 50: 2, 100: 2, 500: 0, "beyond": 0}
        assert track.stats.late_packets == 4
        assert track.stats.packets == 50 + TAIL

    run(main())


def test_after_a_stall_of_seconds_the_turn_goes_on_from_where_it_was_on_a_new_grid():
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, ramp(50))
        track.end(1)
        await asyncio.sleep(0.205)
        stall(3)
        await asyncio.sleep(2)
        assert sender.times[11] == pytest.approx(3.205)
        assert np.diff(sender.times[11:]) == pytest.approx([0.02] * 41)
        assert sender.timestamps[11] == round(3.205 * 48_000)
        assert np.array_equal(sender.samples()[: 50 * FRAME], ramp(50))

    run(main())


def test_a_burst_after_a_stall_lets_others_run_between_its_packets():
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, ramp(50))
        await asyncio.sleep(0.005)
        stall(0.4)
        seen = set()
        for _ in range(60):
            await asyncio.sleep(0)
            seen.add(len(sender.sent))
        assert len(seen) > 10

    run(main())


@pytest.mark.parametrize("turns_of_the_loop", range(12))
def test_nothing_of_a_turn_leaves_or_ends_while_it_is_held_even_in_a_burst(turns_of_the_loop):
    """Killed: a frame that is taken before others may run, and leaves after the hold: its turn
    ends while nobody may say so, and the call waits for that end for ever.
    """

    async def main():
        track = a_track()
        sent = []
        track.on_left = lambda turn, left, now: sent.append(left)
        track.on_finished = lambda turn: sent.append("finished")
        sender = Sender(track)
        track.play(1, ramp(4))
        track.end(1)
        await asyncio.sleep(0.005)
        stall(0.2)
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        track.hold()
        before = list(sent)
        await asyncio.sleep(1)
        assert sent == before
        track.resume()
        await asyncio.sleep(1)
        assert sent.count("finished") == 1
        assert track.left(1) == 4 * FRAME
        assert len(sender.sent) > 4

    run(main())


def test_audio_that_comes_within_half_a_frame_of_its_slot_is_sent_late_rather_than_concealed():
    async def main():
        track = a_track()
        sender = Sender(track)
        for n, delay_ms in enumerate([0, 9, 0, 5, 0]):
            await asyncio.sleep(n * 0.02 + delay_ms / 1000 - asyncio.get_running_loop().time())
            track.play(1, ramp(1, start=1 + n * FRAME))
        track.end(1)
        await asyncio.sleep(1)
        assert track.stats.underruns == 0
        assert np.array_equal(sender.samples()[: 5 * FRAME], ramp(5))
        assert sender.times[:5] == pytest.approx([0, 0.029, 0.04, 0.065, 0.08])
        assert sender.timestamps[:5] == [0, 960, 1920, 2880, 3840]

    run(main())


def test_audio_that_comes_later_still_is_an_underrun():
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, ramp(1))
        await asyncio.sleep(0.035)
        track.play(1, ramp(2, start=1 + FRAME))
        track.end(1)
        await asyncio.sleep(1)
        assert track.stats.underruns == 1
        assert sender.times[1] == pytest.approx(0.03)  # the fall to zero, after the grace
        assert sender.times[2] == pytest.approx(0.04)  # and back on the grid
        assert track.left(1) == 3 * FRAME

    run(main())


def test_the_grace_is_not_prolonged_by_audio_that_is_not_enough():
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, ramp(1))
        await asyncio.sleep(0.026)
        track.play(1, ramp(0.5))
        await asyncio.sleep(0.0139)
        assert sender.times[1] == pytest.approx(0.03)
        assert track.stats.underruns == 1

    run(main())


def test_a_flush_ends_the_grace():
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, ramp(1))
        await asyncio.sleep(0.022)
        track.flush()
        await asyncio.sleep(1)
        assert sender.times[1:] == pytest.approx([0.022, 0.04, 0.06])
        assert track.stats.underruns == 0

    run(main())


def test_an_end_releases_a_turn_that_is_shorter_than_the_start_threshold():
    async def main():
        track = a_track(start_ms=100)
        sender = Sender(track)
        track.play(1, ramp(1))
        await asyncio.sleep(0.5)
        assert sender.sent == []
        track.end(1)
        await asyncio.sleep(0.001)
        assert sender.times == pytest.approx([0.5])

    run(main())


def test_a_flush_is_heard_with_the_next_packet_and_ends_in_two_silent_ones():
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, ramp(50))
        await asyncio.sleep(0.101)  # 6 packets
        track.flush()
        assert track.left(1) == 6 * FRAME + 240
        await asyncio.sleep(1)
        assert len(sender.sent) == 9
        assert not sender.samples()[6 * FRAME + 240 :].any()
        assert track.left(1) == 6 * FRAME + 240

    run(main())


def test_the_call_learns_of_every_packet_and_of_the_last():
    async def main():
        track, told = a_track(), []
        track.on_left = lambda turn, samples, now: told.append((turn, samples, round(now, 3)))
        track.on_finished = told.append
        Sender(track)
        await asyncio.sleep(1)
        track.play(3, ramp(1.5))
        track.end(3)
        track.play(4, ramp(1))
        track.end(4)
        await asyncio.sleep(1)
        assert told == [(3, 480, 1.0), (3, 720, 1.02), (4, 240, 1.02), 3, (4, 480, 1.04), 4]

    run(main())


def test_the_call_may_stop_a_turn_before_the_frame_that_is_due_is_taken():
    """Killed: a packet of a reply that the sound heard before it has stopped."""

    async def main():
        track = a_track()
        sender = Sender(track)

        def due():
            if len(sender.sent) == 3:
                track.flush()

        track.on_due = due
        track.play(1, ramp(50))
        await asyncio.sleep(1)
        assert track.left(1) == 3 * FRAME + FRAME // 2  # and the fade

    run(main())


def test_a_call_that_had_work_to_do_lets_others_run_before_the_frame_is_taken():
    async def main():
        track, loop, passes = a_track(), asyncio.get_running_loop(), []
        sender, works = Sender(track), [True]

        def due():
            if works and len(sender.sent) == 3:
                loop.call_soon(passes.append, len(sender.sent))
                return works.pop()
            return False

        track.on_due = due
        track.play(1, ramp(50))
        await asyncio.sleep(1)
        assert passes == [3]
        assert sender.times[:5] == pytest.approx([0.0, 0.02, 0.04, 0.06, 0.08])

    run(main())


def test_others_run_before_a_packet_is_sent_and_before_more_is_done():
    """Killed: to make a packet, to send it, and to hear, in one pass of the loop of 0.9 ms."""

    async def main():
        loop, done = asyncio.get_running_loop(), []

        def note(what):
            done.append(what)
            loop.call_soon(done.append, "others")

        def encode(samples):
            note("make")
            return samples.tobytes()

        track = Playout(Settings(), encode)
        track.on_due = lambda: done.append("hear")
        track.play(1, ramp(2))
        for _ in range(2):
            await track.recv()
            note("send")
        assert done[:6] == ["hear", "make", "others", "send", "others", "hear"]
        assert done[-3:] == ["make", "others", "send"]

    run(main())


def test_the_call_learns_when_the_sender_begins():
    async def main():
        track, begun = a_track(), []
        track.on_begun = lambda: begun.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1)
        Sender(track)
        await asyncio.sleep(1)
        track.play(1, ramp(3))
        track.end(1)
        await asyncio.sleep(1)
        assert begun == [1.0]

    run(main())


def test_a_flushed_turn_is_not_reported_as_finished():
    async def main():
        track, finished = a_track(), []
        track.on_finished = finished.append
        Sender(track)
        track.play(1, ramp(10))
        track.end(1)
        await asyncio.sleep(0.05)
        track.flush()
        await asyncio.sleep(1)
        assert finished == []

    run(main())


def test_a_callback_that_raises_is_logged_and_the_audio_goes_on(caplog):
    async def main():
        track, finished = a_track(), []

        def broken(turn, samples, now):
            raise RuntimeError("the call is in trouble")

        track.on_left, track.on_finished = broken, finished.append
        sender = Sender(track)
        track.play(1, ramp(3))
        track.end(1)
        await asyncio.sleep(1)
        assert len(sender.sent) == 3 + TAIL
        assert finished == [1]

    run(main())
    assert "the call is in trouble" in caplog.text


def test_a_callback_may_answer_with_more_to_play():
    async def main():
        track = a_track()
        track.on_finished = lambda turn: track.play(turn + 1, ramp(1)) if turn < 3 else None
        sender = Sender(track)
        track.play(1, ramp(1))
        track.end(1)
        await asyncio.sleep(0.1)
        track.end(2)
        await asyncio.sleep(0.1)
        assert track.left(2) == FRAME
        assert np.diff(sender.timestamps).min() >= 960

    run(main())


def test_room_holds_a_voice_that_is_faster_than_speech():
    async def main():
        track = a_track(depth_ms=200)
        Sender(track)
        most = 0

        async def speak():
            nonlocal most
            for n in range(500):
                await track.room()
                track.play(1, ramp(3, start=1 + n * 3 * FRAME))
                most = max(most, track._reel.queued_ms)
            track.end(1)

        await speak()
        assert most <= 200 + 60
        await asyncio.sleep(1)
        assert track.left(1) == 1500 * FRAME
        assert track.stats.underruns == 0

    run(main())


@pytest.mark.parametrize("release", ["flush", "stop"])
def test_flush_and_stop_make_room(release):
    async def main():
        track = a_track(depth_ms=100)
        track.play(1, ramp(10))
        waiting = asyncio.create_task(track.room())
        await asyncio.sleep(1)  # nobody listens yet
        assert not waiting.done()
        getattr(track, release)()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert waiting.done()

    run(main())


@pytest.mark.parametrize("playing", ["in silence", "between packets", "in an underrun"])
def test_stop_ends_the_sender(playing):
    async def main():
        track = a_track()
        sender = Sender(track)
        if playing == "between packets":
            track.play(1, ramp(50))
        await asyncio.sleep(0.05)
        if playing == "in an underrun":
            track.play(1, ramp(1))
            await asyncio.sleep(0.025)
        track.stop()
        await asyncio.sleep(0.02)  # no later than the next slot
        assert sender.ended
        track.play(1, ramp(1))  # a voice that has not heard of it
        track.end(1)
        track.flush()
        await track.room()
        with pytest.raises(MediaStreamError):
            await track.recv()

    run(main())


def test_gain_reaches_the_encoder():
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, np.full(3 * FRAME, 0.1, np.float32))
        track.set_gain(0.5)
        await asyncio.sleep(1)
        assert 0.05 < sender.samples()[0] < 0.1
        assert sender.samples()[FRAME // 4 : 3 * FRAME] == pytest.approx(0.05)
        with pytest.raises(ValueError):
            track.set_gain(5)

    run(main())


def test_what_is_heard_is_told_with_the_slot_it_has():
    """After the gain and with the fade of a flush: what an echo of it would be."""

    async def main():
        track, told = a_track(), []
        track.on_sound = lambda samples, at_s: told.append((samples, at_s))
        sender = Sender(track)
        await asyncio.sleep(1)
        track.play(1, np.full(10 * FRAME, 0.1, np.float32))
        track.set_gain(0.5)
        await asyncio.sleep(0.101)
        stall(0.1)  # what leaves late keeps its place
        track.flush()
        await asyncio.sleep(1)
        assert np.array_equal(np.concatenate([s for s, _ in told]), sender.samples())
        assert np.diff([at_s for _, at_s in told]) == pytest.approx(0.02)
        assert told[0][1] == pytest.approx(1.0)
        assert sender.times[-1] - told[-1][1] >= 0

    run(main())


def test_what_is_heard_after_a_stall_of_seconds_is_told_with_the_slot_of_its_packet():
    async def main():
        track, told = a_track(), []
        track.on_sound = lambda samples, at_s: told.append(at_s)
        sender = Sender(track)
        track.play(1, ramp(20))
        await asyncio.sleep(0.1)
        stall(3)
        await asyncio.sleep(1)
        assert told == pytest.approx([slot / 48_000 for slot in sender.timestamps])

    run(main())


def test_real_opus_packets_fit_the_port():
    async def main():
        track = Playout(Settings(), Encoder(Send()).encode)
        sender = Sender(track)
        track.play(1, ramp(5))
        track.end(1)
        await asyncio.sleep(1)
        assert len(sender.sent) == 5 + TAIL
        assert all(0 < len(payload) < 400 for _, _, payload in sender.sent)

    run(main())


# -- softer, and held --------------------------------------------------------------------------

SOFT = 10 ** (-12 / 20)


def flat(frames: int) -> np.ndarray:
    return np.full(frames * FRAME, 0.1, np.float32)


def test_a_turn_is_spoken_softly_within_one_packet_and_as_loud_as_before_after_that():
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, flat(50))
        await asyncio.sleep(0.1)
        track.duck(1)
        await asyncio.sleep(0.1)
        track.restore()
        await asyncio.sleep(0.1)
        level = sender.samples().reshape(-1, FRAME)
        ends = level[:, -1] / np.float32(0.1)
        soft = np.flatnonzero(np.isclose(ends, SOFT))
        assert 4 <= len(soft) <= 6
        assert np.allclose(np.delete(ends, soft), 1.0)
        steepest = 0.1 * (1 - SOFT) * np.pi / 2 / (FRAME // 4)
        assert np.abs(np.diff(sender.samples())).max() <= steepest + 1e-7  # no click

    run(main())


def test_what_is_said_next_is_not_softer():
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, flat(3))
        track.duck(1)
        await asyncio.sleep(0.03)
        track.end(1)
        await asyncio.sleep(1)
        track.play(2, flat(3))
        track.end(2)
        await asyncio.sleep(1)
        level = sender.samples().reshape(-1, FRAME)
        assert np.isclose(level[2, -1], 0.1 * SOFT)
        assert np.allclose(level[-TAIL - 2 : -TAIL], 0.1)

    run(main())


def test_a_softer_turn_fades_from_where_it_is_and_goes_on_at_full_level():
    async def main():
        track = a_track()
        sender = Sender(track)
        track.play(1, flat(50))
        track.duck(1)
        await asyncio.sleep(0.1)
        sent = len(sender.sent)
        left = track.left(1)
        track.hold()
        await asyncio.sleep(1)
        assert len(sender.sent) == sent + TAIL
        fade = sender.samples()[sent * FRAME :]
        assert fade.max() <= 0.1 * SOFT + 1e-6
        track.resume()
        assert track.left(1) == left
        await asyncio.sleep(0.095)
        risen = sender.samples()[(sent + TAIL) * FRAME :]
        assert np.allclose(risen[FRAME:], 0.1, atol=1e-6)
        assert np.abs(np.diff(risen)).max() <= 0.1 * np.pi / 2 / 240 + 0.1 / FRAME

    run(main())


def test_a_held_turn_waits_with_its_voice_and_its_end_is_told_only_when_it_was_played():
    async def main():
        finished = []
        track = a_track(depth_ms=100)
        track.on_finished = finished.append
        Sender(track)
        track.play(1, flat(10))
        await asyncio.sleep(0.05)
        track.hold()
        waiting = asyncio.create_task(track.room())
        await asyncio.sleep(5)
        assert not waiting.done()
        track.resume()
        await waiting
        track.end(1)
        assert not finished
        await asyncio.sleep(1)
        assert finished == [1]

    run(main())
