"""The media path alone: how many two-way calls one core carries, and how soon they echo.

    python -m benchmarks.media                     8 calls, agent.media
    python -m benchmarks.media --stock             stock aiortc beside it, in the same run
    python -m benchmarks.media --sweep             the most calls with an echo below 10 ms

The server is a process of its own on one core, the callers another one on another core; real
peer connections on the loopback. No VAD, no engines. Writes media.json and media.png into
benchmarks/out.

On a machine that does other work meanwhile, put `chrt -r 5` before the command: otherwise it is
the scheduler that is measured. Two cores may be two threads of one: a busy neighbour then makes
the same work cost 1.4 times as much CPU time (measured with the Opus encoder).
"""

import argparse
import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import uvloop

from agent.config import Config, Send
from agent.config_file import load
from agent.media import upstream
from benchmarks import report
from benchmarks.media_echo import LOOPBACK
from benchmarks.media_load import Caller, EchoProcess, encoded_cycle

TARGET_ECHO_MS = 10.0
TARGET_CPU_PERCENT = 4.0  # of a core, per two-way call
TARGET_CALLS = {"voip": 30, "lowdelay": 40}

_SWEEP = (10, 20, 30, 35, 40, 45, 50, 60)
_SETTLE_S = 2.0
_STOCK = "stock aiortc"


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured of one path at one number of calls."""

    path: str
    calls: int
    cpu_percent: float  # of the server's core
    load_percent: float  # of the callers' core: near 100 the figures are theirs
    echo_ms: report.Summary
    missed: int  # markers without an echo within a second
    underruns: int
    late_packets: int  # behind their slot by more than 10 ms

    @property
    def cpu_per_call_percent(self) -> float:
        return self.cpu_percent / self.calls

    @property
    def holds(self) -> bool:
        """Whether so many calls can be carried."""
        return self.missed == 0 and self.echo_ms.p50 < TARGET_ECHO_MS


async def measure(path: str, mode: str, calls: int, seconds: float, core: int) -> Run:
    """Carry `calls` calls for `seconds`. Raises ValueError when no echo came back at all."""
    packets = encoded_cycle(Send())
    kind = "stock" if path == _STOCK else "voxline"
    async with EchoProcess(kind, mode, core) as server:
        callers = [await Caller.dial(server, packets) for _ in range(calls)]
        await asyncio.sleep(_SETTLE_S)
        before, own_before = await server.counts(), time.process_time()
        for caller in callers:
            caller.restart()
        await asyncio.sleep(seconds)
        after, own_after = await server.counts(), time.process_time()
        lasted_s = after.at_s - before.at_s
        run = Run(
            path,
            calls,
            100 * (after.cpu_s - before.cpu_s) / lasted_s,
            100 * (own_after - own_before) / lasted_s,
            report.summarize(ms for caller in callers for ms in caller.echoes_ms),
            sum(caller.missed for caller in callers),
            after.underruns - before.underruns,
            after.late_packets - before.late_packets,
        )
        await asyncio.gather(*(caller.hang_up() for caller in callers))
    return run


async def sweep(path: str, mode: str, seconds: float, core: int) -> list[Run]:
    """Measure more and more calls, until they are too many."""
    runs: list[Run] = []
    for calls in _SWEEP:
        runs.append(await measure(path, mode, calls, seconds, core))
        print(table(runs[-1:]).splitlines()[-1], flush=True)
        if not runs[-1].holds:
            break
    return runs


def table(runs: Iterable[Run]) -> str:
    headers = ("path", "calls", "CPU %", "%/call", "load %", "echo p50 ms", "p95", "p99")
    rows = [
        (
            *(run.path, run.calls, run.cpu_percent, run.cpu_per_call_percent),
            *(run.load_percent, run.echo_ms.p50, run.echo_ms.p95, run.echo_ms.p99),
            *(run.missed, run.underruns, run.late_packets),
        )
        for run in runs
    ]
    return report.table((*headers, "missed", "underruns", "late"), rows)


def verdicts(runs: Sequence[Run]) -> list[str]:
    """What the targets say of each of our paths, one line each."""
    lines = []
    for path in dict.fromkeys(run.path for run in runs if run.path != _STOCK):
        own = [run for run in runs if run.path == path]
        least = min(own, key=lambda run: run.calls)
        most = max((run.calls for run in own if run.holds), default=0)
        lines.append(
            f"{path}: {least.cpu_per_call_percent:.1f} % of a core per two-way call at "
            f"{least.calls} calls (target {TARGET_CPU_PERCENT:g}); echo p50 below "
            f"{TARGET_ECHO_MS:g} ms up to {most} calls tried (target {TARGET_CALLS[path]})"
        )
    return lines


def _figures(runs: Sequence[Run]) -> list[dict[str, object]]:
    costs = ("cpu_percent", "cpu_per_call_percent", "load_percent")
    names = ("path", "calls", *costs, "echo_ms", "missed", "underruns", "late_packets", "holds")
    return [{name: getattr(run, name) for name in names} for run in runs]


def _plot(runs: Sequence[Run]) -> None:
    path = report.OUT / "media.png"
    if len({run.calls for run in runs}) > 1:
        series = {
            name: [(run.calls, run.echo_ms.p50) for run in runs if run.path == name]
            for name in dict.fromkeys(run.path for run in runs)
        }
        labels = {"x_label": "two-way calls on one core", "y_label": "ms"}
        report.plot_lines(
            path, series, title="Echo round trip, p50", limit=TARGET_ECHO_MS, **labels
        )
        return
    bars = {run.path: run.cpu_per_call_percent for run in runs}
    title = f"CPU of a two-way call, {runs[0].calls} at once"
    report.plot_bars(path, bars, title=title, y_label="% of a core", limit=TARGET_CPU_PERCENT)


async def bench(asked: argparse.Namespace, server_core: int) -> list[Run]:
    runs: list[Run] = []
    for mode in asked.mode or (["voip", "lowdelay"] if asked.sweep else ["voip"]):
        if asked.sweep:
            runs += await sweep(mode, mode, asked.seconds, server_core)
        else:
            runs.append(await measure(mode, mode, asked.calls, asked.seconds, server_core))
    if asked.stock:
        runs.append(await measure(_STOCK, "voip", asked.calls, asked.seconds, server_core))
    return runs


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.media",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=8, help="at once (default 8)")
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="of each measurement (default 10)"
    )
    parser.add_argument(
        "--mode",
        action="append",
        choices=["voip", "lowdelay"],
        help="may be given twice (default: voip; with --sweep both)",
    )
    parser.add_argument("--stock", action="store_true", help="measure stock aiortc, too")
    parser.add_argument("--sweep", action="store_true", help="find the most calls")
    asked = parser.parse_args(arguments)
    if asked.calls < 1 or asked.seconds < 1:
        parser.error("at least one call, for at least one second: markers come once a second")
    return asked


def callers_config(config: Config) -> Config:
    return replace(config, ice=replace(config.ice, addresses=(LOOPBACK,)))


def main(arguments: Sequence[str] | None = None) -> None:
    asked = _parse(arguments)
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    upstream.install(callers_config(load(None)))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runs = runner.run(bench(asked, cores[0]))
    print(table(runs))
    print(*verdicts(runs), sep="\n")
    settings = {**vars(asked), "server_core": cores[0], "callers_core": cores[-1]}
    settings["load_average"] = os.getloadavg()[0]  # others on the machine make echoes late
    report.write_json(report.OUT / "media.json", settings, {"runs": _figures(runs)})
    _plot(runs)


if __name__ == "__main__":
    main()
