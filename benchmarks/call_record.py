"""What `voxline call` shows of a call: its events as lines for people, its turns as JSON.

Knows the wire's event types; knows no call.
"""

from pathlib import Path
from typing import Any, TextIO

from agent.events import EndReason
from benchmarks.caller import Event
from benchmarks.terminal import harmless
from benchmarks.turn import Explanation, Outcome, explain


class Record:
    """One call. Prints lines to `out` as things happen; None prints nothing."""

    def __init__(self, out: TextIO | None) -> None:
        self._out = out
        self._connect_ms: float | None = None
        self._states: list[str] = []
        self._words: list[dict[str, Any]] = []
        self._turns: list[dict[str, Any]] = []
        self._ending: str | None = None  # as the server says, before it hangs up
        self._end: str | None = None
        self._saved: str | None = None
        self._heard_s: float | None = None

    @property
    def answered(self) -> int:
        """How many of the things said were answered, cut-ins included."""
        return sum(turn["latency_ms"] is not None for turn in self._turns)

    @property
    def took_place(self) -> bool:
        return self._connect_ms is not None

    def connected(self, connect_ms: float) -> None:
        self._connect_ms = connect_ms
        self._line("call", f"connected after {connect_ms:.0f} ms")

    def saying(self, name: str) -> None:
        self._line("call", f"saying {name}")

    def said(self, name: str, outcome: Outcome, latency_ms: float | None) -> None:
        """Note how something that was said was answered, as the caller measured it."""
        self._turns.append({"said": name, "outcome": outcome, "latency_ms": latency_ms})
        match outcome:
            case Outcome.ANSWERED:
                self._line("call", f"answered after {latency_ms:.0f} ms")
            case Outcome.CUT_INTO:
                self._line("call", f"the agent spoke before the end of {name}")
            case _:
                self._line("call", f"no answer to {name}")

    def ended(self, reason: EndReason | None) -> None:
        """Note the end, and take no more events. `reason` None: we hung up."""
        self._end = self._ending or ("hung up" if reason is None else reason.value)
        self._line("call", f"ended: {self._end}")

    def saved(self, path: Path, seconds: float) -> None:
        self._saved, self._heard_s = str(path), seconds
        self._line("call", f"{seconds:.1f} s saved in {path}")

    def take(self, event: Event) -> None:
        """Take an event of the data channel; those that mean nothing here are skipped."""
        if self._end is not None:
            return
        body = event.body
        match event.type:
            case "voxline.state":
                self._states.append(str(body.get("state")))
                self._line("state", self._states[-1])
            case "conversation.item.input_audio_transcription.completed":
                self._said_by("caller", str(body.get("transcript")))
            case "response.output_audio_transcript.done":
                self._said_by("agent", str(body.get("transcript")))
            case "voxline.response.heard" if body.get("unheard"):
                self._line("agent", f"was cut off; not heard: {body['unheard']}")
            case "response.done":
                match body.get("response"):
                    case {"status": "failed", "status_details": {"error": {"message": why}}}:
                        self._line("agent", f"failed: {why}")
            case "voxline.turn.latency":
                if (explanation := explain(body)) is not None:
                    self._line("server", _stages(explanation))
            case "voxline.call.ended":
                self._ending = str(body.get("reason"))
            case "error":
                error = body.get("error")
                message = error.get("message") if isinstance(error, dict) else error
                self._line("error", str(message))

    def as_json(self) -> dict[str, Any]:
        return {
            "connect_ms": self._connect_ms,
            "turns": self._turns,
            "transcript": self._words,
            "states": self._states,
            "ended": self._end,
            "saved": self._saved,
            "heard_s": self._heard_s,
        }

    def _said_by(self, who: str, words: str) -> None:
        self._words.append({"who": who, "words": words})
        self._line(who, words)

    def _line(self, who: str, text: str) -> None:
        if self._out is not None:
            print(f"{who:>7}  {harmless(text)}", file=self._out, flush=True)


def _stages(explanation: Explanation) -> str:
    parts = [
        f"{stage.name} {stage.end_ms - stage.begin_ms:.0f}" for stage in explanation.stages
    ]
    return f"{explanation.latency_ms:.0f} ms by its own clock: {', '.join(parts)}"
