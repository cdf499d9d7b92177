import gc
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.audio.frame import HEAR_FRAME, HEAR_HZ, SPEAK_FRAME, SPEAK_HZ
from agent.config import Send
from agent.errors import ConfigError
from agent.media import opus
from agent.media.opus import BadPayload, Decoder, Encoder


def voice(seconds: float = 1.0) -> np.ndarray:
    """Something like a vowel, so that the encoder chooses its speech mode; [n] at SPEAK_HZ."""
    t = np.arange(int(seconds * SPEAK_HZ)) / SPEAK_HZ
    pitch = np.cumsum(120 + 20 * np.sin(2 * np.pi * 3 * t)) / SPEAK_HZ
    tone = sum(np.sin(2 * np.pi * k * pitch) / k for k in range(1, 20))
    return (0.2 * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))).astype(np.float32)


def packets(send: Send, samples: np.ndarray) -> list[bytes]:
    encoder = Encoder(send)
    return [encoder.encode(frame) for frame in samples.reshape(-1, SPEAK_FRAME)]


def other_packets(layout: str, frame_ms: float) -> list[bytes]:
    """What another sender may send: 48 kHz, mono or stereo, of any duration."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format = 48_000, layout, "s16"
    codec.time_base = Fraction(1, 48_000)
    codec.options = {"frame_duration": f"{frame_ms:g}"}
    codec.open()
    count = int(48 * frame_ms)
    channels = len(codec.layout.channels)
    pcm = (8000 * np.sin(2 * np.pi * 440 / 48_000 * np.arange(count * 8))).astype(np.int16)
    payloads = []
    for index, part in enumerate(pcm.reshape(-1, count)):
        interleaved = np.repeat(part, channels).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, format="s16", layout=layout)
        frame.sample_rate, frame.pts = 48_000, index * count
        payloads += [bytes(packet) for packet in codec.encode(frame)]
    return payloads


def delay_and_likeness(sent: np.ndarray, heard: np.ndarray) -> tuple[int, float]:
    """Best delay in samples at HEAR_HZ and the correlation there."""
    sent = np.interp(np.arange(len(heard)) * SPEAK_HZ / HEAR_HZ, np.arange(len(sent)), sent)
    best = (0, 0.0)
    for delay in range(300):
        a, b = sent[: len(sent) - delay], heard[delay:]
        likeness = float(np.corrcoef(a, b)[0, 1])
        best = max(best, (delay, likeness), key=lambda pair: pair[1])
    return best


@pytest.mark.parametrize("mode", ["voip", "lowdelay"])
def test_what_is_said_is_heard_later_by_the_encoders_lookahead(mode):
    encoder = Encoder(Send(mode=mode))
    decoder = Decoder()
    said = voice()
    heard = np.concatenate([decoder.decode(p) for p in packets(Send(mode=mode), said)])
    assert heard.dtype == np.float32 and len(heard) == len(said) * HEAR_HZ // SPEAK_HZ
    delay, likeness = delay_and_likeness(said, heard)
    assert likeness > 0.75  # a speech codec keeps the sound, not the waveform
    # The decoder's own resampler is within the look-ahead's rounding.
    assert abs(delay - encoder.lookahead_samples * HEAR_HZ / SPEAK_HZ) <= 16


def test_low_delay_looks_ahead_less():
    lookahead = {m: Encoder(Send(mode=m)).lookahead_samples for m in ("voip", "lowdelay")}
    assert lookahead == {"voip": 156, "lowdelay": 60}  # 6.5 and 2.5 ms at 24 kHz


def test_the_bit_rate_is_kept():
    for kbps in (16, 32, 64):
        sent = packets(Send(bitrate_kbps=kbps), voice(2))
        assert sum(map(len, sent)) * 8 / 2 == pytest.approx(kbps * 1000, rel=0.25)


@pytest.mark.parametrize(
    "frame", [np.zeros(480), np.zeros(960, np.float32), np.zeros((1, 480), np.float32)]
)
def test_anything_but_a_frame_is_refused(frame):
    with pytest.raises(ValueError, match="expected 480 float32"):
        Encoder(Send()).encode(frame)


def test_a_strided_frame_is_as_good_as_any():
    pairs = np.stack([voice(0.02), np.zeros(SPEAK_FRAME, np.float32)], axis=1)
    assert Encoder(Send()).encode(pairs[:, 0]) == packets(Send(), voice(0.02))[0]


@pytest.mark.parametrize("layout", ["mono", "stereo"])
@pytest.mark.parametrize("frame_ms", [2.5, 5, 10, 20, 40, 60])
def test_packets_of_any_duration_and_channel_count_become_16_khz_mono(layout, frame_ms):
    decoder = Decoder()
    for payload in other_packets(layout, frame_ms):
        assert opus.packet_ticks(payload) == 48 * frame_ms
        heard = decoder.decode(payload)
        assert heard.shape == (16 * frame_ms,)
    assert 0.15 < np.abs(heard).max() < 0.4  # 8000 / 32768, in stereo too


def test_the_longest_packet_there_is():
    toc_60_ms, frame = 0x18, b"\x00" * 20  # SILK, 60 ms; code 3 with two frames of equal size
    payload = bytes([toc_60_ms | 3, 2]) + frame * 2
    assert opus.packet_ticks(payload) == 5760
    assert len(Decoder().decode(payload)) == HEAR_HZ * 120 // 1000


def test_a_lost_packet_is_recovered_from_the_next_one():
    said = voice()
    sent = packets(Send(expected_loss_percent=20), said)
    lost = 25
    assert opus.has_redundancy(sent[lost + 1])

    whole, recovering, concealing = Decoder(), Decoder(), Decoder()
    for payload in sent[:lost]:
        whole.decode(payload), recovering.decode(payload), concealing.decode(payload)
    truth = whole.decode(sent[lost])
    recovered = recovering.recover(sent[lost + 1], HEAR_FRAME)
    concealed = concealing.conceal(HEAR_FRAME)

    def error(guess):
        return float(np.square(guess - truth).mean())

    assert len(recovered) == HEAR_FRAME
    assert error(recovered) < error(concealed) / 2


def test_recovery_without_redundancy_is_concealment():
    sent = packets(Send(mode="lowdelay"), voice())
    assert not any(map(opus.has_redundancy, sent))
    one, other = Decoder(), Decoder()
    for payload in sent[:10]:
        one.decode(payload), other.decode(payload)
    assert np.array_equal(one.recover(sent[11], HEAR_FRAME), other.conceal(HEAR_FRAME))


def test_no_redundancy_is_sent_where_no_loss_is_expected():
    sent = packets(Send(expected_loss_percent=0), voice())
    assert not any(map(opus.has_redundancy, sent))


@pytest.mark.parametrize(
    ("send", "redundant"),
    [
        (Send(), True),
        (Send(complexity=1), False),
        (Send(bitrate_kbps=24), False),
        (Send(bitrate_kbps=24, expected_loss_percent=10), True),
    ],
)
def test_where_bits_are_few_redundancy_needs_more_expected_loss(send, redundant):
    # config.yaml says so; it is libopus' own choice
    assert any(map(opus.has_redundancy, packets(send, voice()))) == redundant


def test_concealment_goes_on_and_fades():
    decoder = Decoder()
    for payload in packets(Send(), voice()):
        last = decoder.decode(payload)
    first, *_, late = (decoder.conceal(HEAR_FRAME) for _ in range(30))
    assert np.abs(first).max() > 0.3 * np.abs(last).max()
    assert np.abs(late).max() < 0.5 * np.abs(first).max()


@settings(deadline=None)
@given(st.integers(1, 8000))
def test_concealment_of_any_length(samples):
    assert Decoder().conceal(samples).shape == (samples,)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_payload_brings_the_decoder_down(payload):
    decoder = Decoder()
    for attempt in (decoder.decode, lambda p: decoder.recover(p, 320), opus.packet_ticks):
        try:
            attempt(payload)
        except BadPayload as refused:
            assert str(refused)
    opus.has_redundancy(payload)
    good = packets(Send(), voice(0.02))[0]
    assert decoder.decode(good).shape == (HEAR_FRAME,)


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(0, 1000), st.binary(min_size=1, max_size=4))
def test_a_packet_damaged_on_the_way_yields_bounded_samples_or_is_refused(index, at, noise):
    payload = bytearray(DAMAGED[index])
    payload[at % len(payload) :][: len(noise)] = noise
    payload[at % len(payload)] ^= noise[0]
    try:
        heard = Decoder().decode(bytes(payload))
    except BadPayload:
        return
    assert np.abs(heard).max() <= 1 and len(heard) <= HEAR_HZ * 120 // 1000


DAMAGED = packets(Send(), voice(0.5))


def test_an_empty_payload_is_refused_not_concealed():
    for attempt in (Decoder().decode, opus.packet_ticks, lambda p: Decoder().recover(p, 320)):
        with pytest.raises(BadPayload):
            attempt(b"")


def test_codecs_are_freed(monkeypatch):
    freed = []
    lib = opus._libopus()

    class Counting:
        def __getattr__(self, name):
            return freed.append if name.endswith("_destroy") else getattr(lib, name)

    monkeypatch.setattr(opus, "_libopus", Counting)
    Encoder(Send()), Decoder()
    gc.collect()
    assert len(freed) == 2


def test_a_missing_library_is_said_at_the_start(monkeypatch, tmp_path):
    def absent(name):
        raise OSError(name)

    monkeypatch.setattr(av, "__file__", str(tmp_path / "av" / "__init__.py"))
    monkeypatch.setattr(opus.ctypes, "CDLL", absent)
    with pytest.raises(ConfigError, match="libopus0"):
        opus._load()


def test_a_program_that_ends_with_live_codecs_ends_well():
    program = (
        "from agent.config import Send; from agent.media.opus import Encoder, Decoder;"
        "codecs = Encoder(Send()), Decoder()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
