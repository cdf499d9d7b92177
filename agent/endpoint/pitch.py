"""The height of the caller's voice, one value each hop of 10 ms.

Autocorrelation, less the window's own (Boersma 1993), of 40 ms at half the rate. Knows samples
only; what is voiced and what is a slip of an octave is judged by whoever reads it.
"""

from dataclasses import dataclass

import numpy as np

from agent.audio.frame import HEAR_HZ, Samples

LOW_HZ, HIGH_HZ = 65, 400

_RATE = HEAR_HZ // 2
_WINDOW = 320  # samples at _RATE: 2.6 periods of the lowest voice
_FFT = 512  # no less than _WINDOW + _LAST, or lags would wrap around
_TAPER = np.hanning(_WINDOW + 2)[1:-1]
_FIRST, _LAST = _RATE // HIGH_HZ, _RATE // LOW_HZ  # lags
_OCTAVE_COST = 0.02  # of clarity for each octave down: the period, not two of them


def _autocorrelation(windowed: Samples) -> Samples:
    """Return [_LAST + 2] of the autocorrelation of [_WINDOW]."""
    spectrum = np.fft.rfft(windowed, _FFT)
    whole = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)
    return np.asarray(whole[: _LAST + 2], np.float32)


_OWN = _autocorrelation(_TAPER.astype(np.float32))
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
        self._heard: Samples = np.zeros(2 * _WINDOW + 2, np.float32)

    def feed(self, hop: Samples) -> Tone:
        """Return the pitch of the 40 ms that end with this hop [160]."""
        self._heard = np.concatenate([self._heard[len(hop) :], hop])
        x = self._heard
        half = (x[:-2:2] + 2 * x[1:-1:2] + x[2::2]) / 4  # [_WINDOW] at _RATE
        along = _autocorrelation((half - half.mean()) * _TAPER)
        if along[0] < 1e-6:  # some -85 dB: nobody's voice
            return Tone(0.0, 0.0)
        likeness = along / along[0] * _SCALE
        best = int(np.argmax(likeness[_FIRST:_LAST] - _COST)) + _FIRST
        before, here, after = (float(v) for v in likeness[best - 1 : best + 2])
        bend = before - 2 * here + after
        shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
        lag = best + min(0.5, max(-0.5, shift))
        return Tone(float(12 * np.log2(_RATE / lag)), min(1.0, max(0.0, here)))
