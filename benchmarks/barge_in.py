"""`python -m benchmarks.barge_in`: speaking over the agent, measured at the caller's socket.

Each overlap is a call of its own: the agent begins to count, the caller says something over it
at a random moment. The agent should stop for what means to interrupt, and go on after the rest,
without a word lost or repeated. The definitions: benchmarks/overlap.py.
"""

import argparse
import asyncio
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from agent.audio.frame import SPEAK_HZ, Samples
from agent.config import Config
from agent.media import upstream
from benchmarks import options, own_server, report
from benchmarks.caller import PATIENT, Caller, CallFailed, dial
from benchmarks.overlap import Trial, coverage, first_softer_ms, steepness, stop
from benchmarks.overlap_corpus import Kind, Overlap, overlaps

ENGINES = ("scripted", "operator")
_NUMBERS = " ".join(map(str, range(1, 61)))  # a quarter of a second each
_BEGINS_S, _SPEAKS_S = 5.0, (1.0, 3.0)
_WATCHED_S = 1.8  # after the caller's last sample
_ROOM_DB = -62.0  # of the caller's microphone, before, under and after what they say
_UNDISTURBED_S = 9.0


def server(engine: str, overrides: Sequence[str]) -> list[str]:
    """The command of a server that begins to count as soon as it is called."""
    voice = "agent.voice=benchmarks.counting_voice:CountingVoice"
    greeting = f'agent.greeting="{_NUMBERS}"'
    return own_server.command(engine, [voice, greeting, *overrides], None)


async def measure(
    url: str, spoken: Sequence[Overlap], note: Callable[[Trial], None], seed: int = 1
) -> list[Trial]:
    """Say each of them in a call of its own. Raises CallFailed."""
    undisturbed = await _undisturbed(url)
    trials = []
    for overlap in spoken:
        trials.append(await _try(url, overlap, after_s(overlap, seed), undisturbed))
        note(trials[-1])
    return trials


def after_s(overlap: Overlap, seed: int) -> float:
    """How long the agent has spoken by then: random, and the same whatever else is tried."""
    return random.Random(f"{seed} {overlap.kind} {overlap.name}").uniform(*_SPEAKS_S)


async def _undisturbed(url: str) -> tuple[list[float], Samples]:
    """Levels of the packets of a reply, and its sound."""
    async with dial(url, config=PATIENT) as call:
        begun_s = await _begun(call)
        await call.silence(_UNDISTURBED_S)
        return _since(call, begun_s)


async def _begun(call: Caller) -> float:
    if not await call.until(lambda: call.heard.packets > 0, _BEGINS_S):
        raise CallFailed(f"the agent did not speak within {_BEGINS_S:g} s")
    return call.heard.levels[0][0]


def _since(call: Caller, begun_s: float) -> tuple[list[float], Samples]:
    levels = [level for at_s, level in call.heard.levels if at_s >= begun_s]
    sound = call.heard.sound()
    return levels, sound[int(np.flatnonzero(np.abs(sound) > 0.002)[0]) :]


async def _try(
    url: str, overlap: Overlap, after_s: float, undisturbed: tuple[list[float], Samples]
) -> Trial:
    before = round(after_s * SPEAK_HZ)
    async with dial(url, config=PATIENT) as call:
        begun_s = await _begun(call)
        utterance = await call.say(_in_a_room(overlap.samples, before))
        onset_s = utterance.handed_s(before)
        packets = call.heard.levels
        stopped = stop(packets, onset_s, asyncio.get_running_loop().time())
        _, sound = _since(call, begun_s)
        cancelled = any(
            each.type == "response.done" and each.body["response"]["status"] == "cancelled"
            for each in call.events
        )
    levels, reply = undisturbed
    lost, repeated = (0, 0) if cancelled else coverage(sound, reply)
    return Trial(
        overlap.kind,
        overlap.name,
        first_softer_ms(packets, levels, onset_s),
        stopped[0] if stopped else None,
        stopped[1] if stopped else None,
        cancelled,
        lost,
        repeated,
        steepness(sound, reply),
    )


def _in_a_room(samples: Samples, before: int) -> Samples:
    """Return it with the room's noise, for `before` samples and `_WATCHED_S` around it."""
    after = round(_WATCHED_S * SPEAK_HZ)
    noise = np.random.default_rng(1).standard_normal(before + len(samples) + after)
    room: Samples = (noise * 10 ** (_ROOM_DB / 20)).astype(np.float32)
    room[before : before + len(samples)] += samples
    return room


