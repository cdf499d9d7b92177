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
    ReplyUnwanted,
    ReplyWanted,
    Resumed,
    SayPrompt,
    SettleReply,
    SilenceSuspected,
    SpeechEnded,
    SpeechStarted,
    SpeechSuspected,
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
        self.unsettled = False  # the latest reply was released, and may yet be withdrawn
        self._held = False
        self._prompts = 0  # asked since the caller last spoke
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
            case PauseJudged(silent_ms, wait_ms):
                if self.state is PAUSED and self.rules.judges:
                    self._wait_until(now + (wait_ms - silent_ms) / 1000)
                return []
            case SpeechSuspected() if self.state is PAUSED or self.unsettled:
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
        elif self.state is PAUSED:
            wait_s = self.rules.end_of_turn_s
        elif self.state is OVERLAP and self.rules.interrupt_response:
            wait_s = self.rules.barge_in_s
        elif self.state is REPLYING and self.unsettled:
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
        return not self._held and self.rules.create_response

    # -- effects: what a transition asks for --------------------------------------------------

    def _nothing(self) -> list[Command]:
        return []

    def _greet(self) -> list[Command]:
        if self.rules.greets:
            return self._say(Prompt.GREETING)
        self.state = LISTENING
        return []

    def _ask(self) -> list[Command]:
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
        self._prepared = False
        return [*commands, ReleaseReply(self.turn)]

    def _settle(self) -> list[Command]:
        """What was released stands."""
        if not self.unsettled:
            return []
        self.unsettled = False
        return [SettleReply(self.turn)]

    def _finish_turn(self) -> list[Command]:
        """The caller has finished, we believe: answer, or leave that to the client."""
        if not self._prepared:
            self.state = LISTENING
            return [CommitUtterance()]
        if not (self.rules.withdraw_s and self.rules.interrupt_response):
            return self._release()
        self._prepared, self.unsettled = False, True
        return [TryReply(self.turn)]

    def _overlap(self) -> list[Command]:
        """The caller speaks over a reply, or had not finished when it began."""
        if not self.unsettled:
            return []
        self.unsettled, self.state, self._prompts = False, HEARING, 0
        return [WithdrawReply(self.turn)]

    def _forget(self) -> list[Command]:
        return [*self._discard(), ForgetUtterance()]

    def _interrupt(self) -> list[Command]:
        self._prompts = 0
        return [CancelReply(self.turn, "turn_detected")]

    def _silence(self) -> list[Command]:
        return [*self._settle(), CancelReply(self.turn, "client_cancelled")]

    def _finish(self) -> list[Command]:
        commands = self._settle()
        if self._last_words is not None and self._last_words[0] == self.turn:
            commands.append(EndCall(self._last_words[1]))
        return commands

    def _abandon(self) -> list[Command]:
        return [*self._settle(), CancelReply(self.turn, "call_ended")]


Effect = Callable[[Turns], list[Command]]

# Every legal transition: what happened -> where to, and what to do. An event missing from its
# row is ignored.
TABLE: dict[State, dict[type, tuple[State, Effect]]] = {
    LISTENING: {
        Connected: (REPLYING, Turns._greet),
        SpeechStarted: (HEARING, Turns._hear),
        Deadline: (REPLYING, Turns._ask),
        ReplyWanted: (REPLYING, Turns._release),
        UtteranceUnwanted: (LISTENING, Turns._forget),
        HungUp: (CLOSED, Turns._nothing),
    },
    HEARING: {
        SpeechEnded: (PAUSED, Turns._prepare),
        ReplyWanted: (REPLYING, Turns._release),
        UtteranceUnwanted: (LISTENING, Turns._forget),
        HungUp: (CLOSED, Turns._forget),
    },
    PAUSED: {
        SpeechStarted: (HEARING, Turns._discard),
        Deadline: (REPLYING, Turns._finish_turn),
        ReplyWanted: (REPLYING, Turns._release),
        UtteranceUnwanted: (LISTENING, Turns._forget),
        HungUp: (CLOSED, Turns._forget),
    },
    REPLYING: {
        SpeechStarted: (OVERLAP, Turns._overlap),
        Deadline: (REPLYING, Turns._settle),
        ReplyFinished: (LISTENING, Turns._finish),
        ReplyUnwanted: (LISTENING, Turns._silence),
        HungUp: (CLOSED, Turns._abandon),
    },
    OVERLAP: {
        SpeechEnded: (REPLYING, Turns._forget),
        Deadline: (HEARING, Turns._interrupt),
        ReplyFinished: (HEARING, Turns._hear),
        ReplyUnwanted: (HEARING, Turns._silence),
        UtteranceUnwanted: (REPLYING, Turns._forget),
        HungUp: (CLOSED, Turns._abandon),
    },
    CLOSED: {},
}
