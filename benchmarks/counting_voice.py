"""A voice whose every word can be found again: the same samples for a word, unlike any other's.

Each word is a quarter of a second of harmonics over a gliding pitch, drawn by the word itself,
never silent in between. For `agent.voice: benchmarks.counting_voice:CountingVoice`.
"""

from collections.abc import Iterator
from zlib import crc32

import numpy as np

from agent.audio.frame import SPEAK_HZ, Samples
from agent.engines import Speech, Style, Word

WORD_SAMPLES = SPEAK_HZ // 4
_PITCH_HZ = (90.0, 240.0)
_HARMONICS = 12
_SWELL_SAMPLES = SPEAK_HZ // 100
_LEAST, _PEAK = 0.3, 0.5  # of its loudness between two words; its loudest sample


class CountingVoice:
    """A Voice without a model."""

    def voices(self) -> tuple[str, ...]:
        return ("counting",)

    def speak(self, phrase: str, style: Style) -> Iterator[Speech]:
        """Yield a Speech a word, whatever the style."""
        for n, word in enumerate(phrase.split()):
            yield Speech(sound_of(word), (Word(word, n * WORD_SAMPLES),))


def sound_of(word: str) -> Samples:
    """Return [WORD_SAMPLES] at SPEAK_HZ."""
    dice = np.random.default_rng(crc32(word.encode()))
    begins_hz, ends_hz = dice.uniform(*_PITCH_HZ, 2)
    pitch_hz = np.linspace(begins_hz, ends_hz, WORD_SAMPLES)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SPEAK_HZ
    numbers = np.arange(1, _HARMONICS + 1)[:, None]
    strengths = dice.uniform(0.2, 1.0, (_HARMONICS, 1)) / np.sqrt(numbers)
    shifts = dice.uniform(0, 2 * np.pi, (_HARMONICS, 1))
    sound = np.sum(strengths * np.sin(numbers * phase + shifts), axis=0)
    swell = np.linspace(_LEAST, 1, _SWELL_SAMPLES)
    sound[:_SWELL_SAMPLES] *= swell
    sound[-_SWELL_SAMPLES:] *= swell[::-1]
    scaled: Samples = (_PEAK * sound / np.abs(sound).max()).astype(np.float32)
    return scaled