def text(trials: Sequence[Trial]) -> str:
    """Return the trials as a table, a row for each kind."""
    rows = []
    for kind in Kind:
        of_it = [each for each in trials if each.kind is kind]
        if not of_it:
            continue
        ducks = [each.duck_ms for each in of_it if each.duck_ms is not None]
        stops = [each.silent_ms for each in of_it if each.silent_ms is not None]
        spoken_on = [each for each in of_it if not each.cancelled]
        rows.append(
            (
                kind,
                len(of_it),
                _percentiles(ducks),
                _percentiles(stops),
                sum(each.silent_ms is None for each in of_it),
                sum(each.silent_ms is not None for each in spoken_on),
                sum(each.cancelled for each in of_it),
                sum(each.lost + each.repeated for each in spoken_on),
                f"{max(each.steepest for each in of_it):.2f}",
            )
        )
    return report.table(
        (
            *("over the agent", "n", "softer p50/p95 ms", "silent p50/p95 ms"),
            *("not stopped", "gone on", "turns", "lost or repeated", "steepest"),
        ),
        rows,
    )


def _percentiles(values: Sequence[float]) -> str:
    if not values:
        return "-"
    summary = report.summarize(values)
    return f"{summary.p50:.0f} / {summary.p95:.0f}"


def plot(results: dict[str, Sequence[Trial]], path: Path) -> None:
    """Draw when each reply grew softer and stopped, by kind."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, (engine, trials) in zip(
        np.atleast_1d(figure.subplots(1, len(results), sharey=True)),
        results.items(),
        strict=True,
    ):
        kinds = [kind for kind in Kind if any(each.kind is kind for each in trials)]
        dice = random.Random(1)
        for row, kind in enumerate(kinds):
            of_it = [each for each in trials if each.kind is kind]
            for value, colour, label in (
                ("duck_ms", "tab:orange", "12 dB softer"),
                ("silent_ms", "tab:red", "silent"),
                ("gone_on_ms", "tab:green", "gone on"),
            ):
                shown = [
                    getattr(each, value)
                    for each in of_it
                    if getattr(each, value) is not None
                    and not (value == "gone_on_ms" and each.cancelled)
                ]
                heights = [row + dice.uniform(-0.25, 0.25) for _ in shown]
                axes.plot(shown, heights, ".", color=colour, label=None if row else label)
        axes.axvline(100, color="tab:orange", lw=0.7)
        axes.axvline(300, color="tab:red", lw=0.7)
        axes.set(title=engine, xlabel="ms from the caller's first sound", xlim=(0, 1500))
        axes.set_yticks(range(len(kinds)), kinds)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=120)


async def _measure_own(
    engine: str, overrides: Sequence[str], spoken: Sequence[Overlap]
) -> list[Trial]:
    def note(trial: Trial) -> None:
        print(f"{engine}: {trial}", file=sys.stderr)

    async with own_server.running(server(engine, overrides)) as url:
        return await measure(url, spoken, note)


def main() -> int:
    """Say everything to both engines; print, write, draw."""
    parser = argparse.ArgumentParser(prog="benchmarks.barge_in", description=__doc__)
    parser.add_argument(
        "--engine", choices=ENGINES, action="append", help="may be given twice (default: both)"
    )
    parser.add_argument(
        "--kind",
        choices=[kind.name.lower() for kind in Kind],
        action="append",
        help="may be repeated (default: all)",
    )
    options.add_set(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every overlap")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw them, as PNG")
    arguments = parser.parse_args()
    kinds = [Kind[name.upper()] for name in arguments.kind or [kind.name for kind in Kind]]
    spoken = [each for each in overlaps() if each.kind in kinds]
    upstream.check()
    upstream.install(Config())
    results: dict[str, Sequence[Trial]] = {}
    for engine in arguments.engine or ENGINES:
        try:
            results[engine] = asyncio.run(_measure_own(engine, arguments.set, spoken))
        except (CallFailed, own_server.ServerFailed) as error:
            print(f"barge_in: {own_server.explained(error)}", file=sys.stderr)
            return 1
        print(f"{engine}\n{text(results[engine])}\n")
    if arguments.json is not None:
        figures = {name: [asdict(each) for each in trials] for name, trials in results.items()}
        report.write_json(arguments.json, {"set": arguments.set}, figures)
    if arguments.plot is not None:
        plot(results, arguments.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
