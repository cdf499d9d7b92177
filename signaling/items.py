"""The items of a conversation as the wire has them, and after which other each stands.

Kinds of messages differ by who speaks; a function's call and its output are items of their own.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Message:
    """What was said. An agent's holds only what was heard of it, once it is over."""

    id: str
    role: str  # user | assistant
    status: str  # in_progress | completed | incomplete
    transcript: str | None
    previous: str | None
    turn: int = 0  # of an assistant's message: the reply
    audio_ms: int = 0  # how long it is; of an assistant's what was heard of it, once it is over

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


@dataclass(slots=True)
class TypedMessage:
    """What the caller wrote."""

    id: str
    text: str
    previous: str | None

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_text", "text": self.text}],
        }


@dataclass(slots=True)
class FunctionCall:
    """The agent wants one of the client's functions called."""

    id: str
    call_id: str
    name: str
    arguments: str  # a JSON object
    previous: str | None
    status: str = "in_progress"  # then completed: it is whole when it is told of
    answered: bool = False

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "realtime.item",
            "type": "function_call",
            "status": self.status,
            "call_id": self.call_id,
            "name": self.name,
            "arguments": self.arguments if self.status == "completed" else "",
        }


@dataclass(slots=True)
class FunctionOutput:
    """What it returned, or what the agent is told instead."""

    id: str
    call_id: str
    output: str
    previous: str | None

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "realtime.item",
            "type": "function_call_output",
            "status": "completed",
            "call_id": self.call_id,
            "output": self.output,
        }


Item = Message | TypedMessage | FunctionCall | FunctionOutput


def news(item: Item, what: str) -> dict[str, Any]:
    """Return conversation.item.added or .done."""
    return {
        "type": f"conversation.item.{what}",
        "previous_item_id": item.previous,
        "item": item.view(),
    }
