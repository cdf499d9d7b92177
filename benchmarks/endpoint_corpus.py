"""Pauses to judge: the recordings beside the project, as a server hears them anywhere.

Each recording goes through noise, a room, a telephone, another pace or level, the caller's Opus
encoder, lost packets and the project's own concealment. Knows what ends and what does not.
More speech may lie in a folder of .flac files with a turns.csv: name, speaker, and end, which
is complete, unfinished, or unknown where only the pauses before it count.
"""

import csv
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from agent.audio.frame import FRAME_MS, HEAR_FRAME, HEAR_HZ, SPEAK_FRAME, SPEAK_HZ, Samples
from agent.audio.window import Windows
from agent.config import Send, VadConfig
from agent.endpoint.judge import Judge
from agent.endpoint.levels import HOP
from agent.endpoint.odds import Pause
from agent.endpoint.sound import Sounds
from agent.errors import ConfigError
from agent.media.opus import Decoder, Encoder, has_redundancy
from agent.vad.silero import Silero
from benchmarks import speech

# Who speaks, and what: True where the end of the file is the end of the turn.
SPEAKERS: dict[str, dict[str, bool]] = {
    "lj": {
        "lj-sentence-a": True,
        "lj-sentence-b": True,
        "LJ001-0002": True,
        "LJ001-0005": True,
        "LJ001-0001": False,
        "LJ001-0003": False,
        "LJ001-0004": False,
        "LJ001-0006": False,
    },
    "austen": {"austen-0870": True, "austen-0890": True, "austen-0880": False},
    "goforward": {"goforward": True},
    "sb": {"sb-spk1_snt4": True, "sb-spk1_snt5": True, "sb-spk1_snt6": True},
    "jfk": {"jfk": True},
}
LEAD_MS, TAIL_MS = 1000, 1200

_WATCHED_MS = 900

_TELEPHONE_HZ = 8000
_ROOM_MS = 80  # the quietest stretch makes the room tone: no recording here lacks one as long


@dataclass(frozen=True, slots=True)
class Recording:
    """`last_ms` is where its last speech sample lies; it ends a turn, or does not."""

    name: str
    speaker: str
    samples: Samples  # [n] at HEAR_HZ
    last_ms: float
    complete: bool | None  # None: nobody knows


@dataclass(frozen=True, slots=True)
class Condition:
    """What happens to a recording on its way."""

    name: str = "clean"
    pace: float = 1.0  # pitch goes with it: another speaker, as it were
    gain_db: float = 0.0
    snr_db: float | None = None
    reverberation_s: float = 0.0  # time to fall by 60 dB
    telephone: bool = False
    loss: float = 0.0
    room: bool = True  # its room tone goes on after its end; else digital silence
    gated: bool = False  # nothing passes in pauses, as behind a noise suppressor
    seed: int = 0


CLEAN = Condition(room=False)
CONDITIONS = (
    CLEAN,
    Condition("room"),
    Condition("slow", pace=0.85),
    Condition("fast", pace=1.2),
    Condition("slower", pace=0.92),
    Condition("faster", pace=1.1),
    Condition("soft", gain_db=-18),
    Condition("noise-25", snr_db=25, seed=1),
    Condition("noise-15", snr_db=15, seed=2),
    Condition("reverberant", reverberation_s=0.3, seed=3),
    Condition("hall", reverberation_s=0.6, seed=4),
    Condition("telephone", telephone=True),
    Condition("loss-5", loss=0.05, seed=5),
    Condition("loss-5b", loss=0.05, seed=6, pace=0.95),
    Condition("worse", pace=1.05, telephone=True, snr_db=20, loss=0.05, seed=7),
    Condition("gated", room=False, gated=True),
)
# Of more speech there is more, and a condition of an hour takes minutes.
MORE_CONDITIONS = tuple(
    each for each in CONDITIONS if each.name in ("room", "soft", "noise-25", "gated")
)
_ENDS = {"complete": True, "unfinished": False, "unknown": None}


def recordings() -> Iterator[Recording]:
    """Yield those that are there."""
    for speaker, names in SPEAKERS.items():
        for name, complete in names.items():
            path = speech.FOLDER / f"{name}.flac"
            if path.is_file():
                yield _read(path, speaker, complete)


def more_recordings(folder: Path) -> Iterator[Recording]:
    """Yield those that `folder` lists. Raises ConfigError, naming what is missing."""
    index = folder / "turns.csv"
    if not index.is_file():
        raise ConfigError(f"{index}: there is no such file; it lists name, speaker and end")
    with index.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row.get("end") not in _ENDS:
                raise ConfigError(f"{index}: end of {row.get('name')}: one of {[*_ENDS]}")
            yield _read(folder / f"{row['name']}.flac", row["speaker"], _ENDS[row["end"]])


