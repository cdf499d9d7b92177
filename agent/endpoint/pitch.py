"""The height of the caller's voice, one value each hop of 10 ms.

Autocorrelation, less the window's own (Boersma 1993), of 40 ms at half the rate. Knows samples
only; what is voiced and what is a slip of an octave is judged by whoever reads it.
"""

from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from agent.audio.frame import HEAR_HZ, Samples
from agent.endpoint.levels import HOP

LOW_HZ, HIGH_HZ = 65, 400

_RATE = HEAR_HZ // 2
_WINDOW = 320  # samples at _RATE: 2.6 periods of the lowest voice
_STEP = HOP // 2  # of a window, at _RATE
_HEARD = 2 * _WINDOW + 2  # samples that a window and the halving of their rate take
_FFT = 512  # no less than _WINDOW + _LAST, or lags would wrap around
_TAPER = np.hanning(_WINDOW + 2)[1:-1]
_FIRST, _LAST = _RATE // HIGH_HZ, _RATE // LOW_HZ  # lags
_NOBODY = 1e-6  # power of a window: some -85 dB
_BEFORE_TO_AFTER = np.array([-1, 0, 1])
_OCTAVE_COST = 0.02  # of clarity for each octave down: the period, not two of them


def _autocorrelations(windowed: Samples) -> Samples:
    """Return [n, _LAST + 2] of the autocorrelations of [n, _WINDOW]."""
    spectrum = np.fft.rfft(windowed, _FFT)
    whole = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)
    return np.asarray(whole[:, : _LAST + 2], np.float32)


_OWN = _autocorrelations(_TAPER[None])[0]
_SCALE = 1 / (_OWN / _OWN[0] + 1e-3)
_COST = (_OCTAVE_COST * np.log2(np.arange(_FIRST, _LAST) / _FIRST)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Tone:
    """`clarity` is 1 for a pure period and falls to 0 in noise; `semitones` are above 1 Hz."""

    semitones: float
    clarity: float


_SILENCE = Tone(0.0, 0.0)


class Pitch:
    """Feed it every hop, in order."""

    def __init__(self) -> None:
        self._heard: Samples = np.zeros(_HEARD - HOP, np.float32)

    def feed(self, hops: Samples) -> list[Tone]:
        """Take the next hops [n, HOP]; return the pitch of the 40 ms that end with each."""
        if not len(hops):
            return []
        x = np.concatenate([self._heard, hops.ravel()])
        self._heard = x[hops.size :]
        half = (x[:-2:2] + 2 * x[1:-1:2] + x[2::2]) / 4  # at _RATE
        windows = sliding_window_view(half, _WINDOW)[::_STEP]  # [n, _WINDOW]
        along = _autocorrelations((windows - windows.mean(axis=1, keepdims=True)) * _TAPER)
        likeness = along / np.maximum(along[:, :1], _NOBODY) * _SCALE
        best = np.argmax(likeness[:, _FIRST:_LAST] - _COST, axis=1) + _FIRST
        around = likeness[np.arange(len(best))[:, None], best[:, None] + _BEFORE_TO_AFTER]
        return [
            _tone(lag, *near) if power >= _NOBODY else _SILENCE
            for power, lag, near in zip(
                along[:, 0].tolist(), best.tolist(), around.tolist(), strict=True
            )
        ]


def _tone(lag: int, before: float, here: float, after: float) -> Tone:
    """Of a peak at `lag`, from the likeness there and next to it."""
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    period = lag + min(0.5, max(-0.5, shift))
    return Tone(12 * log2(_RATE / period), min(1.0, max(0.0, here)))
