"""The height of the caller's voice, one value each hop of 10 ms.

Autocorrelation, less the window's own (Boersma 1993), of 40 ms at half the rate. Knows samples
only; what is voiced and what is a slip of an octave is judged by whoever reads it.
"""

from dataclasses import dataclass
from math import log2

import numpy as np

from agent.audio.frame import HEAR_HZ, Samples
from agent.endpoint.levels import HOP

LOW_HZ, HIGH_HZ = 65, 400

_RATE = HEAR_HZ // 2
_WINDOW = 320  # samples at _RATE: 2.6 periods of the lowest voice
_STEP = HOP // 2  # of a window, at _RATE
_HEARD = 2 * _WINDOW + 2  # samples that a window and the halving of their rate take
_TAPER = np.hanning(_WINDOW + 2)[1:-1].astype(np.float32)
_FIRST, _LAST = _RATE // HIGH_HZ, _RATE // LOW_HZ  # lags
_AFTER = np.zeros(_LAST + 1, np.float32)  # a window that has passed
_NOBODY = 1e-6  # power of a window: some -85 dB
_OCTAVE_COST = 0.02  # of clarity for each octave down: the period, not two of them


def _autocorrelation(windowed: Samples) -> Samples:
    """Return [_LAST + 2] of the autocorrelation of [_WINDOW]: by sums, quicker than by FFT."""
    return np.correlate(np.concatenate([windowed, _AFTER]), windowed)


_OWN = _autocorrelation(_TAPER)
_SCALE = 1 / (_OWN / _OWN[0] + 1e-3)
_COST = (_OCTAVE_COST * np.log2(np.arange(_FIRST, _LAST) / _FIRST)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Tone:
    """`clarity` is 1 for a pure period and falls to 0 in noise; `semitones` are above 1 Hz."""

    semitones: float
    clarity: float


class Pitch:
    """Feed it every hop, in order."""

    def __init__(self) -> None:
        self._heard: Samples = np.zeros(_HEARD - HOP, np.float32)

    def feed(self, hops: Samples) -> list[Tone]:
        """Take the next hops [n, HOP]; return the pitch of the 40 ms that end with each."""
        x = np.concatenate([self._heard, hops.ravel()])
        self._heard = x[hops.size :]
        half = (x[:-2:2] + 2 * x[1:-1:2] + x[2::2]) / 4  # at _RATE
        return [_tone(half[at : at + _WINDOW]) for at in range(0, len(hops) * _STEP, _STEP)]


def _tone(window: Samples) -> Tone:
    """Of [_WINDOW]."""
    along = _autocorrelation((window - window.mean()) * _TAPER)
    if along[0] < _NOBODY:
        return Tone(0.0, 0.0)
    likeness = along * (_SCALE / along[0])
    best = int(np.argmax(likeness[_FIRST:_LAST] - _COST)) + _FIRST
    before, here, after = likeness[best - 1 : best + 2].tolist()
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    lag = best + min(0.5, max(-0.5, shift))
    return Tone(12 * log2(_RATE / lag), min(1.0, max(0.0, here)))
