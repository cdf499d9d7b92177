"""Every phrase about as loud as the last, and every voice as the others.

Measured as broadcasters do (ITU-R BS.1770: K-weighting, then what is 10 dB under the rest does
not count), over Kokoro's 25 ms instead of 400, because a phrase may be one word.
"""

import threading

import numpy as np
from numpy.typing import NDArray

from agent.audio.frame import SPEAK_HZ, Samples

TARGET_DB = -21.0  # LUFS: where the espeak voice is, so that a caller keeps the volume
_LIVELY_DB = 1.5  # a phrase may be so much louder or softer than the voice's mean
_MOST_DB = 12.0  # of gain either way: what is further off is no speech
_PEAK = 0.89  # -1 dB
_SILENT_DB = -70.0
_GATE_DB = 10.0
_BLOCK = SPEAK_HZ * 25 // 1000
_MEMORY_BLOCKS = 30 * SPEAK_HZ // _BLOCK  # the mean of a voice is that of about 30 s


def level_db(samples: Samples) -> float | None:
    """Loudness of the speech in it, in LUFS; None where there is none."""
    power = _powers(samples)
    if not len(power):
        return None
    loud = power[power > 10 ** (_SILENT_DB / 10)]
    if not len(loud):
        return None
    spoken = loud[loud > loud.mean() / 10 ** (_GATE_DB / 10)]
    return float(10 * np.log10(spoken.mean()))


class Loudness:
    """A gain for each phrase. Remembers each voice's mean level; thread-safe."""

    def __init__(self) -> None:
        self._means: dict[str, tuple[float, float]] = {}  # dB, blocks it is the mean of
        self._lock = threading.Lock()

    def gain(self, voice: str, samples: Samples) -> float:
        """What to multiply a phrase's samples with."""
        level = level_db(samples)
        if level is None:
            return 1.0
        mean = self._learn(voice, level, len(samples) / _BLOCK)
        lively = float(np.clip(level - mean, -_LIVELY_DB, _LIVELY_DB))
        gain_db = float(np.clip(TARGET_DB + lively - level, -_MOST_DB, _MOST_DB))
        return float(min(10 ** (gain_db / 20), _PEAK / np.abs(samples).max()))

    def _learn(self, voice: str, level: float, blocks: float) -> float:
        with self._lock:
            mean, weight = self._means.get(voice, (level, 0.0))
            mean += (level - mean) * blocks / (weight + blocks)
            self._means[voice] = (mean, min(weight + blocks, _MEMORY_BLOCKS))
        return mean


def _powers(samples: Samples) -> NDArray[np.float64]:
    """K-weighted power of each block."""
    count = len(samples) // _BLOCK
    if not count:
        return np.zeros(0)
    blocks = samples[: count * _BLOCK].reshape(count, _BLOCK)
    spectrum = np.abs(np.fft.rfft(blocks, axis=1)) ** 2
    spectrum[:, 1:-1] *= 2
    return np.asarray((spectrum * _WEIGHTS).sum(1) / _BLOCK**2 * 10**-0.0691, np.float64)


def _weighting() -> NDArray[np.float64]:
    """The power response of BS.1770's two filters, given there for 48 kHz, at our bins."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(_BLOCK, 1 / SPEAK_HZ) / 48_000)
    shelf = np.polyval([1.19839281085285, -2.69169618940638, 1.53512485958697], z)
    shelf /= np.polyval([0.73248077421585, -1.69065929318241, 1.0], z)
    high_pass = np.polyval([1.0, -2.0, 1.0], z)
    high_pass /= np.polyval([0.99007225036621, -1.99004745483398, 1.0], z)
    return np.asarray(np.abs(shelf * high_pass) ** 2, np.float64)


_WEIGHTS = _weighting()
