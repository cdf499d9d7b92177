"""`python -m benchmarks.endpoint`: how soon the end of a turn is believed, against cutting in.

Every recording is judged by weights that were fitted without it and its kin. Beside the curve
of the judge stands that of a fixed wait; both place the end of speech in the same way. From the
pauses alone: `voxline bench latency` measures the same at a caller's socket.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from agent.config import Turns
from benchmarks import report
from benchmarks.endpoint_corpus import CONDITIONS, Observed, observe_all
from benchmarks.endpoint_fit import Numbers, answered_ms, fit, table, waits_ms, without

ENOUGH = (-1.8, -1.35, -0.9, -0.4, 0.0, 0.5, 0.9, 1.35, 1.8)  # logits, `medium` among them
FIXED_MS = (150, 200, 250, 300, 350, 400, 450, 500, 600)


@dataclass(frozen=True, slots=True)
class Point:
    """One way to wait, over some turns."""

    way: str
    setting: float  # logit, or ms
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


def frontier(observed: Sequence[Observed], rounds: int = 1500) -> dict[str, list[Point]]:
    """Return both curves, "clean" and over all conditions."""
    turns = Turns()
    complete = [each for each in observed if each.complete]
    judged: dict[tuple[str, str], Numbers] = {}
    for name in sorted({each.name for each in complete}):
        weights = fit(table(without(observed, name)), rounds=rounds)
        for each in (each for each in complete if each.name == name):
            laid_out = table([each])
            judged[name, each.condition] = np.array(
                [
                    answered_ms(laid_out, waits_ms(laid_out, weights, e, turns))[0]
                    for e in ENOUGH
                ]
            )
    points: dict[str, list[Point]] = {}
    for label, chosen in (
        ("clean", [each for each in complete if each.condition == "clean"]),
        ("all conditions", complete),
    ):
        names = [each.name for each in chosen]
        by_turn = np.array([judged[each.name, each.condition] for each in chosen])
        points[label] = [
            point("judged", enough, names, by_turn[:, n]) for n, enough in enumerate(ENOUGH)
        ]
        laid_out = table(chosen)
        for wait_ms in FIXED_MS:
            waits = np.full(len(laid_out.turn), float(wait_ms))
            points[label].append(point("fixed", wait_ms, names, answered_ms(laid_out, waits)))
    return points


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

    figure = Figure(figsize=(8, 4), layout="constrained")
    for axes, (label, curve) in zip(figure.subplots(1, 2), points.items(), strict=True):
        for way, colour in (("judged", "tab:blue"), ("fixed", "tab:grey")):
            of_it = [each for each in curve if each.way == way]
            share = [100 * each.share for each in of_it]
            axes.plot(share, [e.p50_ms for e in of_it], "o-", color=colour, label=f"{way}, p50")
            axes.plot(share, [e.p95_ms for e in of_it], ".:", color=colour, label=f"{way}, p95")
        axes.set(title=label, xlabel="turns cut into, %", ylabel="ms from the last speech")
        axes.set_ylim(0, 700)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Judge every recording by weights fitted without it; print, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, help="keep what was heard in this file")
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--plot", type=Path, default=Path(__file__).parent / "plots/endpoint.png"
    )
    arguments = parser.parse_args()
    points = frontier(observe_all(CONDITIONS, arguments.cache))
    print(text(points))
    if arguments.json is not None:
        figures = {label: [asdict(each) for each in curve] for label, curve in points.items()}
        report.write_json(arguments.json, {"conditions": len(CONDITIONS)}, figures)
    plot(points, arguments.plot)


if __name__ == "__main__":
    main()
