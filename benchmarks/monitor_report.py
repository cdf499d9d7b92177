"""What `voxline monitor` shows of a server: a table, counts, JSON, a plot. Measures nothing."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import floor, isfinite
from pathlib import Path
from typing import Any

from benchmarks.report import render_json, table, write_json
from benchmarks.scrape import ANSWER, Verdict, Window
from benchmarks.terminal import harmless

_REPLIES = "voxline_replies"
_VERDICTS = {None: "no turns", True: "kept", False: "MISSED"}
_COUNTS = {  # what is told beside the targets, where it happened
    "calls ended": "voxline_calls_ended",
    "calls refused": "voxline_calls_refused",
    "replies": _REPLIES,
    "engines lost": "voxline_engine_deaths",
    "packets amiss": "voxline_packets_amiss",
    "replies that ran dry": "voxline_playout_underruns",
    "Smart Turn's answers": "voxline_smart_turn_answers",
}
_CALLS = "voxline_calls_active"
_TROUBLE = ("calls refused", "engines lost")  # of those, what is news
_HELD, _HELD_S = "voxline_loop_held_seconds", 0.002  # as ARCHITECTURE.md has it


@dataclass(frozen=True, slots=True)
class Report:
    """Of what was seen so far."""

    url: str
    engine: str
    seconds: float | None  # for which it was looked at; None: since the server began
    window: Window
    unanswered: int = 0  # looks at which the server did not answer
    away: bool = False  # the latest was one of them

    @property
    def kept(self) -> bool:
        """Whether every target was kept, and there were turns to tell."""
        return all(verdict.kept for verdict in self.window.verdicts())

    @property
    def turns(self) -> int:
        return self.window.times(ANSWER).count

    def line(self) -> str:
        """What there is to tell of it, in short; "" while that is nothing."""
        verdicts = self.window.verdicts()
        missed = [f"{v.target.stage} {v.target}" for v in verdicts if v.kept is False]
        told = f"missed: {', '.join(missed)}" if missed else "no target missed"
        parts = [f"turns: {self.turns}, {told}"] if self.turns else []
        return harmless("; ".join([*parts, *self._amiss()]))

    def text(self) -> str:
        """Return all of it for a terminal."""
        calls = "?" if self.away else f"{self.window.gauge(_CALLS) or 0:.0f}"
        head = f"{self.url}  {self.engine}  {_span(self.seconds)}, calls now: {calls}"
        rows = [_row(verdict) for verdict in self.window.verdicts()]
        columns = ["stage", "target", "turns", "within", "p50 ms", "p95 ms", ""]
        return "\n".join([head, "", table(columns, rows), "", *self._beside()])

    def _beside(self) -> list[str]:
        replies = self.window.counted(_REPLIES)
        lines = [
            f"cut into, and taken back: {replies.get('withdrawn', 0)} (not among the turns)",
            *self._counted(name for name in _COUNTS if name not in _TROUBLE),
        ]
        held = self.window.histogram(_HELD)
        if held.count:
            over = round((1 - held.share_within(_HELD_S)) * held.count)
            lines.append(f"media loop held for over 2 ms: {over} of {held.count} passes")
        return [*map(harmless, [*lines, *self._amiss()])]

    def _amiss(self) -> list[str]:
        """What nobody wants to happen."""
        lines = self._counted(_TROUBLE)
        if self.window.restarts:
            anew = ", with other targets: counted anew" if self.window.changed else ""
            lines.append(f"server started again: {self.window.restarts}{anew}")
        if self.unanswered:
            lines.append(f"looks without an answer: {self.unanswered}")
        return lines

    def _counted(self, names: Iterable[str]) -> list[str]:
        return [
            f"{name}: {', '.join(f'{n} {label}'.strip() for label, n in found.items())}"
            for name in names
            if (found := self.window.counted(_COUNTS[name]))
        ]

    def write_json(self, path: Path | None, settings: Mapping[str, Any]) -> None:
        """Write every figure and what it was measured with; None prints it."""
        if path is None:
            sys.stdout.write(render_json(settings, self._figures()))
        else:
            write_json(path, settings, self._figures())

    def _figures(self) -> dict[str, Any]:
        return {
            "engine": self.engine,
            "seconds": self.seconds,
            "kept": self.kept,
            "targets": [_figures(verdict) for verdict in self.window.verdicts()],
            "counts": {m: self.window.counted(m) for m in _COUNTS.values()},
            "restarts": self.window.restarts,
            "unanswered": self.unanswered,
        }

    def plot(self, path: Path) -> None:
        """Draw how many turns took how long, by stage, and the targets; needs a turn."""
        from matplotlib.figure import Figure  # half a second: only a plot waits for it

        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        colours: dict[str, str] = {}
        for verdict in self.window.verdicts():
            stage, times = verdict.target.stage, verdict.times
            if not times.count:
                continue
            if stage not in colours:
                colours[stage] = f"C{len(colours)}"
                known = [
                    (bound * 1000, n / times.count)
                    for bound, n in zip(times.bounds, times.counts, strict=True)
                    if isfinite(bound)
                ]
                axes.plot(*zip(*known, strict=True), color=colours[stage], label=stage)
            at_ms = verdict.target.seconds * 1000
            axes.plot([at_ms], [verdict.target.quantile], "x", color=colours[stage], ms=10)
        axes.set_xscale("log")
        axes.set_xlabel("ms (the bounds of the server's buckets, joined)")
        axes.set_ylabel("share of turns within")
        axes.set_title(
            f"{self.engine}, {self.turns} turns; x: a target, kept where its line passes above"
        )
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)


def _row(verdict: Verdict) -> list[object]:
    target, times = verdict.target, verdict.times
    told: list[object] = [harmless(target.stage), str(target), times.count]
    if not times.count:
        return [*told, "-", "-", "-", _VERDICTS[None]]
    # rounded down: what is not quite enough must not look as if it were
    within = f"{floor(100 * times.share_within(target.seconds) + 1e-9)} %"
    last = max((bound for bound in times.bounds if isfinite(bound)), default=0.0)
    guesses = [_guess(times.quantile(share), last) for share in (0.5, 0.95)]
    return [*told, within, *guesses, _VERDICTS[verdict.kept]]


def _guess(seconds: float, last: float) -> str:
    return f"~{seconds * 1000:.0f}" if isfinite(seconds) else f">{last * 1000:.0f}"


def _figures(verdict: Verdict) -> dict[str, Any]:
    target, times = verdict.target, verdict.times
    return {
        "stage": target.stage,
        "quantile": target.quantile,
        "target_ms": round(target.seconds * 1000, 3),
        "turns": times.count,
        "share_within": times.share_within(target.seconds) if times.count else None,
        "kept": verdict.kept,
        "turns_within_ms": {
            f"{bound * 1000:g}": int(n)
            for bound, n in zip(times.bounds, times.counts, strict=True)
        },
    }


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "since its start"
    minutes, rest = divmod(round(seconds), 60)
    return f"for {minutes}:{rest:02d} min"
