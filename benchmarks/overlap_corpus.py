"""What a caller says over the agent: interruptions, and what is none.

Interruptions are the beginnings of phrases in the recordings beside the project, cut at their
first sound. What is none: short words of synthetic voices, short turns of a real meeting,
coughs, clicks, laughter and noise. Knows files and levels; knows no call.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from agent.audio.frame import HEAR_HZ, SPEAK_HZ, Samples
from agent.endpoint.levels import HOP, HOP_MS, Levels
from agent.engines import Style
from agent.voices.espeak import EspeakVoice
from benchmarks import speech

RECORDINGS = (
    *("lj-sentence-a", "lj-sentence-b", "austen-0870", "austen-0880", "austen-0890"),
    *("goforward", "sb-spk1_snt4", "sb-spk1_snt5", "sb-spk1_snt6", "jfk"),
    *("LJ001-0001", "LJ001-0003"),
)
VOICES = ("en-us", "en-us+f3", "en-gb", "en-us+m7", "en-gb+f2")
SIGNS = ("mm", "hmm", "uh-huh", "yeah", "okay", "right", "yes")
COMMANDS = ("stop", "wait", "no")
# Of the meeting, turns of less than half a second beside nobody else: file, s, s.
MEETING = (
    ("ami-trn01", 2.977, 0.391),
    ("ami-trn01", 22.269, 0.457),
    ("ami-dev00", 18.064, 0.3),
)

_SPOKEN_S = 1.5  # of an interruption
_PAUSE_MS = 150  # before a phrase
_SURE_MS = 200  # of its beginning are mostly sound
_PEAK = 0.3


class Kind(StrEnum):
    INTERRUPTION = "interruption"
    COMMAND = "short command"
    SIGN = "mm-hm, yeah, okay"
    MEETING = "the same, of a meeting"
    SOUND = "cough, click, laughter, noise"


@dataclass(frozen=True, slots=True)
class Overlap:
    """`samples` are [n] at SPEAK_HZ and begin with the first sound."""

    kind: Kind
    name: str
    samples: Samples


def overlaps() -> Iterator[Overlap]:
    """Yield all of them; recordings that are not there are left out."""
    yield from interruptions()
    voice = EspeakVoice()
    for kind, words in ((Kind.COMMAND, COMMANDS), (Kind.SIGN, SIGNS)):
        for name in VOICES:
            for word in words:
                spoken = [each.samples for each in voice.speak(word, Style(name))]
                yield Overlap(kind, f"{word} ({name})", trimmed(np.concatenate(spoken)))
    for file, begin_s, length_s in MEETING:
        path = speech.FOLDER / f"{file}.flac"
        if path.is_file():
            read, rate = soundfile.read(path, dtype="float32")
            cut = read[int(begin_s * rate) :][: int(length_s * rate)]
            wide = soxr.resample(faded(cut), rate, SPEAK_HZ).astype(np.float32)
            yield Overlap(Kind.MEETING, f"{file} at {begin_s:.1f} s", loud(wide))
    yield from sounds()


def interruptions() -> Iterator[Overlap]:
    """Yield the beginning of each phrase of the recordings."""
    for name in RECORDINGS:
        path = speech.FOLDER / f"{name}.flac"
        if not path.is_file():
            continue
        read, rate = soundfile.read(path, dtype="float32")
        assert rate == HEAR_HZ
        wide = soxr.resample(read, HEAR_HZ, SPEAK_HZ).astype(np.float32)
        for begin_ms in phrases_ms(read):
            cut = wide[begin_ms * SPEAK_HZ // 1000 :][: int(_SPOKEN_S * SPEAK_HZ)]
            yield Overlap(Kind.INTERRUPTION, f"{name} at {begin_ms / 1000:.1f} s", cut)


def phrases_ms(samples: Samples) -> list[int]:
    """Where phrases begin in [n] at HEAR_HZ: the first 10 ms that are loud after a pause.

    Loud is within 25 dB of the recording's loud levels and 6 dB above its floor.
    """
    level_db = np.array(Levels().feed(samples[: len(samples) // HOP * HOP].reshape(-1, HOP)))
    loud_db, floor_db = np.percentile(level_db, [95, 10])
    loud = level_db >= max(loud_db - 25, floor_db + 6)
    begins, silent_ms = [], _PAUSE_MS
    for n, is_loud in enumerate(loud):
        if is_loud:
            if silent_ms >= _PAUSE_MS and loud[n : n + _SURE_MS // HOP_MS].mean() > 0.8:
                begins.append(n * HOP_MS)
            silent_ms = 0
        else:
            silent_ms += HOP_MS
    return begins


def sounds() -> Iterator[Overlap]:
    """Yield what is no speech."""
    random = np.random.default_rng(1)
    for n in range(4):
        yield Overlap(Kind.SOUND, f"cough {n}", loud(cough(random)))
        yield Overlap(Kind.SOUND, f"laughter {n}", loud(laughter(random)))
        yield Overlap(Kind.SOUND, f"click {n}", click(random))
    for name in ("noise1", "noise3"):
        path = speech.FOLDER / f"{name}.flac"
        if path.is_file():
            read, rate = soundfile.read(path, dtype="float32")
            for begin_s in (0.5, 3.5, 6.0):
                cut = read[int(begin_s * rate) :][: int(_SPOKEN_S * rate)]
                wide = soxr.resample(faded(cut), rate, SPEAK_HZ).astype(np.float32)
                yield Overlap(Kind.SOUND, f"{name} at {begin_s:g} s", wide)


def cough(random: np.random.Generator) -> Samples:
    """Two bursts of breath with a throat's resonances, [n] at SPEAK_HZ."""
    parts = []
    for length_s, level in ((0.12, 1.0), (0.10, 0.0), (0.16, 0.7)):
        n = int(length_s * SPEAK_HZ)
        fall = np.exp(-np.arange(n) / (0.05 * SPEAK_HZ))
        parts.append(level * fall * _shaped(random.standard_normal(n), (500, 1400, 2600)))
    return np.concatenate(parts).astype(np.float32)


