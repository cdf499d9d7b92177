"""`python -m benchmarks.echo`: does the agent interrupt itself, and is it still interrupted?

Over real peer connections the caller's device plays the agent's voice into a room and sends
back what its microphone gets: every call another level, delay and room. Some replies are only
listened to, others spoken over by recordings. Then the same without the guard.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from agent.audio.frame import HEAR_FRAME, HEAR_HZ, SPEAK_FRAME, SPEAK_HZ, Samples
from agent.config import Config
from agent.echo.guard import EchoGuard
from agent.engines import Style
from agent.media import upstream
from agent.voices.espeak import EspeakVoice
from benchmarks import own_server, report, speech
from benchmarks.caller import Caller, dial
from benchmarks.echo_room import Echo, Loudspeaker, Room

TEXT = (
    "In the morning there will be some clouds over the hills, and later on the sun may come "
    "through. Seven trains leave for the coast between nine and noon, and the tickets cost "
    "twelve pounds each. If you would rather take the bus, it stops in front of the library."
)
LEVELS_DB = (-6.0, -12.0, -18.0, -24.0)
_QUESTION = "sb-spk1_snt4"
_OVER = ("sb-spk1_snt5", "sb-spk1_snt6", "austen-0890", "LJ001-0005", "jfk", "austen-0880")
_CALLER_DB = -26.0  # of full scale while they speak: the nominal level of telephony
_OVER_S = 2.5
_BEFORE_S = (1.5, 5.0)  # of a reply, before somebody speaks over it
_FOUND_S = 0.5  # after the interruption's end
_REPLY_S, _ANSWER_S = 40.0, 10.0
_QUIET_S = 1.2


@dataclass(slots=True)
class Tally:
    """What happened in the calls of one kind."""

    replies: int = 0  # listened to
    self_interrupted: int = 0
    false_turns: int = 0  # speech was heard while nobody but the agent spoke
    spoken_over: int = 0
    found: int = 0
    found_ms: list[float] = field(default_factory=list)  # from the onset to silence here

    def add(self, other: "Tally") -> None:
        self.replies += other.replies
        self.self_interrupted += other.self_interrupted
        self.false_turns += other.false_turns
        self.spoken_over += other.spoken_over
        self.found += other.found
        self.found_ms += other.found_ms


def rooms(count: int, seed: int = 1) -> Iterator[Room]:
    """Yield rooms, each level as often: 50 to 400 ms late, 0.2 to 0.6 s to fall by 60 dB."""
    random = np.random.default_rng(seed)
    for n in range(count):
        direct_db = (None, None, 0.0, 6.0)[int(random.integers(4))]
        delay_ms, fall_s = float(random.uniform(50, 400)), float(random.uniform(0.2, 0.6))
        yield Room(LEVELS_DB[n % len(LEVELS_DB)], delay_ms, fall_s, direct_db, seed=n)


def spoken(name: str) -> Samples:
    """A recording from its first speech on, [n] at SPEAK_HZ, at the level of a caller."""
    samples = speech.load(speech.FOLDER / f"{name}.flac").samples
    frames = samples[: len(samples) // SPEAK_FRAME * SPEAK_FRAME].reshape(-1, SPEAK_FRAME)
    power = np.mean(frames**2, axis=1)
    loud = power > power.max() / 300
    level = np.sqrt(np.mean(power[loud]))
    begun = int(np.flatnonzero(loud)[0]) * SPEAK_FRAME
    scaled: Samples = (samples[begun:] * (10 ** (_CALLER_DB / 20) / level)).astype(np.float32)
    return scaled


async def converse(url: str, room: Room | None, listened: int, spoken_over: int) -> Tally:
    """Hold one call: ask, and listen to the reply or speak over it. Raises CallFailed."""
    random = np.random.default_rng(0 if room is None else room.seed)
    question, tally = spoken(_QUESTION), Tally()
    loudspeaker = None if room is None else Loudspeaker(room)
    async with dial(url, loudspeaker=loudspeaker) as call:
        session = {"type": "realtime", "instructions": f"say: {TEXT}"}
        call.send({"type": "session.update", "session": session})
        for over in [False] * listened + [True] * spoken_over:
            await call.quiet(_QUIET_S, _REPLY_S)
            await call.say(question)
            asked_s = asyncio.get_running_loop().time()
            if not await call.until(lambda: _speaks(call), _ANSWER_S):
                continue
            if over:
                words = spoken(_OVER[int(random.integers(len(_OVER)))])
                await _speak_over(call, words, float(random.uniform(*_BEFORE_S)), tally)
            else:
                await call.until(lambda: not _speaks(call), _REPLY_S)
                tally.replies += 1
                tally.self_interrupted += _last(call, "output_audio_buffer.") == "cleared"
                await call.quiet(_QUIET_S, _REPLY_S)
                tally.false_turns += _began(call, asked_s + _QUIET_S)  # noqa: B023
    return tally


async def _speak_over(call: Caller, words: Samples, after_s: float, tally: Tally) -> None:
    await call.until(lambda: not _speaks(call), after_s)
    if not _speaks(call):  # it has interrupted itself; that is counted elsewhere
        return
    tally.spoken_over += 1
    utterance = await call.say(words[: int(_OVER_S * SPEAK_HZ)])
    if await call.until(lambda: not _speaks(call), _FOUND_S):
        tally.found += 1
        stopped_s = next(
            event.at_s
            for event in reversed(call.events)
            if event.type == "output_audio_buffer.cleared" and event.at_s > utterance.began_s
        )
        heard = [at_s for at_s in call.heard.speech_s if at_s < stopped_s + 0.1]
        tally.found_ms.append((heard[-1] - utterance.began_s) * 1000)


def _last(call: Caller, prefix: str) -> str:
    """What the latest event whose type begins so says."""
    kinds = (event.type for event in reversed(call.events) if event.type.startswith(prefix))
    return next(kinds, prefix).removeprefix(prefix)


def _speaks(call: Caller) -> bool:
    return _last(call, "output_audio_buffer.") == "started"


def _began(call: Caller, since_s: float) -> int:
    """How often the server heard a caller begin to speak."""
    kind = "input_audio_buffer.speech_started"
    return sum(event.type == kind and event.at_s > since_s for event in call.events)


async def measure(args: argparse.Namespace, guard: str) -> dict[float, Tally]:
    """Hold all calls; return what happened, by the level of the echo."""
    tallies = {level_db: Tally() for level_db in LEVELS_DB}
    command = own_server.command(
        "scripted", ["agent.voice=espeak", f"echo.guard={guard}"], config=None
    )
    seats = asyncio.Semaphore(args.at_once)

    async def hold(url: str, room: Room) -> None:
        async with seats:
            tallies[room.level_db].add(await converse(url, room, args.listen, args.over))
            print(".", end="", file=sys.stderr, flush=True)

    async with own_server.running(command) as url:
        await asyncio.gather(*(hold(url, room) for room in rooms(args.calls)))
    return tallies


def cost() -> dict[str, float]:
    """CPU of the guard, in percent of a core: idle, while playing, and in the midst of echo."""
    phrase = EspeakVoice().speak(TEXT, Style("en-us"))
    played = np.concatenate([stretch.samples for stretch in phrase])
    frames = played[: len(played) // SPEAK_FRAME * SPEAK_FRAME].reshape(-1, SPEAK_FRAME)
    echo = Echo(Room(-12.0, 150.0, 0.4))
    narrow = played[np.arange(0, len(played) - 1, SPEAK_HZ / HEAR_HZ).astype(int)]
    whole = narrow[: len(narrow) // HEAR_FRAME * HEAR_FRAME].reshape(-1, HEAR_FRAME)
    heard = np.stack([echo.feed(frame) for frame in whole])
    silence = np.zeros_like(heard)
    return {
        "idle": _share([], silence, asks=0),
        "playing, no echo": _share(frames, silence, asks=0),
        "playing, echo": _share(frames, heard, asks=1),
    }


def _share(played: Sequence[Samples], heard: Samples, asks: int) -> float:
    guard, began_s = EchoGuard(), time.thread_time()
    guard.arrived(0, 0.0)
    for n, frame in enumerate(heard):
        if n < len(played):
            guard.played(played[n], n * 0.02)
        guard.feed(frame[: HEAR_FRAME // 2])
        guard.feed(frame[HEAR_FRAME // 2 :])
        if asks and n % 8 % 3 != 2:  # 5 windows in 8 packets
            guard.explains()
    return (time.thread_time() - began_s) / (len(heard) * 0.02) * 100


def text(guarded: dict[float, Tally], bare: dict[float, Tally] | None) -> str:
    """A table of it all, by level."""
    rows = ["| echo | self-interrupted | false turns | found over echo | p50 / p95 | no guard |"]
    rows.append("| --- | --- | --- | --- | --- | --- |")
    total, all_bare = Tally(), Tally()
    for level_db, tally in guarded.items():
        total.add(tally)
        all_bare.add(bare[level_db] if bare else Tally())
        rows.append(_row(f"{level_db:g} dB", tally, bare[level_db] if bare else Tally()))
    rows.append(_row("all", total, all_bare))
    return "\n".join(rows)


def _row(name: str, tally: Tally, bare: Tally) -> str:
    delays = tally.found_ms or [float("nan")]
    p50, p95 = np.percentile(delays, [50, 95])
    cells = (
        name,
        f"{tally.self_interrupted} of {tally.replies}",
        f"{tally.false_turns}",
        f"{tally.found} of {tally.spoken_over}",
        f"{p50:.0f} / {p95:.0f} ms",
        f"{bare.self_interrupted} of {bare.replies}" if bare.replies else "",
    )
    return f"| {' | '.join(cells)} |"


def plot(guarded: dict[float, Tally], bare: dict[float, Tally], path: Path) -> None:
    """Draw shares by level: what the agent does to itself, and what callers can do to it."""
    figure, axes = report.figure(7, 4)
    levels = list(guarded)
    shares = {
        "self-interrupted, no guard": [_part(bare[x].self_interrupted, bare[x].replies) for x in levels],
        "self-interrupted, guard": [_part(guarded[x].self_interrupted, guarded[x].replies) for x in levels],
        "interruptions found, guard": [_part(guarded[x].found, guarded[x].spoken_over) for x in levels],
    }
    for name, values in shares.items():
        axes.plot(levels, values, marker="o", label=name)
    axes.set_xlabel("echo, dB against what was played")
    axes.set_ylabel("% of replies")
    axes.legend()
    figure.savefig(path)


def _part(some: int, of: int) -> float:
    return 100 * some / of if of else float("nan")
