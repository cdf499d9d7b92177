"""The operator as a Brain: hears with the recogniser, answers by the table."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from agent.audio.frame import Samples
from agent.brains.operator.answers import Mind, answer, answer_over, heeded
from agent.brains.operator.certainty import certain_request, short_answer
from agent.brains.operator.finished import finished
from agent.brains.operator.grammar import may_follow, understand
from agent.brains.operator.overheard import Interjection, Overhearing
from agent.brains.operator.recogniser import Knowledge, Recogniser
from agent.brains.operator.requests import Request
from agent.engines import Conversation, Heard, Piece, Sense
from agent.errors import EngineError

_IDLE: Final = 4  # recognisers kept for the next to speak, 25 MB each

Clock = Callable[[], datetime]


def _local_now() -> datetime:
    return datetime.now().astimezone()


class Recognisers:
    """Recognisers for whoever is speaking: an utterance takes one and gives it back.

    Thread-safe. There are as many as callers who ever spoke at once; a few of them are kept.
    """

    def __init__(self) -> None:
        """Build the first one. Raises EngineError when pocketsphinx cannot be used."""
        try:
            self.overhearing = Overhearing()
            self._knowledge = Knowledge()
            self._idle = deque([Recogniser(self._knowledge)])
        except (OSError, RuntimeError, ValueError) as error:
            raise EngineError(f"the recogniser cannot be loaded: {error}") from error

    def take(self) -> Recogniser:
        """An idle one, or a new one (0.1 s), at the beginning of an utterance."""
        try:
            return self._idle.pop()
        except IndexError:
            return Recogniser(self._knowledge)

    def give_back(self, recogniser: Recogniser) -> None:
        """Its utterance is over."""
        if len(self._idle) < _IDLE:
            recogniser.begin()
            self._idle.append(recogniser)


class Operator:
    """Brain that needs no GPU and no download. `now` is the wall clock it tells."""

    def __init__(self, now: Clock = _local_now) -> None:
        """Load what the calls share; a second. Raises EngineError."""
        self._recognisers = Recognisers()
        self._now = now
        # what they read is compiled now, 50 ms, and not in a call
        understand("hello")
        may_follow("hello")

    def capacity(self) -> None:
        """It has no bound of its own: a caller who speaks takes 25 MB."""

    def listen(self) -> "OperatorListener":
        """Begin a call: instant, nothing is loaded for it."""
        return OperatorListener(self._recognisers, self._now)


class OperatorListener:
    """Listener of one call. What it learned from a reply counts when the reply is kept."""

    def __init__(self, recognisers: Recognisers, now: Clock) -> None:
        self._recognisers, self._now = recognisers, now
        self._recogniser: Recogniser | None = None  # while there is an utterance
        self._mind = self._mind_after = Mind()
        self._utterances = 0  # that are over

    def expect(self, conversation: Conversation) -> None:
        """It knows no conversation but its own."""

    def hear(self, samples: Samples) -> None:
        """Decode along while the caller speaks."""
        if self._recogniser is None:
            self._recogniser = self._recognisers.take()
        with self._unless_broken():
            self._recogniser.hear(samples)

    def reply(self, conversation: Conversation) -> Iterator[Piece]:
        """Answer what was typed, else the utterance so far, at once and whole."""
        if typed := _typed(conversation):
            pieces, self._mind_after = answer(understand(typed), self._mind, self._now())
            yield from (piece for piece in pieces if not isinstance(piece, Heard))
            return
        said = self._interjection() if conversation.over_reply else None
        if said is not None and said.is_command():
            yield from self._obey(said.command)
            return
        request, odds = self._understood()
        is_sure = request is not None and request.is_sure
        if said is not None and said.is_sign and not is_sure:
            pieces, self._mind_after = answer_over(said.sign, self._mind, self._now())
        else:
            pieces, self._mind_after = answer(request, self._mind, self._now())
        if odds is not None:
            yield Sense(odds)
        yield from pieces

    def keep(self) -> None:
        self._mind = self._mind_after
        self.forget()

    def transcribe(self) -> Iterator[Heard]:
        """The reply said it."""
        return iter(())

    def discard(self) -> None:
        self._mind_after = self._mind

    def forget(self) -> None:
        self._utterances += 1
        self._mind_after = self._mind
        if self._recogniser is not None:
            self._recognisers.give_back(self._recogniser)
            self._recogniser = None

    def close(self) -> None:
        self.forget()

    def _understood(self) -> tuple[Request | None, float | None]:
        """What is asked for, if that is certain, and the odds that all of it was said."""
        if self._recogniser is None:
            return None, None
        with self._unless_broken():
            opinions = self._recogniser.opinions()
            request = certain_request(opinions, self._recogniser.rivals)
            odds = finished(opinions, request)
            if request is None and self._mind.asked is not None:
                request = short_answer(opinions)
        return request, odds

    def _interjection(self) -> Interjection | None:
        """What was said over a reply in a word or two; on hold it is not meant for us."""
        if self._recogniser is None or self._mind.held:
            return None
        with self._unless_broken():
            return self._recognisers.overhearing.listen(self._recogniser.heard)

    def _obey(self, command: str) -> Iterator[Piece]:
        """Tell a command over a reply before the request is looked for: that waits for it.

        A request that is certain is answered all the same, be it another one.
        """
        utterance = self._utterances
        (first, *others), self._mind_after = answer_over(command, self._mind, self._now())
        yield first
        if utterance == self._utterances:  # else it was kept meanwhile, as it is
            request, _ = self._understood()
            if request is not None and request.is_sure and heeded(request.intent, self._mind):
                pieces, self._mind_after = answer(request, self._mind, self._now())
                others = [piece for piece in pieces if not isinstance(piece, Heard)]
        yield from others

    @contextmanager
    def _unless_broken(self) -> Iterator[None]:
        """A recogniser that failed is never used again; the utterance is lost, the call not."""
        try:
            yield
        except (RuntimeError, KeyError, ValueError) as error:  # whatever pocketsphinx raises
            self._recogniser = None
            raise EngineError(f"the recogniser failed: {error}") from error


def _typed(conversation: Conversation) -> str:
    """What the caller wrote and waits for an answer to, in the words of the grammar."""
    latest = conversation.past[-1] if conversation.past else None
    if latest is None or latest.turn != conversation.turn or latest.agent:
        return ""
    return " ".join(re.findall(r"[a-z']+", latest.caller.lower().replace("\u2019", "'")))
