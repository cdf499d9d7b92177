"""Louder and softer, without a click and without hard clipping."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Send
from agent.media.gain import MAX_GAIN, Gain
from agent.media.opus import Decoder, Encoder

FRAME = 480
gains = st.floats(0, MAX_GAIN, width=32)


def tone(peak: float, frames: int = 1) -> np.ndarray:
    angle = 2 * np.pi * np.arange(frames * FRAME) / 160
    return (peak * np.sin(angle)).astype(np.float32)


def settled(factor: float) -> Gain:
    gain = Gain()
    gain.set(factor)
    gain.apply(tone(0.1))
    return gain


def test_at_one_the_very_samples_come_back():
    frame = tone(0.5)
    assert Gain().apply(frame) is frame
    assert settled(1.0).apply(frame) is frame


def test_softer_is_a_plain_factor():
    assert np.allclose(settled(0.5).apply(tone(0.8)), tone(0.4), atol=1e-6)
    assert not settled(0.0).apply(tone(0.8)).any()


def test_quiet_speech_gets_exactly_so_much_louder():
    assert np.allclose(settled(2.0).apply(tone(0.05)), tone(0.1), rtol=1e-3, atol=1e-6)


def test_loud_speech_is_rounded_off_below_full_scale():
    louder = settled(MAX_GAIN).apply(tone(1.0))
    assert 0.99 < np.abs(louder).max() <= 1.0
    assert np.all(np.diff(louder[:41]) >= 0)  # the quarter wave still rises: no flat top


def test_louder_takes_exactly_one_frame():
    gain, ones = settled(0.0), np.full(FRAME, 0.1, np.float32)
    gain.set(1.0)
    changing = gain.apply(ones)
    assert np.all(np.diff(changing) > 0)
    assert changing[0] < 0.001
    assert changing[-1] == np.float32(0.1)
    assert gain.apply(ones) is ones


def test_softer_takes_a_quarter_of_a_frame():
    gain, ones = Gain(), np.full(FRAME, 0.1, np.float32)
    gain.set(0.0)
    changing = gain.apply(ones)
    assert np.all(np.diff(changing[:120]) < 0)
    assert changing[0] > 0.099
    assert not changing[119:].any()
    assert not gain.apply(ones).any()


def test_a_dip_is_heard_in_the_packet_in_which_it_begins():
    """Killed: a fall over the whole frame. The codec is 6.5 ms late, and a caller who spoke
    heard the next packet softer, 20 ms later.
    """

    def heard(dipped: int) -> list[np.ndarray]:
        gain, encoder, decoder = Gain(), Encoder(Send()), Decoder()
        sound = []
        for n, frame in enumerate(tone(0.3, 20).reshape(-1, FRAME)):
            gain.dip(0.25 if n >= dipped else 1.0)
            sound.append(decoder.decode(encoder.encode(gain.apply(frame))))
        return sound

    levels = [np.sqrt(np.mean(sound[15] ** 2)) for sound in (heard(15), heard(20))]
    assert levels[0] < 0.75 * levels[1]


def test_a_dip_comes_on_top_of_the_callers_own_loudness():
    gain = settled(2.0)
    gain.dip(0.25)
    gain.apply(tone(0.1))
    assert np.allclose(gain.apply(tone(0.1)), tone(0.05), atol=1e-6)
    gain.set(1.0)  # "quieter", in the dip
    gain.apply(tone(0.1))
    assert np.allclose(gain.apply(tone(0.1)), tone(0.025), atol=1e-6)
    gain.dip(1.0)
    gain.apply(tone(0.1))
    frame = tone(0.1)
    assert gain.apply(frame) is frame


@pytest.mark.parametrize("factor", [-0.1, 1.1, math.nan])
def test_a_dip_is_no_boost(factor):
    gain = Gain()
    with pytest.raises(ValueError, match="not between 0 and 1"):
        gain.dip(factor)
    frame = tone(0.5)
    assert gain.apply(frame) is frame


@pytest.mark.parametrize("factor", [-0.1, MAX_GAIN + 0.1, math.nan, math.inf])
def test_a_gain_out_of_range_is_refused_and_changes_nothing(factor):
    gain = Gain()
    with pytest.raises(ValueError, match="not between 0 and 4"):
        gain.set(factor)
    assert gain.apply(tone(0.5)) is not None
    assert np.array_equal(gain.apply(tone(0.5)), tone(0.5))


changes = st.one_of(gains.map(lambda g: (g, 1.0)), st.tuples(gains, st.floats(0, 1)))


@given(st.lists(changes, min_size=1, max_size=8), st.floats(0.01, 1.0))
def test_law_no_change_clicks_and_nothing_exceeds_full_scale(factors, peak):
    """Killed: a dip that is applied at once, without a ramp."""
    gain, frames = Gain(), tone(peak, len(factors) + 1).reshape(-1, FRAME)
    out = []
    for frame, (factor, dip) in zip(frames, [*factors, (1.0, 1.0)], strict=True):
        gain.set(factor)
        gain.dip(dip)
        out.append(gain.apply(frame))
    joined = np.concatenate(out)
    assert np.abs(joined).max() <= 1.0 + 1e-6
    steepest = peak * 2 * np.pi / 160 * MAX_GAIN + peak * MAX_GAIN * np.pi / 2 / 120
    assert np.abs(np.diff(joined)).max() <= steepest + 1e-6
