"""One turn of the benchmark: what was measured, and the definition by which (no I/O, no clock).

Latency: from the moment the frame with the caller's last speech sample was handed to the
caller's encoder to the arrival, at the caller's socket, of the first packet with agent speech.
A turn is cut into when such a packet arrived after the caller's first sample and before the
last: the agent spoke over a caller who had not finished. Its latency, the time to the next
packet with speech, may be that of the reply which cut in: it is shown, and in no percentile.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

DEFINITION = (
    "from handing the frame with the last speech sample to the caller's Opus encoder, to the "
    "arrival of the first RTP packet with agent speech (peak above -40 dBFS) at the caller's "
    "socket; turns cut into are counted and not in the percentiles"
)
EAR = "ear"


class Outcome(StrEnum):
    ANSWERED = "answered"
    CUT_INTO = "cut_into"
    UNANSWERED = "unanswered"
    LOST = "lost"  # the call ended before the turn did


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of a turn, in ms from the last speech sample as the server heard it."""

    name: str
    begin_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the server says of a turn (`voxline.turn.latency`)."""

    latency_ms: float
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    recording: str
    outcome: Outcome
    connect_ms: float
    latency_ms: float | None = None
    cut_in_ms: float | None = None  # how long before the caller's end the agent began
    explanation: Explanation | None = None
    caller_late_ms: float = 0.0  # worst lateness of our own packets

    @property
    def ear_ms(self) -> float | None:
        """From the last speech sample to where the server places it: codec, network and VAD."""
        if self.latency_ms is None or self.explanation is None:
            return None
        return self.latency_ms - self.explanation.latency_ms


def judge(
    speech_s: Sequence[float], began_s: float, ended_s: float
) -> tuple[Outcome, float | None, float | None]:
    """Return outcome, latency in ms, and how many ms before the end the agent cut in.

    `speech_s` are the arrivals of packets with agent speech, ascending; the caller's first
    sample was handed over at `began_s` and the last speech sample at `ended_s`.
    """
    early = [at_s for at_s in speech_s if began_s <= at_s < ended_s]
    later = [at_s for at_s in speech_s if at_s >= ended_s]
    latency_ms = (later[0] - ended_s) * 1000 if later else None
    if early:
        return Outcome.CUT_INTO, latency_ms, (ended_s - early[0]) * 1000
    if latency_ms is None:
        return Outcome.UNANSWERED, None, None
    return Outcome.ANSWERED, latency_ms, None


def explain(event: Mapping[str, Any]) -> Explanation | None:
    """Read a `voxline.turn.latency` event; None when it does not look like one."""
    try:
        stages = tuple(
            Stage(str(s["name"]), float(s["begin_ms"]), float(s["end_ms"]))
            for s in event["stages"]
        )
        return Explanation(float(event["latency_ms"]), stages)
    except (KeyError, TypeError, ValueError):
        return None


def latencies_ms(turns: Iterable[Turn]) -> list[float]:
    """Return what the percentiles are made of: turns answered, and not cut into."""
    return [
        turn.latency_ms
        for turn in turns
        if turn.outcome is Outcome.ANSWERED and turn.latency_ms is not None
    ]


def stage_durations_ms(turns: Iterable[Turn]) -> dict[str, list[float]]:
    """Return how long each stage took in the answered turns, in the order of a turn.

    The first is the `ear`: what lies between the caller's clock and the server's.
    """
    durations: dict[str, list[float]] = {}
    for turn in turns:
        if turn.outcome is not Outcome.ANSWERED or turn.explanation is None:
            continue
        if turn.ear_ms is not None:
            durations.setdefault(EAR, []).append(turn.ear_ms)
        for stage in turn.explanation.stages:
            durations.setdefault(stage.name, []).append(stage.end_ms - stage.begin_ms)
    return durations
