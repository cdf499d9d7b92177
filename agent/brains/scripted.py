"""A brain that says what it was told to: instant and deterministic, for tests and benchmarks.

It hears nothing. The nth utterance of a call gets the nth text, and then the first again.
"""

from collections.abc import Iterator, Sequence

from agent.audio.frame import Samples
from agent.engines import Conversation, Heard, Piece, Text

TEXTS = ("I heard you.",)


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

    def expect(self, conversation: Conversation) -> None:
        pass

    def hear(self, samples: Samples) -> None:
        pass

    def reply(self, conversation: Conversation) -> Iterator[Piece]:
        yield Heard("(not listened to)")
        yield Text(self._texts[self._answered % len(self._texts)])

    def keep(self) -> None:
        self._answered += 1

    def transcribe(self) -> Iterator[Heard]:
        return iter(())

    def discard(self) -> None:
        pass

    def forget(self) -> None:
        pass

    def close(self) -> None:
        pass
