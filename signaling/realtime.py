"""One call's data channel in the OpenAI Realtime wire format: text in, text out.

The client's half of the protocol: what it asks becomes requests to the call, or an `error`
event that names what is wrong; never an exception. The server's half is
`signaling.conversation`.
Knows JSON and the session; reads no clock, sends nothing itself.
"""

import json
from collections import deque
from collections.abc import Callable
from typing import Any

from agent.config import Between
from agent.errors import RejectedOffer
from agent.notices import Notice
from agent.requests import (
    CallSettings,
    CancelCurrentReply,
    ChangeSettings,
    ClearUtterance,
    CreateReply,
    GoOn,
    HangUp,
    NoteMute,
    NotePlayoutDelay,
    Request,
    ReturnFromTool,
    TruncateReply,
    TypeText,
)
from signaling.codes import Code
from signaling.conversation import Conversation, Event
from signaling.fields import Fields, read_json, read_long_json
from signaling.items import Item, Message
from signaling.limits import EVENT_BYTES, SESSION_EVENT_BYTES, SESSION_EVENT_VALUES
from signaling.refusals import refusal
from signaling.sessions import Session

MAX_TEXT = 4_000  # characters of one message: the model reads it while the caller waits
HELD_EVENTS = 1000  # kept for a data channel that is not open yet; it may never be

_ONLY_PART = Between(0, 0)
_AUDIO_MS = Between(0, 86_400_000)
_DELAY_MS = Between(0, 1000)

Answer = tuple[list[Request], list[Event]]


def _always() -> bool:
    return True


