"""A brain that says what it was told to: instant and deterministic, for tests and benchmarks.

It hears nothing but that somebody spoke. The nth utterance of a call gets the nth text, and
then the first again. Lines of the instructions that begin with `say: ` take the place of its
texts, so that a client can script it from outside. A text may end in a call:

    Let me look. [weather {"city": "Bonn"}]

That function is called if it is offered, and its result is spoken when the agent is asked to
go on: `weather: …`.
"""

import re
from collections.abc import Iterator, Sequence

from agent.audio.frame import Samples
from agent.engines import Conversation, Heard, Piece, Text, ToolCall

TEXTS = ("I heard you.",)
_SAY = "say: "
_CALL = re.compile(r"\[([\w-]+) (\{.*\})\]$")


class ScriptedBrain:
    """`Brain` with texts instead of a model."""

    def __init__(self, texts: Sequence[str] = TEXTS) -> None:
        if not texts:
            raise ValueError("a script needs at least one text")
        self._texts = tuple(texts)

    def capacity(self) -> None:
        return None

    def listen(self) -> "ScriptedListener":
        return ScriptedListener(self._texts)


class ScriptedListener:
    """`Listener` of one call."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._texts = texts
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
        typed = past and past[-1].turn == conversation.turn != 0
        if not typed:
            yield Heard("(not listened to)")
        lines = conversation.instructions.splitlines()
        texts = tuple(line.removeprefix(_SAY) for line in lines if line.startswith(_SAY))
        texts = texts or self._texts
        yield from _pieces(texts[self._answered % len(texts)], conversation)

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
