"""What a client is told of a call: notices in, Realtime server events out.

Keeps what the events must agree on among themselves: which items there are, in which order,
which response is under way. An item holds what the conversation remembers, hence only what was
heard of a reply that was cut off; the `.transcript.done` event holds the whole text.

Events are dicts without `event_id`. Late notices (of a reply or utterance that is over) tell
nothing. Knows no JSON, no session, no requests.
"""

from dataclasses import dataclass, field
from typing import Any, assert_never

from agent import notices as nt
from signaling import responses
from signaling.codes import Code
from signaling.items import FunctionCall, FunctionOutput, Item, Message, TypedMessage, news
from signaling.refusals import refusal
from signaling.responses import Response

Event = dict[str, Any]

MAX_ITEMS = 512  # that can still be retrieved; a long call must not grow without end


@dataclass(slots=True)
class Utterance:
    """What the caller is saying, from its beginning until it is answered or forgotten."""

    number: int
    item_id: str
    start_ms: int
    end_ms: int


@dataclass(slots=True)
class Conversation:
    """One call's. `salt` makes its ids differ from other calls'; `voice` is a name."""

    salt: str
    voice: str
    items: dict[str, Item] = field(default_factory=dict)
    calls: dict[str, FunctionCall] = field(default_factory=dict)  # by their own ids
    response: Response | None = None
    utterance: Utterance | None = None  # open: neither answered nor forgotten
    unanswered: bool = False  # something was committed, and no response begun since
    _answered: Utterance | None = None  # the latest that was answered
    _goes_on: Utterance | None = None  # its turn was withdrawn; the next one holds it, too
    _last_item: str | None = None
    _unclaimed: bool = False  # functions' results came, and nobody asked for an answer yet
    _functions: int = 0
    _texts: int = 0

    def tell(self, notice: nt.Notice) -> list[Event]:
        """Return the events that tell of `notice`, in order."""
        match notice:
            case nt.StateChanged(state):
                return [{"type": "voxline.state", "state": state}]
            case nt.UtteranceStarted(number, at_ms):
                return [self._started(number, at_ms)]
            case nt.UtteranceStopped(number, at_ms):
                return self._stopped(number, at_ms)
            case nt.UtteranceCommitted(number):
                return self._committed(number)
            case nt.UtteranceTranscribed(number, transcript):
                return self._transcribed(number, transcript)
            case nt.UtteranceForgotten(number):
                if self.utterance is None or self.utterance.number != number:
                    return []
                self.utterance = None
                return [{"type": "input_audio_buffer.cleared"}]
            case nt.ReplyStarted(turn):
                return self._created(turn)
            case nt.ReplyText(turn, delta):
                return self._said(turn, delta)
            case nt.ReplyAudioStarted(turn):
                if (response := self._under_way(turn)) is None:
                    return []
                response.audible = True
                return [{"type": "output_audio_buffer.started", "response_id": response.id}]
            case nt.ReplyDone():
                return self._done(notice)
            case nt.ReplyCut():
                return self._cut(notice)
            case nt.CutRefused():
                return [_refused(notice)]
            case nt.TurnWithdrawn():
                return self._withdrawn(notice)
            case nt.ToolCalled():
                return self._called(notice)
            case nt.ToolGivenUp(call_id, output):
                call = self.calls.get(call_id)
                return [] if call is None else self._answered_call(call, output, "")
            case nt.TurnMeasured(turn, latency_ms, stages):
                return [self._measured(turn, latency_ms, stages)]
            case nt.CallEnding(reason):
                return [{"type": "voxline.call.ended", "reason": reason.value}]
            case _:
                assert_never(notice)

    # -- the caller

    def _started(self, number: int, at_ms: int) -> Event:
        before, self._goes_on = self._goes_on, None
        start_ms = at_ms if before is None else before.start_ms
        self.utterance = Utterance(number, self._utterance_id(number), start_ms, at_ms)
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
        self.utterance, self._answered, self.unanswered = None, utterance, True
        item = Message(utterance.item_id, "user", "completed", None, self._last_item)
        item.audio_ms = utterance.end_ms - utterance.start_ms
        committed = {
            "type": "input_audio_buffer.committed",
            "previous_item_id": item.previous,
            "item_id": item.id,
        }
        return [committed, *self._whole(item)]

    def _transcribed(self, number: int, transcript: str) -> list[Event]:
        item = self.items.get(self._utterance_id(number))
        if not isinstance(item, Message):
            return []
        item.transcript = transcript
        return [
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": item.id,
                "content_index": 0,
                "transcript": transcript,
                "usage": {"type": "duration", "seconds": item.audio_ms / 1000},
            }
        ]

    def typed(self, text: str, item_id: str) -> list[Event]:
        """They wrote instead; `item_id` "" leaves the id to us."""
        self._texts += 1
        self._unclaimed = False  # the reply to this text will know the results
        id = item_id or f"item_{self.salt}_t{self._texts}"
        return self._whole(TypedMessage(id, text, self._last_item))

    # -- the agent

    def _created(self, turn: int) -> list[Event]:
        response = self.response = Response(turn, self._response_id(turn))
        response.knows_results, self.unanswered = self._unclaimed, False
        view = self._view(response, None)
        return [{"type": "response.created", "response": view}]

    def _said(self, turn: int, delta: str) -> list[Event]:
        if (response := self._under_way(turn)) is None:
            return []
        begun: list[Event] = []
        if response.message is None:
            id = self._message_id(turn)
            item = Message(id, "assistant", "in_progress", None, self._last_item, turn)
            response.message = item
            begun = self._begin(response, item)
            part = {"type": "audio", "transcript": ""}
            place = response.part(item)
            begun.append({"type": "response.content_part.added", **place, "part": part})
        kind = "response.output_audio_transcript.delta"
        return [*begun, {"type": kind, **response.part(response.message), "delta": delta}]

    def _done(self, done: nt.ReplyDone) -> list[Event]:
        if (response := self._under_way(done.turn)) is None:
            return []
        self.response = None
        if response.knows_results:
            self._unclaimed = False  # it answered them with what the caller said
        whole = done.status == "completed"
        said = response.message
        ended = [] if said is None else self._ended(response, said, done)
        final = {"type": "response.done", "response": self._view(response, done)}
        buffer = {"type": "output_audio_buffer.stopped", "response_id": response.id}
        if not whole:
            buffer["type"] = "output_audio_buffer.cleared"
        sounded = [buffer] if response.audible else []
        return [*ended, final, *sounded] if whole else [*sounded, *ended, final]

    def _ended(self, response: Response, item: Message, done: nt.ReplyDone) -> list[Event]:
        """What the reply said is over."""
        whole = done.status == "completed"
        item.status = "completed" if whole else "incomplete"
        item.transcript, item.audio_ms = done.heard, done.audio_ms
        if whole:
            item.transcript += done.unheard  # nothing, but for what the ledger could not place
        text = done.heard + done.unheard
        place = response.part(item)
        ended: list[Event] = [
            {"type": "response.output_audio.done", **place},
            {"type": "response.output_audio_transcript.done", **place, "transcript": text},
            {
                "type": "response.content_part.done",
                **place,
                "part": {"type": "audio", "transcript": text},
            },
            *self._end(response, item),
        ]
        if whole:
            return ended
        return [*ended, *responses.cut(response.id, item, done.unheard, done.speech_at_ms)]

    def _cut(self, cut: nt.ReplyCut) -> list[Event]:
        """The client knows better what was heard of a reply that is over."""
        item = self.items.get(self._message_id(cut.turn))
        if not isinstance(item, Message):
            return []
        item.status, item.transcript, item.audio_ms = "incomplete", cut.heard, cut.audio_ms
        return responses.cut(self._response_id(cut.turn), item, cut.unheard, None)

    def _withdrawn(self, withdrawn: nt.TurnWithdrawn) -> list[Event]:
        """What the caller said goes on; of the turn that was none nothing is left."""
        utterance = self._answered
        gone = [self._message_id(withdrawn.turn)]
        if utterance is not None and utterance.number == withdrawn.utterance:
            gone.append(utterance.item_id)
            self._answered, self._goes_on = None, utterance
        deleted = [item for id in gone if (item := self.items.pop(id, None)) is not None]
        for item in deleted:
            if self._last_item == item.id:
                self._last_item = item.previous
        return [{"type": "conversation.item.deleted", "item_id": item.id} for item in deleted]

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

    # -- functions

    def claim_results(self) -> bool:
        """The client asks for a response: whether that is one to results of its functions."""
        unclaimed, self._unclaimed = self._unclaimed, False
        return unclaimed

    def returned(self, call: FunctionCall, output: str, item_id: str) -> list[Event]:
        """The client's function has returned; `item_id` "" leaves the id to us."""
        self._unclaimed = True
        return self._answered_call(call, output, item_id)

    def _called(self, called: nt.ToolCalled) -> list[Event]:
        if (response := self._under_way(called.turn)) is None:
            return []
        self._functions += 1
        item = FunctionCall(
            f"item_{self.salt}_f{self._functions}",
            called.call_id,
            called.name,
            called.arguments,
            self._last_item,
        )
        self.calls[item.call_id] = item
        added = self._begin(response, item)
        item.status = "completed"
        place = {**response.place(item), "item_id": item.id, "call_id": item.call_id}
        whole = {"name": item.name, "arguments": item.arguments}
        return [
            *added,
            {
                "type": "response.function_call_arguments.delta",
                **place,
                "delta": item.arguments,
            },
            {"type": "response.function_call_arguments.done", **place, **whole},
            *self._end(response, item),
        ]

    def _answered_call(self, call: FunctionCall, output: str, item_id: str) -> list[Event]:
        call.answered = True
        id = item_id or f"{call.id}_output"
        return self._whole(FunctionOutput(id, call.call_id, output, self._last_item))

    # -- what events have in common

    def _under_way(self, turn: int) -> Response | None:
        response = self.response
        return response if response is not None and response.turn == turn else None

    def _response_id(self, turn: int) -> str:
        return f"resp_{self.salt}_{turn}"

    def _utterance_id(self, number: int) -> str:
        return f"item_{self.salt}_u{number}"

    def _message_id(self, turn: int) -> str:
        return f"item_{self.salt}_r{turn}"

    def _begin(self, response: Response, item: Item) -> list[Event]:
        """Give the response another item."""
        self._add(item)
        response.items.append(item)
        added = {"type": "response.output_item.added", **response.place(item)}
        return [{**added, "item": item.view()}, news(item, "added")]

    def _end(self, response: Response, item: Item) -> list[Event]:
        done = {"type": "response.output_item.done", **response.place(item)}
        return [{**done, "item": item.view()}, news(item, "done")]

    def _whole(self, item: Item) -> list[Event]:
        """An item that is over as it begins."""
        self._add(item)
        return [news(item, "added"), news(item, "done")]

    def _add(self, item: Item) -> None:
        self.items[item.id] = item
        self._last_item = item.id
        if len(self.items) > MAX_ITEMS:
            oldest = self.items.pop(next(iter(self.items)))
            if isinstance(oldest, FunctionCall):
                del self.calls[oldest.call_id]

    def _view(self, response: Response, done: nt.ReplyDone | None) -> Event:
        return response.view(done, f"conv_{self.salt}", self.voice)


def _refused(cut: nt.CutRefused) -> Event:
    if cut.audio_ms is None:
        return refusal(Code.ITEM_NOT_FOUND, "it is too long ago to be cut", "item_id")
    has = f"audio content of {cut.audio_ms}ms is already shorter than {cut.asked_ms}ms"
    return refusal(Code.INVALID_VALUE, has, "audio_end_ms")
