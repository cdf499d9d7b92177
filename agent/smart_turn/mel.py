"""What Smart Turn hears: log-mel spectra of the last 8 s, as it was trained on.

The values of transformers' WhisperFeatureExtractor(chunk_length=8) with do_normalize (a test
holds them together), without that and PyTorch in the worker's process. Knows values only.
"""

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from agent.audio.frame import HEAR_HZ, Samples

HEARD_S = 8  # all it looks at
BINS, FRAMES = 80, 800

_HEARD = HEARD_S * HEAR_HZ
_WINDOW = 400  # samples of a spectrum
_HOP = _HEARD // FRAMES
_LINEAR_HZ = 1000.0  # Slaney's scale is linear up to there: a mel is 200/3 Hz
_MEL_HZ = 200 / 3
_GROWTH = 6.4 ** (1 / 27)  # and from there so many times the frequency a mel
_QUIETEST = 1e-10
_RANGE = 8.0  # decades below the loudest
_LEAST_VARIANCE = 1e-7


def log_mel(samples: Samples) -> Samples:
    """Return [BINS, FRAMES] of the end of [n] at HEAR_HZ; before shorter sound is silence."""
    latest = samples[-_HEARD:]
    sound = np.pad(latest.astype(np.float32), (_HEARD - len(latest), 0))
    sound = (sound - sound.mean()) / np.sqrt(sound.var() + np.float32(_LEAST_VARIANCE))
    padded = np.pad(sound, _WINDOW // 2, mode="reflect")
    windows = sliding_window_view(padded, _WINDOW)[:_HEARD:_HOP]
    spectra = np.fft.rfft(windows * _hann(), axis=1)
    power = spectra.real**2 + spectra.imag**2
    logs = np.log10(np.maximum(power @ _filters(), _QUIETEST))
    logs = np.maximum(logs, logs.max() - _RANGE)
    mel: Samples = (logs.T + 4) / 4
    return mel


@cache
def _hann() -> Samples:
    """A period of Hann's window, [_WINDOW]."""
    return np.hanning(_WINDOW + 1)[:-1].astype(np.float32)


@cache
def _filters() -> Samples:
    """Slaney's triangles, of the same area each, [_WINDOW // 2 + 1, BINS]."""
    highest = _LINEAR_HZ / _MEL_HZ + np.log(HEAR_HZ / 2 / _LINEAR_HZ) / np.log(_GROWTH)
    mels = np.linspace(0, highest, BINS + 2)
    beyond = np.maximum(0, mels - _LINEAR_HZ / _MEL_HZ)
    corners = np.minimum(mels * _MEL_HZ, _LINEAR_HZ) * _GROWTH**beyond
    low, middle, high = corners[:-2], corners[1:-1], corners[2:]
    hz = np.linspace(0, HEAR_HZ / 2, _WINDOW // 2 + 1)[:, None]
    rising, falling = (hz - low) / (middle - low), (high - hz) / (high - middle)
    triangles = np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
    filters: Samples = triangles.astype(np.float32)
    return filters
