"""How long a call's set-up, and the rest of it, holds the event loop that carries all calls.

    python -m benchmarks.setup                 200 calls of the operator, one after the other
    python -m benchmarks.setup --calls 20 --set agent.engine=scripted

Each call speaks for a moment and is answered. The server is a process of its own, on the loop
that counts (agent/lag.py). The law is 2 ms; what exceeds it makes other calls' packets late.
The control is a piece of work that is always the same, in another process meanwhile: its
outliers are the machine's. Writes out/setup.json.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp
import numpy as np
import uvloop

from agent.audio.frame import SPEAK_HZ
from agent.config_file import load
from agent.media import upstream
from benchmarks import options, own_server, report
from benchmarks.caller import dial
from benchmarks.control import fixed_work

LAW_MS = 2.0
CONTROL = "control"
_SPOKEN_S = 0.6
_ANSWER_S = 3.0
_SETTINGS = {
    "server.host": "127.0.0.1",
    "server.port": "0",
    "agent.engine": "operator",
    "turns.end_of_turn_ms": "250",
}
_BUCKET = re.compile(r'^voxline_loop_held_seconds_bucket\{le="([^"]+)"\} (\S+)', re.MULTILINE)


async def measure(
    calls: int, settings: Sequence[str]
) -> tuple[dict[str, list[float]], list[float], dict[float, float]]:
    """Place `calls` calls: (what held the loop in ms by phase, connect in ms, /metrics).

    The last is voxline_loop_held_seconds: {upper bound in s: passes}.
    """
    connects: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "held.json"
        given = [f"{key}={value}" for key, value in _SETTINGS.items()]
        command = [sys.executable, "-m", "benchmarks.held", str(out), *given, *settings]
        async with own_server.running(command) as url:
            with fixed_work() as control:
                for number in range(calls):
                    connects.append(await _call(url, number))
            async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as response:
                exported = exported_passes(await response.text())
        return {**json.loads(out.read_text()), CONTROL: control}, connects, exported


async def _call(url: str, number: int) -> float:
    """Speak (noise, shaped as syllables are), hear the answer, hang up; connect in ms."""
    drawn = np.random.default_rng(number)
    at_s = np.arange(round(SPEAK_HZ * _SPOKEN_S)) / SPEAK_HZ
    voiced = sum(np.sin(2 * np.pi * hz * at_s) for hz in range(120, 3000, 120))
    noise = drawn.standard_normal(len(at_s))
    speech = (voiced + noise) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * at_s)) * 0.02
    async with dial(url) as caller:
        await caller.say(speech.astype(np.float32))
        await caller.until(lambda: caller.heard.last_speech_s is not None, _ANSWER_S)
        return caller.connect_ms


def exported_passes(metrics: str) -> dict[float, float]:
    """{upper bound in s: passes that held it no longer} of Prometheus' text."""
    return {float(bound): float(count) for bound, count in _BUCKET.findall(metrics)}


HEADERS = ("phase", "passes", "p50 ms", "p99 ms", "max ms", "over 1 ms", "over 2 ms")


def rows(held: Mapping[str, Sequence[float]]) -> list[tuple[object, ...]]:
    """A row a phase, the longest hold first, and one for the whole loop."""
    others = ("garbage collection", CONTROL)  # in a pass already, and in none
    passes = {name: ms for name, ms in held.items() if name not in others}
    every = {"the loop": [each for ms in passes.values() for each in ms], **held}
    found: list[tuple[object, ...]] = []
    for name, ms in sorted(every.items(), key=lambda item: -max(item[1], default=0)):
        summary = report.summarize(ms)
        found.append(
            (
                *(name, summary.count, summary.p50, summary.p99, summary.worst),
                *(sum(each > 1.0 for each in ms), sum(each > LAW_MS for each in ms)),
            )
        )
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print, and write setup.json."""
    parser = argparse.ArgumentParser(prog="benchmarks.setup", description=__doc__)
    parser.add_argument("--calls", type=int, default=200, help="one after the other")
    options.add_set(parser)
    parser.add_argument("--out", type=Path, default=report.OUT, help="folder for the JSON")
    chosen = parser.parse_args(arguments)
    upstream.install(load(None, {}))
    held, connects, exported = uvloop.run(measure(chosen.calls, chosen.set))
    found, connect = rows(held), report.summarize(connects)
    print(report.table(HEADERS, found))
    broken = round(exported[float("inf")] - exported[LAW_MS / 1000])
    print(
        f"connect: p50 {connect.p50:.1f} ms, p95 {connect.p95:.1f}, worst {connect.worst:.1f}"
    )
    print(f"voxline_loop_held_seconds: {broken} passes over {LAW_MS:g} ms")
    report.write_json(
        chosen.out / "setup.json",
        {"calls": chosen.calls, "set": chosen.set},
        {
            "rows": [dict(zip(HEADERS, row, strict=True)) for row in found],
            "connect_ms": connect,
            "exported_over_the_law": broken,
        },
    )


if __name__ == "__main__":
    main()
