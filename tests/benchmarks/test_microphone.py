"""The scripted caller's microphone, in virtual time."""

import asyncio

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from agent import virtual_time
from agent.audio.frame import RTP_FRAME, SPEAK_FRAME
from agent.config import Send
from agent.media.opus import Decoder
from benchmarks.microphone import Microphone, Utterance

SEND = Send()


def frames(count, value=0.2):
    t = np.arange(count * SPEAK_FRAME)
    return (value * np.sin(t * 0.1)).astype(np.float32)


async def packets(microphone, count):
    loop = asyncio.get_running_loop()
    return [(await microphone.recv(), loop.time()) for _ in range(count)]


def virtual(test):
    def run():
        virtual_time.run(test())

    run.__name__ = test.__name__
    return run


@virtual
async def test_a_packet_each_20_ms_whatever_is_said():
    microphone = Microphone(SEND)
    sent = await packets(microphone, 5)
    microphone.say(frames(3))
    sent += await packets(microphone, 5)
    assert [packet.pts for packet, _ in sent] == [i * RTP_FRAME for i in range(10)]
    times = np.array([at_s for _, at_s in sent])
    assert times - times[0] == pytest.approx(np.arange(10) * 0.02, abs=1e-6)
    assert microphone.worst_late_ms < 0.001


@virtual
async def test_it_knows_when_each_sample_was_handed_over():
    microphone = Microphone(SEND)
    await packets(microphone, 1)
    utterance = microphone.say(frames(3))
    sent = await packets(microphone, 3)
    for sample, frame in ((0, 0), (SPEAK_FRAME - 1, 0), (SPEAK_FRAME, 1), (3 * 480 - 1, 2)):
        assert utterance.handed_s(sample) == sent[frame][1]
    assert utterance.began_s == sent[0][1]


@virtual
async def test_what_was_not_said_yet_has_no_time():
    microphone = Microphone(SEND)
    utterance = microphone.say(frames(3))
    with pytest.raises(IndexError):
        _ = utterance.began_s
    await packets(microphone, 1)
    with pytest.raises(IndexError):
        utterance.handed_s(SPEAK_FRAME)
    assert not utterance.said


@virtual
async def test_it_says_what_it_is_given_one_after_the_other_then_silence():
    microphone = Microphone(SEND)
    first, second = microphone.say(frames(2)), microphone.say(frames(2))
    sent = await packets(microphone, 8)
    assert first.said and second.said
    assert second.began_s == sent[2][1]
    decoder = Decoder()
    peaks = [np.abs(decoder.decode(bytes(packet))).max() for packet, _ in sent]
    assert min(peaks[1:4]) > 0.1 and max(peaks[6:]) < 0.01


@virtual
async def test_it_tells_when_an_utterance_is_over():
    microphone = Microphone(SEND)
    utterance = microphone.say(frames(2))
    waiting = asyncio.create_task(utterance.over())
    await packets(microphone, 1)
    assert not waiting.done()
    await packets(microphone, 1)
    await waiting


@virtual
async def test_a_stopped_microphone_keeps_nobody_waiting():
    microphone = Microphone(SEND)
    utterance = microphone.say(frames(2))
    microphone.stop()
    await utterance.over()
    late = microphone.say(frames(1))
    await late.over()
    assert not utterance.said and not late.said
    with pytest.raises(MediaStreamError):
        await microphone.recv()


@virtual
async def test_after_a_stall_it_catches_up_and_owns_up_to_it():
    microphone = Microphone(SEND)
    await packets(microphone, 1)
    await asyncio.sleep(0.1)  # nobody asked for packets
    began_s = asyncio.get_running_loop().time()
    sent = await packets(microphone, 6)
    assert [packet.pts // RTP_FRAME for packet, _ in sent] == [1, 2, 3, 4, 5, 6]
    assert sent[3][1] == began_s  # at once
    assert sent[5][1] == pytest.approx(began_s + 0.02)
    assert microphone.worst_late_ms == pytest.approx(80)


@virtual
async def test_what_waits_is_bounded():
    microphone = Microphone(SEND)
    for _ in range(16):
        microphone.say(frames(1))
    with pytest.raises(BufferError):
        microphone.say(frames(1))


def test_the_last_frame_is_filled_up_with_silence():
    utterance = Utterance(np.ones(SPEAK_FRAME + 1, np.float32))
    assert utterance.frames.shape == (2, SPEAK_FRAME)
    assert utterance.frames.sum() == SPEAK_FRAME + 1


@virtual
async def test_a_background_lies_under_speech_and_silence_over_and_over():
    microphone = Microphone(SEND)
    microphone.surround(frames(2, 0.05))
    microphone.say(frames(1, 0.3))
    decoder = Decoder()
    loud = [np.abs(decoder.decode(bytes(p))).max() for p, _ in await packets(microphone, 8)]
    assert max(loud[0:2]) > 0.25  # the codec looks ahead: some of it comes a packet later
    assert all(0.02 < peak < 0.1 for peak in loud[3:])


@virtual
async def test_what_else_it_picks_up_is_added_to_what_is_said():
    around = iter([0.3, -0.2, 0.9, 0.0, 0.0, 0.0])
    microphone = Microphone(SEND, lambda: np.full(SPEAK_FRAME, next(around), np.float32))
    handed = []
    microphone._encode = lambda frame: handed.append(frame) or b"x"
    microphone.say(np.full(3 * SPEAK_FRAME, 0.5, np.float32))
    await packets(microphone, 4)
    assert [float(frame[0]) for frame in handed] == pytest.approx([0.8, 0.3, 1.0, 0.0])
