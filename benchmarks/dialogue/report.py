"""The results of scenarios: a line for each as it is done, a table, JSON."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

from benchmarks.dialogue.account import Account
from benchmarks.dialogue.scenario import Scenario
from benchmarks.dialogue.verdict import Verdict, judge
from benchmarks.dialogue.world import Part

_WIDTH = 44  # of a cell of words
_LATE_MS = 40.0  # two packets


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a scenario."""

    name: str
    about: str
    world: str
    lasted_s: float = 0.0
    late_ms: float = 0.0  # the caller's own packets, at worst
    verdicts: tuple[Verdict, ...] = ()
    skipped: str = ""  # why

    @classmethod
    def of(cls, world: str, part: Part, account: Account) -> "Result":
        verdicts = judge(part.scenario, account)
        lasted_s = account.end_s - account.start_s
        about, late_ms = part.scenario.about, account.late_ms
        return cls(part.name, about, world, lasted_s, late_ms, verdicts)

    @classmethod
    def without(
        cls, world: str, name: str, scenario: Scenario, absent: Sequence[str]
    ) -> "Result":
        """One that cannot be played here."""
        why = f"no recording {', '.join(absent)}; VOXLINE_RECORDINGS names their folder"
        return cls(name, scenario.about, world, skipped=why)

    @property
    def is_good(self) -> bool:
        return all(verdict.is_good for verdict in self.verdicts)

    @property
    def outcome(self) -> str:
        if self.skipped:
            return "skipped"
        return "ok" if self.is_good else "FAILED"


def line(result: Result) -> str:
    """What is shown when a scenario is done."""
    bad = [verdict for verdict in result.verdicts if not verdict.is_good]
    tail = "; ".join(f"{each.what} {each.measured}" for each in bad) or result.skipped
    return f"{result.outcome:<8}{result.name:<28}{shorten(tail, 100)}".rstrip()


def table(results: Sequence[Result]) -> str:
    """Every expectation beside what was measured."""
    rows = [("dialogue", "", "what", "expected", "measured")]
    for result in results:
        if result.skipped:
            rows.append((result.name, "skipped", result.skipped, "", ""))
        for n, verdict in enumerate(result.verdicts):
            name = result.name if n == 0 else ""
            measured = shorten(verdict.measured, _WIDTH)
            if note := _note(verdict):
                measured = f"{measured} ({note})"
            outcome = _outcome(verdict)
            rows.append(
                (name, outcome, verdict.what, shorten(verdict.expected, _WIDTH), measured)
            )
    widths = [max(len(row[n]) for row in rows if row[3] or n < 2) for n in range(4)]
    lines = [
        "  ".join([*(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=False)), row[4]])
        for row in rows
    ]
    return "\n".join([*(each.rstrip() for each in lines), "", *_late(results), _sum(results)])


def write_json(results: Sequence[Result], path: Path | None) -> None:
    """Write all there is to `path`; None: to standard output."""
    text = json.dumps([_as_json(result) for result in results], indent=2)
    if path is None:
        sys.stdout.write(f"{text}\n")
    else:
        path.write_text(f"{text}\n", encoding="utf-8")


def _as_json(result: Result) -> dict[str, Any]:
    return {**asdict(result), "outcome": result.outcome}


def _outcome(verdict: Verdict) -> str:
    if verdict.is_good:
        return "known" if verdict.fails_because else "ok"
    return "FAILED"


def _note(verdict: Verdict) -> str:
    if not verdict.fails_because:
        return ""
    if verdict.is_good:
        return verdict.fails_because
    return "it holds now: take fails_because away"


def _late(results: Sequence[Result]) -> list[str]:
    """A warning where the machine was too busy to measure on."""
    worst_ms = max((result.late_ms for result in results), default=0.0)
    if worst_ms < _LATE_MS:
        return []
    return [
        f"this machine was busy: the caller's own packets left up to {worst_ms:.0f} ms late, "
        "and what was measured is no better than that"
    ]


def _sum(results: Sequence[Result]) -> str:
    outcomes = [result.outcome for result in results]
    known = sum(v.is_good and bool(v.fails_because) for r in results for v in r.verdicts)
    parts = [f"{outcomes.count('ok')} of {len(results)} dialogues as expected"]
    if failed := outcomes.count("FAILED"):
        parts.append(f"{failed} not")
    if skipped := outcomes.count("skipped"):
        parts.append(f"{skipped} skipped")
    if known:
        parts.append(f"{known} expectations are known not to hold")
    return ", ".join(parts)
