"""One call: what is heard goes to turns.py, and what turns.py wants is done.

The shell decides nothing: it feeds, carries out, and re-arms the timer. What the caller says is
kept in caller.py, what the agent says in replies.py; all of it is released at the one end.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, assert_never

from agent import commands as do
from agent import events as ev
from agent import notices as nt
from agent import requests as rq
from agent.audio.frame import Samples
from agent.caller import Caller
from agent.ear import Ear
from agent.echo.guard import EchoGuard
from agent.engines import CallEngines, Conversation, Style, Tool, Vad
from agent.errands import Errands
from agent.memory import Memory
from agent.replies import Replies, Speaker
from agent.settings import merged, patience, turn_rules, vad_config
from agent.shared import Shared
from agent.smart_turn.opinion import NoOpinion, SecondOpinion
from agent.turns import Turns

log = logging.getLogger(__name__)

_LINGER_S = 0.5  # after our last word: the caller's jitter buffer is still playing it


# what turns.py was told (a number: its deadline, which had come), when, and what it said to do
OnStep = Callable[[ev.Event | float, float, list[do.Command]], None]
OnOpinion = Callable[[str, float], None]  # who gave what odds that the turn is over


class Client(Protocol):
    """Between the data channel's JSON and our values: `signaling.realtime.RealtimeClient`."""

    @property
    def settings(self) -> rq.CallSettings: ...

    def opened(self) -> list[str]: ...

    def tell(self, notice: nt.Notice) -> list[str]: ...

    def ask(self, text: str) -> tuple[list[rq.Request], list[str]]: ...


