"""Kokoro-82M as a Voice.

A phrase is read (words to phonemes), cut into takes, made by the batcher's thread and trimmed;
word times come from the model's own durations.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import Future

import numpy as np

from agent.accelerator.device import DTYPES, accelerator
from agent.audio.frame import Samples
from agent.config import Kokoro, Torch
from agent.engines import Speech, Style, Word
from agent.voices.kokoro import buckets
from agent.voices.kokoro.batcher import Batcher
from agent.voices.kokoro.checkpoint import load
from agent.voices.kokoro.edges import cut, smooth
from agent.voices.kokoro.g2p import Reader, reader
from agent.voices.kokoro.languages import chosen, spoken_by
from agent.voices.kokoro.loudness import Loudness
from agent.voices.kokoro.model import Stages
from agent.voices.kokoro.script import Take, takes
from agent.voices.kokoro.synthesis import Job, Made, Synthesis
from agent.voices.pause import pause_samples


class KokoroVoice:
    """A Voice. Thread-safe; phrases of several calls are made in one batch."""

    def __init__(self, config: Kokoro, torch: Torch) -> None:
        """Load and warm up; takes seconds. Raises ConfigError or EngineError."""
        checkpoint = load(config.model)
        device = accelerator(torch)
        self._voices, self._vocabulary = checkpoint.voices, checkpoint.vocabulary
        self._readers: dict[str, Reader] = {}
        self._reading = threading.Lock()
        self._reader(spoken_by(self._voices.names[0], "en-US"))
        self._loudness = Loudness()
        synthesis = Synthesis(
            Stages(checkpoint.model, DTYPES[config.precision]),
            buckets.for_gpu(device.free_bytes()) if device.is_cuda else buckets.CPU,
            device,
            torch,
            config.calls,
        )
        # A CPU gains nothing from a batch, and who comes during one would wait for all of it.
        self._batcher = Batcher(synthesis.run, config.calls if device.is_cuda else 1)

    def voices(self) -> tuple[str, ...]:
        """The packs of the checkpoint, the default first."""
        return self._voices.names

    def speak(self, phrase: str, style: Style) -> Iterator[Speech]:
        """Yield the phrase's audio, then the pause its last mark asks for.

        Raises EngineError for a voice that is not there, a language that Kokoro does not speak
        or cannot read here, and when the model fails.
        """
        voice, code = chosen(style.voice, style.language, self._voices.names)
        words = phrase.split()
        parts = takes(self._reader(code).read(words), self._vocabulary)
        jobs = [Job(t.ids, self._voices.style(voice, t.phonemes), style.speed) for t in parts]
        told = sounded = 0  # words and samples given out
        future: Future[Made] | None = self._batcher.submit(jobs[0]) if jobs else None
        try:
            for number, take in enumerate(parts, 1):
                assert future is not None
                made = future.result()
                # The next is made while this one is heard; not sooner, others wait too.
                future = self._batcher.submit(jobs[number]) if jobs[number:] else None
                samples, places = self._finish(take, made, voice, style.speed)
                starts = dict(zip(take.words, places, strict=True))
                upto = max(take.words, default=told - 1) + 1
                if future is None:
                    upto = len(words)
                spread = _spread(starts, range(told, upto), len(samples))
                yield Speech(
                    samples,
                    tuple(Word(words[i], sounded + start) for i, start in spread),
                )
                told, sounded = upto, sounded + len(samples)
            if told < len(words):  # nothing of it can be said
                yield Speech(np.zeros(0, np.float32), tuple(Word(word, 0) for word in words))
        finally:
            if future is not None:
                future.cancel()  # if it has not begun

    def _finish(
        self, take: Take, made: Made, voice: str, speed: float
    ) -> tuple[Samples, tuple[int, ...]]:
        """The take as it is heard, and where its words begin."""
        part = cut(made.samples, take, made.frames)
        sound = made.samples[part.start : part.stop]
        sound = smooth(sound) * np.float32(self._loudness.gain(voice, sound))
        pause = np.zeros(pause_samples(take.mark, speed), np.float32)
        return np.concatenate((sound, pause)), part.words

    def _reader(self, code: str) -> Reader:
        """Built when first wanted: each takes a second and its own espeak-ng. Only who wants
        one that is not there waits for it."""
        if code not in self._readers:
            with self._reading:
                if code not in self._readers:  # nobody has built it meanwhile
                    self._readers[code] = reader(code)
        return self._readers[code]


def _spread(starts: dict[int, int], words: range, end: int) -> list[tuple[int, int]]:
    """Every word with its start; one without begins with the next that has one."""
    found: list[tuple[int, int]] = []
    for i in reversed(words):
        end = starts.get(i, end) if i else 0  # the first begins with the phrase
        found.append((i, end))
    return found[::-1]
