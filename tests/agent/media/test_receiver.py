"""The receiver in virtual time: packets in, audio out; nothing it is given brings it down."""

import asyncio
import logging

import numpy as np
import pytest
import uvloop

from agent import virtual_time
from agent.audio.frame import HEAR_FRAME, HEAR_HZ, RTP_FRAME, SPEAK_FRAME, SPEAK_HZ
from agent.config import Receive, Send
from agent.media.jitter import RtpAudio
from agent.media.opus import Encoder, has_redundancy
from agent.media.receiver import Receiver, Stats

FRAMES = 100


def speech() -> list[bytes]:
    """Two seconds in packets that carry redundancy."""
    t = np.arange(FRAMES * SPEAK_FRAME) / SPEAK_HZ
    buzz = sum(np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 20))
    encoder = Encoder(Send(expected_loss_percent=20))
    pcm = (0.2 * buzz * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))).astype(np.float32)
    return [encoder.encode(frame) for frame in pcm.reshape(-1, SPEAK_FRAME)]


SPEECH = speech()


class Ear:
    """Keeps what is heard and when."""

    def __init__(self, receive=None, on_packet=None):
        self.heard, self.at = [], []
        self.receiver = Receiver(receive or Receive(), self.on_audio, on_packet)

    def on_audio(self, samples):
        assert samples.dtype == np.float32 and samples.ndim == 1
        self.heard.append(samples)
        self.at.append(asyncio.get_running_loop().time())

    def take(self, index, payload=None, ssrc=1):
        self.receiver.take(ssrc, index, index * RTP_FRAME, payload or SPEECH[index])

    async def take_all(self, indices):
        """Packet i arrives at 20·i ms."""
        for i in indices:
            await asyncio.sleep(i * 0.02 - asyncio.get_running_loop().time())
            self.take(i)

    @property
    def samples(self):
        return np.concatenate(self.heard) if self.heard else np.zeros(0, np.float32)


def in_virtual_time(test):
    def run():
        virtual_time.run(test())

    run.__name__ = test.__name__
    return run


@in_virtual_time
async def test_packets_become_audio_at_once():
    ear = Ear()
    await ear.take_all(range(FRAMES))
    assert len(ear.samples) == FRAMES * HEAR_FRAME
    assert ear.at == pytest.approx([0.02 * i for i in range(FRAMES)])
    assert np.abs(ear.samples).max() > 0.2
    assert ear.receiver.stats == Stats(packets=FRAMES)
    ear.receiver.close()


@in_virtual_time
async def test_lost_packets_are_recovered_or_concealed_and_leave_no_hole():
    ear = Ear()
    carriers = [i for i in range(10, FRAMES) if has_redundancy(SPEECH[i])]
    one, last_of_three = carriers[0] - 1, carriers[-1] - 1
    lost = {one, last_of_three - 2, last_of_three - 1, last_of_three}
    await ear.take_all(i for i in range(FRAMES) if i not in lost)
    stats = ear.receiver.stats
    assert len(ear.samples) == FRAMES * HEAR_FRAME
    assert (stats.lost, stats.recovered, stats.concealed_ms) == (4, 2, 40)
    frames = ear.samples.reshape(FRAMES, HEAR_FRAME)
    assert all(np.abs(frames[i]).max() > 0.05 for i in lost)
    ear.receiver.close()


@in_virtual_time
async def test_without_redundancy_a_lost_packet_is_concealed():
    encoder = Encoder(Send(mode="lowdelay"))
    noise = np.random.default_rng(1).normal(0, 0.1, (4, SPEAK_FRAME)).astype(np.float32)
    ear = Ear(Receive(reorder_wait_ms=0))
    for i, payload in enumerate([encoder.encode(frame) for frame in noise]):
        if i != 2:
            ear.take(i, payload)
    assert ear.receiver.stats == Stats(packets=3, lost=1, concealed_ms=20)
    ear.receiver.close()


@in_virtual_time
async def test_a_stall_is_silence_and_then_everything_comes():
    ear = Ear(Receive(stall_ms=200))
    await ear.take_all(range(10))
    await asyncio.sleep(2)
    silent = len(ear.samples) - 10 * HEAR_FRAME
    assert silent == pytest.approx(2 * HEAR_HZ, abs=HEAR_FRAME)
    for i in range(10, 60):
        ear.take(i)
    await asyncio.sleep(0)
    assert len(ear.samples) == silent + 60 * HEAR_FRAME
    assert ear.receiver.stats.stalls == 1 and ear.receiver.stats.lost == 0
    ear.receiver.close()


@in_virtual_time
async def test_a_stalls_silence_comes_in_slices_and_before_what_follows_it():
    ear, turns = Ear(Receive(stall_ms=200)), []
    ear.take(0)
    ear.receiver._hand_on(np.zeros(HEAR_HZ, np.float32))
    before = len(ear.heard)
    asyncio.get_running_loop().call_soon(lambda: turns.append(len(ear.samples)))
    ear.take(1)
    assert len(ear.heard) == before  # it waits behind the silence
    for _ in range(20):
        await asyncio.sleep(0)
    assert max(map(len, ear.heard)) <= 0.12 * HEAR_HZ
    assert len(ear.samples) == HEAR_HZ + 2 * HEAR_FRAME
    assert np.abs(ear.samples[HEAR_FRAME:-HEAR_FRAME]).max() == 0
    assert turns[0] < len(ear.samples)
    ear.receiver.close()


