"""What a scripted caller says: sound files, and where the speaking in them ends.

Knows files and levels; knows no call.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import soundfile
import soxr

from agent.audio.frame import SPEAK_HZ, Samples
from agent.errors import ConfigError

FOLDER = Path(
    os.environ.get("VOXLINE_RECORDINGS", Path(__file__).parents[2] / "shared" / "recordings")
)
# Of the recordings kept beside the project, those that end where a turn ends.
COMPLETE_TURNS = (
    "lj-sentence-a",
    "lj-sentence-b",
    "austen-0870",
    "austen-0890",
    "goforward",
    "sb-spk1_snt4",
    "sb-spk1_snt5",
    "sb-spk1_snt6",
    "jfk",
)
_SUFFIXES = (".flac", ".wav")
_MAX_S = 600.0

_LEVEL = SPEAK_HZ // 100  # samples in one level: 10 ms
_SMOOTH = 3  # levels in a mean: a click of 10 ms is not speech
_RUMBLE = SPEAK_HZ // 250  # samples in a mean: what is slower is breath on the microphone
_LOUD_PERCENT, _FLOOR_PERCENT = 95, 10
_BELOW_LOUD_DB, _ABOVE_FLOOR_DB = 25.0, 6.0
_SILENT_DB = -70.0  # of full scale


@dataclass(frozen=True, slots=True)
class Speech:
    """One recording: `samples` [n] at SPEAK_HZ, of which `last` is the last that is speech."""

    name: str
    samples: Samples
    last: int


def load(path: Path) -> Speech:
    """Read a sound file of any rate and channel count. Raises ConfigError, naming it."""
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; name a sound file in it")
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file")
    try:
        with soundfile.SoundFile(path) as file:
            if len(file) > _MAX_S * file.samplerate:
                raise ConfigError(f"{path}: longer than {_MAX_S:g} s")
            read, rate = file.read(dtype="float32", always_2d=True), file.samplerate
    except soundfile.SoundFileError as error:
        raise ConfigError(f"{path}: no sound file ({error}); WAV and FLAC are read") from error
    if not np.isfinite(read).all():
        raise ConfigError(f"{path}: some of its samples are no numbers (NaN or infinite)")
    mono = read.mean(axis=1)  # [n]
    samples = soxr.resample(mono, rate, SPEAK_HZ) if rate != SPEAK_HZ else mono
    last = last_speech_sample(samples)
    if last is None:
        raise ConfigError(f"{path}: there is nothing but silence in it")
    return Speech(path.stem, samples.astype(np.float32), last)


def last_speech_sample(samples: Samples) -> int | None:
    """Return the index of the last sample of speech in [n] at SPEAK_HZ; None in silence.

    The end of the last 10 ms whose level (above 200 Hz, mean of it and its neighbours) is
    within 25 dB of the recording's loud ones (95th percentile), and 6 dB above its floor
    (10th; does not count where speech is as loud, in a recording without a pause). On the
    complete turns this is within 20 ms of the end seen in a spectrogram. A fixed 40 dB takes
    breath and room for speech and is up to 690 ms late; below 200 Hz a microphone's rumble
    makes it up to 60 ms late.
    """
    if len(samples) < _SMOOTH * _LEVEL:
        return None
    voice = _without_rumble(_without_rumble(samples))
    power = (voice[: len(voice) // _LEVEL * _LEVEL].reshape(-1, _LEVEL) ** 2).mean(axis=1)
    smooth = np.convolve(power, np.full(_SMOOTH, 1 / _SMOOTH), mode="same")
    level_db = 10 * np.log10(smooth + 1e-12)
    loud_db, floor_db = np.percentile(level_db, [_LOUD_PERCENT, _FLOOR_PERCENT])
    if loud_db < _SILENT_DB:
        return None
    least_db = loud_db - _BELOW_LOUD_DB
    if floor_db + _ABOVE_FLOOR_DB < loud_db:
        least_db = max(least_db, floor_db + _ABOVE_FLOOR_DB)
    return int(np.flatnonzero(level_db >= least_db)[-1] + 1) * _LEVEL - 1


def _without_rumble(samples: Samples) -> Samples:
    """Return [n] less what is below 200 Hz or so; a moving mean, for it does not ring."""
    return samples - np.convolve(samples, np.full(_RUMBLE, 1 / _RUMBLE, np.float32), "same")


def choose(folder: Path | None, only: str) -> list[Path]:
    """Return the recordings to say, in order. Raises ConfigError when there are none.

    `folder` None takes the complete turns from the project's own; else every .flac and .wav in
    it. `only` is a list of patterns such as "lj-*,goforward"; empty takes all.
    """
    paths = complete_turns() if folder is None else _sound_files(folder)
    if not paths:
        raise ConfigError(
            "there are no recordings to say; name a folder of .wav or .flac files, one spoken "
            "turn each, with --recordings DIR (the nine of benchmarks/RESULTS.md, which do not "
            f"come with Voxline, are not in {FOLDER}; VOXLINE_RECORDINGS names another)"
        )
    chosen = matching([path.stem for path in paths], only)
    return [path for path in paths if path.stem in chosen]


def matching(names: Sequence[str], only: str) -> list[str]:
    """Return those that match one of the patterns; all where there is none.

    Raises ConfigError for a pattern that matches nothing.
    """
    patterns = [pattern.strip() for pattern in only.split(",") if pattern.strip()]
    if not patterns:
        return list(names)
    for each in patterns:
        if not any(fnmatchcase(name, each) for name in names):
            raise ConfigError(f"--only {each}: matches none of {', '.join(names)}")
    return [name for name in names if any(fnmatchcase(name, each) for each in patterns)]


def complete_turns() -> list[Path]:
    """Return those of the project's own that are there."""
    paths = (FOLDER / f"{name}.flac" for name in COMPLETE_TURNS)
    return [path for path in paths if path.is_file()]


def _sound_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigError(f"--recordings {folder}: there is no such folder")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not found:
        raise ConfigError(f"--recordings {folder}: no .wav and no .flac file in it")
    return found
