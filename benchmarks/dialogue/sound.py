"""What the caller of a scenario makes heard, as samples, and where the speaking in it lies."""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.audio.frame import SPEAK_HZ, Samples
from agent.errors import ConfigError
from benchmarks import speech
from benchmarks.dialogue.scenario import Scenario, Sound
from benchmarks.dialogue.voice import Said, Saying, say

_NOISE_RMS = 0.1
_SEED = 1  # the same noise each time
# "tell me [300 ms] what", "well [250 ms breath] I think"
_PAUSE = re.compile(r"\[(\d{1,5} ms(?: breath)?)\]")
_BREATH_DB = -26.0  # of noise: -46 dBFS, soft and near
_FADE = SPEAK_HZ // 100
_SILENCE = 0.003  # espeak-ng's sounds are cut where they begin and end


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line: [n] samples at SPEAK_HZ, and its first and last sample of speech.

    In a line without speech (a noise) they are the first and the last of the sound.
    """

    samples: Samples
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Soundtrack:
    """All that a scenario's caller makes heard."""

    lines: tuple[Spoken, ...]
    background: Samples | None


def missing(scenario: Scenario) -> tuple[str, ...]:
    """Return the recordings that the scenario plays and that are not there."""
    names = dict.fromkeys(sound.play for sound in scenario.sounds if sound.play)
    return tuple(name for name in names if not _path(name).is_file())


def render(scenario: Scenario) -> Soundtrack:
    """Make it; the same each time. Raises ConfigError for a sound that cannot be made."""
    sayings = [
        Saying(_unpaused(sound.say)[0], sound.voice, sound.speed)
        for sound in scenario.sounds
        if sound.say
    ]
    said = deque(say(sayings))
    background = None
    if scenario.background is not None:
        background = _make(scenario.background, said)
    return Soundtrack(
        tuple(_line(line.sounds, said) for line in scenario.caller),
        background,
    )


def _line(sounds: Sequence[Sound], said: deque[Said]) -> Spoken:
    """Put sounds one behind the other; `said` holds those that are said, in order."""
    pieces: list[Samples] = []
    firsts: list[int] = []
    lasts: list[int] = []
    length = 0
    for sound in sounds:
        samples = _make(sound, said)
        if sound.say or sound.play:
            last = speech.last_speech_sample(samples)
            backwards = speech.last_speech_sample(samples[::-1])
            if last is not None and backwards is not None:
                firsts.append(length + len(samples) - 1 - backwards)
                lasts.append(length + last)
        pieces.append(samples)
        length += len(samples)
    whole = np.concatenate(pieces)
    loud = np.flatnonzero(whole)
    if not firsts and len(loud):
        firsts, lasts = [int(loud[0])], [int(loud[-1])]
    return Spoken(whole, *(firsts[:1] or [0]), *(lasts[-1:] or [max(0, len(whole) - 1)]))


def _make(sound: Sound, said: deque[Said]) -> Samples:
    """Make one sound, [n] at SPEAK_HZ."""
    if sound.say:
        samples = _paused(sound.say, said.popleft())
    elif sound.play:
        samples = _play(sound)
    else:
        samples = _noise(sound)
    louder: Samples = samples * np.float32(10 ** (sound.gain_db / 20))
    return louder


def _noise(sound: Sound) -> Samples:
    length = (sound.noise_ms or sound.silence_ms or 0) * SPEAK_HZ // 1000
    if sound.noise_ms is None:
        return np.zeros(length, np.float32)
    dice = np.random.default_rng(_SEED)
    return (_NOISE_RMS * dice.standard_normal(length)).astype(np.float32)


def _play(sound: Sound) -> Samples:
    path = _path(sound.play)
    end = None if sound.to_s is None else int(sound.to_s * SPEAK_HZ)
    samples = speech.load(path).samples[int(sound.from_s * SPEAK_HZ) : end]
    if not len(samples):
        raise ConfigError(f"{path}: is shorter than from_s ({sound.from_s:g})")
    return samples


def _paused(text: str, said: Said) -> Samples:
    """Cut what was said as a whole where a pause is written.

    A caller who looks for a word holds the tone; a voice that is given half a sentence falls.
    """
    whole = said.samples
    loud = np.flatnonzero(np.abs(whole) > _SILENCE)
    if not len(loud):
        raise ConfigError(f"say: there is nothing to be heard in {text!r}")
    at, end = int(loud[0]), int(loud[-1]) + 1
    pieces: list[Samples] = []
    for word, pause in _unpaused(text)[1]:
        cut = min(max(said.words[word], at), end) if word < len(said.words) else end
        before, after = loud[(at <= loud) & (loud < cut)], loud[loud >= cut]
        until = int(before[-1]) + 1 if len(before) else at  # a comma has a pause of its own
        pieces += [_faded(whole[at:until]), _make(pause, deque())]
        at = int(after[0]) if len(after) else end
    return np.concatenate([*pieces, whole[at:end]])


def _unpaused(text: str) -> tuple[str, list[tuple[int, Sound]]]:
    """Split "tell me [300 ms] what": the text, and before which word is what kind of pause."""
    spoken, *rest = _PAUSE.split(text)  # text, pause, text, pause, text
    pauses = []
    for pause, further in zip(rest[::2], rest[1::2], strict=True):
        length, _, *breath = pause.split()
        silence = Sound(silence_ms=int(length))
        inhaled = Sound(noise_ms=int(length), gain_db=_BREATH_DB)
        pauses.append((len(spoken.split()), inhaled if breath else silence))
        spoken = f"{spoken} {further}"
    return " ".join(spoken.split()), pauses


def _faded(samples: Samples) -> Samples:
    """Let the end of [n] fall to zero: what is cut must not click."""
    length = min(_FADE, len(samples))
    fade = np.ones(len(samples), np.float32)
    fade[len(samples) - length :] = np.linspace(1, 0, length, dtype=np.float32)
    return samples * fade


def _path(name: str) -> Path:
    return speech.FOLDER / f"{name}.flac"