@in_virtual_time
async def test_nothing_of_a_stall_is_heard_after_the_end():
    ear = Ear()
    ear.receiver._hand_on(np.zeros(HEAR_HZ, np.float32))
    ear.receiver.close()
    await asyncio.sleep(0.1)
    assert len(ear.heard) == 1


def test_a_deadline_that_has_come_already_is_no_trouble_to_uvloop():
    """Its call_at gives a handle without `when` for what is due at once."""

    async def main():
        ear = Ear(Receive(reorder_wait_ms=0, stall_ms=40))
        ear.take(0)
        for index in (2, 4, 3):
            ear.receiver._buffer.push(RtpAudio(1, index, index * RTP_FRAME, b"x", RTP_FRAME), 0)
            ear.receiver._arm()
            ear.receiver._arm()
        ear.take(5)
        assert ear.receiver.stats.packets == 2
        ear.receiver.close()

    uvloop.run(main())


@in_virtual_time
async def test_packets_that_waited_for_a_busy_loop_are_no_stall():
    loop = asyncio.get_running_loop()
    ear = Ear(Receive(stall_ms=200))
    ear.take(0)
    loop.now += 0.5  # what a loop does that computes for half a second
    loop.call_later(0.001, lambda: [ear.take(i) for i in range(1, 25)])  # from the socket
    await asyncio.sleep(0.01)
    assert ear.receiver.stats == Stats(packets=25)
    ear.receiver.close()


@in_virtual_time
async def test_a_malformed_payload_is_counted_reported_once_and_filled():
    records = []
    log = logging.getLogger("agent.media.receiver")
    log.addFilter(lambda record: records.append(record) or False)
    ear = Ear(Receive(reorder_wait_ms=0))
    ear.take(0)
    ear.take(1, b"\xff\xff\xff")
    ear.take(2, b"\x03")
    ear.take(3)
    log.filters.clear()
    assert ear.receiver.stats.malformed == 2
    assert len(ear.samples) == 4 * HEAR_FRAME
    assert len(records) == 1
    ear.receiver.close()


@in_virtual_time
async def test_an_exception_of_the_call_goes_no_further():
    records, broken = [], [True]
    log = logging.getLogger("agent.media.receiver")
    log.addFilter(lambda record: records.append(record) or False)

    heard = []

    def on_audio(samples):
        if broken:
            raise RuntimeError("our fault")
        heard.append(samples)

    receiver = Receiver(Receive(), on_audio)
    for i in range(5):
        receiver.take(1, i, i * RTP_FRAME, SPEECH[i])
    broken.clear()
    receiver.take(1, 5, 5 * RTP_FRAME, SPEECH[5])
    log.filters.clear()
    assert receiver.stats.failures == 5 and len(heard) == 1
    assert len(records) == 1 and records[0].exc_info
    receiver.close()


@in_virtual_time
async def test_late_duplicate_and_refused_packets_are_counted():
    ear = Ear(Receive(reorder_wait_ms=0))
    for i in (0, 1, 1, 3, 2):
        ear.take(i)
    for ssrc in range(2, 20):
        ear.take(0, ssrc=ssrc)
    stats = ear.receiver.stats
    assert (stats.duplicates, stats.late, stats.lost, stats.refused) == (1, 1, 1, 11)
    ear.receiver.close()


@in_virtual_time
async def test_the_tap_sees_every_packet_with_its_arrival():
    seen = []
    ear = Ear(on_packet=lambda packet, arrival_s: seen.append((packet, arrival_s)))
    await ear.take_all([0, 1, 3, 2])
    assert [packet.sequence for packet, _ in seen] == [0, 1, 3, 2]
    assert [at for _, at in seen] == pytest.approx([0, 0.02, 0.06, 0.06])
    assert seen[0][0].payload == SPEECH[0] and seen[0][0].duration_ticks == RTP_FRAME
    ear.receiver.close()


@in_virtual_time
async def test_the_last_arrival_is_known_to_the_watchdog():
    ear = Ear()
    assert ear.receiver.last_arrival_s is None
    await ear.take_all([0, 5])
    await asyncio.sleep(1)
    assert ear.receiver.last_arrival_s == pytest.approx(0.1)
    ear.receiver.close()


@in_virtual_time
async def test_nothing_is_heard_after_the_end():
    ear = Ear()
    ear.take(0)
    ear.receiver.close()
    ear.take(1)
    await asyncio.sleep(5)
    assert len(ear.heard) == 1


@in_virtual_time
async def test_a_call_that_hangs_up_on_what_it_hears_hears_no_more():
    heard = []

    def on_audio(samples):
        heard.append(samples)
        receiver.close()

    receiver = Receiver(Receive(), on_audio)
    for i in (0, 2, 1):
        receiver.take(1, i, i * RTP_FRAME, SPEECH[i])
    await asyncio.sleep(5)
    assert len(heard) == 1
