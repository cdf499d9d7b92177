"""What every benchmark says in the same way: percentiles, a table, a JSON file, a plot.

Knows numbers and files; does not know what was measured. Percentiles, never a mean: a caller
hears the slow turn, not the average one.
"""

import json
import math
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # matplotlib takes half a second to import: only a plot waits for it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OUT = Path(__file__).parent / "out"  # git-ignored
_PACKAGES = ("aiortc", "av", "numpy", "torch", "uvloop")
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Summary:
    """Values of one quantity, in the unit they came in."""

    count: int
    p50: float
    p95: float
    p99: float
    worst: float


def summarize(values: Iterable[float]) -> Summary:
    """Nearest-rank percentiles: each is a value that was really measured.

    Raises ValueError when there is none, since a benchmark without values has failed.
    """
    ranked = sorted(values)
    if not ranked:
        raise ValueError("nothing was measured")

    def at(percent: int) -> float:
        # whole numbers: 0.95 * 20 is a little more than 19 in floating point
        return ranked[max(0, -(-percent * len(ranked) // 100) - 1)]

    return Summary(len(ranked), at(50), at(95), at(99), ranked[-1])


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns of plain text; numbers to the right, floats with two significant decimals."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    numeric = [
        all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(headers))
    ]

    def line(texts: Sequence[str]) -> str:
        return "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(texts, widths, numeric, strict=True)
        ).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(headers), rule, *map(line, cells)])


def write_json(path: Path, settings: Mapping[str, Any], figures: Mapping[str, Any]) -> None:
    """Write what `render_json` returns; nothing is written when that raises."""
    text = render_json(settings, figures)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def render_json(settings: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    """Return figures with what is needed to believe them: machine, versions, commit, settings.

    A number that is not finite is a bug of the benchmark: ValueError.
    """
    content = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "settings": dict(settings),
        "figures": dict(figures),
    }
    return json.dumps(content, indent=2, allow_nan=False, default=_jsonable) + "\n"


def commit() -> str:
    """Short hash of the checkout, with `+` when it has uncommitted changes; or "unknown"."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--exclude=*", "--dirty=+"],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return described.stdout.strip()


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def plot_lines(
    path: Path,
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    limit: float | None = None,
) -> None:
    """One line a series of (x, y); `limit` is the target, drawn dashed."""
    figure, axes = _canvas(title, y_label, limit)
    for name, points in series.items():
        xs, ys = zip(*points, strict=True)
        axes.plot(xs, ys, marker="o", label=name)
    axes.set_xlabel(x_label)
    axes.legend()
    _save(figure, path)


def plot_bars(
    path: Path,
    bars: Mapping[str, float],
    *,
    title: str,
    y_label: str,
    limit: float | None = None,
) -> None:
    """One bar a name; `limit` is the target, drawn dashed."""
    figure, axes = _canvas(title, y_label, limit)
    drawn = axes.bar(list(bars), list(bars.values()), width=0.6)
    axes.bar_label(drawn, fmt="%.3g")
    _save(figure, path)


def plot_spans(
    path: Path, spans: Mapping[str, tuple[float, float | None, float | None]], *, title: str
) -> None:
    """A row a name: ours, the floor and the stock way, in ms on a logarithmic scale."""
    figure, axes = _canvas(title, "", None)
    figure.set_size_inches(9, 0.5 * len(spans) + 1.5)
    axes.set_xlabel("ms")
    axes.set_xscale("log")
    axes.grid(axis="x", alpha=0.3)
    names = list(spans)
    looks = (("ours", "o", "C0"), ("floor", "|", "gray"), ("stock", "x", "C3"))
    for which, (label, marker, colour) in enumerate(looks):
        points = {name: at for name in names if (at := spans[name][which]) is not None}
        axes.scatter(
            list(points.values()), list(points), marker=marker, color=colour, label=label, s=60
        )
    for name in names:
        axes.annotate(f"  {spans[name][0]:.3g}", (spans[name][0], name), va="bottom")
    axes.invert_yaxis()
    axes.legend()
    _save(figure, path)


def _canvas(title: str, y_label: str, limit: float | None) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")  # no pyplot: no global state
    axes = figure.subplots()
    axes.set_title(title)
    axes.set_ylabel(y_label)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    if limit is not None:
        axes.axhline(limit, linestyle="--", color="gray", label=f"target {limit:g}")
    return figure, axes


def _save(figure: "Figure", path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case float():
            if not math.isfinite(value) or abs(value) >= 100:
                return f"{value:.0f}"
            return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
        case _:
            return str(value)


def _jsonable(value: object) -> Any:
    match value:
        case Summary():
            return asdict(value)
        case Path():
            return str(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no place in a report")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