class Line(Protocol):
    """The way back to the caller."""

    @property
    def name(self) -> str:
        """What the log calls this call."""

    @property
    def round_trip_s(self) -> float:
        """There and back, measured on the way that the audio takes; 0 before it was."""

    def send(self, text: str) -> None: ...

    def closed(self, reason: ev.EndReason) -> None: ...


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
    ) -> None:
        config = shared.config
        self._config, self._settings = config, rq.CallSettings()
        self._client, self._line = client, line
        self._engines, self._speaker, self._metrics = engines, speaker, shared.metrics
        self._loop, self._in_turn = asyncio.get_running_loop(), shared.in_turn
        guard = EchoGuard() if config.echo.guard else None
        self._ear = Ear(vad, config.vad, patience(config, self._settings), guard=guard)
        self._turns = Turns(turn_rules(config, self._settings))
        self._memory = Memory()
        self._second: SecondOpinion | NoOpinion = NoOpinion()
        if shared.adviser is not None:
            self._second = SecondOpinion(self._ear, shared.adviser, self.opined, shared.metrics)
        self._caller = Caller(
            line.name, self._ear, engines, self._memory, self._tell, self._second
        )
        self._errands = Errands(
            line.name,
            shared.functions,
            self._memory,
            self._tell,
            self._step,
            config.agent.tool_s,
        )
        self._replies = Replies(
            line.name,
            shared,
            speaker,
            engines,
            self._memory,
            self._errands,
            self._tell,
            self._step,
        )
        self._playout_delay_s = config.playout.caller_delay_ms / 1000
        self._unjudged = False  # something was heard, and what it tells is not known yet
        self._failures: set[type[Exception]] = set()  # to judge it, so far
        self._timer: asyncio.TimerHandle | None = None
        self._state_told = self._turns.state.told
        self.ended = False
        self.on_step: OnStep = lambda event, now, commands: None
        self.on_opinion: OnOpinion = lambda who, odds: None
        self._change(client.settings)

    # -- what happens

    def connected(self) -> None:
        """Audio can flow both ways."""
        self._step(ev.Connected())

    def channel_opened(self) -> None:
        """The data channel is there."""
        for text in self._client.opened():
            self._line.send(text)

    def hear(self, samples: Samples, arrived_s: float | None = None) -> None:
        """The caller's next samples, [n] at HEAR_HZ; they arrived now, unless it is said."""
        if self.ended:
            return
        self.judge()
        now = self._loop.time() if arrived_s is None else arrived_s
        self._ear.arrived(len(samples), now)
        self._caller.hear(samples)
        self._unjudged = True
        self._in_turn.do(self._ear.describe, self.judge)

    def judge(self) -> bool:
        """What was heard tells something. Return whether there was anything.

        In a pass of the loop of its own, for it is much work; but before anything else happens
        in this call, so that nothing comes between.
        """
        if not self._unjudged:
            return False
        self._unjudged = False
        try:
            for event in self._caller.judge():
                self._step(event)
        except Exception as error:  # what happens next must happen all the same
            if type(error) not in self._failures:
                log.exception(
                    "call %s: what was heard cannot be dealt with; logged once", self._line.name
                )
            self._failures.add(type(error))
        return True

    def catch_up(self) -> bool:
        """Do a piece of the work on what was heard. Return whether there was any."""
        return self._ear.describe() or self.judge()

    def opined(self, who: str, odds: float) -> None:
        """Somebody else, one of OPINIONS, gives the odds that this pause ends the turn."""
        if not self.ended:
            self.judge()
            self.on_opinion(who, odds)
            self._ear.opine(who, odds)

    def message(self, text: str) -> None:
        """The client wrote on the data channel."""
        if self.ended:  # until the line is closed, too
            return
        self.judge()
        requests, answers = self._client.ask(text)
        for answer in answers:  # before what comes of it
            self._line.send(answer)
        for request in requests:
            self._grant(request)

    def sound_left(self, samples: Samples, at_s: float) -> None:
        """A frame [SPEAK_FRAME] left, whatever is in it, for its slot on the loop's clock."""
        self._ear.played(samples, at_s)
        self._in_turn.do(self._ear.place)

    def packet_left(self, turn: int, now: float) -> None:
        """A packet of a reply was handed to the network."""
        self._replies.packet_left(turn, now)

    def reply_left(self, turn: int) -> None:
        """The last sample of a reply was handed to the network."""
        self._replies.left(turn)

    def end(self, reason: ev.EndReason) -> None:
        """The call is over, whoever ended it. Later calls change nothing."""
        if self.ended:
            return
        self.ended = True
        try:
            self._step(ev.HungUp(reason))
            self._tell(nt.CallEnding(reason))
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
        del self._caller, self._errands, self._replies, self._second

    # -- turns.py decides

    def _step(self, event: ev.Event) -> None:
        self.judge()
        now = self._loop.time()
        commands = self._turns.handle(event, now)
        self.on_step(event, now, commands)
        self._carry_out(commands)

    def _tick(self) -> None:
        come = self._timer
        self.judge()
        if self._timer is not come:
            return  # there is another deadline now
        now, due = self._loop.time(), self._turns.deadline
        commands = self._turns.tick(now)
        self.on_step(now if due is None else due, now, commands)
        self._carry_out(commands)

    def _carry_out(self, commands: list[do.Command]) -> None:
        for command in commands:
            self._do(command)
        self._caller.follow(self._turns.state, lambda: self._conversation(0))
        if self._turns.state.told != self._state_told:
            self._state_told = self._turns.state.told
            self._tell(nt.StateChanged(self._state_told))
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._turns.deadline
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._tick)

    def _do(self, command: do.Command) -> None:
        match command:
            case do.PrepareReply(turn):
                self._prepare(turn)
            case do.ReleaseReply(turn):
                self._answered(turn)
                self._replies.let_out(turn)
            case do.TryReply(turn):
                self._caller.tried()
                self._replies.try_out(turn)
            case do.SettleReply(turn):
                self._answered(turn)
                self._replies.settle()
            case do.WithdrawReply(turn):
                self._withdraw(turn)
            case do.DiscardReply(turn):
                self._replies.discard()
                self._engines.discard(turn)
            case do.DuckReply(turn):
                self._speaker.duck(turn)
            case do.RestoreReply():
                self._speaker.restore()
            case do.HoldReply(turn):
                if not self._replies.hold():
                    self._step(ev.ReplyUnheard(turn))
            case do.ResumeReply():
                self._replies.resume()
            case do.CancelReply(turn, reason):
                self._replies.cancel(turn, reason, self._reached_s())
            case do.SayPrompt(turn, prompt):
                self._replies.say(turn, prompt)
            case do.CommitUtterance():
                self._caller.commit()
            case do.ForgetUtterance():
                self._caller.forget()
            case do.EndCall(reason):
                self._loop.call_later(_LINGER_S, self.end, reason)
            case _:
                assert_never(command)

    # -- replies

    def _prepare(self, turn: int) -> None:
        utterance, silence = self._caller.to_answer, self._caller.silence
        if utterance:
            self._errands.caller_spoke()
        self._errands.told(turn)
        conversation = replace(self._conversation(turn), over_reply=self._replies.holds)
        pieces = self._caller.heed(self._engines.reply(turn, conversation), self._meant)
        self._replies.prepare(turn, utterance, silence, pieces)

    def _meant(self, odds: float) -> None:
        """The brain gives the odds that this pause ends the turn, by what was said."""
        self.judge()
        self._ear.opine("meaning", odds)

    def _answered(self, turn: int) -> None:
        """Reply `turn` is the answer to what was said."""
        self._engines.keep(turn)
        self._errands.released(turn)
        self._memory.answered(turn)
        self._caller.answered(turn)

    def _withdraw(self, turn: int) -> None:
        """The caller goes on with what was taken for finished; our answer was never given."""
        self._replies.withdraw()
        self._engines.discard(turn)
        self._caller.went_on()

    def _reached_s(self) -> float:
        """What left until then had been heard when the caller last spoke, or the call ended."""
        at_s = self._loop.time() if self.ended else self._caller.spoke_s
        return at_s - self._line.round_trip_s - self._playout_delay_s

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
                self._step(ev.Typed())
            case rq.GoOn():
                self._errands.want()
            case rq.CancelCurrentReply():
                self._step(ev.ReplyUnwanted())
            case rq.TruncateReply(turn, end_ms):
                if self._replies.truncate(turn, end_ms):
                    self._step(ev.ReplyUnwanted())
            case rq.NotePlayoutDelay(delay_ms):
                self._playout_delay_s = delay_ms / 1000
            case rq.NoteMute(muted):
                self._step(ev.Muted() if muted else ev.Unmuted())
            case rq.ClearUtterance():
                self._step(ev.UtteranceUnwanted())
            case rq.HangUp():
                self.end(ev.EndReason.CALLER)
            case _:
                assert_never(request)

    def _change(self, settings: rq.CallSettings) -> None:
        self._settings = merged(self._settings, settings)
        self._replies.style = Style(
            self._settings.voice or self._config.agent.voice_name,
            self._language,
            settings.speed or self._replies.style.speed,
        )
        self._turns.follow(turn_rules(self._config, self._settings), self._loop.time())
        self._set_timer()
        self._second.wanted = self._turns.rules.judges
        self._ear.configure(
            vad_config(self._config, self._settings), patience(self._config, self._settings)
        )
        self._errands.offer(Tool(*tool) for tool in self._settings.tools or ())

    def _conversation(self, turn: int) -> Conversation:
        asked = self._settings.instructions
        instructions = self._config.agent.instructions if asked is None else asked
        tools = () if self._settings.may_call_tools is False else self._errands.tools
        past = self._memory.before(turn, self._replies.held)
        return Conversation(instructions, self._language, past, turn, tools)

    @property
    def _language(self) -> str:
        return self._settings.language or self._config.agent.language

    def _tell(self, notice: nt.Notice) -> None:
        for text in self._client.tell(notice):
            self._line.send(text)
