"""What the caller of a scenario makes heard, as samples, and where the speaking in it lies."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from agent.audio.frame import SPEAK_HZ, Samples
from agent.engines import Style
from agent.errors import ConfigError, EngineError
from agent.voices.espeak import EspeakVoice
from benchmarks import speech
from benchmarks.dialogue.scenario import Scenario, Sound

_NOISE_RMS = 0.1
_SEED = 1
_PAUSE = re.compile(r"\[(\d{1,5}) ms\]")
_FADE = SPEAK_HZ // 100
_SILENCE = 0.003  # espeak-ng's phrases are cut where they begin and end


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line: [n] samples at SPEAK_HZ, and its first and last sample of speech.

    In a line without speech (a noise) they are the first and the last of the sound.
    """

    samples: Samples
    first: int
    last: int


def missing(scenario: Scenario) -> tuple[str, ...]:
    """Return the recordings that the scenario plays and that are not there."""
    names = dict.fromkeys(sound.play for sound in scenario.sounds if sound.play)
    return tuple(name for name in names if not _path(name).is_file())


def render(sounds: Sequence[Sound]) -> Spoken:
    """Make the sounds, one behind the other. Raises ConfigError for one that cannot be made."""
    pieces: list[Samples] = []
    firsts: list[int] = []
    lasts: list[int] = []
    length = 0
    for sound in sounds:
        samples = make(sound)
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
    return Spoken(whole, *(firsts[:1] or [0]), *(lasts[-1:] or [len(whole) - 1]))


def make(sound: Sound) -> Samples:
    """Make one sound, [n] at SPEAK_HZ. Raises ConfigError."""
    if sound.say:
        samples = _say(sound.say, Style(sound.voice, speed=sound.speed))
    elif sound.play:
        samples = _play(sound)
    else:
        length = (sound.noise_ms or sound.silence_ms or 0) * SPEAK_HZ // 1000
        dice = np.random.default_rng(_SEED)
        level = 0.0 if sound.noise_ms is None else _NOISE_RMS
        samples = (level * dice.standard_normal(length)).astype(np.float32)
    louder: Samples = samples * np.float32(10 ** (sound.gain_db / 20))
    return louder


def _play(sound: Sound) -> Samples:
    path = _path(sound.play)
    end = None if sound.to_s is None else int(sound.to_s * SPEAK_HZ)
    samples = speech.load(path).samples[int(sound.from_s * SPEAK_HZ) : end]
    if not len(samples):
        raise ConfigError(f"{path}: is shorter than from_s ({sound.from_s:g})")
    return samples


def _say(text: str, style: Style) -> Samples:
    """Speak the whole text, then cut it where a pause is written.

    A caller who looks for a word holds the tone; a voice that is given half a sentence falls.
    """
    spoken, pauses = _pauses(text)
    try:
        stretches = list(_voice().speak(spoken, style))
    except EngineError as error:
        raise ConfigError(f"say: {error}") from error
    whole = np.concatenate([np.zeros(0, np.float32), *(each.samples for each in stretches)])
    starts = [word.start for each in stretches for word in each.words]
    loud = np.flatnonzero(np.abs(whole) > _SILENCE)
    if not len(loud):
        raise ConfigError(f"say: there is nothing to be heard in {text!r}")
    begin, end = int(loud[0]), int(loud[-1]) + 1
    pieces, at = [], begin
    for word, pause_ms in pauses:
        cut = min(max(starts[word], at), end) if word < len(starts) else end
        pieces += [_faded(whole[at:cut]), np.zeros(pause_ms * SPEAK_HZ // 1000, np.float32)]
        at = cut
    return np.concatenate([*pieces, whole[at:end]])


def _pauses(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Split "tell me [300 ms] what": the text, and before which word is how long a pause."""
    spoken, *rest = _PAUSE.split(text)  # text, ms, text, ms, text
    pauses = []
    for pause_ms, further in zip(rest[::2], rest[1::2], strict=True):
        pauses.append((len(spoken.split()), int(pause_ms)))
        spoken = f"{spoken} {further}"
    return spoken, pauses


def _faded(samples: Samples) -> Samples:
    """Let the end of [n] fall to zero: what is cut must not click."""
    length = min(_FADE, len(samples))
    fade = np.ones(len(samples), np.float32)
    fade[len(samples) - length :] = np.linspace(1, 0, length, dtype=np.float32)
    return samples * fade


@cache
def _voice() -> EspeakVoice:
    return EspeakVoice()


def _path(name: str) -> Path:
    return speech.FOLDER / f"{name}.flac"
