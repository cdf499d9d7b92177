"""`python -m benchmarks.noise`: ten minutes in which nobody speaks to the agent.

Recorded noise, hum, music and a second voice far away go through the caller's codec into a
call's ear, in virtual time. Whatever begins is a false turn; what lasts as long as an
interruption would have stopped a reply. A second voice is one beside a caller, who has spoken
before. Then the complete turns are said, softly too: they must still be heard.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from agent.audio.frame import HEAR_FRAME, HEAR_HZ, SPEAK_FRAME, SPEAK_HZ, Samples
from agent.config import Config, Send
from agent.ear import Ear
from agent.events import SpeechEnded, SpeechStarted
from agent.media import upstream
from agent.media.opus import Decoder, Encoder
from agent.requests import CallSettings
from agent.settings import patience, turn_rules
from agent.vad.silero import Silero
from benchmarks import own_server, report, speech
from benchmarks.echo_calls import amid
from benchmarks.echo_room import Echo, Room

_LEVELS_DB = (0.0, -10.0, -20.0, -30.0)
_FAR_DB = -30.0  # below the caller
_BEHIND = (
    ("austen-0870", "lj-sentence-b"),
    ("sb-spk1_snt4", "lj-sentence-a"),
    ("LJ001-0005", "austen-0890"),
    ("lj-sentence-a", "jfk"),
)  # who is the caller, and who speaks behind them
_FAR_HZ = 2500.0  # walls take the rest
_FLOOR_DB = -70.0  # of a microphone
_SOFT_DB = (0.0, -12.0, -24.0)


@dataclass(frozen=True, slots=True)
class Sound:
    """`samples` [n] at HEAR_HZ, of which nobody speaks to the agent from `begin_s` on."""

    name: str
    samples: Samples
    begin_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    seconds: float
    turns: int
    interruptions: int  # of them, so long that a reply would have been stopped


def hear(sound: Sound) -> Heard:
    """Let a call's ear hear it; count what begins."""
    config = Config()
    ear = Ear(Silero(), config.vad, patience(config, CallSettings()))
    needed_ms = turn_rules(config, CallSettings()).barge_in_s * 1000
    begun: list[int] = []
    lasted: list[int] = []
    received = sent(sound.samples)
    for at in range(0, len(received), HEAR_FRAME):
        for event in ear.feed(received[at : at + HEAR_FRAME]):
            match event:
                case SpeechStarted(at_ms) if at_ms >= sound.begin_s * 1000:
                    begun.append(at_ms)
                case SpeechEnded(at_ms) if begun and len(lasted) < len(begun):
                    lasted.append(at_ms - begun[-1])
                case _:
                    pass
    long = sum(ms >= needed_ms for ms in lasted) + len(begun) - len(lasted)
    return Heard(len(received) / HEAR_HZ - sound.begin_s, len(begun), long)


