"""One call: what is heard goes to turns.py, and what turns.py wants is done.

The shell decides nothing: it feeds, carries out, and re-arms the timer. It owns the reply under
way, and everything it owns is released at the one end.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from functools import partial
from typing import Protocol, assert_never

from agent import events as ev
from agent import requests as rq
from agent.audio.frame import Samples
from agent.caller import Caller
from agent.ear import Ear
from agent.echo.guard import EchoGuard
from agent.engines import (
    Act,
    Action,
    CallEngines,
    Conversation,
    Exchange,
    Piece,
    Style,
    Text,
    Tool,
    ToolCall,
    Vad,
)
from agent.errands import Errands
from agent.memory import Memory
from agent.metrics import Marks
from agent.reply import Outlet, Reply
from agent.settings import merged, patience, turn_rules, vad_config
from agent.shared import Shared
from agent.turns import Turns

log = logging.getLogger(__name__)

_LINGER_S = 0.5  # after our last word: the caller's jitter buffer is still playing it
_GAIN_STEP = 1.5
_SPEED_STEP = 1.2


class Client(Protocol):
    """Between the data channel's JSON and our values: `signaling.realtime.RealtimeClient`."""

    @property
    def settings(self) -> rq.CallSettings: ...

    def opened(self) -> list[str]: ...

    def tell(self, notice: ev.Notice) -> list[str]: ...

    def ask(self, text: str) -> tuple[list[rq.Request], list[str]]: ...


class Line(Protocol):
    """The way back to the caller."""

    @property
    def name(self) -> str:
        """What the log calls this call."""

    def send(self, text: str) -> None: ...

    def closed(self, reason: ev.EndReason) -> None: ...


class Speaker(Outlet, Protocol):
    """The outgoing track."""

    def set_gain(self, gain: float) -> None: ...


