"""What a client is told of a call: notices in, Realtime server events out.

Keeps what the events must agree on among themselves: which items there are, in which order,
which response is under way. An item holds what the conversation remembers, hence only what was
heard of a reply that was cut off; the `.transcript.done` event holds the whole text.

Events are dicts without `event_id`. Late notices (of a reply or utterance that is over) tell
nothing. Knows no JSON, no session, no requests.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, assert_never

from agent import events as ev

Event = dict[str, Any]

MAX_ITEMS = 512  # that can still be retrieved; a long call must not grow without end


@dataclass(slots=True)
class Item:
    """One conversation item, and after which other it stands."""

    id: str
    role: str  # user | assistant
    status: str  # in_progress | completed | incomplete
    transcript: str | None
    previous: str | None
    audio_ms: int = 0  # of an assistant's item: how much of it the caller was sent

    def view(self) -> dict[str, Any]:
        kind = "input_audio" if self.role == "user" else "output_audio"
        bare = self.role == "assistant" and self.status == "in_progress"
        return {
            "id": self.id,
            "object": "realtime.item",
            "type": "message",
            "status": self.status,
            "role": self.role,
            "content": [] if bare else [{"type": kind, "transcript": self.transcript}],
        }

    def news(self, what: str) -> Event:
        """Return conversation.item.added or .done."""
        return {
            "type": f"conversation.item.{what}",
            "previous_item_id": self.previous,
            "item": self.view(),
        }


@dataclass(slots=True)
class Response:
    """The reply under way."""

    turn: int
    id: str
    item: Item
    audible: bool = False


@dataclass(slots=True)
class Utterance:
    """What the caller is saying, from its beginning until it is answered or forgotten."""

    number: int
    item_id: str
    start_ms: int
    end_ms: int


@dataclass(slots=True)
class Conversation:
    """One call's. `salt` makes its ids differ from other calls'; `voice` asks for the name."""

    salt: str
    voice: Callable[[], str]
    items: dict[str, Item] = field(default_factory=dict)
    response: Response | None = None
    utterance: Utterance | None = None  # open: neither answered nor forgotten
    _answered: Utterance | None = None  # the latest that was answered
    _last_item: str | None = None

    def tell(self, notice: ev.Notice) -> list[Event]:
        """Return the events that tell of `notice`, in order."""
        match notice:
            case ev.StateChanged(state):
                return [{"type": "voxline.state", "state": state}]
            case ev.UtteranceStarted(number, at_ms):
                return [self._started(number, at_ms)]
            case ev.UtteranceStopped(number, at_ms):
                return self._stopped(number, at_ms)
            case ev.UtteranceCommitted(number):
                return self._committed(number)
            case ev.UtteranceTranscribed(number, transcript):
                return self._transcribed(number, transcript)
            case ev.UtteranceForgotten(number):
                if self.utterance is None or self.utterance.number != number:
                    return []
                self.utterance = None
                return [{"type": "input_audio_buffer.cleared"}]
            case ev.ReplyStarted(turn):
                return self._created(turn)
            case ev.ReplyText(turn, delta):
                if (response := self._under_way(turn)) is None:
                    return []
                kind = "response.output_audio_transcript.delta"
                return [{"type": kind, **self._part(response), "delta": delta}]
            case ev.ReplyAudioStarted(turn):
                if (response := self._under_way(turn)) is None:
                    return []
                response.audible = True
                return [{"type": "output_audio_buffer.started", "response_id": response.id}]
            case ev.ReplyDone():
                return self._done(notice)
            case ev.TurnMeasured(turn, latency_ms, stages):
                return [self._measured(turn, latency_ms, stages)]
            case ev.CallEnding(reason):
                return [{"type": "voxline.call.ended", "reason": reason.value}]
            case _:
                assert_never(notice)

    # -- the caller

    def _started(self, number: int, at_ms: int) -> Event:
        self.utterance = Utterance(number, f"item_{self.salt}_u{number}", at_ms, at_ms)
        return {
            "type": "input_audio_buffer.speech_started",
            "audio_start_ms": at_ms,
            "item_id": self.utterance.item_id,
        }

    def _stopped(self, number: int, at_ms: int) -> list[Event]:
        utterance = self.utterance
        if utterance is None or utterance.number != number:
            return []
        utterance.end_ms = max(at_ms, utterance.start_ms)
        return [
            {
                "type": "input_audio_buffer.speech_stopped",
                "audio_end_ms": utterance.end_ms,
                "item_id": utterance.item_id,
            }
        ]

    def _committed(self, number: int) -> list[Event]:
        utterance = self.utterance
        if utterance is None or utterance.number != number:
            return []
        self.utterance, self._answered = None, utterance
        item = self._add(utterance.item_id, "user", "completed")
        committed = {
            "type": "input_audio_buffer.committed",
            "previous_item_id": item.previous,
            "item_id": item.id,
        }
        return [committed, item.news("added"), item.news("done")]

    def _transcribed(self, number: int, transcript: str) -> list[Event]:
        utterance = self._answered
        if utterance is None or utterance.number != number:
            return []
        if item := self.items.get(utterance.item_id):
            item.transcript = transcript
        seconds = (utterance.end_ms - utterance.start_ms) / 1000
        return [
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": utterance.item_id,
                "content_index": 0,
                "transcript": transcript,
                "usage": {"type": "duration", "seconds": seconds},
            }
        ]

    # -- the agent

    def _created(self, turn: int) -> list[Event]:
        item = self._add(f"item_{self.salt}_r{turn}", "assistant", "in_progress")
        response = self.response = Response(turn, self._response_id(turn), item)
        place = {"response_id": response.id, "output_index": 0}
        part = {"type": "audio", "transcript": ""}
        return [
            {"type": "response.created", "response": self._view(response, "in_progress", None)},
            {"type": "response.output_item.added", **place, "item": item.view()},
            item.news("added"),
            {"type": "response.content_part.added", **self._part(response), "part": part},
        ]

    def _done(self, done: ev.ReplyDone) -> list[Event]:
        if (response := self._under_way(done.turn)) is None:
            return []
        self.response = None
        item, whole = response.item, done.status == "completed"
        item.status = "completed" if whole else "incomplete"
        item.transcript, item.audio_ms = done.heard, done.audio_ms
        if whole:
            item.transcript += done.unheard  # nothing, but for what the ledger could not place
        text = done.heard + done.unheard
        place = {"response_id": response.id, "output_index": 0}
        part = self._part(response)
        ended: list[Event] = [
            {"type": "response.output_audio.done", **part},
            {"type": "response.output_audio_transcript.done", **part, "transcript": text},
            {
                "type": "response.content_part.done",
                **part,
                "part": {"type": "audio", "transcript": text},
            },
            {"type": "response.output_item.done", **place, "item": item.view()},
            item.news("done"),
        ]
        final = {"type": "response.done", "response": self._view(response, done.status, done)}
        buffer = {"type": "output_audio_buffer.stopped", "response_id": response.id}
        if not whole:
            buffer["type"] = "output_audio_buffer.cleared"
        sounded = [buffer] if response.audible else []
        if whole:
            return [*ended, final, *sounded]
        return [*sounded, *ended, *self._cut(response, done), final]

    def _cut(self, response: Response, done: ev.ReplyDone) -> list[Event]:
        truncated = {
            "type": "conversation.item.truncated",
            "item_id": response.item.id,
            "content_index": 0,
            "audio_end_ms": done.audio_ms,
        }
        heard = {
            "type": "voxline.response.heard",
            "response_id": response.id,
            "item_id": response.item.id,
            "heard": done.heard,
            "unheard": done.unheard,
            "audio_ms": done.audio_ms,
        }
        return [truncated, heard]

    def _measured(
        self, turn: int, latency_ms: float, stages: tuple[tuple[str, float, float], ...]
    ) -> Event:
        return {
            "type": "voxline.turn.latency",
            "response_id": self._response_id(turn),
            "latency_ms": round(latency_ms, 1),
            "stages": [
                {"name": name, "begin_ms": round(begin, 1), "end_ms": round(end, 1)}
                for name, begin, end in stages
            ],
        }

    # -- what events have in common

    def _under_way(self, turn: int) -> Response | None:
        response = self.response
        return response if response is not None and response.turn == turn else None

    def _response_id(self, turn: int) -> str:
        return f"resp_{self.salt}_{turn}"

    def _part(self, response: Response) -> dict[str, Any]:
        return {
            "response_id": response.id,
            "item_id": response.item.id,
            "output_index": 0,
            "content_index": 0,
        }

    def _add(self, id: str, role: str, status: str) -> Item:
        item = self.items[id] = Item(id, role, status, None, self._last_item)
        self._last_item = id
        if len(self.items) > MAX_ITEMS:
            del self.items[next(iter(self.items))]
        return item

    def _view(
        self, response: Response, status: str, done: ev.ReplyDone | None
    ) -> dict[str, Any]:
        return {
            "id": response.id,
            "object": "realtime.response",
            "status": status,
            "status_details": None if done is None else _details(done),
            "output": [] if done is None else [response.item.view()],
            "conversation_id": f"conv_{self.salt}",
            "output_modalities": ["audio"],
            "audio": {"output": {"voice": self.voice()}},
            "usage": None,  # tokens are not counted here, and none are invented
            "metadata": None,
        }


def _details(done: ev.ReplyDone) -> dict[str, Any]:
    details: dict[str, Any] = {"type": done.status}
    if done.status == "failed":
        details["error"] = {
            "type": "server_error",
            "code": "engine_failed",
            "message": done.reason,
        }
    elif done.reason in ("turn_detected", "client_cancelled"):
        details["reason"] = done.reason  # the vendor knows no other; a hang-up has none
    return details
