"""A brain that says what it was told to: instant and deterministic, for tests and benchmarks.

It hears nothing but that somebody spoke. The nth utterance of a call gets the nth text, and
then the first again. Lines of the instructions that begin with `say: ` take the place of its
texts, so that a client can script it from outside. A text may begin with the time that it
takes to think of it, and may end in a call:

    [300 ms] Let me look. [weather {"city": "Bonn"}]

That function is called if it is offered, and its result is spoken when the agent is asked to
go on: `weather: …`.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence

from agent.audio.frame import Samples
from agent.engines import Conversation, Heard, Piece, Text, ToolCall

TEXTS = ("I heard you.",)
_SAY = "say: "
_THOUGHT = re.compile(r"\[(\d{1,5}) ms\] *")
_CALL = re.compile(r"\[([\w-]+) (\{.*\})\]$")


class ScriptedBrain:
    """`Brain` with texts instead of a model."""

    def __init__(
        self, texts: Sequence[str] = TEXTS, think: Callable[[float], None] = time.sleep
    ) -> None:
        """`think` lets the seconds pass that a text takes."""
        if not texts:
            raise ValueError("a script needs at least one text")
        self._texts, self._think = tuple(texts), think

    def capacity(self) -> None:
        return None

    def listen(self) -> "ScriptedListener":
        return ScriptedListener(self._texts, self._think)


class ScriptedListener:
    """`Listener` of one call."""

    def __init__(self, texts: tuple[str, ...], think: Callable[[float], None]) -> None:
        self._texts, self._think = texts, think
        self._answered = 0
        self._goes_on = False  # the last reply spoke of results

    def expect(self, conversation: Conversation) -> None:
        pass

    def hear(self, samples: Samples) -> None:
        pass

    def reply(self, conversation: Conversation) -> Iterator[Piece]:
        past = conversation.past
        self._goes_on = bool(past and past[-1].tools)
        if self._goes_on:
            uses = past[-1].tools
            yield Text(" ".join(f"{use.call.name}: {use.output or '?'}" for use in uses))
            return
        lines = conversation.instructions.splitlines()
        texts = tuple(line.removeprefix(_SAY) for line in lines if line.startswith(_SAY))
        texts = texts or self._texts
        text = texts[self._answered % len(texts)]
        typed = past and past[-1].turn == conversation.turn != 0
        if not typed:
            yield Heard("(not listened to)")
        if thought := _THOUGHT.match(text):
            self._think(int(thought[1]) / 1000)
            text = text[thought.end() :]
        yield from _pieces(text, conversation)

    def keep(self) -> None:
        self._answered += not self._goes_on

    def transcribe(self) -> Iterator[Heard]:
        return iter(())

    def discard(self) -> None:
        pass

    def forget(self) -> None:
        pass

    def close(self) -> None:
        pass


def _pieces(text: str, conversation: Conversation) -> Iterator[Piece]:
    call = _CALL.search(text)
    if call is None:
        yield Text(text)
        return
    if said := text[: call.start()].strip():
        yield Text(said)
    if any(tool.name == call[1] for tool in conversation.tools):
        yield ToolCall(f"call_{conversation.turn}", call[1], call[2])
