"""What a caller's recording holds of a reply: by the sample count, and by a recogniser.

Knows the voice's own sound of the text, and finds in it the last sample of a recording; hence
the words. The recogniser knows neither that sound nor when its words begin: only their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from pocketsphinx import Decoder, get_model_path

from agent.audio.frame import HEAR_HZ, SPEAK_HZ, Samples
from agent.brains.operator.lexicon import pronunciations
from agent.engines import Style, Voice
from agent.phrases import Phrases
from benchmarks.heard import SPEECH_PEAK

_SLACK = HEAR_HZ // 20
_TAIL = 3 * HEAR_HZ  # samples that are looked for; more would have to hold no late packet


@dataclass(frozen=True, slots=True)
class Script:
    """A reply as its voice speaks it: samples [n] at HEAR_HZ, and where its words sound."""

    samples: Samples
    words: tuple[tuple[str, int, int], ...]  # text, first sample, last audible sample

    def said_by(self, sample: int) -> int:
        """How many words sound at least half before `sample`."""
        return sum((first + last) / 2 <= sample for _, first, last in self.words)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a reply a recording ends."""

    end_ms: float  # of the last audible sample, from the reply's first
    words: int
    likeness: float  # correlation of recording and script there, 1 is the same


def script(voice: Voice, text: str, style: Style) -> Script:
    """Have a text spoken as a call has it: phrase by phrase, one behind the other."""
    phrases = Phrases()
    pieces: list[Samples] = []
    begun: list[tuple[str, int]] = []  # sample at SPEAK_HZ
    made = 0
    for phrase in [*phrases.feed(text), *phrases.finish()]:
        at = made
        for speech in voice.speak(phrase, style):
            begun += [(word.text, at + word.start) for word in speech.words]
            pieces.append(speech.samples)
            made += len(speech.samples)
    samples = soxr.resample(np.concatenate(pieces), SPEAK_HZ, HEAR_HZ).astype(np.float32)
    firsts = [start * HEAR_HZ // SPEAK_HZ for _, start in begun]
    words = []
    for (word, _), first, after in zip(begun, firsts, [*firsts[1:], len(samples)], strict=True):
        last = _last_audible(samples[first:after])
        words.append((word, first, first + (0 if last is None else last)))
    return Script(samples, tuple(words))


def place(script: Script, recording: Samples) -> Place | None:
    """Find where a recording, [n] at HEAR_HZ, of the reply's beginning ends; None: silence."""
    last = _last_audible(recording)
    if last is None:
        return None
    tail = recording[max(0, last + 1 - _TAIL) : last + 1]
    # no more of it was heard than the recording is long: "one" is no "twenty-one"
    lag, likeness = _find(tail, script.samples[: last + 1 + _SLACK])
    end = lag + len(tail) - 1
    return Place(end * 1000 / HEAR_HZ, script.said_by(end), likeness)


def _last_audible(samples: Samples) -> int | None:
    loud = np.flatnonzero(np.abs(samples) >= SPEECH_PEAK)
    return int(loud[-1]) if len(loud) else None


def _find(part: Samples, whole: Samples) -> tuple[int, float]:
    """Where `part` is in `whole`, and how like it is; its beginning may lie before it."""
    padded = np.concatenate((np.zeros(len(part), np.float32), whole))
    size = 1 << (len(padded) + len(part) - 1).bit_length()
    products = np.fft.irfft(np.fft.rfft(padded, size) * np.conj(np.fft.rfft(part, size)), size)[
        : len(padded) - len(part) + 1
    ]
    power = np.concatenate(([0.0], np.cumsum(padded.astype(np.float64) ** 2)))
    energy = power[len(part) :] - power[: len(padded) - len(part) + 1]
    own = float((part.astype(np.float64) ** 2).sum())
    likeness = products / np.sqrt(np.maximum(energy, own / 100) * own)
    best = int(likeness.argmax())
    return best - len(part), float(likeness[best])


class Counter:
    """A recogniser of words that come in a known order and may stop after any of them."""

    def __init__(self, words: Sequence[str]) -> None:
        """`words` as they are written; "Twenty-one," is two to the recogniser."""
        self._parts = [word.strip(".,").lower().split("-") for word in words]
        spoken = [part for parts in self._parts for part in parts]
        self._decoder = Decoder(
            hmm=get_model_path("en-us/en-us"),
            dict=None,
            lm=None,
            loglevel="FATAL",
            fwdflat=False,
            bestpath=False,
            beam=1e-80,
            pbeam=1e-80,
            wbeam=1e-60,
        )
        for word, phones in pronunciations(frozenset(spoken)):
            self._decoder.add_word(word, phones, False)
        end = len(spoken) + 1
        arcs = [(at, at + 1, 1.0, word) for at, word in enumerate(spoken)]
        stops = [(at, end, 1.0) for at in range(end)]
        self._decoder.add_fsg(
            "count", self._decoder.create_fsg("count", 0, end, [*arcs, *stops])
        )
        self._decoder.activate_search("count")

    def count(self, recording: Samples) -> int:
        """How many of the words are in a recording, [n] at HEAR_HZ; half of one is one."""
        last = _last_audible(recording)
        if last is None:
            return 0
        loud = np.flatnonzero(np.abs(recording) >= SPEECH_PEAK)
        heard = recording[max(0, int(loud[0]) - HEAR_HZ // 5) : last + HEAR_HZ // 5]
        heard = np.concatenate((heard, np.zeros(HEAR_HZ // 5, np.float32)))
        room = np.random.default_rng(0).normal(0, 30 / 32768, len(heard))
        pcm = (np.clip(heard + room, -1, 1) * 32767).astype(np.int16)
        self._decoder.start_utt()
        self._decoder.process_raw(pcm.tobytes(), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        left = len(found.hypstr.split()) if found is not None else 0
        words = 0
        for parts in self._parts:
            if left < (len(parts) + 1) // 2:
                break
            words, left = words + 1, left - len(parts)
        return words
