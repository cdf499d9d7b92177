"""Whose turn is it?

A sans-I/O state machine: events go in with the time they were noticed, commands come out. It
reads no clock, touches no audio and awaits nothing. Stale news is recognised by its number.
"""

from agent import events as ev
from agent.commands import Command
from agent.floor import Floor
from agent.state import LISTENING, State
from agent.timing import Timing
from agent.transitions import ANYWHERE, TABLE
from agent.turn_rules import TurnRules
from agent.wait import Deadline


class Turns:
    """One call's turn-taking. Feed `handle`; call `tick` when `deadline` has come."""

    def __init__(self, rules: TurnRules) -> None:
        self._floor = Floor(rules)
        self._timing = Timing(self._floor)

    @property
    def rules(self) -> TurnRules:
        return self._floor.rules

    @property
    def state(self) -> State:
        return self._floor.state

    @property
    def turn(self) -> int:
        """Number of the reply under way, or of the latest."""
        return self._floor.turn

    @property
    def deadline(self) -> float | None:
        """When to call `tick`."""
        return self._timing.deadline

    def follow(self, rules: TurnRules, now: float) -> None:
        """Go by other rules from the next state on; a wait for the caller begins anew."""
        if rules == self._floor.rules:
            return
        self._floor.rules = rules
        if self.state is LISTENING and self.deadline is not None:
            self._timing.begin(now)

    def handle(self, event: ev.Event, now: float) -> list[Command]:
        """Take one event; return what to do about it, in order."""
        match event:
            case (
                ev.Agreed(turn)
                | ev.Asked(turn)
                | ev.Untold(turn)
                | ev.ReplyBegan(turn)
                | ev.ReplyFinished(turn)
                | ev.ReplyUnheard(turn)
            ) if turn != self.turn:
                return []  # news of a reply that is over already
            case ev.LastWords(turn):
                return self._floor.last_words(turn)
            case _ if effect := ANYWHERE.get(type(event)):
                commands = effect(self._floor)
                if self.state is LISTENING:  # on hold, say, another silence is allowed
                    self._timing.begin(now)
                return commands
            case ev.ReplyBegan():
                self._timing.sounds(now)
                return []
            case ev.Untold():
                self._timing.untold()
                return []
            case ev.PauseJudged():
                self._timing.judged(event, now)
                return []
            case ev.SpeechSuspected() | ev.SilenceSuspected():
                self._timing.suspected(event, now)
                return []
            case ev.SoundNoticed():
                self._timing.noticed(event, now)
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
            self._timing.fell_silent(since)
        row = TABLE[self.state].get(cause)
        if row is None:
            return []
        before, (self._floor.state, effect) = self.state, row
        commands = effect(self._floor)
        # connected: who is not greeted was LISTENING before, and is waited for only now
        if self.state is not before or cause is ev.Connected:
            self._timing.begin(since)
        elif cause is Deadline:  # else it would stay due
            self._timing.stop()
        return commands
