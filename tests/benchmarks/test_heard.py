"""What a caller heard, from packets as they come out of the socket."""

import numpy as np
import pytest

from agent.audio.frame import HEAR_FRAME, HEAR_HZ, RTP_FRAME, SPEAK_FRAME, SPEAK_HZ
from agent.config import Send
from agent.media.jitter import RtpAudio
from agent.media.opus import Encoder
from benchmarks.heard import Heard


def packets(*peaks):
    """A packet of tone for each peak; 0 is silence."""
    encoder = Encoder(Send())
    t = np.arange(SPEAK_FRAME * len(peaks)) / SPEAK_HZ
    tone = np.sin(2 * np.pi * 400 * t).reshape(-1, SPEAK_FRAME)
    for i, peak in enumerate(peaks):
        payload = encoder.encode((peak * tone[i]).astype(np.float32))
        yield RtpAudio(1, i, i * RTP_FRAME, payload, RTP_FRAME)


def heard_of(*peaks, began_s=0.0, first_s=1.0):
    heard = Heard(began_s)
    for i, packet in enumerate(packets(*peaks)):
        heard.take_packet(packet, first_s + i * 0.02)
    return heard


def test_silence_is_no_speech_and_speech_is():
    heard = heard_of(0, 0, 0, 0.3, 0.3, 0, 0, 0)
    assert heard.packets == 8
    assert heard.speech_s[0] == pytest.approx(1.06)
    assert heard.last_speech_s == pytest.approx(1.10, abs=0.021)  # the codec looks ahead 6.5 ms


def test_each_packet_has_its_arrival_and_its_peak():
    heard = heard_of(0, 0, 0.3, 0.3, 0.3, 0.1, 0.1, 0.1)
    arrivals, peaks = zip(*heard.peaks, strict=True)
    assert arrivals == pytest.approx([1.0 + n * 0.02 for n in range(8)])
    assert peaks[4] == pytest.approx(0.3, rel=0.15)
    assert peaks[7] == pytest.approx(0.1, rel=0.2)
    assert peaks[0] < 0.01


def test_a_packet_that_nobody_can_decode_has_no_peak():
    heard = Heard(0.0)
    heard.take_packet(RtpAudio(1, 0, 0, b"", RTP_FRAME), 1.0)
    assert heard.packets == 1 and heard.peaks == ()


def test_a_whisper_above_the_codecs_own_noise_is_speech():
    assert heard_of(0, 0.02, 0.02).speech_s[0] == pytest.approx(1.02)
    assert heard_of(0, 0.002, 0.002, 0.002).speech_s == ()


def test_the_first_speech_from_a_moment_on():
    heard = heard_of(0.3, 0.3, 0.3)
    assert heard.speech_from(0.0) == pytest.approx(1.0)
    assert heard.speech_from(1.001) == pytest.approx(1.02)
    assert heard.speech_from(heard.speech_s[-1]) == heard.speech_s[-1]
    assert heard.speech_from(1.05) is None


def test_a_packet_that_is_no_opus_has_arrived_and_says_nothing():
    heard = Heard(0.0)
    heard.take_packet(RtpAudio(1, 0, 0, b"", RTP_FRAME), 1.0)
    assert (heard.packets, heard.speech_s, heard.last_speech_s) == (1, (), None)


def test_the_sound_begins_when_the_call_was_connected():
    heard = Heard(began_s=5.0)
    (packet,) = packets(0.3)
    heard.take_packet(packet, 5.5)
    heard.take_audio(np.ones(HEAR_FRAME, np.float32))
    sound = heard.sound()
    assert len(sound) == HEAR_HZ // 2 + HEAR_FRAME
    assert not sound[: HEAR_HZ // 2].any() and sound[HEAR_HZ // 2 :].all()


def test_nothing_was_heard():
    heard = Heard(0.0)
    assert len(heard.sound()) == 0 and heard.speech_from(0.0) is None


def test_what_is_kept_is_bounded():
    heard = Heard(0.0, kept_s=0.1)
    for i, packet in enumerate(packets(*[0.3] * 20)):
        heard.take_packet(packet, i * 0.02)
        heard.take_audio(np.ones(HEAR_FRAME, np.float32))
    assert len(heard.sound()) == HEAR_HZ // 10
    assert len(heard.speech_s) == 5
    assert heard.last_speech_s == pytest.approx(0.38)  # of arrivals the latest are kept


def test_each_packet_has_its_level_and_its_time():
    levels = heard_of(0, 0.3, 0.3).levels
    assert [at_s for at_s, _ in levels] == pytest.approx([1.0, 1.02, 1.04])
    assert levels[0][1] < 0.001
    assert levels[2][1] == pytest.approx(0.3 / 2**0.5, rel=0.1)
