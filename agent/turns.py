"""Whose turn is it?

A sans-I/O state machine: events go in with the time they were noticed, commands come out. It
reads no clock, touches no audio and awaits nothing. Stale news is recognised by its number.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from agent.events import (
    CancelReply,
    Command,
    CommitUtterance,
    Connected,
    DiscardReply,
    EndCall,
    EndReason,
    Event,
    ForgetUtterance,
    Held,
    HungUp,
    LastWords,
    PauseJudged,
    PrepareReply,
    Prompt,
    ReleaseReply,
    ReplyFinished,
    ReplyOwed,
    ReplyUnwanted,
    ReplyWanted,
    Resumed,
    SayPrompt,
    SettleReply,
    SilenceSuspected,
    SpeechEnded,
    SpeechStarted,
    SpeechSuspected,
    ToolsCalled,
    ToolsReturned,
    TryReply,
    UtteranceUnwanted,
    WithdrawReply,
)


class State(Enum):
    LISTENING = auto()  # nobody speaks
    HEARING = auto()  # the caller speaks
    PAUSED = auto()  # the caller fell silent, perhaps only for breath; a reply is prepared
    REPLYING = auto()  # the agent thinks or speaks
    OVERLAP = auto()  # the caller speaks over the agent, perhaps only "mm-hm"
    CLOSED = auto()


class Deadline:
    """The time set for the present state has come."""


LISTENING, HEARING, PAUSED, REPLYING, OVERLAP, CLOSED = State


@dataclass(frozen=True, slots=True)
class TurnRules:
    """What a session may set. Replaced in mid-call, it holds from the next state on."""

    end_of_turn_s: float  # the wait; where pauses are judged, until the first judgement
    barge_in_s: float
    silence_prompt_s: float
    silence_prompts: int
    idle_s: float  # of silence end a call in which nobody is asked
    confirm_s: float  # from a suspicion until it would have been confirmed
    filler_s: float | None = None  # of silence while a function runs; None: no filler
    greets: bool = True
    create_response: bool = True  # answer at the end of a turn without being asked
    interrupt_response: bool = True  # speech over a reply stops it
    judges: bool = False  # PauseJudged says how long to wait
    withdraw_s: float = 0.0  # speech so soon after a release goes on with the utterance


class Turns:
    """One call's turn-taking. Feed `handle`; call `tick` when `deadline` has come."""

    def __init__(self, rules: TurnRules) -> None:
        self.rules = rules
        self.state = LISTENING
        self.turn = 0  # number of the latest reply
        self.deadline: float | None = None
        self._latest: float | None = None  # the deadline before it was put off
        self._put_off: float | None = None  # until a sound in this state would be understood
        self._prepared = False  # a reply with the latest number exists and has not left
        self._tried = False  # it was let out, and may yet be withdrawn
        self._held = False
        self._prompts = 0  # asked since the caller last spoke
        self._busy = False  # functions run for the agent
        self._filler = 0  # number of the reply that bridges them
        self._owed = False  # a reply, to results that no released one knows
        self._last_words: tuple[int, EndReason] | None = None

    def handle(self, event: Event, now: float) -> list[Command]:
        """Take one event; return what to do about it, in order."""
        match event:
            case ReplyFinished(turn) if turn != self.turn:
                return []  # news of a reply that is over already
            case LastWords(turn):
                if turn == self.turn:
                    self._last_words = (turn, EndReason.AGENT)
                return []
            case Held() | Resumed():
                self._held = isinstance(event, Held)
                if self.state is LISTENING:
                    self._set_deadline(now)
                return []
            case ToolsCalled() | ToolsReturned():
                self._busy = isinstance(event, ToolsCalled)
                if self._busy:
                    self._filler = 0
                if self.state is LISTENING:
                    self._set_deadline(now)
                return self._stand()  # a function that was called cannot be taken back
            case PauseJudged(silent_ms, wait_ms):
                if self.state is PAUSED and self.rules.judges:
                    self._wait_until(now + (wait_ms - silent_ms) / 1000)
                return []
            case SpeechSuspected() if self.state is PAUSED or self._tried:
                self._wait_and_see(now)
                return []
            case SilenceSuspected() if self.state is OVERLAP:
                self._wait_and_see(now)
                return []
            case SpeechStarted(ago_ms=ago_ms) | SpeechEnded(ago_ms=ago_ms):
                return self._step(type(event), now - ago_ms / 1000)
            case _:
                return self._step(type(event), now)

    def tick(self, now: float) -> list[Command]:
        """Let time pass. Call at `deadline`; earlier calls change nothing."""
        if self.deadline is None or now < self.deadline:
            return []
        return self._step(Deadline, now)

    def _step(self, cause: type, since: float) -> list[Command]:
        """Move by the table. `since` is when the cause happened, which may be before now."""
        row = TABLE[self.state].get(cause)
        if row is None:
            return []
        before, (self.state, effect) = self.state, row
        commands = effect(self)
        if self.state is not before or cause is Connected:
            self._set_deadline(since)
        elif cause is Deadline:
            self.deadline = None
        return commands

    def _set_deadline(self, since: float) -> None:
        wait_s: float | None = None
        if self.state is LISTENING:
            wait_s = self.rules.silence_prompt_s if self._asks else self.rules.idle_s
            if self._fills:
                wait_s = self.rules.filler_s
        elif self.state is PAUSED:
            wait_s = self.rules.end_of_turn_s
        elif self.state is OVERLAP and self.rules.interrupt_response:
            wait_s = self.rules.barge_in_s
        elif self.state is REPLYING and self._tried:
            wait_s = self.rules.withdraw_s
        self.deadline = None if wait_s is None else since + wait_s
        self._latest, self._put_off = self.deadline, None

    def _wait_until(self, deadline: float) -> None:
        """Decide then, or when a sound that has just begun is understood."""
        self._latest = deadline
        self.deadline = deadline if self._put_off is None else max(deadline, self._put_off)

    def _wait_and_see(self, now: float) -> None:
        """What time is about to decide may be decided by a sound: wait until it would be known,
        but only once.
        """
        if self.deadline is not None and self._latest is not None:
            seen = min(now, self._latest) + self.rules.confirm_s
            self._put_off = seen
            self.deadline = max(self.deadline, seen)

    @property
    def _asks(self) -> bool:
        """Whether a silent caller is asked if they are there."""
        return not self._held and not self._busy and self.rules.create_response

    @property
    def _fills(self) -> bool:
        """Whether a caller who waits for a function is told so; once."""
        return self._busy and not self._filler and self.rules.filler_s is not None

    # -- effects: what a transition asks for --------------------------------------------------

    def _nothing(self) -> list[Command]:
        return []

    def _greet(self) -> list[Command]:
        if self.rules.greets:
            return self._say(Prompt.GREETING)
        self.state = LISTENING
        return []

    def _ask(self) -> list[Command]:
        if self._fills:
            commands = self._say(Prompt.ONE_MOMENT)
            self._filler = self.turn
            return commands
        if not self._asks:
            self.state = LISTENING
            return [EndCall(EndReason.SILENCE)]
        self._prompts += 1
        if self._prompts <= self.rules.silence_prompts:
            return self._say(Prompt.STILL_THERE)
        commands = self._say(Prompt.GOODBYE)
        self._last_words = (self.turn, EndReason.SILENCE)
        return commands

    def _say(self, prompt: Prompt) -> list[Command]:
        self.turn += 1
        return [SayPrompt(self.turn, prompt)]

    def _hear(self) -> list[Command]:
        self._prompts = 0
        return []

    def _prepare(self) -> list[Command]:
        if not self.rules.create_response:
            return []
        self.turn += 1
        self._prepared = True
        return [PrepareReply(self.turn)]

    def _discard(self) -> list[Command]:
        if not self._prepared:
            return []
        self._prepared = False
        return [DiscardReply(self.turn)]

    def _release(self) -> list[Command]:
        """Answer now, whether or not an answer was prepared."""
        commands: list[Command] = []
        if not self._prepared:
            self.turn += 1
            commands.append(PrepareReply(self.turn))
        self._prepared = self._owed = False
        return [*commands, ReleaseReply(self.turn)]

    def _owe(self) -> list[Command]:
        """Go on when the agent has spoken; a filler has nothing to say any more."""
        self._owed = True
        if self.state is REPLYING and self._filler == self.turn:
            return [CancelReply(self.turn, "result_came"), *self._release()]
        return []

    def _think_again(self) -> list[Command]:
        """What was prepared does not know the results; the caller is about to be answered."""
        self._owed = True
        return [*self._discard(), *self._prepare()] if self._prepared else []

    def _settle(self) -> list[Command]:
        """Nobody speaks: now is the time for what is owed."""
        if self._owed:
            self.state = REPLYING
            return self._release()
        self.state = LISTENING
        return []

    def _finish_turn(self) -> list[Command]:
        """The caller has finished: answer, or leave that to the client."""
        withdraws = self.rules.withdraw_s and self.rules.interrupt_response
        if self._prepared and not self._owed and withdraws:
            self._prepared, self._tried = False, True
            return [TryReply(self.turn)]
        if self._prepared or self._owed:
            return self._release()
        self.state = LISTENING
        return [CommitUtterance()]

    def _stand(self) -> list[Command]:
        """What was tried is not withdrawn any more."""
        if not self._tried:
            return []
        self._tried = False
        return [SettleReply(self.turn)]

    def _overlap(self) -> list[Command]:
        """The caller speaks over a reply, or had not finished when it began."""
        if not self._tried:
            return []
        self._tried, self.state, self._prompts = False, HEARING, 0
        return [WithdrawReply(self.turn)]

    def _forget(self) -> list[Command]:
        return [*self._discard(), ForgetUtterance()]

    def _take_back(self) -> list[Command]:
        return [*self._forget(), *self._settle()]

    def _interrupt(self) -> list[Command]:
        self._prompts = 0
        return [CancelReply(self.turn, "turn_detected")]

    def _silence(self) -> list[Command]:
        self._owed = False  # whoever wants silence is not given the next answer
        return [*self._stand(), CancelReply(self.turn, "client_cancelled")]

    def _finish(self) -> list[Command]:
        stands = self._stand()
        if self._last_words is not None and self._last_words[0] == self.turn:
            return [*stands, EndCall(self._last_words[1])]
        return [*stands, *self._settle()]

    def _abandon(self) -> list[Command]:
        return [*self._stand(), CancelReply(self.turn, "call_ended")]


