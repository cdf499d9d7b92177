"""A response as the wire has it: its view, and how its other events name their place in it.

Knows nothing of the conversation around it.
"""

from dataclasses import dataclass, field
from typing import Any

from agent.notices import ReplyDone
from signaling.items import Item, Message

Event = dict[str, Any]


@dataclass(slots=True)
class Response:
    """The reply under way."""

    turn: int
    id: str
    message: Message | None = None  # what it says, once it says anything
    items: list[Item] = field(default_factory=list)  # that and its function calls, in order
    audible: bool = False
    knows_results: bool = False  # of functions, which came before it and await an answer

    def place(self, item: Item) -> Event:
        """Where an item stands in it."""
        index = next(n for n, other in enumerate(self.items) if other is item)
        return {"response_id": self.id, "output_index": index}

    def part(self, item: Item) -> Event:
        """Where the only part of its message stands."""
        return {**self.place(item), "item_id": item.id, "content_index": 0}

    def view(self, done: ReplyDone | None, conversation_id: str, voice: str) -> Event:
        """The whole of it; `done` None: it is under way."""
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": "in_progress" if done is None else done.status,
            "status_details": None if done is None else _details(done),
            "output": [] if done is None else [item.view() for item in self.items],
            "conversation_id": conversation_id,
            "output_modalities": ["audio"],
            "audio": {"output": {"voice": voice}},
            "usage": None,  # tokens are not counted here, and none are invented
            "metadata": None,
        }


def cut(response_id: str, item: Message, unheard: str, speech_at_ms: int | None) -> list[Event]:
    """What tells that an item holds only what was heard."""
    truncated = {
        "type": "conversation.item.truncated",
        "item_id": item.id,
        "content_index": 0,
        "audio_end_ms": item.audio_ms,
    }
    heard = {
        "type": "voxline.response.heard",
        "response_id": response_id,
        "item_id": item.id,
        "heard": item.transcript,
        "unheard": unheard,
        "audio_ms": item.audio_ms,
        "speech_at_ms": speech_at_ms,
    }
    return [truncated, heard]


def _details(done: ReplyDone) -> Event:
    details: Event = {"type": done.status}
    if done.status == "failed":
        details["error"] = {
            "type": "server_error",
            "code": "engine_failed",
            "message": done.reason,
        }
    elif done.reason in ("turn_detected", "client_cancelled"):
        details["reason"] = done.reason  # the vendor knows no other; a hang-up has none
    return details