class RealtimeClient:
    """Feed `opened`, `tell`, `ask`; send what they return, in order.

    What is told before the channel is open comes out of `opened`, after session.created.
    `admits` says whether one more event of the client's is within its rate.
    """

    def __init__(
        self,
        session: Session,
        settings: CallSettings,
        salt: str,
        admits: Callable[[], bool] = _always,
    ) -> None:
        self.settings = settings
        self._session = session
        self._conversation = Conversation(salt, session.voice)
        self._salt = salt
        self._admits = admits
        self._refusing = False  # over its rate, and told so
        self._asked: str | None = None  # event_id of the client's latest event
        self._events = 0
        self._held: deque[str] | None = deque(maxlen=HELD_EVENTS)

    def opened(self) -> list[str]:
        """The data channel is open."""
        created = self._texts([{"type": "session.created", "session": self._session.view()}])
        held, self._held = self._held, None
        return [*created, *(held or ())]

    def tell(self, notice: Notice) -> list[str]:
        """Something happened in the call."""
        texts = self._texts(self._answering(self._conversation.tell(notice)))
        if self._held is None:
            return texts
        self._held.extend(texts)
        return []

    def ask(self, text: str) -> tuple[list[Request], list[str]]:
        """The client sent `text`: return what it asks of the call, and what to answer."""
        if not self._admits():
            if self._refusing:
                return [], []  # one answer for a flood: answering all of it would be another
            self._refusing = True
            return [], self._texts([refusal(Code.RATE_LIMITED, "too many events at once")])
        self._refusing = False
        self._asked = None
        try:
            event = _parse(text)
            given = event.get("event_id")
            self._asked = given[:512] if isinstance(given, str) else None
            requests, answers = self._answer(event)
        except RejectedOffer as error:
            requests, answers = [], [refusal(error.code, error.message, error.param)]
        return requests, self._texts(self._answering(answers))

    def _answering(self, events: list[Event]) -> list[Event]:
        """An error answers the event that was asked last: the call grants one at a time."""
        for event in events:
            if event["type"] == "error":
                event["error"]["event_id"] = self._asked
        return events

    def _texts(self, events: list[Event]) -> list[str]:
        texts = []
        for event in events:
            self._events += 1
            numbered = {"event_id": f"event_{self._salt}_{self._events}", **event}
            texts.append(json.dumps(numbered, ensure_ascii=False))
        return texts

    def _answer(self, event: dict[str, Any]) -> Answer:
        match event.get("type"):
            case "session.update":
                return self._update(event)
            case "response.create":
                if self._conversation.claim_results():  # it asks for an answer to them
                    return [GoOn()], []
                if self._conversation.response is not None:
                    raise _wrong(
                        Code.RESPONSE_ACTIVE, "a response is under way; cancel it first"
                    )
                return [CreateReply()], []
            case "response.cancel":
                return self._cancel(event)
            case "output_audio_buffer.clear":
                return [] if self._conversation.response is None else [CancelCurrentReply()], []
            case "input_audio_buffer.commit":
                if self._conversation.utterance is None and not self._conversation.unanswered:
                    raise _wrong(Code.NOTHING_TO_COMMIT, "the caller has said nothing new")
                return [], []  # response.create commits what was said, and answers it
            case "input_audio_buffer.clear":
                self._conversation.unanswered = False
                # An open utterance is acknowledged when the call has forgotten it.
                cleared = {"type": "input_audio_buffer.cleared"}
                return [ClearUtterance()], [] if self._conversation.utterance else [cleared]
            case "conversation.item.retrieve":
                item = self._item(event)
                return [], [{"type": "conversation.item.retrieved", "item": item.view()}]
            case "conversation.item.truncate":
                return self._truncate(event)
            case "voxline.playout.delay":
                return [NotePlayoutDelay(_whole(event, "delay_ms", _DELAY_MS))], []
            case "voxline.caller.muted":
                return [NoteMute(_flag(event, "muted"))], []
            case "voxline.call.hang_up":
                return [HangUp()], []
            case "input_audio_buffer.append":
                raise _wrong(Code.UNSUPPORTED, "audio comes by the peer connection", "type")
            case "conversation.item.create":
                return self._create(event)
            case "conversation.item.delete":
                raise _wrong(Code.UNSUPPORTED, "this agent remembers what was said", "type")
            case str(kind):
                raise _wrong(Code.UNKNOWN_EVENT, f"unknown event {kind[:64]!r}", "type")
            case _:
                raise _wrong(Code.UNKNOWN_EVENT, "an event's type is text", "type")

    def _update(self, event: dict[str, Any]) -> Answer:
        before, self._session = self._session, self._session.updated(event.get("session"))
        self._conversation.voice = self._session.voice
        changes = self._session.changes_since(before)
        updated = {"type": "session.updated", "session": self._session.view()}
        return [ChangeSettings(changes)] if changes != CallSettings() else [], [updated]

    def _create(self, event: dict[str, Any]) -> Answer:
        """Take an item that the client brings: a function's result, or typed text."""
        item = Fields(event.get("item"), "item")
        id = item.text("id", "", 64)
        if id in self._conversation.items:
            raise item.wrong("id", "is another item's")
        match item.values.get("type"):
            case "function_call_output":
                return self._return(item, id)
            case "message" if item.values.get("role") == "user":
                text = _typed(item)
                return [TypeText(text)], self._conversation.typed(text, id)
            case "message":
                raise item.wrong("role", "must be user", Code.UNSUPPORTED)
            case _:
                what = "must be function_call_output or message"
                raise item.wrong("type", what, Code.UNSUPPORTED)

    def _return(self, item: Fields, id: str) -> Answer:
        call_id = item.text("call_id", "", 256)  # the brain's own
        if not isinstance(item.values.get("output"), str):
            raise item.wrong("output", "must be text")
        output = item.text("output", "", EVENT_BYTES)
        call = self._conversation.calls.get(call_id)
        if call is None:
            raise item.wrong("call_id", "is no function call's", Code.CALL_UNKNOWN)
        if call.answered:
            raise item.wrong("call_id", "has its output already", Code.CALL_ANSWERED)
        answers = self._conversation.returned(call, output, id)
        return [ReturnFromTool(call_id, output)], answers

    def _cancel(self, event: dict[str, Any]) -> Answer:
        response = self._conversation.response
        if response is None or event.get("response_id") not in (None, response.id):
            raise _wrong(Code.RESPONSE_NOT_ACTIVE, "no such response is under way")
        return [CancelCurrentReply()], []

    def _truncate(self, event: dict[str, Any]) -> Answer:
        """The call knows what left of the item, and answers by a notice."""
        item = self._item(event)
        if not isinstance(item, Message) or item.role != "assistant":
            raise _wrong(Code.ITEM_NOT_FOUND, "only the agent's items have an end", "item_id")
        if event.get("content_index") is not None:
            _whole(event, "content_index", _ONLY_PART)
        return [TruncateReply(item.turn, _whole(event, "audio_end_ms", _AUDIO_MS))], []

    def _item(self, event: dict[str, Any]) -> Item:
        id = event.get("item_id")
        item = self._conversation.items.get(id) if isinstance(id, str) else None
        if item is None:
            raise _wrong(Code.ITEM_NOT_FOUND, "there is no such item", "item_id")
        return item