def laughter(random: np.random.Generator) -> Samples:
    """Five bursts a second or so, each a breathy vowel that falls, [n] at SPEAK_HZ."""
    parts: list[NDArray[np.float64]] = []
    pitch_hz = random.uniform(150, 300)
    for n in range(4):
        count = int(0.11 * SPEAK_HZ)
        phase = np.cumsum(pitch_hz * (1 - 0.06 * n) * (1 - np.arange(count) / count / 5))
        breath = 0.8 * random.standard_normal(count)
        buzz = np.sign(np.sin(2 * np.pi * phase / SPEAK_HZ)) + breath
        swell = np.sin(np.pi * np.arange(count) / count) ** 0.5
        parts += [swell * _shaped(buzz, (750, 1250, 2500)), np.zeros(int(0.09 * SPEAK_HZ))]
    return np.concatenate(parts).astype(np.float32)


def click(random: np.random.Generator) -> Samples:
    """A knock of 5 ms, [n] at SPEAK_HZ."""
    n = SPEAK_HZ // 100
    knock = random.standard_normal(n) * np.exp(-np.arange(n) / (0.002 * SPEAK_HZ))
    return loud(knock.astype(np.float32))


def trimmed(samples: Samples) -> Samples:
    """Return [n] from its first sound to its last."""
    where = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    return samples[where[0] : where[-1] + 1]


def _shaped(sound: NDArray[np.float64], formants_hz: tuple[int, ...]) -> NDArray[np.float64]:
    hz = np.fft.rfftfreq(len(sound), 1 / SPEAK_HZ)
    response = np.sum([1 / (1 + ((hz - f) / 150) ** 2) for f in formants_hz], axis=0)
    shaped: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(sound) * response, len(sound))
    return shaped


def faded(samples: Samples) -> Samples:
    """Cut edges do not click."""
    n = HEAR_HZ // 100
    faded: Samples = samples.copy()
    faded[:n] *= np.linspace(0, 1, n, dtype=np.float32)
    faded[-n:] *= np.linspace(1, 0, n, dtype=np.float32)
    return faded


def loud(samples: Samples) -> Samples:
    scaled: Samples = (samples * (_PEAK / np.abs(samples).max())).astype(np.float32)
    return scaled