class Call:
    """Feed `hear`, `connected`, `message`, `packet_left`, `reply_left`; stop with `end`."""

    def __init__(
        self,
        shared: Shared,
        client: Client,
        line: Line,
        speaker: Speaker,
        engines: CallEngines,
        vad: Vad,
        guard: EchoGuard | None = None,
    ) -> None:
        config = shared.config
        self._config, self._settings = config, rq.CallSettings()
        self._client, self._line, self._speaker = client, line, speaker
        self._engines, self._canned, self._metrics = engines, shared.canned, shared.metrics
        self._loop = asyncio.get_running_loop()
        self._ear = Ear(vad, config.vad, patience(config, self._settings), guard=guard)
        self._turns = Turns(turn_rules(config, self._settings))
        self._memory = Memory()
        self._caller = Caller(line.name, self._ear, engines, self._memory, self._tell)
        self._errands = Errands(
            shared.functions, self._memory, self._tell, self._step, config.agent.tool_s
        )
        self._filler = 0  # number of the latest reply that only bridges a function
        self._speed, self._gain = config.agent.speed, 1.0
        self._reply: Reply | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._state_told = self._turns.state
        self.ended = False
        self._change(client.settings)

    # -- what happens

    def connected(self) -> None:
        """Audio can flow both ways."""
        self._step(ev.Connected())

    def channel_opened(self) -> None:
        """The data channel is there."""
        for text in self._client.opened():
            self._line.send(text)

    def hear(self, samples: Samples) -> None:
        """The caller's next samples, [n] at HEAR_HZ."""
        if self.ended:
            return
        for event in self._caller.hear(samples):
            self._step(event)

    def message(self, text: str) -> None:
        """The client wrote on the data channel."""
        requests, answers = self._client.ask(text)
        for request in requests:
            self._grant(request)
        for answer in answers:
            self._line.send(answer)

    def packet_left(self, turn: int, now: float) -> None:
        """A packet of a reply was handed to the network."""
        reply = self._reply
        if reply is None or reply.turn != turn or reply.audible:
            return
        reply.audible = True
        self._tell(ev.ReplyAudioStarted(turn))
        if reply.marks is not None:
            reply.marks.left = now
            self._metrics.turn_measured(reply.marks)
            latency_ms = reply.marks.latency_ms()
            self._tell(ev.TurnMeasured(turn, latency_ms, reply.marks.stages()))
            log.info(
                "call %s: turn %d answered after %.0f ms", self._line.name, turn, latency_ms
            )

    def reply_left(self, turn: int) -> None:
        """The last sample of a reply was handed to the network."""
        if self._reply is not None and self._reply.turn == turn:
            self._conclude(self._reply, self._reply.complete())
            self._step(ev.ReplyFinished(turn))

    def end(self, reason: ev.EndReason) -> None:
        """The call is over, whoever ended it. Later calls change nothing."""
        if self.ended:
            return
        self.ended = True
        try:
            self._step(ev.HungUp(reason))
            self._tell(ev.CallEnding(reason))
        finally:  # whatever went wrong, the seat becomes free
            if self._timer is not None:
                self._timer.cancel()
            self._caller.close()
            self._errands.close()
            self._engines.close()
            self._metrics.call_ended(reason)
            self._line.closed(reason)

    def take_apart(self) -> None:
        """It has ended: let go of those who hold it, so that it needs no collector."""
        del self._caller, self._errands

    # -- turns.py decides

    def _step(self, event: ev.Event) -> None:
        self._carry_out(self._turns.handle(event, self._loop.time()))

    def _tick(self) -> None:
        self._carry_out(self._turns.tick(self._loop.time()))

    def _carry_out(self, commands: list[ev.Command]) -> None:
        for command in commands:
            self._do(command)
        self._caller.follow(self._turns.state, lambda: self._conversation(0))
        if self._turns.state is not self._state_told:
            self._state_told = self._turns.state
            self._tell(ev.StateChanged(self._state_told.name.lower()))
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._turns.deadline
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._tick)

    def _do(self, command: ev.Command) -> None:
        match command:
            case ev.PrepareReply(turn):
                self._prepare(turn)
            case ev.ReleaseReply(turn):
                self._release(turn)
            case ev.TryReply(turn):
                self._caller.tried()
                self._let_out(turn)
            case ev.SettleReply(turn):
                self._settle(turn)
            case ev.WithdrawReply(turn):
                self._withdraw(turn)
            case ev.DiscardReply(turn):
                if self._reply is not None:
                    self._reply.discard()
                    self._reply = None
                self._engines.discard(turn)
            case ev.CancelReply(_, reason):
                if self._reply is not None:
                    self._conclude(self._reply, self._reply.cancel(reason))
            case ev.SayPrompt(turn, prompt):
                self._say(turn, prompt)
            case ev.CommitUtterance():
                self._caller.commit()
            case ev.ForgetUtterance():
                self._caller.forget()
            case ev.EndCall(reason):
                self._loop.call_later(_LINGER_S, self.end, reason)
            case _:
                assert_never(command)

    # -- replies

    def _prepare(self, turn: int) -> None:
        now = self._loop.time()
        reply = self._reply = self._new_reply(turn, self._caller.to_answer)
        if reply.utterance:
            self._errands.caller_spoke()
        self._errands.told(turn)
        if (silent_at := self._caller.silent_at) is not None:
            reply.marks = Marks(silent_at, now, now)
        self._start(reply, self._engines.reply(turn, self._conversation(turn)))

    def _release(self, turn: int) -> None:
        self._settle(turn)
        self._let_out(turn)

    def _settle(self, turn: int) -> None:
        self._engines.keep(turn)
        self._errands.released(turn)
        self._memory.answered(turn)
        self._caller.answered(turn)

    def _withdraw(self, turn: int) -> None:
        """The caller goes on with what was taken for finished; our answer was never given."""
        if self._reply is not None:
            self._tell(self._reply.cancel("turn_detected"))
            self._reply = None
            self._metrics.replies.labels("withdrawn").inc()
        self._engines.discard(turn)
        self._caller.went_on()

    def _let_out(self, turn: int) -> None:
        if self._reply is not None and self._reply.turn == turn:
            if self._reply.marks is not None:
                self._reply.marks.released = self._loop.time()
            self._reply.release()

    def _say(self, turn: int, prompt: ev.Prompt) -> None:
        words = self._config.agent
        text = {
            ev.Prompt.GREETING: words.greeting,
            ev.Prompt.STILL_THERE: words.still_there,
            ev.Prompt.GOODBYE: words.goodbye,
            ev.Prompt.ONE_MOMENT: words.tool_filler,
        }[prompt]
        if prompt is ev.Prompt.ONE_MOMENT:
            self._filler = turn
        reply = self._reply = self._new_reply(turn, 0)
        self._start(reply, _recite(text))
        reply.release()

    def _new_reply(self, turn: int, utterance: int) -> Reply:
        return Reply(
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

    def _start(self, reply: Reply, pieces: AsyncGenerator[Piece]) -> None:
        style = Style(
            self._settings.voice or self._config.agent.voice_name, self._language(), self._speed
        )
        reply.start(pieces, style, self._config.agent.apology)

    def _conclude(self, reply: Reply, done: ev.ReplyDone) -> None:
        """A reply is over: what of it was heard is remembered."""
        self._reply = None
        if done.turn == self._filler:
            self._memory.bridge(done.heard)
        else:
            self._memory.add(Exchange(reply.transcript, done.heard, done.turn))
        if done.status == "failed":
            log.warning("call %s: reply %d failed: %s", self._line.name, done.turn, done.reason)
        self._metrics.replies.labels(done.status).inc()
        self._tell(done)

    def _act(self, turn: int, piece: Act | ToolCall) -> None:
        if isinstance(piece, ToolCall):
            self._errands.begin(turn, piece)
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
                self._speed = min(2.0, max(0.5, self._speed * step))
            case _:
                assert_never(action)

    # -- the client

    def _grant(self, request: rq.Request) -> None:
        match request:
            case rq.ChangeSettings(settings):
                self._change(settings)
            case rq.CreateReply():
                self._step(ev.ReplyWanted())
            case rq.ReturnFromTool(call_id, output):
                self._errands.answer(call_id, output)
            case rq.TypeText(text):
                self._memory.typed(text)
                self._errands.caller_spoke()
            case rq.GoOn():
                self._errands.want()
            case rq.CancelCurrentReply():
                self._step(ev.ReplyUnwanted())
            case rq.ClearUtterance():
                self._step(ev.UtteranceUnwanted())
            case rq.HangUp():
                self.end(ev.EndReason.CALLER)
            case _:
                assert_never(request)

    def _change(self, settings: rq.CallSettings) -> None:
        self._settings = merged(self._settings, settings)
        self._speed = settings.speed or self._speed
        self._turns.rules = turn_rules(self._config, self._settings)
        self._ear.configure(
            vad_config(self._config, self._settings), patience(self._config, self._settings)
        )
        self._errands.offer(Tool(*tool) for tool in self._settings.tools or ())

    def _conversation(self, turn: int) -> Conversation:
        instructions = self._settings.instructions or self._config.agent.instructions
        tools = () if self._settings.may_call_tools is False else self._errands.tools
        past = self._memory.before(turn)
        return Conversation(instructions, self._language(), past, turn, tools)

    def _language(self) -> str:
        return self._settings.language or self._config.agent.language

    def _tell(self, notice: ev.Notice) -> None:
        for text in self._client.tell(notice):
            self._line.send(text)


async def _recite(text: str) -> AsyncGenerator[Piece]:
    yield Text(text)
