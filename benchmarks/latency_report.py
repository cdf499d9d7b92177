"""What `voxline bench latency` shows of its turns: lines, tables, JSON, a plot.

Knows turns; measures nothing. One quantity beside the other, always: how fast the answers were,
and in how many turns the agent cut in.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO, assert_never

from benchmarks.report import Summary, render_json, summarize, table, write_json
from benchmarks.turn import (
    DEFINITION,
    Outcome,
    Turn,
    latencies_ms,
    stage_durations_ms,
)

_STAGES = {
    "ear": "last sample sent to last sample placed: codec, network, VAD's tail",
    "vad": "until the VAD noticed",
    "wait": "until the turn was believed to be over",
    "brain": "from the question to the first words",
    "voice": "from the first words to the first sound",
    "playout": "until the first packet left",
}
_LATE_MS = 5.0


class Progress:
    """A line for each turn as it is over."""

    def __init__(self, count: int, out: TextIO) -> None:
        self._count, self._out, self._taken = count, out, 0

    def note(self, turn: Turn) -> None:
        self._taken += 1
        width = len(str(self._count))
        place = f"[{self._taken:{width}}/{self._count}]"
        print(f"{place} {turn.recording:16} {_told(turn)}", file=self._out, flush=True)


def _told(turn: Turn) -> str:
    match turn.outcome:
        case Outcome.ANSWERED:
            return f"answered after {turn.latency_ms:.0f} ms"
        case Outcome.CUT_INTO:
            return f"cut into, {turn.cut_in_ms:.0f} ms before the end"
        case Outcome.UNANSWERED:
            return "not answered"
        case Outcome.LOST:
            return "the call ended during the turn"
    assert_never(turn.outcome)


@dataclass(frozen=True, slots=True)
class Report:
    turns: tuple[Turn, ...]
    silence_ms: float | None  # the server's configured wait, where it tells
    settings: dict[str, Any]
    eagerness: str | None = None  # where it judges each pause instead
    made_by: str | None = None  # who said it, where it was not people, recorded

    @property
    def answered(self) -> int:
        return len(latencies_ms(self.turns))

    @property
    def cut_into(self) -> int:
        return self._count(Outcome.CUT_INTO)

    @property
    def heard_out(self) -> int:
        """Turns that came to their end; only in these could an agent cut in or not."""
        return len(self.turns) - self._count(Outcome.LOST)

    def _count(self, outcome: Outcome) -> int:
        return sum(turn.outcome is outcome for turn in self.turns)

    def text(self) -> str:
        """Return all of it for a terminal."""
        parts = [self._headline(), *self._origin(), self._stages(), self._recordings()]
        parts += self._warnings()
        return "\n\n".join(part for part in ["", *parts] if part is not None)

    def _headline(self) -> str:
        connect = summarize(turn.connect_ms for turn in self.turns)
        rows: list[list[object]] = [
            [
                "connect (POST to connected)",
                connect.count,
                connect.p50,
                connect.p95,
                connect.p99,
            ]
        ]
        if self.answered:
            voice = summarize(latencies_ms(self.turns))
            rows.insert(0, ["voice to voice", voice.count, voice.p50, voice.p95, voice.p99])
        lines = [
            table(["ms", "n", "p50", "p95", "p99"], rows),
            "",
            f"cut in: {self.cut_into} of {self.heard_out} turns (not in the percentiles)",
        ]
        for outcome, name in (
            (Outcome.UNANSWERED, "not answered"),
            (Outcome.LOST, "call ended during the turn"),
        ):
            if count := self._count(outcome):
                lines.append(f"{name}: {count} of {len(self.turns)} turns")
        if self.silence_ms is not None:
            lines.append(f"of the latency, the server waits {self.silence_ms:.0f} ms for more")
        waits = stage_durations_ms(self.turns).get("wait")
        if self.eagerness is not None and waits:
            waited = summarize(waits)
            lines.append(
                f"of the latency, the server waits p50 {waited.p50:.0f}, p95 {waited.p95:.0f} "
                f"ms for more: it judges each pause (eagerness {self.eagerness})"
            )
        return "\n".join(lines)

    def _stages(self) -> str | None:
        durations = stage_durations_ms(self.turns)
        if not durations:
            return None
        rows = []
        for name, values in durations.items():
            summary = summarize(values)
            rows.append([name, summary.count, summary.p50, summary.p95, _STAGES.get(name, "")])
        return table(["stage (they overlap)", "n", "p50", "p95", "what"], rows)

    def _recordings(self) -> str:
        rows = []
        for name in dict.fromkeys(turn.recording for turn in self.turns):
            turns = [turn for turn in self.turns if turn.recording == name]
            values = latencies_ms(turns)
            cut = sum(turn.outcome is Outcome.CUT_INTO for turn in turns)
            middle = summarize(values).p50 if values else None
            rows.append([name, len(turns), middle, max(values, default=None), cut])
        said = "recording" if self.made_by is None else "synthetic"
        return table([said, "turns", "p50", "worst", "cut into"], rows)

    def _origin(self) -> Sequence[str]:
        if self.made_by is None:
            return []
        return [
            f"synthetic speech: said by {self.made_by}, for want of recordings. People pause "
            "otherwise:\nno figure for benchmarks/RESULTS.md. --recordings DIR says yours"
        ]

    def _warnings(self) -> Sequence[str]:
        late_ms = max(turn.caller_late_ms for turn in self.turns)
        if late_ms < _LATE_MS:
            return []
        return [f"the caller's own packets were up to {late_ms:.0f} ms late: a busy machine"]

    def _figures(self) -> dict[str, Any]:
        connect = summarize(turn.connect_ms for turn in self.turns)
        voice: Summary | None = None
        if self.answered:
            voice = summarize(latencies_ms(self.turns))
        return {
            "definition": DEFINITION,
            "speech": self._speech,
            "voice_to_voice_ms": voice,
            "cut_into": self.cut_into,
            "heard_out": self.heard_out,
            "unanswered": self._count(Outcome.UNANSWERED),
            "lost": self._count(Outcome.LOST),
            "connect_ms": connect,
            "silence_ms": self.silence_ms,
            "eagerness": self.eagerness,
            "stages_ms": {
                name: summarize(values)
                for name, values in stage_durations_ms(self.turns).items()
            },
            "turns": [asdict(turn) for turn in self.turns],
        }

    @property
    def _speech(self) -> str:
        return "recorded" if self.made_by is None else f"synthetic, by {self.made_by}"

    def write_json(self, path: Path | None) -> None:
        """Write every turn and what it was measured with; None prints it."""
        if path is None:
            sys.stdout.write(render_json(self.settings, self._figures()))
        else:
            write_json(path, self.settings, self._figures())

    def plot(self, path: Path) -> None:
        """Draw each turn by recording, and the distribution of all. Needs an answered turn."""
        from matplotlib.figure import Figure  # half a second: only a plot waits for it

        figure = Figure(figsize=(9, 6.5), layout="constrained")
        strip, share = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        names = list(dict.fromkeys(turn.recording for turn in self.turns))[::-1]
        values = latencies_ms(self.turns)
        voice = summarize(values)
        for row, name in enumerate(names):
            own = [turn for turn in self.turns if turn.recording == name]
            answered = latencies_ms(own)
            strip.plot(answered, [row] * len(answered), "o", color="tab:blue", alpha=0.6)
            cut = sum(turn.outcome is Outcome.CUT_INTO for turn in own)
            if cut:
                strip.plot([0], [row], "x", color="tab:red", clip_on=False)
                strip.annotate(f"   cut into, {cut} of {len(own)}", (0, row), va="center")
        strip.set_yticks(range(len(names)), names)
        strip.set_ylim(-0.5, len(names) - 0.5)
        ranked = sorted(values)
        steps = [(i + 1) / len(ranked) for i in range(len(ranked))]
        share.step([0, *ranked], [0, *steps], where="post", color="tab:blue")
        share.set_ylim(0, 1.02)
        share.set_ylabel("share of answered turns")
        share.set_xlabel(
            "ms from the caller's last speech sample to the first packet of speech"
        )
        share.set_xlim(0, max([*ranked, self.silence_ms or 0]) * 1.1)
        for axes in (strip, share):
            axes.grid(axis="x", alpha=0.3)
            if self.silence_ms is not None:
                axes.axvline(self.silence_ms, linestyle="--", color="gray")
        if self.silence_ms is not None:
            share.annotate(
                f" wait {self.silence_ms:.0f} ms ",
                (self.silence_ms, 0.04),
                ha="right",
                color="gray",
            )
        strip.set_title(
            f"p50 {voice.p50:.0f}, p95 {voice.p95:.0f}, p99 {voice.p99:.0f} ms "
            f"in {voice.count} turns; "
            f"cut into {self.cut_into} of {self.heard_out}"
            + ("" if self.made_by is None else f" ({self._speech})")
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)