def sent(sound: Samples) -> Samples:
    """[n] at HEAR_HZ through the caller's encoder and our decoder, in whole packets."""
    wide = soxr.resample(sound, HEAR_HZ, SPEAK_HZ).astype(np.float32)
    frames = wide[: len(wide) // SPEAK_FRAME * SPEAK_FRAME].reshape(-1, SPEAK_FRAME)
    encoder, decoder = Encoder(Send()), Decoder()
    return np.concatenate([decoder.decode(encoder.encode(frame)) for frame in frames])


def noises(seconds: float) -> Iterator[Sound]:
    """Yield what is no speech: about sixteen times `seconds`."""
    for db in _LEVELS_DB:
        for name in ("noise1", "noise3"):
            yield Sound(f"{name} {db:+.0f} dB", looped(recording(name), seconds, db))
    for db in (-30.0, -45.0):
        yield Sound(f"hum {db:.0f} dBFS", with_floor(hum(seconds, db)))
    for db in (-20.0, -35.0):
        yield Sound(f"music {db:.0f} dBFS", with_floor(music(seconds, db)))
    hummed = looped(recording("noise1"), seconds, -20.0) + hum(seconds, -35.0)
    yield Sound("noise1 -20 dB and hum", hummed)
    yield Sound("silence", with_floor(np.zeros(int(seconds * HEAR_HZ), np.float32)))


def far_voices(seconds: float) -> Iterator[Sound]:
    """Yield a caller's sentence, and then only somebody else in the room behind."""
    for caller, other in _BEHIND:
        near = recording(caller)
        level = loudness(near) * 10 ** (_FAR_DB / 20)
        behind = looped(behind_a_wall(recording(other)), seconds, 0.0)
        behind *= level / loudness(behind)
        pause = np.zeros(HEAR_HZ, np.float32)
        samples = with_floor(np.concatenate([near, pause, behind]))
        yield Sound(f"{other} behind {caller}", samples, len(near) / HEAR_HZ + 0.5)


def recording(name: str) -> Samples:
    """[n] at HEAR_HZ. Raises ConfigError where there is none."""
    loaded = speech.load(speech.FOLDER / f"{name}.flac")
    samples: Samples = soxr.resample(loaded.samples, SPEAK_HZ, HEAR_HZ).astype(np.float32)
    return samples


def loudness(sound: Samples) -> float:
    """Root of mean square of the loud tenth."""
    frames = sound[: len(sound) // HEAR_FRAME * HEAR_FRAME].reshape(-1, HEAR_FRAME)
    return float(np.sqrt(np.percentile(np.mean(frames**2, axis=1), 90)))


def looped(sound: Samples, seconds: float, db: float) -> Samples:
    count = int(seconds * HEAR_HZ)
    whole = np.tile(sound, count // len(sound) + 1)[:count]
    return (whole * 10 ** (db / 20)).astype(np.float32)


def with_floor(sound: Samples) -> Samples:
    noise = np.random.default_rng(1).standard_normal(len(sound)) * 10 ** (_FLOOR_DB / 20)
    return (sound + noise).astype(np.float32)


def behind_a_wall(sound: Samples) -> Samples:
    """A voice in the next room: no direct sound, little above 2.5 kHz."""
    echo = Echo(Room(0.0, 0.0, 0.6))
    frames = sound[: len(sound) // HEAR_FRAME * HEAR_FRAME].reshape(-1, HEAR_FRAME)
    wet = np.concatenate([echo.feed(frame) for frame in frames])
    hz = np.fft.rfftfreq(len(wet), 1 / HEAR_HZ)
    dull = np.fft.irfft(np.fft.rfft(wet) / (1 + (hz / _FAR_HZ) ** 4), len(wet))
    return dull.astype(np.float32)


def hum(seconds: float, dbfs: float) -> Samples:
    """Mains, and what a bad supply makes of it."""
    t = np.arange(int(seconds * HEAR_HZ)) / HEAR_HZ
    parts = [np.sin(2 * np.pi * 50 * k * t + k) / k for k in (1, 2, 3, 5, 7, 9, 12)]
    return at_level(np.sum(parts, axis=0), dbfs)


def music(seconds: float, dbfs: float, seed: int = 0) -> Samples:
    """Chords of a plucked instrument, in a key."""
    random = np.random.default_rng(seed)
    sound = np.zeros(int(seconds * HEAR_HZ))
    at_s = 0.0
    while at_s < seconds:
        lasts_s = float(random.choice([0.2, 0.4, 0.8]))
        root_hz = 220 * 2 ** (int(random.choice([0, 2, 4, 5, 7, 9, 12])) / 12)
        at = int(at_s * HEAR_HZ)
        t = np.arange(min(int(1.5 * lasts_s * HEAR_HZ), len(sound) - at)) / HEAR_HZ
        shape = np.minimum(t / 0.01, 1) * np.exp(-3 * t)
        for tone_hz in (root_hz, 1.25 * root_hz, 1.5 * root_hz):
            for k in range(1, 7):
                sound[at : at + len(t)] += shape * np.sin(2 * np.pi * k * tone_hz * t) / k**1.3
        at_s += lasts_s
    return at_level(sound, dbfs)


def at_level(sound: NDArray[np.float64], dbfs: float) -> Samples:
    scaled: Samples = (sound * 10 ** (dbfs / 20) / np.sqrt(np.mean(sound**2))).astype(
        np.float32
    )
    return scaled


async def over_a_call(seconds: float) -> int:
    """Make each noise during a reply of the agent's; 0 when none was interrupted."""
    upstream.install(Config())
    sounds = [soxr.resample(s.samples, HEAR_HZ, SPEAK_HZ) for s in noises(seconds)]
    command = own_server.command("scripted", ["agent.voice=espeak"], None)
    async with own_server.running(command) as url:
        tally = await amid(url, [sound.astype(np.float32) for sound in sounds])
    print(
        f"{tally.replies} replies amid noise: {tally.self_interrupted} interrupted, "
        f"{tally.false_turns} false turns; own packets late by {tally.late_ms:.0f} ms at worst"
    )
    return 0 if tally.self_interrupted == tally.false_turns == 0 else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.noise", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=34.0, help="of each sound (default: 34)"
    )
    parser.add_argument(
        "--call", action="store_true", help="over a real call instead, during its replies"
    )
    args = parser.parse_args()
    if args.call:
        return asyncio.run(over_a_call(args.seconds))
    quiet = [(s.name, hear(s)) for s in (*noises(args.seconds), *far_voices(args.seconds))]
    rows = [(name, h.seconds, h.turns, h.interruptions) for name, h in quiet]
    print(report.table(["nobody speaks", "s", "false turns", "false interruptions"], rows))
    minutes = sum(h.seconds for _, h in quiet) / 60
    turns = sum(h.turns for _, h in quiet)
    interruptions = sum(h.interruptions for _, h in quiet)
    print(f"{minutes:.1f} minutes: {turns} false turns, {interruptions} interruptions\n")
    said: list[tuple[str, list[int]]] = []
    for path in speech.choose(None, ""):
        levels = [recording(path.stem) * np.float32(10 ** (db / 20)) for db in _SOFT_DB]
        begun = [hear(Sound(path.stem, with_floor(samples))).turns for samples in levels]
        said.append((path.stem, begun))
    headers = ["speech begins, times", *(f"{db:g} dB" for db in _SOFT_DB)]
    print(report.table(headers, [(name, *begun) for name, begun in said]))
    return 0 if turns == 0 and all(min(begun) for _, begun in said) else 1


if __name__ == "__main__":
    sys.exit(main())
