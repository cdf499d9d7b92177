"""What a server counted between two looks at its `GET /metrics`.

Counts only grow: what grew is the difference, and one that shrank is of a server that has begun
anew, as Prometheus takes it. Times come in buckets: how many were at most the bound of one is
known, where between two bounds a percentile lies is not. Does no I/O.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from prometheus_client.parser import text_string_to_metric_families

ANSWER = "answer"  # the stage that is the whole turn
_TURN, _STAGE, _TARGET = (
    "voxline_turn_latency_seconds",
    "voxline_stage_seconds",
    "voxline_target_seconds",
)

_BORN = "process_start_time_seconds"  # where the server runs on Linux

Key = tuple[str, frozenset[tuple[str, str]]]  # a sample's name and its labels


@dataclass(frozen=True, slots=True)
class Target:
    """What a share of turns should take at most."""

    stage: str
    quantile: float  # 0..1
    seconds: float

    def __str__(self) -> str:
        return f"p{self.quantile * 100:.0f} <= {self.seconds * 1000:.0f} ms"


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values were at most each bound, in seconds; the bounds rise to infinity."""

    bounds: tuple[float, ...]
    counts: tuple[float, ...]

    @property
    def count(self) -> int:
        return int(self.counts[-1]) if self.counts else 0

    def share_within(self, seconds: float) -> float:
        """Of all, 0..1; those in the bucket that `seconds` lies within are not counted."""
        buckets = zip(self.bounds, self.counts, strict=True)
        return max((n for bound, n in buckets if bound <= seconds), default=0) / self.count

    def quantile(self, share: float) -> float:
        """A guess in seconds, on the line between a bucket's bounds; inf beyond the last."""
        wanted = share * self.count
        below = ((0.0, 0.0), *zip(self.bounds, self.counts, strict=True))
        for (low, fewer), (high, n) in pairwise(below):
            if n >= wanted and n > fewer:
                return min(high, low + (high - low) * (wanted - fewer) / (n - fewer))
        return inf


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target, and the turns of which it can be told whether they kept it."""

    target: Target
    times: Histogram

    @property
    def kept(self) -> bool | None:
        """None: there was no turn."""
        if not self.times.count:
            return None
        return self.times.share_within(self.target.seconds) >= self.target.quantile


class Window:
    """What one server did while it was looked at."""

    def __init__(self, *, whole: bool = False) -> None:
        """`whole`: since the server began; else since the first look."""
        self._last: Mapping[Key, float] | None = {} if whole else None
        self._grown: dict[Key, float] = defaultdict(float)
        self._gauges: Mapping[Key, float] = {}
        self._targets: list[Target] = []
        self.restarts = 0
        self.changed = False  # at one the targets, too: then what was before does not count

    def look(self, text: str) -> None:
        """Take what `GET /metrics` gave. ValueError: that is no server of ours."""
        try:
            counts, gauges = _read(text)
            targets = _targets(gauges)
        except LookupError as error:
            raise ValueError(f"a sample without {error}") from None
        last = counts if self._last is None else self._last
        shrank = any(counts.get(key, 0) < was for key, was in last.items())
        if shrank or (self._gauges and _first(gauges, _BORN) != self.gauge(_BORN)):
            self.restarts += 1
            last = {}
            if targets != self._targets:
                self.changed = True
                self._grown.clear()
        self._targets, self._gauges = targets, gauges
        for key, now in counts.items():
            self._grown[key] += now - last.get(key, 0)
        self._last = counts

    def verdicts(self) -> list[Verdict]:
        """One for each of the server's targets, in its order."""
        return [Verdict(target, self.times(target.stage)) for target in self._targets]

    def times(self, stage: str) -> Histogram:
        """Of a stage of turns, or of whole turns (ANSWER)."""
        if stage == ANSWER:
            return self.histogram(_TURN)
        return self.histogram(_STAGE, stage=stage)

    def histogram(self, name: str, **labels: str) -> Histogram:
        buckets = sorted(
            (float(found["le"]), n)
            for found, n in _named(self._grown, f"{name}_bucket")
            if labels.items() <= found.items()
        )
        return Histogram(tuple(bound for bound, _ in buckets), tuple(n for _, n in buckets))

    def counted(self, name: str) -> dict[str, int]:
        """What grew of a counter, by the value of its only label ("" where it has none)."""
        grown = _named(self._grown, f"{name}_total")
        return {"".join(found.values()): int(n) for found, n in grown if n}

    def gauge(self, name: str) -> float | None:
        return _first(self._gauges, name)


def _named(samples: Mapping[Key, float], name: str) -> list[tuple[dict[str, str], float]]:
    return [(dict(labels), value) for (of, labels), value in samples.items() if of == name]


def _first(samples: Mapping[Key, float], name: str) -> float | None:
    return next((value for _, value in _named(samples, name)), None)


def _targets(gauges: Mapping[Key, float]) -> list[Target]:
    found = [
        Target(labels["stage"], float(labels["quantile"]), seconds)
        for labels, seconds in _named(gauges, _TARGET)
    ]
    if not found:
        raise ValueError(f"{_TARGET} is not among what it tells")
    return found


def _read(text: str) -> tuple[dict[Key, float], dict[Key, float]]:
    """Split the exposition format into what only grows, and what is as it is just now."""
    counts: dict[Key, float] = {}
    gauges: dict[Key, float] = {}
    for family in text_string_to_metric_families(text):
        into = counts if family.type in ("counter", "histogram") else gauges
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                float(sample.labels["le"])  # or it is none
            into[sample.name, frozenset(sample.labels.items())] = sample.value
    return counts, gauges