def _whole(event: dict[str, Any], key: str, bound: Between) -> int:
    """Read a number that an event must have, without its fraction. Raises RejectedOffer."""
    value = event.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not bound.holds(value):
        raise _wrong(Code.INVALID_VALUE, f"{key} must be a number {bound}", key)
    return int(value)


def _flag(event: dict[str, Any], key: str) -> bool:
    """Read what an event must say. Raises RejectedOffer."""
    value = event.get(key)
    if not isinstance(value, bool):
        raise _wrong(Code.INVALID_VALUE, f"{key} must be true or false", key)
    return value


def _typed(item: Fields) -> str:
    """Return the text of a message's parts. Raises RejectedOffer for any other part."""
    parts = item.values.get("content")
    if not isinstance(parts, list):
        raise item.wrong("content", "must be a list of input_text")
    texts = []
    for n, part in enumerate(parts):
        fields = Fields(part, f"item.content[{n}]")
        if fields.values.get("type") != "input_text":
            raise fields.wrong("type", "must be input_text", Code.UNSUPPORTED)
        texts.append(fields.text("text", "", MAX_TEXT))
    text = "\n".join(texts).strip()
    if not 0 < len(text) <= MAX_TEXT:
        raise item.wrong("content", f"must hold text, of at most {MAX_TEXT} characters")
    return text


def _parse(text: str) -> dict[str, Any]:
    long = _is_long(text)
    try:
        event = read_long_json(text) if long else read_json(text)
        if not isinstance(event, dict):
            raise _wrong(Code.INVALID_JSON, "an event is a JSON object")
        for echoed in (event.get("type"), event.get("event_id")):
            if isinstance(echoed, str):
                echoed.encode()  # half a surrogate pair cannot be sent back
    except ValueError:
        raise _wrong(Code.INVALID_JSON, "that is not JSON") from None
    if long and event.get("type") != "session.update":
        raise _too_large(EVENT_BYTES)
    return event


def _is_long(text: str) -> bool:
    """Whether it is longer than most may be. Raises RejectedOffer if none may be so long."""
    # No fewer bytes than characters: the first look spares encoding what is far too long.
    if len(text) <= SESSION_EVENT_BYTES and len(text.encode(errors="replace")) <= EVENT_BYTES:
        return False
    if '"session.update"' not in text:
        raise _too_large(EVENT_BYTES)
    if len(text) > SESSION_EVENT_BYTES or (
        len(text.encode(errors="replace")) > SESSION_EVENT_BYTES
    ):
        raise _too_large(SESSION_EVENT_BYTES)
    if sum(text.count(mark) for mark in ",:[{") > SESSION_EVENT_VALUES:
        raise _wrong(
            Code.EVENT_TOO_LARGE,
            f"an event of more than {EVENT_BYTES} bytes holds {SESSION_EVENT_VALUES} "
            "commas, colons and brackets at most",
        )
    return True


def _too_large(at_most: int) -> RejectedOffer:
    return _wrong(Code.EVENT_TOO_LARGE, f"such an event has {at_most} bytes at most")


def _wrong(code: Code, message: str, param: str | None = None) -> RejectedOffer:
    return RejectedOffer(code, message, param=param)
