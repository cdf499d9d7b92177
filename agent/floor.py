"""What is known of the turn under way, and what each transition of turns.py does to it.

Which reply is prepared, spoken, stopped or owed, and by which number. Knows no time: when a
transition is due stands in timing.py, which one in transitions.py.
"""

from agent import commands as do
from agent import events as ev
from agent.commands import Command
from agent.state import HEARING, LISTENING, REPLYING
from agent.turn_rules import TurnRules


class Floor:
    """One call's. An effect takes no argument, returns commands in order, and may go to
    another state than the table says.
    """

    def __init__(self, rules: TurnRules) -> None:
        self.rules = rules
        self.state = LISTENING
        self.turn = 0  # number of the reply under way, of a draft over one, or of the latest
        self.tried = False  # it was let out, and may yet be withdrawn
        self._number = 0  # the last one given to a reply
        self._prepared = False  # a reply with the number `turn` exists and has not left
        self._ducked = False  # it is spoken more softly
        self._yielded = 0  # number of the reply that stopped in mid-word and may go on
        self._on_hold = self._muted = False
        self._prompts = 0  # asked since the caller last gave a sign
        self._busy = False  # functions run for the agent
        self._filler = 0  # number of the reply that bridges them
        self._owed = False  # a reply, to results that no released one knows
        self._finished = 0  # number of the reply that was last heard to its end
        self._last_words: tuple[int, ev.EndReason] | None = None

    @property
    def weighs(self) -> bool:
        """Whether speech over the reply may be no turn: "yes" to "are you there?" is one."""
        return self.rules.backchannel_s > 0 and not self._prompts

    @property
    def drafts(self) -> bool:
        """Whether a brain has been asked for a reply that has not left."""
        return self._prepared

    @property
    def asks(self) -> bool:
        """Whether a silent caller is asked if they are there."""
        waits = self._on_hold or self._muted or self._busy
        return not waits and self.rules.create_response and self.rules.asks

    @property
    def fills(self) -> bool:
        """Whether a caller who waits for a function is told so; once."""
        return self._busy and not self._filler and self.rules.filler_s is not None

    # -- in any state

    def last_words(self, turn: int) -> list[Command]:
        """The call ends with reply `turn`, if that is heard to its end."""
        if turn == self._finished:
            return [do.EndCall(ev.EndReason.AGENT)]
        if turn in (self.turn, self._yielded):
            self._last_words = (turn, ev.EndReason.AGENT)
        return []

    def see_sign(self) -> list[Command]:
        """The caller is there: a goodbye for their silence ends no call."""
        self._prompts = 0
        if self._last_words is not None and self._last_words[1] is ev.EndReason.SILENCE:
            self._last_words = None
        return []

    def hold_on(self) -> list[Command]:
        self._on_hold = True
        return []

    def come_back(self) -> list[Command]:
        self._on_hold = False
        return []

    def mute(self) -> list[Command]:
        self._muted = True
        return self.see_sign()

    def unmute(self) -> list[Command]:
        self._muted = False
        return self.see_sign()

    def await_results(self) -> list[Command]:
        self._busy, self._filler = True, 0
        return self.stand()  # a function that was called cannot be taken back

    def await_no_results(self) -> list[Command]:
        self._busy = False
        return self.stand()

    # -- nobody speaks

    def greet(self) -> list[Command]:
        if self.rules.greets:
            return [do.SayPrompt(self._next(), ev.Prompt.GREETING)]
        self.state = LISTENING
        return []

    def ask(self) -> list[Command]:
        if self.fills:
            self._filler = self._next()
            return [do.SayPrompt(self.turn, ev.Prompt.ONE_MOMENT)]
        if not self.asks:
            self.state = LISTENING
            return [do.EndCall(ev.EndReason.SILENCE)]
        self._prompts += 1
        if self._prompts <= self.rules.silence_prompts:
            return [do.SayPrompt(self._next(), ev.Prompt.STILL_THERE)]
        if not self.rules.parts:
            self.state = LISTENING
            return [do.EndCall(ev.EndReason.SILENCE)]
        self._last_words = (self._next(), ev.EndReason.SILENCE)
        return [do.SayPrompt(self.turn, ev.Prompt.GOODBYE)]

    # -- the caller speaks, or has spoken

    def hear(self) -> list[Command]:
        self._prompts, self._ducked = 0, False
        return []

    def prepare(self) -> list[Command]:
        if not self.rules.create_response:
            return []
        self._prepared = True
        return [do.PrepareReply(self._next())]

    def discard(self) -> list[Command]:
        prepared, self._prepared = self._prepared, False
        return [do.DiscardReply(self.turn)] if prepared else []

    def release(self) -> list[Command]:
        """Answer now, whether or not an answer was prepared."""
        commands: list[Command] = []
        if not self._prepared:
            commands.append(do.PrepareReply(self._next()))
        self._prepared = self._owed = False
        return [*commands, do.ReleaseReply(self.turn)]

    def owe(self) -> list[Command]:
        """Go on when the agent has spoken; a filler has nothing to say any more."""
        self._owed = True
        if self.state is REPLYING and self._filler == self.turn:
            return [*self._stop("result_came"), *self.release()]
        return []

    def think_again(self) -> list[Command]:
        """What was prepared does not know the results; the caller is about to be answered."""
        self._owed = True
        return [*self.discard(), *self.prepare()] if self._prepared else []

    def finish_turn(self) -> list[Command]:
        """The caller has finished: answer, or leave that to the client."""
        if not self.rules.create_response and not self._owed:
            self.state = LISTENING
            return [*self.discard(), do.CommitUtterance()]
        withdraws = self.rules.withdraw_s and self.rules.interrupt_response
        if self._prepared and not self._owed and withdraws:
            self._prepared, self.tried = False, True
            return [do.TryReply(self.turn)]
        return self.release()

    def forget(self) -> list[Command]:
        return [*self.discard(), do.ForgetUtterance()]

    def take_back(self) -> list[Command]:
        return [*self.forget(), *self._listen()]

    # -- the agent speaks

    def stand(self) -> list[Command]:
        """What was tried is not withdrawn any more."""
        tried, self.tried = self.tried, False
        return [do.SettleReply(self.turn)] if tried else []

    def duck(self) -> list[Command]:
        """Something is heard over the reply."""
        if self._ducked or not self.rules.interrupt_response:
            return []
        self._ducked = True
        return [do.DuckReply(self.turn)]

    def restore(self) -> list[Command]:
        """It was nothing."""
        ducked, self._ducked = self._ducked, False
        return [do.RestoreReply(self.turn)] if ducked else []

    def finish(self) -> list[Command]:
        stands = self.stand()
        self._finished, self._ducked = self.turn, False
        if self._last_words is not None and self._last_words[0] == self.turn:
            return [*stands, do.EndCall(self._last_words[1])]
        return [*stands, *self._listen()]

    def silence(self) -> list[Command]:
        self._owed = False  # whoever wants silence is not given the next answer
        return [*self.stand(), *self._stop("client_cancelled")]

    def abandon(self) -> list[Command]:
        return [*self.stand(), *self.discard(), *self._stop("call_ended")]

    # -- both do

    def overlap(self) -> list[Command]:
        """The caller speaks over a reply, or had not finished when it began."""
        if not self.tried:
            return self.duck()
        self.tried, self._ducked, self.state, self._prompts = False, False, HEARING, 0
        return [do.WithdrawReply(self.turn)]

    def forget_overlap(self) -> list[Command]:
        return [*self.restore(), do.ForgetUtterance()]

    def give_way(self) -> list[Command]:
        """Stop for the caller, who may yet only have said "mm-hm"."""
        if not self.weighs:
            self.state = HEARING
            return self.interrupt()
        self._yielded, self._ducked = self.turn, False
        return [do.HoldReply(self.turn)]

    def go_on(self) -> list[Command]:
        """The caller does, after a short silence."""
        commands, self.turn = self.discard(), self._yielded
        return commands

    def carry_on(self) -> list[Command]:
        """It was no turn: say the rest."""
        commands = self.forget()
        self.turn, self._yielded = self._yielded, 0
        return [*commands, do.ResumeReply(self.turn)]

    def interrupt(self) -> list[Command]:
        self._prompts = 0
        return self._stop("turn_detected")

    # -- shared by those

    def _next(self) -> int:
        """Number a reply."""
        self._number = self.turn = self._number + 1
        return self.turn

    def _stop(self, reason: str) -> list[Command]:
        """End the reply that is spoken, or held."""
        turn = self._yielded or self.turn
        self._yielded, self._ducked = 0, False
        return [do.CancelReply(turn, reason)]

    def _listen(self) -> list[Command]:
        """Nobody speaks: answer the results if that is owed, else wait."""
        if self._owed:
            self.state = REPLYING
            return self.release()
        self.state = LISTENING
        return []
