"""One reply, from the first thought to the last sample.

Two tasks run side by side: the brain's text becomes phrases, the voice makes phrases sound.
Until `release` everything is kept here (speculation): no packet and no notice leaves. What the
voice makes ahead of that is bounded by the playout's depth.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from agent.audio.frame import SPEAK_HZ, Samples
from agent.canned import Canned
from agent.engines import Act, CallEngines, Heard, Piece, Style, Text, ToolCall
from agent.errors import EngineError
from agent.ledger import Departures, Ledger
from agent.metrics import Marks
from agent.notices import Notice, ReplyDone, ReplyStarted, ReplyText, UtteranceTranscribed
from agent.phrases import Phrases
from agent.spoken import milliseconds, shortened

T = TypeVar("T")

log = logging.getLogger(__name__)

_PHRASES_AHEAD = 4  # phrases the brain may be ahead of the voice


class Outlet(Protocol):
    """Where samples leave: `agent.media.playout.Playout`."""

    def play(self, turn: int, samples: Samples) -> None: ...

    def end(self, turn: int) -> None: ...

    def flush(self) -> None: ...

    def left(self, turn: int) -> int: ...

    async def room(self) -> None: ...


class Reply:
    """Reply `turn` to utterance `utterance` (0: said of our own accord).

    `start`, then `release` or `discard`; one that was released ends by `complete` or `cancel`,
    which say what of it was heard.
    """

    def __init__(
        self,
        turn: int,
        utterance: int,
        *,
        engines: CallEngines,
        canned: Canned,
        outlet: Outlet,
        depth_ms: int,
        patience_s: float,
        tell: Callable[[Notice], None],
        act: Callable[[Act | ToolCall], None],
    ) -> None:
        self.turn = turn
        self.transcript = ""  # what the brain understood
        self.marks: Marks | None = None
        self.audible = False  # its first packet has left
        self.utterance = utterance
        self._engines, self._canned, self._outlet = engines, canned, outlet
        self._tell, self._act = tell, act
        self.departures = Departures()
        self.ledger = Ledger()
        self._end: int | None = None  # samples; no more was heard, whatever left
        self._phrases = Phrases()
        self._kept: list[Callable[[], None]] = []  # all that waits for the release, in order
        self._patience_s = patience_s
        self._room = depth_ms * SPEAK_HZ // 1000  # samples that may still be made ahead of it
        self._release = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failure = ""
        self._over = False

    def start(self, pieces: AsyncGenerator[Piece], style: Style, apology: str) -> None:
        """Begin to think and to speak; nothing leaves yet."""
        self._task = asyncio.create_task(self._run(pieces, style, apology))

    def release(self) -> None:
        """The caller has finished: let out what there is, and the rest as it comes."""
        self._release.set()
        self._tell(ReplyStarted(self.turn))
        kept, self._kept = self._kept, []
        for effect in kept:
            effect()

    def discard(self) -> None:
        """Nothing of it has left, nothing will, not even from a task in its last step."""
        self._over = True
        if self._task is not None:
            self._task.cancel()

    def cancel(self, reason: str, reached_s: float | None = None) -> ReplyDone:
        """Stop it in mid-word, and count what was heard: all that left, for it will arrive.

        What left after `reached_s` had not been heard when the caller began to speak over it,
        and never will be where the call has ended.
        """
        self.discard()
        self._outlet.flush()
        reached = self.heard if reached_s is None else self.departures.by(reached_s)
        if reason == "call_ended":
            self._end = reached
        done = self._done("cancelled", reason)
        if reason != "turn_detected" or reached_s is None:
            return done
        return replace(done, speech_at_ms=milliseconds(reached))

    def shorten(self, end_ms: int) -> bool:
        """About to be cancelled: of what left, so much was heard. False: less has left."""
        self._end = shortened(self._outlet.left(self.turn), end_ms)
        return self._end is not None

    @property
    def failure(self) -> str:
        """Why an engine failed, and an apology takes the place of what is missing; "": none."""
        return self._failure

    @property
    def heard(self) -> int:
        """How many samples of it were heard, or will be when what has left has arrived."""
        return self._outlet.left(self.turn) if self._end is None else self._end

    @property
    def heard_text(self) -> str:
        """The words of that."""
        return self.ledger.split(self.heard)[0]

    def complete(self) -> ReplyDone:
        """Its last sample has left."""
        return self._done("failed" if self._failure else "completed", self._failure)

    def _done(self, status: str, reason: str) -> ReplyDone:
        for phrase in self._phrases.finish():  # told as text, cut before it became a phrase
            self.ledger.promise(phrase)
        heard, unheard = self.ledger.split(self.heard)
        return ReplyDone(self.turn, status, reason, heard, unheard, milliseconds(self.heard))

    # -- the two tasks

    async def _run(self, pieces: AsyncGenerator[Piece], style: Style, apology: str) -> None:
        try:
            await self._think_and_speak(pieces, style)
        except Exception as error:  # noqa: BLE001 - the edge of a call: it must go on
            if self._over:  # a failure may hide that it was cancelled
                return
            self._failure = _explain(error)
            await self._apologise(style, apology)
        await self._release.wait()
        self._outlet.end(self.turn)

    async def _think_and_speak(self, pieces: AsyncGenerator[Piece], style: Style) -> None:
        phrases: asyncio.Queue[str | None] = asyncio.Queue(_PHRASES_AHEAD)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._think(pieces, phrases))
            both.create_task(self._speak(phrases, style))

    async def _think(
        self, pieces: AsyncGenerator[Piece], phrases: asyncio.Queue[str | None]
    ) -> None:
        async with aclosing(self._patiently(pieces)) as patient:
            async for piece in patient:
                match piece:
                    case Heard(transcript):
                        self.transcript = transcript
                        self._let(
                            partial(
                                self._tell, UtteranceTranscribed(self.utterance, transcript)
                            )
                        )
                    case Act() | ToolCall():
                        self._let(partial(self._act, piece))
                    case Text(text):
                        self._mark_text()
                        self._let(partial(self._tell, ReplyText(self.turn, text)))
                        await self._promise(self._phrases.feed(text), phrases)
        await self._promise(self._phrases.finish(), phrases)
        self.ledger.end()
        await phrases.put(None)

    async def _promise(self, ready: list[str], phrases: asyncio.Queue[str | None]) -> None:
        for phrase in ready:
            self.ledger.promise(phrase)
        for phrase in ready:
            await phrases.put(phrase)

    async def _speak(self, phrases: asyncio.Queue[str | None], style: Style) -> None:
        while (phrase := await phrases.get()) is not None:
            await self._voice(phrase, style)

    async def _voice(self, phrase: str, style: Style) -> None:
        """Have the oldest promised phrase spoken."""
        self.ledger.begin()
        speeches = self._canned.speak(self._engines, self.turn, phrase, style)
        async with aclosing(self._patiently(speeches)) as patient:
            async for speech in patient:
                self._mark_audio()
                self.ledger.add(speech)
                await self._send(speech.samples)
        self.ledger.finish()

    async def _patiently(self, stream: AsyncGenerator[T]) -> AsyncGenerator[T]:
        """What an engine yields; EngineError when it takes too long over the next of it."""
        async with aclosing(stream):
            while True:
                try:
                    async with asyncio.timeout(self._patience_s):
                        item = await anext(stream)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    raise EngineError(
                        f"the engine said nothing for {self._patience_s:g} s"
                    ) from error
                yield item

    async def _apologise(self, style: Style, apology: str) -> None:
        self._phrases.finish()
        self.ledger.abandon()
        self._let(partial(self._tell, ReplyText(self.turn, f" {apology}")))
        self.ledger.promise(apology)
        self.ledger.end()
        try:
            await self._voice(apology, style)
        except Exception as error:  # noqa: BLE001 - as above: the reply must end
            log.error("not even the apology could be spoken: %s", _explain(error))

    async def _send(self, samples: Samples) -> None:
        self._let(partial(self._outlet.play, self.turn, samples))
        await asyncio.sleep(0)  # an engine may have many stretches in hand
        if self._release.is_set():
            await self._outlet.room()
            return
        self._room -= len(samples)
        if self._room <= 0:
            await self._release.wait()

    def _let(self, effect: Callable[[], None]) -> None:
        """Do it now, or, while the caller may yet go on, at the release."""
        if self._over:
            return
        if self._release.is_set():
            effect()
        else:
            self._kept.append(effect)

    def _mark_text(self) -> None:
        if self.marks is not None and self.marks.text is None:
            self.marks.text = asyncio.get_running_loop().time()

    def _mark_audio(self) -> None:
        if self.marks is not None and self.marks.audio is None:
            self.marks.audio = asyncio.get_running_loop().time()


def _explain(error: Exception) -> str:
    """The message of the first EngineError inside; anything else is our bug: log it whole."""
    inner = error
    while isinstance(inner, ExceptionGroup):
        inner = inner.exceptions[0]
    if isinstance(inner, EngineError):
        return str(inner)
    log.error("a reply failed by our own fault", exc_info=error)
    return "internal error"
