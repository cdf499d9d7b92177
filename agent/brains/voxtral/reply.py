"""What a call reads of the model: a reply's pieces as they come, and a transcript.

Both are read by one thread, while `cancel` may come from another and ends a wait at once.
"""

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from agent.brains.voxtral.detok import Detokenizer
from agent.brains.voxtral.finished import odds
from agent.brains.voxtral.jobs import Tokens, Weighing
from agent.brains.voxtral.recollection import Plan
from agent.brains.voxtral.said import Said
from agent.brains.voxtral.span import Utterance
from agent.brains.voxtral.wording import Wording
from agent.engines import Conversation, Heard, Piece, Sense
from agent.errors import EngineError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reply answers."""

    conversation: Conversation
    utterance: Utterance | None
    plan: Plan

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for words: not where some went before a function's result."""
        return self.utterance is not None or self.conversation.waits


class VoxtralReply(Iterator[Piece]):
    """The pieces of one reply. Raises EngineError when the model failed."""

    def __init__(
        self,
        tokens: Tokens,
        wording: Wording,
        asked: Asked,
        said: "Transcript | None" = None,
        finished: Weighing | None = None,
    ) -> None:
        """`said`: what it answers, told before all else; `finished`: whether that was all,
        told as soon as it is known, if that is before the end. No word waits for it.
        """
        self._tokens, self._wording, self._said = tokens, wording, said
        self._finished = finished
        self._ready: deque[Piece] = deque()
        self._ended = False
        self.asked = asked
        self.tells = said is not None  # what was said, or will

    @property
    def said(self) -> Said:
        """The text so far. It grows as the reply is read."""
        return self._wording.said

    def __next__(self) -> Piece:
        if self._said is not None:
            self._listen(self._said)
        while not self._ready:
            if self._finished is not None and self._finished.over:
                self._sense(self._finished)
            elif self._ended:
                raise StopIteration
            else:
                self._read()
        return self._ready.popleft()

    def cancel(self) -> None:
        """No more of it is wanted."""
        for beside in (self._said, self._finished):
            if beside is not None:
                beside.cancel()
        self._tokens.cancel()

    def close(self) -> None:
        """As generators have it."""
        self.cancel()
        self._ready.clear()
        self._said = self._finished = None
        self._ended = True

    def _listen(self, said: "Transcript") -> None:
        """Wait for what was said. Not to know it is no reason not to answer."""
        try:
            self._ready += said
        except EngineError as error:
            log.warning("voxtral: no words of what was said over a reply: %s", error)
            self.tells = False
        self._said = None

    def _sense(self, finished: Weighing) -> None:
        """Tell the odds, if it answered. Not to know them is no reason not to answer."""
        self._finished = None
        try:
            chances = finished.take()
        except EngineError as error:
            log.warning("voxtral: whether the caller has finished is not known: %s", error)
            return
        told = None if chances is None else odds(chances)
        if told is not None:
            self._ready.append(Sense(told))

    def _read(self) -> None:
        """Wait for the next token, or for the end."""
        token = next(self._tokens, None)
        if token is not None:
            self._ready += self._wording.push(token)
            if self._wording.over:
                self.cancel()
                self._ended = True
            return
        self.cancel()
        self._ended = True
        if self._tokens.whole:  # what a cancelled one wanted to call is not known
            self._ready += self._wording.finish()
            if not self._ready and not self._wording.worded and self.asked.awaited:
                raise EngineError("voxtral said nothing")


class Transcript(Iterator[Heard]):
    """What was said, once it is known whole; nothing, if that is nothing."""

    def __init__(self, tokens: Tokens, detokenizer: Detokenizer) -> None:
        self._tokens, self._detokenizer = tokens, detokenizer

    def __next__(self) -> Heard:
        text = "".join(map(self._detokenizer.push, self._tokens)).strip()
        if not text or not self._tokens.whole:
            raise StopIteration
        return Heard(text)  # asked again, the tokens are none

    def cancel(self) -> None:
        """It is not wanted any more."""
        self._tokens.cancel()

    def close(self) -> None:
        """As generators have it."""
        self.cancel()
