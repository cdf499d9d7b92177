"""What came of a scenario, as the caller saw it: values, in seconds on the run's clock.

Made of the wire's events and of the packets at the caller's socket, and therefore the same
whether the call ran over a network or in virtual time. Knows no call.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.caller import Event
from benchmarks.heard import SPEECH_PEAK

# The event that tells of a reply's first packet and that packet take different ways.
_EVENT_LATE_S = 0.06


@dataclass(frozen=True, slots=True)
class Uttered:
    """One line: when its first and its last sample of speech were handed to the encoder."""

    began_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Replied:
    """A reply that was heard: its first and its last packet with speech in it."""

    began_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Account:
    """One run of a scenario."""

    start_s: float  # the call is connected
    end_s: float  # nobody looked any longer
    lines: tuple[Uttered, ...]  # those that were said
    peaks: tuple[tuple[float, float], ...]  # each packet: its arrival, its peak
    events: tuple[Event, ...]
    stuck: str = ""  # why the rest was not said
    late_ms: float = 0.0  # how late the caller's own packets left at worst

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.type == kind]

    @property
    def speech_s(self) -> list[float]:
        """When each packet with speech in it arrived."""
        return [at_s for at_s, peak in self.peaks if peak >= SPEECH_PEAK]

    @property
    def replies(self) -> list[Replied]:
        """Those of which something was heard, in order."""
        speech_s, found = self.speech_s, []
        started = self.of("output_audio_buffer.started")
        begins = [event.at_s - _EVENT_LATE_S for event in started]
        ends = [*begins[1:], self.end_s][: len(started)]
        for begin_s, end_s in zip(begins, ends, strict=True):
            own = [at_s for at_s in speech_s if begin_s <= at_s < end_s]
            if own:
                found.append(Replied(own[0], own[-1]))
        return found

    @property
    def heard(self) -> tuple[str, ...]:
        """What the caller heard of each reply that is over."""
        done = [event.body["response"] for event in self.of("response.done")]
        return tuple(filter(None, map(_words, done)))

    @property
    def understood(self) -> tuple[str, ...]:
        """What the caller said in each turn, as far as the engine tells."""
        told = self.of("conversation.item.input_audio_transcription.completed")
        return tuple(str(event.body.get("transcript")) for event in told)

    @property
    def ended_by(self) -> Event | None:
        told = self.of("voxline.call.ended")
        return told[0] if told else None

    @property
    def state(self) -> str:
        """The last that the agent told of; it tells of changes only."""
        told = self.of("voxline.state")
        return str(told[-1].body.get("state")) if told else "listening"

    def loudness(self, begin_s: float, end_s: float) -> float | None:
        """The loudest packet in a stretch; None where there is none."""
        return max((peak for at_s, peak in self.peaks if begin_s <= at_s < end_s), default=None)


def _words(response: Any) -> str:
    """The words of a finished response that were heard: it holds no others."""
    parts: Iterable[Any] = (
        part for item in response["output"] for part in item.get("content", ())
    )
    return " ".join(str(part.get("transcript", "")) for part in parts)
