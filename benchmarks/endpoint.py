"""`python -m benchmarks.endpoint`: how soon the end of a turn is believed, against cutting in.

Every speaker is judged by weights that were fitted without them; with `--unseen` those of a
folder that the published weights were not fitted on, by these. Beside the curve of the judge
stands that of a fixed wait, and where it was asked that of Smart Turn; all place the
end of speech in the same way. From the pauses alone: `voxline bench latency` measures the same
at a caller's socket.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from agent.config import Turns
from agent.endpoint.odds import Weights
from agent.endpoint.weights import FITTED
from agent.errors import ConfigError
from agent.smart_turn import weights as probe_weights
from benchmarks import report
from benchmarks.endpoint_corpus import SPEAKERS, Observed, observe_all
from benchmarks.endpoint_fit import Table, answered_ms, fit, table, waits_ms, without
from benchmarks.endpoint_probe import added, fit_probe
from benchmarks.endpoint_smart_turn import Answers, load_answers, verdict_waits_ms
from benchmarks.options import add_corpus
from benchmarks.perceptron_fit import Numbers

# logits, `medium` among them
ENOUGH = (-1.5, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
FIXED_MS = (150, 200, 250, 300, 350, 400, 450, 500, 600)
CONVINCED = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99)  # odds
BOTH = "judged with smart turn"
_OUTLASTED_MS = 450  # a wait as long as an answer may take; longer pauses are another matter
_FOLDS = 4  # of the speakers who are many
_COLUMNS = 3  # of the drawing
_COLOURS = {
    "judged": "tab:blue",
    BOTH: "tab:green",
    "fixed": "tab:grey",
    "smart turn": "tab:orange",
}


@dataclass(frozen=True, slots=True)
class Point:
    """One way to wait, over some turns."""

    way: str
    setting: float  # logit, ms, or odds
    p50_ms: float | None  # None: none was answered in time
    p95_ms: float | None
    turns: int
    cut_into: tuple[str, ...]

    @property
    def share(self) -> float:
        return len(self.cut_into) / self.turns


def point(way: str, setting: float, names: Sequence[str], answered: Numbers) -> Point:
    """Sum up when turns were answered, in ms from their ends; below 0 is a cut-in."""
    later = answered[answered >= 0]
    p50, p95 = (float(p) for p in np.percentile(later, [50, 95])) if len(later) else (None,) * 2
    cut = tuple(name for name, each in zip(names, answered, strict=True) if each < 0)
    return Point(way, setting, p50, p95, len(answered), cut)


def _groups(complete: Sequence[Observed]) -> Iterator[tuple[str, list[Observed]]]:
    """Yield what is summed up, under its name; nothing empty."""
    own = [each for each in complete if each.speaker in SPEAKERS]
    more = [each for each in complete if each.speaker not in SPEAKERS]
    rooms = [each for each in more if each.condition == "room"]
    for label, chosen in (
        ("in their rooms", [each for each in own if each.condition == "room"]),
        ("all conditions", own),
        ("more speech, in its rooms", rooms),
        (f"the same, no pause of {_OUTLASTED_MS} ms", _outlasted(rooms)),
        ("more speech, its conditions", more),
    ):
        if chosen:
            yield label, chosen


def _outlasted(turns: Sequence[Observed]) -> list[Observed]:
    """Return those that nobody is cut into who just waits for long."""
    answered = _fixed(table(turns), _OUTLASTED_MS)
    return [each for each, at_ms in zip(turns, answered, strict=True) if at_ms >= 0]


def _fixed(rows: Table, wait_ms: float) -> Numbers:
    """Return when each turn is answered by who always waits as long."""
    return answered_ms(rows, np.full(len(rows.turn), wait_ms))


def frontier(
    observed: Sequence[Observed], answers: Answers | None = None, unseen: bool = False
) -> dict[str, list[Point]]:
    """Return the curves of each group of turns. `unseen`: judged by the published weights.

    `answers` must be of all that was observed.
    """
    turns = Turns()
    complete = [each for each in observed if each.complete]
    judged: dict[tuple[str, str], list[float]] = {}
    advised: dict[tuple[str, str], list[float]] = {}
    for speakers in _folds(complete):
        others = without(observed, speakers)
        weights = FITTED if unseen else fit(others)
        spoken = [each for each in complete if each.speaker in speakers]
        judged |= _released(spoken, weights, turns)
        if answers is not None:
            probe = probe_weights.load() if unseen else fit_probe(others, answers, weights)
            advised |= _released(spoken, weights, turns, added(probe, spoken, answers))
    points: dict[str, list[Point]] = {}
    for label, chosen in _groups(complete):
        names = [each.name for each in chosen]
        by_turn = np.array([judged[each.name, each.condition] for each in chosen])
        points[label] = [
            point("judged", enough, names, by_turn[:, n]) for n, enough in enumerate(ENOUGH)
        ]
        if answers is not None:
            by_turn = np.array([advised[each.name, each.condition] for each in chosen])
            points[label] += [
                point(BOTH, enough, names, by_turn[:, n]) for n, enough in enumerate(ENOUGH)
            ]
        laid_out = table(chosen)
        for wait_ms in FIXED_MS:
            points[label].append(point("fixed", wait_ms, names, _fixed(laid_out, wait_ms)))
        if answers is None:
            continue
        for odds in CONVINCED:
            answered = answered_ms(laid_out, verdict_waits_ms(chosen, answers, odds))
            points[label].append(point("smart turn", odds, names, answered))
    return points


def _folds(observed: Sequence[Observed]) -> list[set[str]]:
    """Return who is judged together: of ours everyone alone, of others a quarter at a time."""
    speakers = sorted({each.speaker for each in observed})
    many = [speaker for speaker in speakers if speaker not in SPEAKERS]
    alone = [{speaker} for speaker in speakers if speaker in SPEAKERS]
    return alone + [set(many[n::_FOLDS]) for n in range(min(_FOLDS, len(many)))]


def _released(
    spoken: Sequence[Observed], weights: Weights, turns: Turns, opinion: Numbers | float = 0.0
) -> dict[tuple[str, str], list[float]]:
    """Return when each turn is answered, for each of ENOUGH."""
    rows = table(spoken)
    answers = [answered_ms(rows, waits_ms(rows, weights, e, turns, opinion)) for e in ENOUGH]
    return {
        (each.name, each.condition): [float(answer[n]) for answer in answers]
        for n, each in enumerate(spoken)
    }


def text(points: dict[str, list[Point]]) -> str:
    """Return the curves as tables."""
    parts = []
    for label, curve in points.items():
        rows = [
            (
                each.way,
                f"{each.setting:g}",
                each.p50_ms and round(each.p50_ms),
                each.p95_ms and round(each.p95_ms),
                f"{len(each.cut_into)} of {each.turns}",
                f"{100 * each.share:.0f} %",
            )
            for each in curve
        ]
        parts.append(
            f"{label}\n"
            + report.table(("way", "setting", "p50 ms", "p95 ms", "cut into", "share"), rows)
        )
    return "\n\n".join(parts)


def plot(points: dict[str, list[Point]], path: Path) -> None:
    """Draw latency against the share of turns cut into."""
    from matplotlib.figure import Figure

    rows = -(-len(points) // _COLUMNS)
    figure = Figure(figsize=(5 * _COLUMNS, 4.2 * rows + 0.3), layout="constrained")
    panels = figure.subplots(rows, _COLUMNS, squeeze=False).flat
    for axes, (label, curve) in zip(panels, points.items(), strict=False):
        for way, colour in _COLOURS.items():
            of_it = [each for each in curve if each.way == way]
            if not of_it:
                continue
            share = [100 * each.share for each in of_it]
            axes.plot(share, [e.p50_ms for e in of_it], "o-", color=colour, label=f"{way}, p50")
            axes.plot(share, [e.p95_ms for e in of_it], ".:", color=colour, label=f"{way}, p95")
        axes.set(
            title=f"{label} ({curve[0].turns} turns)",
            xlabel="turns cut into, %",
            ylabel="ms from the last speech",
        )
        axes.set_ylim(0, 900)
    for axes in panels[len(points) :]:
        axes.axis("off")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Judge every speaker by weights fitted without them; print, write, draw."""
    parser = argparse.ArgumentParser(prog="benchmarks.endpoint", description=__doc__)
    add_corpus(parser)
    parser.add_argument(
        "--unseen", action="store_true", help="judge --more alone, by the published weights"
    )
    parser.add_argument(
        "--after", type=int, default=0, metavar="N", help="the speaker has said N turns before"
    )
    parser.add_argument(
        "--answers",
        type=Path,
        metavar="FILE",
        help="what benchmarks.endpoint_smart_turn wrote",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the curves")
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        default=Path(__file__).parent / "plots/endpoint.png",
        help="draw them, as PNG (default: over the one in benchmarks/plots)",
    )
    arguments = parser.parse_args()
    if arguments.unseen and arguments.more is None:
        parser.error("--unseen needs --more DIR: what is to be judged")
    if arguments.answers is not None and arguments.after:
        parser.error("--answers are about first turns: leave out --after")
    try:
        observed = observe_all(
            arguments.cache, arguments.more, own=not arguments.unseen, after=arguments.after
        )
        answers = load_answers(arguments.answers) if arguments.answers else None
        points = frontier(observed, answers, arguments.unseen)
    except ConfigError as error:
        parser.error(str(error))
    print(text(points))
    if arguments.json is not None:
        figures = {label: [asdict(each) for each in curve] for label, curve in points.items()}
        report.write_json(arguments.json, {"turns": len(observed)}, figures)
    plot(points, arguments.plot)


if __name__ == "__main__":
    main()
