"""A streamed chat completion, line by line: server-sent events in, pieces of a reply out.

No I/O: whoever reads the lines feeds them. Trusts nothing about what is in them.
"""

import json
from typing import Any

from agent.brains.openai_chat.words import shortened
from agent.engines import Text, ToolCall
from agent.errors import EngineError

_CALLS = 64  # tool calls in one reply; more is a model gone wild


class Completion:
    """One reply under way. `feed` raises EngineError for what is no chat completion."""

    def __init__(self, turn: int) -> None:
        """`turn` makes ids for tool calls: the server's may be missing, or come again."""
        self._turn = turn
        self._data: list[str] = []  # of the event under way
        self._calls: dict[int, _Call] = {}  # by their index in the reply
        self.begun = False  # a first token was there
        self.is_silent = True  # there is nothing to be heard or called
        self.done = False  # it has said that it is complete
        self.over = False  # and that nothing more will come

    def feed(self, line: bytes) -> Text | None:
        """The next line, line end included; the text that it completes, if any."""
        try:
            text = line.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise _garbage("bytes that are no UTF-8") from error
        if not text:
            data, self._data = "\n".join(self._data), []
            return self._event(data) if data else None
        field, _, value = text.partition(":")
        match field:
            case "data":
                self._data.append(value.removeprefix(" "))
            case "" | "event" | "id" | "retry":  # "" begins a comment, which keeps a line open
                pass
            case _:
                raise _garbage(f"a line that begins with {text[:20]!r}")
        return None

    def calls(self) -> list[ToolCall]:
        """The tools that the whole reply asks for. Raises EngineError for half a call."""
        return [call.whole(self._id(index)) for index, call in sorted(self._calls.items())]

    def _id(self, index: int) -> str:
        return f"{self._turn % 10**6:06d}{index:03d}"  # Mistral's templates want 9 characters

    def _event(self, data: str) -> Text | None:
        if data == "[DONE]":
            self.done = self.over = True
            return None
        try:
            event = json.loads(data)
            if "error" in event or event.get("object") == "error":
                error = event.get("error") or event
                raise EngineError(
                    f"the chat server failed in mid-reply: {shortened(error['message'])}"
                )
            choices = event["choices"]
            return self._choice(choices[0]) if choices else None  # none: a count of tokens
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise _garbage(f"an event of {len(data)} characters") from error

    def _choice(self, choice: dict[str, Any]) -> Text | None:
        delta = choice.get("delta") or {}
        if choice.get("finish_reason"):
            self.done = True
        for part in delta.get("tool_calls") or ():
            self.begun, self.is_silent = True, False
            index = int(part.get("index") or 0)
            if index >= _CALLS:
                raise ValueError("too many calls")
            self._calls.setdefault(index, _Call()).add(part)
        content = delta.get("content") or ""
        if not isinstance(content, str):
            raise TypeError("content is no text")
        if not content:
            return None
        self.begun = True
        self.is_silent = self.is_silent and not content.strip()
        return Text(content)


class _Call:
    """A tool call in parts."""

    def __init__(self) -> None:
        self._name = self._arguments = ""

    def add(self, part: dict[str, Any]) -> None:
        function = part.get("function") or {}
        self._name += function.get("name") or ""
        self._arguments += function.get("arguments") or ""

    def whole(self, call_id: str) -> ToolCall:
        arguments = self._arguments or "{}"
        try:
            good = isinstance(json.loads(arguments), dict)
        except ValueError:
            good = False
        if not good or not self._name:
            raise EngineError(
                f"the model called {self._name or 'no function'} with arguments that are no "
                "JSON object; raise openai_chat.max_tokens if the reply was cut"
            )
        return ToolCall(call_id, self._name, arguments)


def _garbage(what: str) -> EngineError:
    return EngineError(
        f"the chat server sent {what} where a chat completion was expected; "
        "is openai_chat.url that of an OpenAI-compatible server?"
    )