Effect = Callable[[Turns], list[Command]]

# Every legal transition: what happened -> where to, and what to do. An event missing from its
# row is ignored.
TABLE: dict[State, dict[type, tuple[State, Effect]]] = {
    LISTENING: {
        Connected: (REPLYING, Turns._greet),
        SpeechStarted: (HEARING, Turns._hear),
        Deadline: (REPLYING, Turns._ask),
        ReplyWanted: (REPLYING, Turns._release),
        ReplyOwed: (REPLYING, Turns._release),
        UtteranceUnwanted: (LISTENING, Turns._forget),
        HungUp: (CLOSED, Turns._nothing),
    },
    HEARING: {
        SpeechEnded: (PAUSED, Turns._prepare),
        ReplyWanted: (REPLYING, Turns._release),
        ReplyOwed: (HEARING, Turns._owe),
        UtteranceUnwanted: (LISTENING, Turns._take_back),
        HungUp: (CLOSED, Turns._forget),
    },
    PAUSED: {
        SpeechStarted: (HEARING, Turns._discard),
        Deadline: (REPLYING, Turns._finish_turn),
        ReplyWanted: (REPLYING, Turns._release),
        ReplyOwed: (PAUSED, Turns._think_again),
        UtteranceUnwanted: (LISTENING, Turns._take_back),
        HungUp: (CLOSED, Turns._forget),
    },
    REPLYING: {
        SpeechStarted: (OVERLAP, Turns._overlap),
        Deadline: (REPLYING, Turns._stand),
        ReplyFinished: (LISTENING, Turns._finish),
        ReplyOwed: (REPLYING, Turns._owe),
        ReplyUnwanted: (LISTENING, Turns._silence),
        HungUp: (CLOSED, Turns._abandon),
    },
    OVERLAP: {
        SpeechEnded: (REPLYING, Turns._forget),
        Deadline: (HEARING, Turns._interrupt),
        ReplyFinished: (HEARING, Turns._hear),
        ReplyOwed: (OVERLAP, Turns._owe),
        ReplyUnwanted: (HEARING, Turns._silence),
        UtteranceUnwanted: (REPLYING, Turns._forget),
        HungUp: (CLOSED, Turns._abandon),
    },
    CLOSED: {},
}
