"""A voice for tests and benchmarks: each word a tone, at once, the same every time.

Loud from the first sample, so that the first packet on the wire tells when it began.
"""

from collections.abc import Iterator

import numpy as np

from agent.audio.frame import SPEAK_HZ
from agent.engines import Speech, Style, Word
from agent.errors import EngineError

WORD_SAMPLES = SPEAK_HZ * 150 // 1000  # whatever the style's speed
GAP_SAMPLES = SPEAK_HZ * 30 // 1000  # of those, silent, at the end
TONES_HZ = tuple(
    range(300, 1100, 100)
)  # the n-th word's, over and over: whole cycles in a tone
AMPLITUDE = 0.5


class ToneVoice:
    """A Voice that yields one Speech a word. The same words give the same samples."""

    def __init__(self) -> None:
        seconds = np.arange(WORD_SAMPLES - GAP_SAMPLES) / SPEAK_HZ
        gap = np.zeros(GAP_SAMPLES)
        self._words = [
            np.concatenate((AMPLITUDE * np.cos(2 * np.pi * hz * seconds), gap)).astype(
                np.float32
            )
            for hz in TONES_HZ
        ]

    def voices(self) -> tuple[str, ...]:
        return ("tone",)

    def speak(self, phrase: str, style: Style) -> Iterator[Speech]:
        """Yield a tone for each word. Raises EngineError for a voice that is not `tone`."""
        if style.voice not in ("", *self.voices()):
            raise EngineError(f"the tone engine has no voice {style.voice!r}; it has tone")
        for index, word in enumerate(phrase.split()):
            samples = self._words[index % len(self._words)].copy()
            yield Speech(samples, (Word(word, index * WORD_SAMPLES),))
