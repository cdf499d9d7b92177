"""Whose turn is it?

A sans-I/O state machine: events go in with the time they were noticed, commands come out. It
reads no clock, touches no audio and awaits nothing. Stale news is recognised by its number.
"""

from collections.abc import Callable

from agent import commands as do
from agent import events as ev
from agent.commands import Command
from agent.state import (
    CLOSED,
    HEARING,
    LISTENING,
    OVERLAP,
    PAUSED,
    REPLYING,
    WEIGHING,
    YIELDED,
    State,
)
from agent.turn_rules import TurnRules
from agent.wait import Deadline, Wait

_NOTICED_S = 0.3  # sounds so close are one, and so is the speech they become


class Turns:
    """One call's turn-taking. Feed `handle`; call `tick` when `deadline` has come."""

    def __init__(self, rules: TurnRules) -> None:
        self.rules = rules
        self.state = LISTENING
        self.turn = 0  # number of the reply under way, or of the latest
        self._number = 0  # the last one given to a reply
        self._wait = Wait()
        self._prepared = False  # a reply with the number `turn` exists and has not left
        self._tried = False  # it was let out, and may yet be withdrawn
        self._ducked = False  # it is spoken more softly
        self._yielded = 0  # number of the reply that stopped in mid-word and may go on
        self._sound_at = float("-inf")  # when the latest began that may be speech
        self._speech_at = 0.0  # when the caller began to speak over the reply
        self._silent_at = float("-inf")  # when they fell silent
        self._on_hold = False
        self._prompts = 0  # asked since the caller last spoke
        self._busy = False  # functions run for the agent
        self._filler = 0  # number of the reply that bridges them
        self._owed = False  # a reply, to results that no released one knows
        self._finished = 0  # number of the reply that was last heard to its end
        self._last_words: tuple[int, ev.EndReason] | None = None

    @property
    def deadline(self) -> float | None:
        """When to call `tick`."""
        return self._wait.deadline

    def follow(self, rules: TurnRules, now: float) -> None:
        """Go by other rules from the next state on; a wait for the caller begins anew."""
        self.rules = rules
        if self.state is LISTENING and self.deadline is not None:
            self._set_deadline(now)

    def handle(self, event: ev.Event, now: float) -> list[Command]:
        """Take one event; return what to do about it, in order."""
        match event:
            case (
                ev.Agreed(turn)
                | ev.Asked(turn)
                | ev.ReplyFinished(turn)
                | ev.ReplyUnheard(turn)
            ) if turn != self.turn:
                return []  # news of a reply that is over already
            case ev.LastWords(turn):
                if turn == self._finished:
                    return [do.EndCall(ev.EndReason.AGENT)]
                if turn in (self.turn, self._yielded):
                    self._last_words = (turn, ev.EndReason.AGENT)
                return []
            case ev.Held() | ev.Resumed():
                self._on_hold = isinstance(event, ev.Held)
                if self.state is LISTENING:
                    self._set_deadline(now)
                return []
            case ev.ToolsCalled() | ev.ToolsReturned():
                self._busy = isinstance(event, ev.ToolsCalled)
                if self._busy:
                    self._filler = 0
                if self.state is LISTENING:
                    self._set_deadline(now)
                return self._stand()  # a function that was called cannot be taken back
            case ev.PauseJudged(silent_ms, wait_ms):
                if self.state is PAUSED and self.rules.judges:
                    self._wait.until(now + (wait_ms - silent_ms) / 1000)
                return []
            case ev.SpeechSuspected() | ev.SilenceSuspected():
                if self._decided_by(event):
                    self._wait.see(now, self.rules.confirm_s)
                return []
            case ev.SoundNoticed(ago_ms):
                if now - max(self._sound_at, self._silent_at) > _NOTICED_S:
                    self._sound_at = now - ago_ms / 1000
                return self._step(type(event), now)
            case ev.SpeechStarted(ago_ms=ago_ms) | ev.SpeechEnded(ago_ms=ago_ms):
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
        if cause is ev.SpeechEnded:
            self._silent_at = since
        row = TABLE[self.state].get(cause)
        if row is None:
            return []
        before, (self.state, effect) = self.state, row
        commands = effect(self)
        if self.state is not before or cause is ev.Connected:
            self._set_deadline(since)
        elif cause is Deadline:
            self._wait.begin(None)
        return commands

    def _set_deadline(self, since: float) -> None:
        wait_s: float | None = None
        if self.state is LISTENING:
            wait_s = self.rules.silence_prompt_s if self._asks else self.rules.idle_s
            if self._fills:
                wait_s = self.rules.filler_s
        elif self.state is PAUSED:
            since, wait_s = self._silent_at, self.rules.end_of_turn_s
        elif self.state is OVERLAP and self.rules.interrupt_response:
            if since - max(self._sound_at, self._silent_at) <= _NOTICED_S:
                since = min(since, self._sound_at)
            self._speech_at, wait_s = since, self.rules.barge_in_s
        elif self.state is YIELDED:
            # words apart ("yeah, yeah", laughter) may take longer, but not for ever
            longest_s, begun_s = self.rules.backchannel_s, since - self._speech_at
            word_s = self.rules.barge_in_s + self.rules.confirm_s
            since = self._speech_at
            wait_s = min(2 * longest_s, max(longest_s, begun_s + word_s))
        elif self.state is WEIGHING:
            wait_s = self.rules.backchannel_wait_s
        elif self.state is REPLYING and self._tried:
            wait_s = self.rules.withdraw_s
        self._wait.begin(None if wait_s is None else since + wait_s)

    def _decided_by(self, event: ev.SpeechSuspected | ev.SilenceSuspected) -> bool:
        """Whether what time is about to decide would be decided otherwise by that sound."""
        if isinstance(event, ev.SpeechSuspected):
            return self.state in (PAUSED, WEIGHING) or self._tried
        # a reply that is only held has lost nothing: it does not wait to be
        return self.state is (YIELDED if self._weighs else OVERLAP)

    @property
    def _weighs(self) -> bool:
        """Whether speech over the reply may be no turn: "yes" to "are you there?" is one."""
        return self.rules.backchannel_s > 0 and not self._prompts

    @property
    def _asks(self) -> bool:
        """Whether a silent caller is asked if they are there."""
        return not self._on_hold and not self._busy and self.rules.create_response

    @property
    def _fills(self) -> bool:
        """Whether a caller who waits for a function is told so; once."""
        return self._busy and not self._filler and self.rules.filler_s is not None

    # -- effects: what a transition asks for --------------------------------------------------

    def _greet(self) -> list[Command]:
        if self.rules.greets:
            return [do.SayPrompt(self._next(), ev.Prompt.GREETING)]
        self.state = LISTENING
        return []

    def _ask(self) -> list[Command]:
        if self._fills:
            self._filler = self._next()
            return [do.SayPrompt(self.turn, ev.Prompt.ONE_MOMENT)]
        if not self._asks:
            self.state = LISTENING
            return [do.EndCall(ev.EndReason.SILENCE)]
        self._prompts += 1
        if self._prompts <= self.rules.silence_prompts:
            return [do.SayPrompt(self._next(), ev.Prompt.STILL_THERE)]
        self._last_words = (self._next(), ev.EndReason.SILENCE)
        return [do.SayPrompt(self.turn, ev.Prompt.GOODBYE)]

    def _next(self) -> int:
        """Number a reply."""
        self._number = self.turn = self._number + 1
        return self.turn

    def _hear(self) -> list[Command]:
        self._prompts, self._ducked = 0, False
        return []

    def _prepare(self) -> list[Command]:
        if not self.rules.create_response:
            return []
        self._prepared = True
        return [do.PrepareReply(self._next())]

    def _discard(self) -> list[Command]:
        prepared, self._prepared = self._prepared, False
        return [do.DiscardReply(self.turn)] if prepared else []

    def _release(self) -> list[Command]:
        """Answer now, whether or not an answer was prepared."""
        commands: list[Command] = []
        if not self._prepared:
            commands.append(do.PrepareReply(self._next()))
        self._prepared = self._owed = False
        return [*commands, do.ReleaseReply(self.turn)]

    def _owe(self) -> list[Command]:
        """Go on when the agent has spoken; a filler has nothing to say any more."""
        self._owed = True
        if self.state is REPLYING and self._filler == self.turn:
            return [*self._stop("result_came"), *self._release()]
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
            return [do.TryReply(self.turn)]
        if self._prepared or self._owed:
            return self._release()
        self.state = LISTENING
        return [do.CommitUtterance()]

    def _stand(self) -> list[Command]:
        """What was tried is not withdrawn any more."""
        tried, self._tried = self._tried, False
        return [do.SettleReply(self.turn)] if tried else []

    def _duck(self) -> list[Command]:
        """Something is heard over the reply."""
        if self._ducked or not self.rules.interrupt_response:
            return []
        self._ducked = True
        return [do.DuckReply(self.turn)]

    def _restore(self) -> list[Command]:
        """It was nothing."""
        ducked, self._ducked = self._ducked, False
        return [do.RestoreReply(self.turn)] if ducked else []

    def _overlap(self) -> list[Command]:
        """The caller speaks over a reply, or had not finished when it began."""
        if not self._tried:
            return self._duck()
        self._tried, self._ducked, self.state, self._prompts = False, False, HEARING, 0
        return [do.WithdrawReply(self.turn)]

    def _forget(self) -> list[Command]:
        return [*self._discard(), do.ForgetUtterance()]

    def _forget_overlap(self) -> list[Command]:
        return [*self._restore(), do.ForgetUtterance()]

    def _take_back(self) -> list[Command]:
        return [*self._forget(), *self._settle()]

    def _yield(self) -> list[Command]:
        """Stop for the caller, who may yet only have said "mm-hm"."""
        if not self._weighs:
            self.state = HEARING
            return self._interrupt()
        self._yielded, self._ducked = self.turn, False
        return [do.HoldReply(self.turn)]

    def _go_on(self) -> list[Command]:
        """The caller does, after a short silence."""
        commands, self.turn = self._discard(), self._yielded
        return commands

    def _carry_on(self) -> list[Command]:
        """It was no turn: say the rest."""
        commands = self._forget()
        self.turn, self._yielded = self._yielded, 0
        return [*commands, do.ResumeReply(self.turn)]

    def _interrupt(self) -> list[Command]:
        self._prompts = 0
        return self._stop("turn_detected")

    def _stop(self, reason: str) -> list[Command]:
        """End the reply that is spoken, or held."""
        turn = self._yielded or self.turn
        self._yielded, self._ducked = 0, False
        return [do.CancelReply(turn, reason)]

    def _silence(self) -> list[Command]:
        self._owed = False  # whoever wants silence is not given the next answer
        return [*self._stand(), *self._stop("client_cancelled")]

    def _finish(self) -> list[Command]:
        stands = self._stand()
        self._finished, self._ducked = self.turn, False
        if self._last_words is not None and self._last_words[0] == self.turn:
            return [*stands, do.EndCall(self._last_words[1])]
        return [*stands, *self._settle()]

    def _abandon(self) -> list[Command]:
        return [*self._stand(), *self._discard(), *self._stop("call_ended")]