def _read(path: Path, speaker: str, complete: bool | None) -> Recording:
    spoken = speech.load(path)
    samples = soxr.resample(spoken.samples, SPEAK_HZ, HEAR_HZ).astype(np.float32)
    last_ms = (spoken.last + 1) * 1000 / SPEAK_HZ
    return Recording(path.stem, speaker, samples, last_ms, complete)


def heard(recording: Recording, condition: Condition) -> tuple[Samples, float]:
    """Return what the server hears, [n] at HEAR_HZ in whole packets, and where speech ends in
    it, in ms. There are LEAD_MS before the recording and TAIL_MS after it.
    """
    random = np.random.default_rng(condition.seed)
    sound, last_ms = recording.samples, recording.last_ms
    if condition.gated:
        sound = _gated(sound)
    room = _room_tone(sound, (LEAD_MS + TAIL_MS) * HEAR_HZ // 1000, random)
    if not condition.room:
        room = np.zeros_like(room)
    lead = LEAD_MS * HEAR_HZ // 1000
    sound = np.concatenate([room[:lead], sound, room[lead:]])
    last_ms += LEAD_MS
    if condition.pace != 1:
        sound = soxr.resample(sound, HEAR_HZ * condition.pace, HEAR_HZ)
        last_ms /= condition.pace
    if condition.reverberation_s:
        sound = _reverberant(sound, condition.reverberation_s, random)
    if condition.snr_db is not None:
        sound = sound + _noise(sound, condition.snr_db, random)
    if condition.telephone:
        narrow = soxr.resample(sound, HEAR_HZ, _TELEPHONE_HZ)
        sound = soxr.resample(narrow, _TELEPHONE_HZ, HEAR_HZ)
    sound = np.clip(sound * 10 ** (condition.gain_db / 20), -1, 1).astype(np.float32)
    return _sent(sound, condition.loss, random), last_ms


def _room_tone(sound: Samples, length: int, random: np.random.Generator) -> Samples:
    """Return noise [length] with level and colour of the quietest stretch of `sound`."""
    span = _ROOM_MS * HEAR_HZ // 1000
    starts = np.arange(0, len(sound) - span, span // 4)
    power = [float(np.mean(sound[s : s + span] ** 2)) for s in starts]
    quiet = sound[starts[int(np.argmin(power))] :][:span]
    count = -(-length // span) + 1
    spectrum = np.abs(np.fft.rfft(quiet * np.hanning(span)))
    phases = np.exp(2j * np.pi * random.random((count * 2, len(spectrum))))
    grains = np.fft.irfft(spectrum * phases, span) * np.hanning(span)
    tone = np.zeros((count + 1) * span)
    for n, grain in enumerate(grains):  # half overlapping
        tone[n * span // 2 : n * span // 2 + span] += grain
    tone = tone[span // 2 : span // 2 + length]
    level = np.sqrt(np.mean(quiet**2)) / (np.sqrt(np.mean(tone**2)) + 1e-12)
    scaled: Samples = (tone * level).astype(np.float32)
    return scaled


def _reverberant(sound: Samples, fall_s: float, random: np.random.Generator) -> Samples:
    """A direct sound and a tail of noise that falls by 60 dB in `fall_s`, 6 dB below it."""
    n = int(fall_s * HEAR_HZ)
    tail = random.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    tail[: HEAR_HZ // 200] = 0
    tail *= 0.5 / np.sqrt(np.sum(tail**2))
    response = np.concatenate([[1.0], tail])
    size = 1 << (len(sound) + n).bit_length()
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)
    return wet[: len(sound)].astype(np.float32)


def _gated(sound: Samples) -> Samples:
    """Without what is 30 dB below its loud parts, but for a moment before and after them."""
    hops = sound[: len(sound) // HOP * HOP].reshape(-1, HOP)
    level_db = 10 * np.log10(np.mean(hops**2, axis=1) + 1e-12)
    loud = level_db > np.percentile(level_db, 95) - 30
    near = np.convolve(loud, np.ones(9), "full")[2 : 2 + len(loud)] > 0  # 20 ms, and 60
    open_ = np.repeat(near.astype(np.float32), HOP)
    slope = np.hanning(HOP // 2 + 1)
    gain = np.convolve(open_, slope / slope.sum(), "same")
    return (sound[: len(gain)] * gain).astype(np.float32)


def _noise(sound: Samples, snr_db: float, random: np.random.Generator) -> Samples:
    """Pink-ish noise, so far below the loud parts of the sound."""
    spectrum = np.fft.rfft(random.standard_normal(len(sound)))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), len(sound) * 100 / HEAR_HZ))
    noise = np.fft.irfft(spectrum, len(sound))
    loud = np.percentile(np.abs(sound), 95) / np.sqrt(2)
    noise *= loud * 10 ** (-snr_db / 20) / np.sqrt(np.mean(noise**2))
    return noise.astype(np.float32)


def _sent(sound: Samples, loss: float, random: np.random.Generator) -> Samples:
    """Through the caller's encoder and our decoder; what is lost is recovered or concealed."""
    wide = soxr.resample(sound, HEAR_HZ, SPEAK_HZ).astype(np.float32)
    encoder, decoder = Encoder(Send()), Decoder()
    frames = wide[: len(wide) // SPEAK_FRAME * SPEAK_FRAME].reshape(-1, SPEAK_FRAME)
    packets = [encoder.encode(frame) for frame in frames]
    lost = random.random(len(packets)) < loss
    heard: list[Samples] = []
    for n, packet in enumerate(packets):
        if not lost[n]:
            heard.append(decoder.decode(packet))
        elif n + 1 < len(packets) and not lost[n + 1] and has_redundancy(packets[n + 1]):
            heard.append(decoder.recover(packets[n + 1], HEAR_FRAME))
        else:
            heard.append(decoder.conceal(HEAR_FRAME))
    assert all(len(piece) == FRAME_MS * HEAR_HZ // 1000 for piece in heard)
    return np.concatenate(heard)


@dataclass(frozen=True, slots=True)
class Observed:
    """What the judge knew in each pause of a recording, a packet at a time.

    `pauses` are (media time in ms at which a packet has brought all before it, pause). The
    caller's latency counts from `ended_ms`, when the frame with the last speech was complete.
    What was heard after `own_ms` was not recorded: it is put there by the condition.
    """

    name: str
    speaker: str
    condition: str
    complete: bool | None
    ended_ms: float
    own_ms: float
    pauses: tuple[tuple[int, Pause], ...]


def observe(
    recording: Recording, condition: Condition, before: Sequence[Recording] = ()
) -> Observed:
    """Let a recording be heard in some condition, as the turn after those `before` it."""
    samples, last_ms = heard(recording, condition)
    earlier = [heard(each, condition)[0] for each in before]
    earlier_ms = sum(map(len, earlier)) * 1000 // HEAR_HZ
    samples = np.concatenate([*earlier, samples])
    judge, sounds, windows, vad, config = Judge(), Sounds(), Windows(), Silero(), VadConfig()
    cut, probability, pauses = Windows(HOP), 0.0, []
    for begin in range(0, len(samples), HEAR_FRAME):
        hops = cut.feed(samples[begin : begin + HEAR_FRAME])
        for hop, sound in zip(hops, sounds.feed(hops), strict=True):
            for window in windows.feed(hop):
                probability = vad.probability(window * judge.gain)
            judge.feed(sound, probability, vad.memory, config)
        pause = judge.pause
        if pause is None or judge.now_ms <= earlier_ms:
            continue
        if config.min_silence_ms <= pause.silent_ms <= _WATCHED_MS:
            pauses.append((judge.now_ms - earlier_ms, pause))
    ended_ms = (last_ms // FRAME_MS + 1) * FRAME_MS
    return Observed(
        recording.name,
        recording.speaker,
        condition.name,
        recording.complete,
        ended_ms,
        (LEAD_MS + len(recording.samples) * 1000 / HEAR_HZ) / condition.pace,
        tuple(pauses),
    )


def turns_before(spoken: Sequence[Recording], many: int) -> list[list[Recording]]:
    """Return for each recording `many` others of its speaker, or it again if there are none."""
    theirs: dict[str, list[Recording]] = {}
    for each in spoken:
        theirs.setdefault(each.speaker, []).append(each)
    found = []
    for each in spoken:
        others = [other for other in theirs[each.speaker] if other is not each] or [each]
        found.append([others[n % len(others)] for n in range(many)])
    return found


def observe_all(
    cache: Path | None = None, more: Path | None = None, own: bool = True, after: int = 0
) -> list[Observed]:
    """Observe every recording in every condition; it takes minutes, so cache it.

    `after`: as the turn after so many of its speaker.
    """
    if cache is not None and cache.is_file():
        return list(pickle.loads(cache.read_bytes()))
    mine = list(recordings()) if own else []
    others = list(more_recordings(more)) if more is not None else []
    todo = [
        (recording, condition, before)
        for spoken, conditions in ((mine, CONDITIONS), (others, MORE_CONDITIONS))
        for recording, before in zip(spoken, turns_before(spoken, after), strict=True)
        for condition in conditions
    ]
    with ProcessPoolExecutor() as pool:
        observed = (
            list(pool.map(observe, *zip(*todo, strict=True), chunksize=8)) if todo else []
        )
    if cache is not None:
        cache.write_bytes(pickle.dumps(observed))
    return observed
