"""espeak-ng as a Voice: a robot's voice, at once, in a hundred languages, on any machine."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import soxr

from agent.audio.frame import SPEAK_HZ, Samples
from agent.engines import Speech, Style, Word
from agent.errors import EngineError
from agent.language import narrowed
from agent.voices.espeak_library import ESPEAK_HZ, espeak_library
from agent.voices.pause import pause_samples
from agent.voices.speakable import speakables

_WORDS_A_MINUTE = 175  # espeak's own pace
_RATE_RANGE = (80, 450)  # what espeakRATE takes
_GAIN = 10 ** (-3 / 20)  # espeak's voices peak at -0.1 to -5 dB of full scale, this at -3 to -8
_SILENCE = 60 / 32768  # espeak begins with up to 13 ms below this (-55 dB)
_ATTACK = ESPEAK_HZ * 2 // 1000  # samples kept before the first sound


class EspeakVoice:
    """A Voice. Thread-safe; phrases of several calls are made one after the other."""

    def __init__(self) -> None:
        """Raises EngineError when espeak-ng cannot be loaded."""
        self._library = espeak_library()

    def voices(self) -> tuple[str, ...]:
        """Languages, and American English with each variant. Any "language+variant" will do."""
        others = sorted(set(self._library.languages) - {"en-us"})
        return ("en-us", *others, *(f"en-us+{name}" for name in self._library.variants))

    def speak(self, phrase: str, style: Style) -> Iterator[Speech]:
        """Yield the phrase's audio as espeak makes it, then the pause its last mark asks for.

        Raises EngineError for a voice or a language that espeak does not have.
        """
        script = _Script(phrase)
        voice = self._find(style)
        low, high = _RATE_RANGE
        pace = min(high, max(low, round(_WORDS_A_MINUTE * style.speed)))
        onset = _Onset()
        resampler = soxr.ResampleStream(ESPEAK_HZ, SPEAK_HZ, 1, dtype="float32")
        made = 0
        for stretch in self._library.say(script.text, voice, pace):
            for position, sample in stretch.words:
                script.mark(position, sample)
            sound = onset.trim(stretch.samples.astype(np.float32) * np.float32(_GAIN / 32768))
            samples = resampler.resample_chunk(sound)
            made += len(samples)
            if len(samples):
                yield Speech(samples, script.take_words(onset.trimmed))
        samples = resampler.resample_chunk(np.empty(0, np.float32), last=True)
        made += len(samples)
        pause = np.zeros(pause_samples(script.text, style.speed) if made else 0, np.float32)
        words = script.take_rest(onset.trimmed, made)
        if len(samples) or len(pause) or words:
            yield Speech(np.concatenate((samples, pause)), words)

    def _find(self, style: Style) -> str:
        """The library's name for a style's voice."""
        language, plus, variant = (style.voice or style.language).partition("+")
        tag = narrowed(language, self._library.languages)
        variants = {name.lower(): name for name in self._library.variants}
        if not tag or (plus and variant.lower() not in variants):
            raise EngineError(
                f"espeak-ng has no voice {style.voice or style.language!r}; it has en-us, "
                "en-gb, de, es, fr and many more, and variants such as en-us+f3"
            )
        return self._library.languages[tag] + (f"+{variants[variant.lower()]}" if plus else "")


class _Script:
    """The phrase as espeak gets it, and when its words begin.

    espeak marks a word by the place of its text, "in the" as one, "1984" several times and an
    emoji never: the first mark inside a word counts, and a word without any lies between its
    neighbours, by its letters.
    """

    def __init__(self, phrase: str) -> None:
        self._words = phrase.split()
        said = speakables(self._words)
        self.text = " ".join(filter(None, said))
        ends = np.cumsum([len(word) + 1 if word else 0 for word in said], dtype=int)
        self._offsets = [0, *ends.tolist()]  # of each word in the text, and of the text's end
        self._marks = [
            (0, 0)
        ]  # word, sample at ESPEAK_HZ; the first word begins with the sound
        self._taken = 0  # words already given out

    def mark(self, position: int, sample: int) -> None:
        """espeak says: what stands at `position` of the text begins at `sample`."""
        word, start = self._marks[-1]
        for later in range(word + 1, len(self._words)):
            if self._offsets[later] <= position < self._offsets[later + 1]:
                self._marks.append((later, max(start, sample)))

    def take_words(self, trimmed: int) -> tuple[Word, ...]:
        """The words placed since last time, when so many samples were trimmed in front."""
        placed = [
            sample
            for mark, after in pairwise(self._marks)
            for sample in self._between(mark, after)
        ]
        placed.append(self._marks[-1][1])
        return self._give(placed, trimmed)

    def take_rest(self, trimmed: int, made: int) -> tuple[Word, ...]:
        """All other words, when the sound turned out to have `made` samples at SPEAK_HZ."""
        if not self._words:
            return ()
        sound_end = (len(self._words), trimmed + made * ESPEAK_HZ // SPEAK_HZ)
        self._marks.append(sound_end)
        return self.take_words(trimmed)

    def _between(self, mark: tuple[int, int], after: tuple[int, int]) -> Iterator[int]:
        """Where the words from one mark to the next begin."""
        (word, start), (next_word, next_start) = mark, after
        first, last = self._offsets[word], self._offsets[next_word]
        for index in range(word, next_word):
            share = (self._offsets[index] - first) / max(1, last - first)
            yield start + round((next_start - start) * share)

    def _give(self, placed: list[int], trimmed: int) -> tuple[Word, ...]:
        fresh = range(self._taken, min(len(placed), len(self._words)))
        self._taken = max(self._taken, fresh.stop)
        return tuple(
            Word(self._words[i], max(0, placed[i] - trimmed) * SPEAK_HZ // ESPEAK_HZ)
            for i in fresh
        )


class _Onset:
    """Takes away the silence that espeak begins with."""

    def __init__(self) -> None:
        self.trimmed = 0  # samples
        self._begun = False

    def trim(self, samples: Samples) -> Samples:
        if self._begun or not len(samples):
            return samples
        loud = np.flatnonzero(np.abs(samples) > _SILENCE)
        silent = max(0, int(loud[0]) - _ATTACK) if len(loud) else len(samples)
        self._begun = len(loud) > 0
        self.trimmed += silent
        return samples[silent:]