Effect = Callable[[Turns], list[Command]]

# Every legal transition: what happened -> where to, and what to do. An event missing from its
# row is ignored.
TABLE: dict[State, dict[type, tuple[State, Effect]]] = {
    LISTENING: {
        ev.Connected: (REPLYING, Turns._greet),
        ev.SpeechStarted: (HEARING, Turns._hear),
        Deadline: (REPLYING, Turns._ask),
        ev.ReplyWanted: (REPLYING, Turns._release),
        ev.ReplyOwed: (REPLYING, Turns._release),
        ev.UtteranceUnwanted: (LISTENING, Turns._forget),
        ev.HungUp: (CLOSED, Turns._discard),
    },
    HEARING: {
        ev.SpeechEnded: (PAUSED, Turns._prepare),
        ev.ReplyWanted: (REPLYING, Turns._release),
        ev.ReplyOwed: (HEARING, Turns._owe),
        ev.UtteranceUnwanted: (LISTENING, Turns._take_back),
        ev.HungUp: (CLOSED, Turns._forget),
    },
    PAUSED: {
        ev.SpeechStarted: (HEARING, Turns._discard),
        Deadline: (REPLYING, Turns._finish_turn),
        ev.ReplyWanted: (REPLYING, Turns._release),
        ev.ReplyOwed: (PAUSED, Turns._think_again),
        ev.UtteranceUnwanted: (LISTENING, Turns._take_back),
        ev.HungUp: (CLOSED, Turns._forget),
    },
    REPLYING: {
        ev.SoundNoticed: (REPLYING, Turns._duck),
        ev.SoundPassed: (REPLYING, Turns._restore),
        ev.SpeechStarted: (OVERLAP, Turns._overlap),
        Deadline: (REPLYING, Turns._stand),
        ev.ReplyFinished: (LISTENING, Turns._finish),
        ev.ReplyOwed: (REPLYING, Turns._owe),
        ev.ReplyUnwanted: (LISTENING, Turns._silence),
        ev.HungUp: (CLOSED, Turns._abandon),
    },
    OVERLAP: {
        ev.SpeechEnded: (REPLYING, Turns._forget_overlap),
        Deadline: (YIELDED, Turns._yield),
        ev.ReplyFinished: (HEARING, Turns._hear),
        ev.ReplyOwed: (OVERLAP, Turns._owe),
        ev.ReplyUnwanted: (HEARING, Turns._silence),
        ev.UtteranceUnwanted: (REPLYING, Turns._forget_overlap),
        ev.HungUp: (CLOSED, Turns._abandon),
    },
    YIELDED: {
        ev.SpeechEnded: (WEIGHING, Turns._prepare),
        Deadline: (HEARING, Turns._interrupt),
        ev.ReplyUnheard: (HEARING, Turns._interrupt),
        ev.ReplyOwed: (YIELDED, Turns._owe),
        ev.ReplyUnwanted: (HEARING, Turns._silence),
        ev.UtteranceUnwanted: (REPLYING, Turns._carry_on),
        ev.HungUp: (CLOSED, Turns._abandon),
    },
    WEIGHING: {
        ev.SpeechStarted: (YIELDED, Turns._go_on),
        ev.Agreed: (REPLYING, Turns._carry_on),
        ev.Asked: (PAUSED, Turns._interrupt),
        Deadline: (REPLYING, Turns._carry_on),
        ev.ReplyOwed: (WEIGHING, Turns._think_again),
        ev.ReplyUnwanted: (PAUSED, Turns._silence),
        ev.UtteranceUnwanted: (REPLYING, Turns._carry_on),
        ev.HungUp: (CLOSED, Turns._abandon),
    },
    CLOSED: {},
}
