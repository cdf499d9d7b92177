"""`python -m benchmarks.echo`: does the agent interrupt itself, and is it still interrupted?

Over real peer connections the caller's device plays the agent's voice into a room and sends
back what its microphone gets: every call another level, delay and room. Some replies are only
listened to, others spoken over by recordings. Then the same without the guard.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soxr

from agent.audio.frame import HEAR_FRAME, HEAR_HZ, SPEAK_FRAME, SPEAK_HZ, Samples
from agent.config import Config
from agent.echo.guard import EchoGuard
from agent.engines import Style
from agent.media import upstream
from agent.voices.espeak import EspeakVoice
from benchmarks import options, own_server, report
from benchmarks.echo_calls import TEXT, Tally, converse
from benchmarks.echo_room import Echo, Room

LEVELS_DB = (-6.0, -12.0, -18.0, -24.0)
_BARE_REPLIES = 1  # a call without the guard: an agent that answers itself does not stop


def rooms(count: int, seed: int = 1) -> Iterator[Room]:
    """Yield rooms, each level as often: 50 to 400 ms late, 0.2 to 0.6 s to fall by 60 dB."""
    random = np.random.default_rng(seed)
    for n in range(count):
        direct_db = (None, None, 0.0, 6.0)[int(random.integers(4))]
        delay_ms, fall_s = float(random.uniform(50, 400)), float(random.uniform(0.2, 0.6))
        yield Room(LEVELS_DB[n % len(LEVELS_DB)], delay_ms, fall_s, direct_db, seed=n)


async def measure(args: argparse.Namespace, guard: str) -> dict[float | None, Tally]:
    """Hold all calls; return what happened, by the level of the echo, None without one."""
    tallies: dict[float | None, Tally] = {level_db: Tally() for level_db in (None, *LEVELS_DB)}
    overrides = ["agent.voice=espeak", f"echo.guard={guard}", *args.set]
    command = own_server.command("scripted", overrides, None)
    listen, over = (args.listen, args.over) if guard == "true" else (_BARE_REPLIES, 0)
    seats = asyncio.Semaphore(args.at_once)

    async def hold(url: str, room: Room | None) -> None:
        async with seats:
            tally = await converse(url, room, listen, over)
        tallies[None if room is None else room.level_db].add(tally)
        print(".", end="", file=sys.stderr, flush=True)

    calls = [*rooms(args.calls), *[None] * (args.calls // len(LEVELS_DB))]
    async with own_server.running(command) as url:
        await asyncio.gather(*(hold(url, room) for room in calls))
    print(file=sys.stderr)
    return tallies


def cost() -> dict[str, float]:
    """CPU of the guard, in percent of a core: idle, while playing, and in the midst of echo."""
    phrase = EspeakVoice().speak(TEXT, Style("en-us"))
    played = np.concatenate([stretch.samples for stretch in phrase])
    frames = played[: len(played) // SPEAK_FRAME * SPEAK_FRAME].reshape(-1, SPEAK_FRAME)
    echo = Echo(Room(-12.0, 150.0, 0.4))
    narrow = soxr.resample(played, SPEAK_HZ, HEAR_HZ).astype(np.float32)
    whole = narrow[: len(narrow) // HEAR_FRAME * HEAR_FRAME].reshape(-1, HEAR_FRAME)
    heard = np.stack([echo.feed(frame) for frame in whole])
    silence = np.zeros_like(heard)
    return {
        "idle": _share(frames[:0], silence, asks=0),
        "playing, no echo": _share(frames, silence, asks=0),
        "playing, echo": _share(frames, heard, asks=1),
    }


def _share(played: Samples, heard: Samples, asks: int) -> float:
    """Of frames `played` [n, SPEAK_FRAME] and `heard` [m, HEAR_FRAME]."""
    guard, began_s = EchoGuard(), time.thread_time()
    for n, frame in enumerate(heard):
        guard.arrived(len(frame), n * 0.02)
        if n < len(played):
            guard.played(played[n], n * 0.02)
        guard.hear(frame.reshape(2, -1))
        guard.go_on()
        guard.go_on()
        if asks and n % 8 % 3 != 2:  # 5 windows in 8 packets
            guard.explains()
    return (time.thread_time() - began_s) / (len(heard) * 0.02) * 100


def text(guarded: dict[float | None, Tally], bare: dict[float | None, Tally]) -> str:
    """A table of it all, by level."""
    rows = ["| echo | self-interrupted | false turns | found | p50 / p95 | without the guard |"]
    rows.append("| --- | --- | --- | --- | --- | --- |")
    total, all_bare = Tally(), Tally()
    for level_db, tally in guarded.items():
        if level_db is not None:
            total.add(tally)
            all_bare.add(bare[level_db])
        name = "none" if level_db is None else f"{level_db:g} dB"
        rows.append(_row(name, tally, bare[level_db]))
    rows.append(_row("all with echo", total, all_bare))
    late_ms = max(tally.late_ms for tally in guarded.values())
    return "\n".join([*rows, f"our own packets were late by {late_ms:.0f} ms at worst"])


def _row(name: str, tally: Tally, bare: Tally) -> str:
    delay = "-"
    if tally.found_ms:
        delay = "{:.0f} / {:.0f} ms".format(*np.percentile(tally.found_ms, [50, 95]))
    cells = (
        name,
        f"{tally.self_interrupted} of {tally.replies}",
        f"{tally.false_turns}",
        f"{tally.found} of {tally.spoken_over}",
        delay,
        f"{bare.self_interrupted} of {bare.replies}",
    )
    return f"| {' | '.join(cells)} |"


def plot(
    guarded: dict[float | None, Tally], bare: dict[float | None, Tally], path: Path
) -> None:
    """Draw shares by level: what the agent does to itself, and what callers can do to it."""

    def line(
        tallies: dict[float | None, Tally], some: str, of: str
    ) -> list[tuple[float, float]]:
        counts = {db: asdict(tally) for db, tally in tallies.items() if db is not None}
        return [(db, 100 * each[some] / each[of]) for db, each in counts.items() if each[of]]

    report.plot_lines(
        path,
        {
            "self-interrupted, without the guard": line(bare, "self_interrupted", "replies"),
            "self-interrupted": line(guarded, "self_interrupted", "replies"),
            "interruptions found": line(guarded, "found", "spoken_over"),
        },
        title="The agent's voice comes back",
        x_label="echo against what was played, dB",
        y_label="% of replies",
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.echo", description=__doc__)
    parser.add_argument("--calls", type=int, default=20, help="each in a room of its own")
    parser.add_argument("--listen", type=int, default=5, help="replies listened to, per call")
    parser.add_argument("--over", type=int, default=5, help="replies spoken over, per call")
    parser.add_argument("--at-once", type=int, default=4, help="calls at the same time")
    options.add_set(parser)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the result, as PNG")
    args = parser.parse_args()
    upstream.check()
    upstream.install(Config())
    guarded = asyncio.run(measure(args, "true"))
    bare = asyncio.run(measure(args, "false"))
    print(text(guarded, bare))
    for name, share in cost().items():
        print(f"the guard, {name}: {share:.2f} % of a core")
    if args.plot is not None:
        plot(guarded, bare, args.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
