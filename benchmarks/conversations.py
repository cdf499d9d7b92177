"""How many whole conversations one core carries: media, hearing, turn-taking and replies.

    python -m benchmarks.conversations                      1, 5, 10, ... at once
    python -m benchmarks.conversations --calls 8 --seconds 60

Each caller says one recording after the other, every turn a call of its own, as `voxline bench
latency` does; the server and its engines have one core, the callers another. With a zero-cost
engine (`--engine`), so that what grows is what Voxline itself costs. Too many are those of whom
one in twenty (p95) waits 50 ms longer than among a few; p50 depends on which recordings a short
run takes.

On a machine that does other work meanwhile, put `chrt -r 5` before the command. Writes
conversations.json and conversations.png into benchmarks/out.
"""

import argparse
import asyncio
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import aiohttp

from agent.config import Config
from agent.errors import ConfigError
from agent.media import upstream
from benchmarks import latency, options, own_server, report, speech
from benchmarks.caller import Loss
from benchmarks.latency import Plan
from benchmarks.setup import LAW_MS, exported_passes
from benchmarks.turn import Outcome, Turn, latencies_ms

SWEEP = (1, 5, 10, 15, 20, 25, 30)
_BEHIND_MS = 50.0
_SETTLE_S = 3.0  # connecting costs more than talking
_PATIENCE_S = 10.0
_CPU = re.compile(r"^process_cpu_seconds_total (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """So many callers at once."""

    calls: int
    answer_ms: report.Summary  # of turns answered and not cut into
    turns: int
    cut_into: int
    unanswered: int  # or lost
    cpu_percent: float  # of a core, the media process
    load_percent: float  # of a core, the callers: near 100 the figures are theirs
    over_law: int  # passes of the media loop
    passes: int

    @property
    def cpu_per_call_percent(self) -> float:
        return self.cpu_percent / self.calls


@dataclass(frozen=True, slots=True)
class _Counts:
    """Of the server and of ourselves, at one moment."""

    at_s: float
    cpu_s: float
    own_cpu_s: float
    passes: int
    over_law: int


async def measure(
    url: str, speeches: Sequence[speech.Speech], calls: int, seconds: float
) -> Run:
    """Let `calls` callers talk for `seconds`. Raises CallFailed, or ValueError: no answer."""
    turns: list[Turn] = []
    end_s = time.monotonic() + _SETTLE_S + seconds

    async def talk(number: int) -> None:
        for turn in count(number):  # each begins with another recording
            if time.monotonic() >= end_s:
                return
            spoken = speeches[turn % len(speeches)]
            await latency.measure(url, Plan((spoken,), 1, _PATIENCE_S, Loss()), turns.append)

    async with asyncio.TaskGroup() as callers, aiohttp.ClientSession() as http:
        for number in range(calls):
            callers.create_task(talk(number))
        await asyncio.sleep(_SETTLE_S)
        before = await _counts(http, url)
        await asyncio.sleep(seconds)
        after = await _counts(http, url)
    outcomes = [turn.outcome for turn in turns]
    lasted_s = after.at_s - before.at_s
    return Run(
        calls,
        report.summarize(latencies_ms(turns)),
        len(turns),
        outcomes.count(Outcome.CUT_INTO),
        outcomes.count(Outcome.UNANSWERED) + outcomes.count(Outcome.LOST),
        100 * (after.cpu_s - before.cpu_s) / lasted_s,
        100 * (after.own_cpu_s - before.own_cpu_s) / lasted_s,
        after.over_law - before.over_law,
        after.passes - before.passes,
    )


async def _counts(http: aiohttp.ClientSession, url: str) -> _Counts:
    async with http.get(f"{url}/metrics") as response:
        text = await response.text()
    passes = exported_passes(text)
    every = round(passes[float("inf")])
    held = every - round(passes[LAW_MS / 1000])
    return _Counts(time.monotonic(), exported_cpu_s(text), time.process_time(), every, held)


def exported_cpu_s(metrics: str) -> float:
    """CPU time of the process that wrote this Prometheus text. Raises ValueError."""
    found = _CPU.search(metrics)
    if found is None:
        raise ValueError("the server does not tell its CPU time: this needs Linux")
    return float(found[1])


def carried(runs: Sequence[Run]) -> int:
    """How many at once, at most, were answered nearly as soon as a few; 0: none."""
    fewest = min(runs, key=lambda run: run.calls)
    good = [
        run.calls
        for run in runs
        if run.unanswered == 0 and run.answer_ms.p95 <= fewest.answer_ms.p95 + _BEHIND_MS
    ]
    return max(good, default=0)


HEADERS = (
    *("calls", "turns", "answer p50 ms", "p95", "p99", "cut into", "unanswered"),
    *("CPU %", "%/call", "load %", f"passes over {LAW_MS:g} ms", "of"),
)


def rows(runs: Sequence[Run]) -> list[tuple[object, ...]]:
    return [
        (
            *(run.calls, run.turns, run.answer_ms.p50, run.answer_ms.p95, run.answer_ms.p99),
            *(run.cut_into, run.unanswered, run.cpu_percent, run.cpu_per_call_percent),
            *(run.load_percent, run.over_law, run.passes),
        )
        for run in runs
    ]


@contextmanager
def _on(cores: set[int]) -> Iterator[None]:
    """On these cores until the end of the block, and so whatever is started in it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


async def bench(asked: argparse.Namespace) -> list[Run]:
    """Measure each number of calls with a server of its own, until they are too many."""
    cores = sorted(os.sched_getaffinity(0))
    numbers = [asked.calls] if asked.calls else SWEEP
    runs: list[Run] = []
    for calls in numbers:
        settings = [f"limits.calls={calls + 2}", *asked.set]  # two may be closing
        command = own_server.command(asked.engine, settings, None)
        with _on({cores[0]}):
            async with own_server.running(command) as url:
                with _on({cores[-1]}):
                    runs.append(await measure(url, asked.speeches, calls, asked.seconds))
        print(report.table(HEADERS, rows(runs)).splitlines()[-1], flush=True)
        if carried(runs) < calls:
            break
    return runs


def _plot(runs: Sequence[Run], path: Path) -> None:
    series = {
        "p50": [(float(run.calls), run.answer_ms.p50) for run in runs],
        "p95": [(float(run.calls), run.answer_ms.p95) for run in runs],
    }
    report.plot_lines(
        path,
        series,
        title="Answer after the last speech sample",
        x_label="conversations on one core",
        y_label="ms",
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.conversations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=0, help="at once (default: a sweep)")
    parser.add_argument(
        "--seconds", type=float, default=40.0, help="of each measurement (default: 40)"
    )
    parser.add_argument("--engine", default="scripted", help="default: scripted")
    options.add_set(parser)
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="what is said (default: the nine of RESULTS.md)",
    )
    parser.add_argument("--out", type=Path, default=report.OUT, help="folder for JSON and PNG")
    asked = parser.parse_args(arguments)
    if asked.calls < 0 or asked.seconds < 1:
        parser.error("at least one call, for at least one second")
    try:
        asked.speeches = [speech.load(path) for path in speech.choose(asked.recordings, "")]
    except ConfigError as error:
        parser.error(str(error))
    return asked


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print, and write conversations.json and conversations.png."""
    asked = _parse(arguments)
    upstream.install(Config())
    runs = asyncio.run(bench(asked))
    print(report.table(HEADERS, rows(runs)))
    print(f"answered nearly as soon as a few: {carried(runs)} at once, on one core")
    settings = {key: getattr(asked, key) for key in ("calls", "seconds", "engine", "set")}
    settings["load_average"] = os.getloadavg()[0]
    figures = {"runs": [asdict(run) for run in runs]}
    report.write_json(asked.out / "conversations.json", settings, figures)
    _plot(runs, asked.out / "conversations.png")


if __name__ == "__main__":
    main()
