"""Where the milliseconds of a turn went, and the counters of the house.

`Marks` are moments of one turn, in the loop's seconds, set by the shell as they pass. The
Prometheus side is a registry of its own, so that tests and several servers do not share counts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from agent.config import Targets
from agent.events import EndReason

_LATENCY_S = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.8, 1, 1.5, 2, 4)
_STAGE_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2)
_LAG_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)

_FATES = ("lost", "recovered", "late", "duplicates", "refused", "malformed")


@dataclass(slots=True)
class Marks:
    """Moments of one turn, in seconds of the loop's clock; None while they have not passed."""

    silent: float  # the caller's last speech sample, as the VAD places it
    noticed: float  # the VAD said so
    prepared: float | None = None  # the brain was asked
    text: float | None = None  # its first words
    audio: float | None = None  # the voice's first samples
    released: float | None = None  # the turn was believed to be over
    left: float | None = None  # the first packet

    def stages(self) -> tuple[tuple[str, float, float], ...]:
        """(name, begin, end) in ms from the last speech sample; only those that happened.

        Work done during the wait overlaps it: that is the point of speculation.
        """
        ready = max((m for m in (self.audio, self.released) if m is not None), default=None)
        spans = (
            ("vad", self.silent, self.noticed),
            ("wait", self.noticed, self.released),
            ("brain", self.prepared, self.text),
            ("voice", self.text, self.audio),
            ("playout", ready, self.left),
        )
        return tuple(
            (name, _ms(begin - self.silent), _ms(end - self.silent))
            for name, begin, end in spans
            if begin is not None and end is not None
        )

    def latency_ms(self) -> float:
        """From the last speech sample to the first packet; it must have left."""
        assert self.left is not None
        return _ms(self.left - self.silent)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _goals(targets: Targets) -> Iterator[tuple[str, float, float]]:
    """(stage or "answer", quantile, seconds) of each: the key says the first two."""
    for key, ms in asdict(targets).items():
        stage, percentile, _ = key.split("_")
        yield stage, int(percentile.removeprefix("p")) / 100, ms / 1000


def _with(bounds: Sequence[float], more: Iterable[float]) -> list[float]:
    """Buckets whose bounds hold the targets: how many turns kept one is then known exactly."""
    return sorted({*bounds, *more})


class Metrics:
    """Everything `GET /metrics` shows."""

    def __init__(self, targets: Targets | None = None) -> None:
        goals = list(_goals(targets or Targets()))
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)  # CPU, memory, files of the media process; on Linux
        self.calls_active = Gauge("voxline_calls_active", "Calls now", registry=registry)
        self.calls_ended = Counter(
            "voxline_calls_ended", "Calls that ended, by reason", ["reason"], registry=registry
        )
        self.calls_refused = Counter(
            "voxline_calls_refused",
            "Calls that were refused, by the code that their callers got",
            ["code"],
            registry=registry,
        )
        self.engine_deaths = Counter(
            "voxline_engine_deaths",
            "Times the engines' process was lost, and started again",
            registry=registry,
        )
        self.engine_ways = Gauge(
            "voxline_engine_way",
            "1 for the way of running that a step of an engine took when it was loaded",
            ["step", "way"],
            registry=registry,
        )
        self.turn_latency = Histogram(
            "voxline_turn_latency_seconds",
            "Caller's last speech sample (as the VAD places it) to the reply's first packet",
            buckets=_with(_LATENCY_S, (s for stage, _, s in goals if stage == "answer")),
            registry=registry,
        )
        self.stage = Histogram(
            "voxline_stage_seconds",
            "Stages of a turn; they overlap",
            ["stage"],
            buckets=_with(_STAGE_S, (s for stage, _, s in goals if stage != "answer")),
            registry=registry,
        )
        wanted = Gauge(
            "voxline_target_seconds",
            "What this share of turns (quantile) should take at most, in a stage or as a whole "
            "(answer); config.yaml's targets",
            ["stage", "quantile"],
            registry=registry,
        )
        for stage, quantile, seconds in goals:
            wanted.labels(stage, quantile).set(seconds)
        self.replies = Counter(
            "voxline_replies", "Replies, by how they ended", ["status"], registry=registry
        )
        self.loop_lag = Histogram(
            "voxline_loop_lag_seconds",
            "How late the media loop ran a timer, whoever held the core",
            buckets=_LAG_S,
            registry=registry,
        )
        self.loop_held = Histogram(
            "voxline_loop_held_seconds",
            "CPU time for which our own code held the media loop, before others had their turn",
            buckets=_LAG_S,
            registry=registry,
        )
        self.packets_received = Counter(
            "voxline_packets_received", "RTP packets that arrived", registry=registry
        )
        self.packets_amiss = Counter(
            "voxline_packets_amiss",
            "RTP packets that did not arrive (lost; recovered of those), or in vain",
            ["fate"],
            registry=registry,
        )
        self.concealed = Counter(
            "voxline_concealed_seconds", "Audio made up for lost packets", registry=registry
        )
        self.opinions = Counter(
            "voxline_smart_turn_answers",
            "Answers of Smart Turn: asked for; of those in time, or late",
            ["fate"],
            registry=registry,
        )
        self.underruns = Counter(
            "voxline_playout_underruns", "Replies that ran out of audio", registry=registry
        )

    def turn_measured(self, marks: Marks) -> None:
        self.turn_latency.observe(marks.latency_ms() / 1000)
        for name, begin_ms, end_ms in marks.stages():
            self.stage.labels(name).observe(max(0.0, end_ms - begin_ms) / 1000)

    def opinion(self, fate: str) -> None:
        """Smart Turn was asked, or its answer came in_time, or late."""
        self.opinions.labels(fate).inc()

    def timer_ran(self, late_s: float) -> None:
        """One timer of `agent.lag.watch`."""
        self.loop_lag.observe(late_s)

    def loop_passed(self, held_s: float) -> None:
        """One pass of `agent.lag.CountingLoop`."""
        self.loop_held.observe(held_s)

    def engines_run(self, ways: Iterable[tuple[str, str]]) -> None:
        """The engines were loaded: each step runs this way, and none as before."""
        self.engine_ways.clear()
        for step, way in ways:
            self.engine_ways.labels(step, way).set(1)

    def call_ended(self, reason: EndReason) -> None:
        self.calls_ended.labels(reason.value).inc()

    def call_refused(self, code: str) -> None:
        """`code` is one of PROTOCOL.md's."""
        self.calls_refused.labels(code).inc()

    def line_closed(self, received: Mapping[str, int], underruns: int) -> None:
        """Count a call: `received` has the fields of `media.receiver.Stats`."""
        self.packets_received.inc(received["packets"])
        for fate in _FATES:
            self.packets_amiss.labels(fate).inc(received[fate])
        self.concealed.inc(received["concealed_ms"] / 1000)
        self.underruns.inc(underruns)

    def text(self) -> bytes:
        """The Prometheus exposition format, version 0.0.4."""
        return generate_latest(self._registry)
