"""What the agent says in one call: each reply from its preparation to its memory.

Knows how the agent speaks (voice, pace, loudness) and what it may do while it speaks. When a
reply begins and ends is decided in `turns.py`.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Protocol, assert_never

from agent import events as ev
from agent import notices as nt
from agent.backchannel import only_listens
from agent.engines import (
    Act,
    Action,
    CallEngines,
    Exchange,
    Heard,
    Piece,
    Sense,
    Style,
    Text,
    ToolCall,
)
from agent.errands import Errands
from agent.memory import Memory
from agent.metrics import Marks
from agent.notices import CutRefused, ReplyCut, TurnWithdrawn
from agent.reply import Outlet, Reply
from agent.shared import Shared
from agent.spoken import Spoken, milliseconds

log = logging.getLogger(__name__)

_GAIN_STEP = 1.5
_SPEED_STEP = 1.2


class Speaker(Outlet, Protocol):
    """The outgoing track."""

    def set_gain(self, gain: float) -> None: ...

    def duck(self, turn: int) -> None: ...

    def restore(self) -> None: ...

    def hold(self) -> None: ...

    def resume(self) -> None: ...


class Replies:
    """One call's. One reply at a time; commands and news of another number change nothing."""

    def __init__(
        self,
        name: str,
        shared: Shared,
        speaker: Speaker,
        engines: CallEngines,
        memory: Memory,
        errands: Errands,
        tell: Callable[[nt.Notice], None],
        step: Callable[[ev.Event], None],
    ) -> None:
        """`name` is what the log calls the call."""
        self._name, self._config = name, shared.config
        self._canned, self._metrics = shared.canned, shared.metrics
        self._speaker, self._engines = speaker, engines
        self._memory, self._errands = memory, errands
        self._tell, self._step = tell, step
        self._loop = asyncio.get_running_loop()
        agent = shared.config.agent
        self.style = Style(agent.voice_name, agent.language, agent.speed)
        self._gain = 1.0
        self._answers = 0  # that the log has counted: turn numbers are used up by drafts, too
        self._filler = 0  # number of the latest reply that only bridges a function
        self._reply: Reply | None = None
        self._spoken = Spoken()
        self._held: Reply | None = None  # stopped in mid-word; it may go on, or be cancelled
        self._tried = 0  # number of the reply that may be withdrawn
        self._unproven: Marks | None = None  # of that one, once it is heard
        self._deferred: list[Act] = []  # what it does when it may not any more

    # -- what turns.py wants

    def prepare(
        self,
        turn: int,
        utterance: int,
        silence: tuple[float, float] | None,
        pieces: AsyncGenerator[Piece],
    ) -> None:
        """Work out reply `turn`; nothing of it leaves.

        `silence`: since when the caller waits for it, and when that was noticed.
        """
        reply = self._begin(turn, utterance)
        if silence is not None:
            reply.marks = Marks(*silence, self._loop.time())
        if self._held is not None:
            pieces = self._overheard(turn, pieces)
        reply.start(pieces, self.style, self._config.agent.apology)

    def let_out(self, turn: int) -> None:
        """Send what was prepared, and the rest as it comes."""
        if self._reply is not None and self._reply.turn == turn:
            if self._reply.marks is not None:
                self._reply.marks.released = self._loop.time()
            self._reply.release()

    def try_out(self, turn: int) -> None:
        """Let it out; what it does to the call waits for `settle`, and `withdraw` drops it."""
        self._tried = turn
        self.let_out(turn)

    def settle(self) -> None:
        """What was tried stands."""
        turn, self._tried = self._tried, 0
        if self._unproven is not None:
            self._metrics.turn_measured(self._unproven)
            self._unproven = None
        deferred, self._deferred = self._deferred, []
        for act in deferred:
            self._act(turn, act)

    def discard(self) -> None:
        """Forget a reply of which nothing left."""
        if self._reply is not None:
            self._reply.discard()
            self._reply = None

    def hold(self) -> bool:
        """Stop one that was released, and keep what has not left; another may be prepared.

        False: none of it has left yet.
        """
        if self._reply is None or not self._reply.audible:
            return False
        self._speaker.hold()
        self._held, self._reply = self._reply, None
        return True

    def resume(self) -> None:
        """Go on with the one that is held."""
        self._reply, self._held = self._held, None
        self._speaker.resume()

    @property
    def holds(self) -> bool:
        """Whether one is held: what is prepared now was said over it."""
        return self._held is not None

    @property
    def held(self) -> Exchange | None:
        """What was heard of the one that is held, as the memory will have it if it is over."""
        if self._held is None:
            return None
        heard = Exchange(self._held.transcript, self._held.heard_text, self._held.turn)
        heard = self._memory.completed(heard)
        return heard if heard.caller or heard.agent or heard.tools else None

    def cancel(self, turn: int, reason: str, reached_s: float | None = None) -> None:
        """Stop one that was released, or is held; see `Reply.cancel`."""
        if self._held is not None and self._held.turn == turn:
            held, draft, self._held = self._held, self._reply, None
            self._conclude(held, held.cancel(reason, reached_s))
            self._reply = draft
        elif self._reply is not None:
            self._conclude(self._reply, self._reply.cancel(reason, reached_s))

    def withdraw(self) -> None:
        """Stop one that was never given: the caller had not finished. Nothing is remembered."""
        if self._reply is not None:
            self._tell(self._reply.cancel("turn_detected"))
            self._tell(TurnWithdrawn(self._reply.turn, self._reply.utterance))
            self._reply, self._tried, self._deferred, self._unproven = None, 0, [], None
            self._metrics.replies.labels("withdrawn").inc()

    def say(self, turn: int, prompt: ev.Prompt) -> None:
        """Say something of our own accord, now."""
        words = self._config.agent
        text = {
            ev.Prompt.GREETING: words.greeting,
            ev.Prompt.STILL_THERE: words.still_there,
            ev.Prompt.GOODBYE: words.goodbye,
            ev.Prompt.ONE_MOMENT: words.tool_filler,
        }[prompt]
        if prompt is ev.Prompt.ONE_MOMENT:
            self._filler = turn
        self.prepare(turn, 0, None, _recite(text))
        self.let_out(turn)

    # -- what the client tells

    def truncate(self, turn: int, end_ms: int) -> bool:
        """Remember no more of a reply than so much of its audio; whether to cancel it, too."""
        reply = self._held or self._reply
        if reply is not None and reply.turn == turn:
            if reply.shorten(end_ms):
                return True
            self._tell(CutRefused(turn, end_ms, milliseconds(reply.heard)))
            return False
        cut = self._spoken.cut(turn, end_ms)
        if isinstance(cut, ReplyCut):
            self._memory.cut(turn, cut.heard)
        self._tell(cut)
        return False

    # -- what the outgoing track tells

    def packet_left(self, turn: int, now: float) -> None:
        """A packet of a reply was handed to the network."""
        reply = self._reply
        if reply is None or reply.turn != turn:
            return
        reply.departures.note(now, self._speaker.left(turn))
        if reply.audible:
            return
        reply.audible = True
        self._tell(nt.ReplyAudioStarted(turn))
        if reply.marks is not None:
            reply.marks.left = now
            self._measured(turn, reply.marks, bool(reply.failure))
        self._step(ev.ReplyBegan(turn))

    def _measured(self, turn: int, marks: Marks, failed: bool) -> None:
        latency_ms = marks.latency_ms()
        if failed:  # before a word of it was heard: no answer, and none that counts as one
            log.info("call %s: apology after %.0f ms", self._name, latency_ms)
            return
        if turn == self._tried:  # what is withdrawn has answered nobody, however quickly
            self._unproven = marks
        else:
            self._metrics.turn_measured(marks)
        self._tell(nt.TurnMeasured(turn, latency_ms, marks.stages()))
        self._answers += 1
        log.info("call %s: answer %d after %.0f ms", self._name, self._answers, latency_ms)

    def left(self, turn: int) -> None:
        """The last sample of a reply was handed to the network."""
        if self._reply is not None and self._reply.turn == turn:
            self._conclude(self._reply, self._reply.complete())
            self._step(ev.ReplyFinished(turn))

    # -- one reply

    def _begin(self, turn: int, utterance: int) -> Reply:
        self._reply = Reply(
            turn,
            utterance,
            engines=self._engines,
            canned=self._canned,
            outlet=self._speaker,
            depth_ms=self._config.playout.depth_ms,
            patience_s=self._config.limits.engine_s,
            tell=self._tell,
            act=partial(self._act, turn),
        )
        return self._reply

    def _conclude(self, reply: Reply, done: nt.ReplyDone) -> None:
        """A reply is over: what of it was heard is remembered."""
        self._reply = None
        self._spoken.add(done.turn, reply.ledger, reply.heard)
        if done.turn == self._filler:
            self._memory.bridge(done.turn, done.heard)
        else:
            self._memory.add(Exchange(reply.transcript, done.heard, done.turn))
        if reply.failure:  # its apology may have been interrupted
            log.warning("call %s: reply %d failed: %s", self._name, done.turn, reply.failure)
        elif done.status == "completed" and not (done.heard or done.unheard):
            if not self._memory.completed(Exchange("", "", done.turn)).tools:
                log.info("call %s: reply %d is silence", self._name, done.turn)
        self._metrics.replies.labels(done.status).inc()
        self._tell(done)

    async def _overheard(
        self, turn: int, pieces: AsyncGenerator[Piece]
    ) -> AsyncGenerator[Piece]:
        """Pass on what answers the words over a reply, and tell what kind of words they are."""
        known = False
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if isinstance(piece, Heard) or not (known or isinstance(piece, Sense)):
                        known = True
                        self._step(_kind_of_words(piece, self.style.language)(turn))
                    yield piece
        except Exception:
            if not known:
                self._step(ev.Untold(turn))
            raise
        if not known:
            self._step(ev.Untold(turn))

    def _act(self, turn: int, piece: Act | ToolCall) -> None:
        if isinstance(piece, ToolCall):
            self._errands.begin(turn, piece)
            return
        if turn == self._tried:
            self._deferred.append(piece)
            return
        match action := piece.action:
            case Action.HANG_UP:
                self._step(ev.LastWords(turn))
            case Action.HOLD:
                self._step(ev.Held())
            case Action.RESUME:
                self._step(ev.Resumed())
            case Action.LOUDER | Action.QUIETER:
                step = _GAIN_STEP if action is Action.LOUDER else 1 / _GAIN_STEP
                self._gain = min(4.0, max(0.25, self._gain * step))
                self._speaker.set_gain(self._gain)
            case Action.FASTER | Action.SLOWER:
                step = _SPEED_STEP if action is Action.FASTER else 1 / _SPEED_STEP
                speed = min(2.0, max(0.5, self.style.speed * step))
                self.style = replace(self.style, speed=speed)
            case _:
                assert_never(action)


def _kind_of_words(piece: Piece, language: str) -> type[ev.Agreed | ev.Asked | ev.Untold]:
    """What a piece of an answer tells of the words it answers."""
    listens = only_listens(piece.transcript, language) if isinstance(piece, Heard) else None
    if listens is None:
        return ev.Untold
    return ev.Agreed if listens else ev.Asked


async def _recite(text: str) -> AsyncGenerator[Piece]:
    yield Text(text)
