"""The table, and the laws that it keeps whatever happens."""

from dataclasses import replace
from typing import get_args

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from turn_taking import LEAVES, RULES, STARTS, STOPS, YIELDING

from agent.commands import (
    CancelReply,
    DiscardReply,
    DuckReply,
    EndCall,
    HoldReply,
    PrepareReply,
    ReleaseReply,
    RestoreReply,
    ResumeReply,
    SayPrompt,
    TryReply,
    WithdrawReply,
)
from agent.events import (
    Agreed,
    Asked,
    Connected,
    Event,
    Held,
    HungUp,
    LastWords,
    Muted,
    PauseJudged,
    ReplyBegan,
    ReplyFinished,
    ReplyOwed,
    ReplyUnwanted,
    ReplyWanted,
    Resumed,
    SilenceSuspected,
    SoundNoticed,
    SoundPassed,
    SpeechSuspected,
    ToolsCalled,
    ToolsReturned,
    Typed,
    Unmuted,
    Untold,
    UtteranceUnwanted,
)
from agent.state import (
    CLOSED,
    LISTENING,
    OVERLAP,
    PAUSED,
    REPLYING,
    WEIGHING,
    YIELDED,
    State,
)
from agent.transitions import ANYWHERE, TABLE
from agent.turns import Turns


def test_every_state_can_be_hung_up() -> None:
    assert all(HungUp in TABLE[state] for state in State if state is not CLOSED)


def test_nothing_leads_out_of_a_call_that_is_over() -> None:
    assert not TABLE[CLOSED]


def test_every_state_has_its_row_and_can_be_reached() -> None:
    assert set(TABLE) == set(State)
    assert {to for row in TABLE.values() for to, _ in row.values()} == set(State)


def test_what_leads_nowhere_is_in_no_row() -> None:
    assert not any(ANYWHERE.keys() & row.keys() for row in TABLE.values())


def test_every_event_leads_somewhere_or_is_told_apart() -> None:
    """What is in neither table is for the timing, or names the last words."""
    moving = {cause for row in TABLE.values() for cause in row}
    apart = set(get_args(Event)) - moving - ANYWHERE.keys()
    timed = {SpeechSuspected, SilenceSuspected, PauseJudged, ReplyBegan, Untold}
    assert apart == timed | {LastWords}


class AnyCall(RuleBasedStateMachine):
    """Whatever caller, client and engines do, in whatever order, these laws hold."""

    session = RULES

    def __init__(self) -> None:
        super().__init__()
        self.turns = Turns(self.session)
        self.soft = 0  # number of the reply that is ducked
        self.held = 0  # number of the reply that stopped in mid-word
        self.now = 0.0
        self.speaking = False
        self.prepared: list[int] = []  # neither released nor discarded
        self.open: list[int] = []  # released or said, and not over
        self.owed = False  # a reply to results

    def do(self, commands) -> None:
        for command in commands:
            match command:
                case PrepareReply(turn):
                    self.prepared.append(turn)
                case DiscardReply(turn):
                    self.prepared.remove(turn)
                case ReleaseReply(turn):
                    self.owed = False
                    self.prepared.remove(turn)
                    self.open.append(turn)
                case SayPrompt(turn, _):
                    self.open.append(turn)
                case DuckReply(turn):
                    assert self.soft == 0, "ducked twice"
                    assert self.open == [turn] and not self.held
                    self.soft = turn
                case RestoreReply(turn):
                    assert self.soft == turn, "restored what was not ducked"
                    self.soft = 0
                case HoldReply(turn):
                    assert self.open == [turn] and not self.held
                    self.held, self.soft = turn, 0
                case ResumeReply(turn):
                    assert self.held == turn, "resumed what was not held"
                    self.held = 0
                case TryReply(turn):
                    self.prepared.remove(turn)
                    self.open.append(turn)
                case WithdrawReply(turn):
                    self.open.remove(turn)
                    self.soft = 0
                case CancelReply(turn, reason):
                    self.open.remove(turn)
                    self.held = self.soft = 0
                    self.owed &= reason != "client_cancelled"
                case EndCall():
                    self.owed = False  # goodbye was the last word

    @rule()
    def caller_starts_or_stops(self) -> None:
        self.speaking = not self.speaking
        self.hear(STARTS if self.speaking else STOPS)

    @rule(
        event=st.sampled_from(
            [
                ReplyWanted(),
                ReplyUnwanted(),
                UtteranceUnwanted(),
                Typed(),
                Held(),
                Resumed(),
                Muted(),
                Unmuted(),
                ToolsCalled(),
                ToolsReturned(),
                Connected(),
                STARTS,
                STOPS,
                SpeechSuspected(),
                SilenceSuspected(),
                SoundNoticed(32),
                SoundPassed(),
            ]
        )
    )
    def anything_else(self, event) -> None:
        self.hear(event)

    def hear(self, event) -> None:
        """What was no turn leaves the reply as loud as before.

        Killed: a forgotten overlap, or a sound that passed, that restores nothing.
        """
        before = self.turns.state
        self.do(self.turns.handle(event, self.now))
        if self.turns.state is REPLYING and (before is OVERLAP or event == SoundPassed()):
            assert not self.soft

    @rule()
    def results_come(self) -> None:
        self.owed = True
        self.do(self.turns.handle(ReplyOwed(), self.now))

    @rule(seconds=st.sampled_from([0.0, 0.1, 0.2, 0.4, 2.0, 11.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.do(self.turns.tick(self.now))

    @rule(kind=st.sampled_from([Agreed, Asked, Untold]))
    def words_are_known(self, kind) -> None:
        self.do(self.turns.handle(kind(self.turns.turn), self.now))

    @precondition(lambda self: self.open and not self.held)
    @rule()
    def reply_begins_to_sound(self) -> None:
        self.do(self.turns.handle(ReplyBegan(self.open[-1]), self.now))

    @precondition(lambda self: self.open and not self.held)
    @rule()
    def reply_is_played_out(self) -> None:
        self.soft = 0
        self.do(self.turns.handle(ReplyFinished(self.open.pop()), self.now))

    @rule(back=st.integers(1, 3))
    def late_news_of_an_earlier_reply(self, back: int) -> None:
        before = self.turns.state
        self.do(self.turns.handle(ReplyFinished(self.turns.turn - back), self.now))
        assert self.turns.state is before

    @invariant()
    def one_reply_is_open_exactly_while_replying(self) -> None:
        """Killed: CancelReply names the draft where it means the reply that is held."""
        spoken = self.turns.state in (REPLYING, OVERLAP, YIELDED, WEIGHING)
        assert len(self.open) == spoken
        if self.turns.state is not WEIGHING:
            assert self.open == [self.turns.turn] * spoken

    @invariant()
    def one_reply_is_prepared_exactly_while_paused(self) -> None:
        drafts = self.turns.state in (PAUSED, WEIGHING)
        assert self.prepared == [self.turns.turn] * drafts

    @invariant()
    def a_reply_is_held_exactly_while_it_is_decided_whether_it_goes_on(self) -> None:
        """Killed: an interruption that forgets to cancel what is held."""
        assert bool(self.held) == (self.turns.state in (YIELDED, WEIGHING))

    @invariant()
    def a_reply_is_softer_only_while_something_is_heard_over_it(self) -> None:
        """Killed: a hold, or an end under the caller's words, that leaves it ducked."""
        assert not self.soft or self.turns.state in (REPLYING, OVERLAP)
        if self.turns.state is OVERLAP:
            assert self.soft

    @invariant()
    def nobody_is_silent_who_owes_a_reply(self) -> None:
        assert not (self.owed and self.turns.state is LISTENING)

    @invariant()
    def a_deadline_is_set_only_where_time_decides(self) -> None:
        if self.turns.deadline is not None:
            decides = (LISTENING, PAUSED, OVERLAP, YIELDED, WEIGHING)
            assert self.turns.state in decides or (
                self.turns.state is REPLYING and self.session.withdraw_s
            )

    def teardown(self) -> None:
        self.do(self.turns.handle(LEAVES, self.now))
        assert self.turns.state is CLOSED
        assert not self.open
        assert not self.prepared
        assert self.turns.deadline is None


class AnyYieldingCall(AnyCall):
    """The same laws where a reply that stopped may go on, and one that left be withdrawn."""

    session = replace(YIELDING, judges=True, withdraw_s=0.3)


TestAnyCall = AnyCall.TestCase
TestAnyYieldingCall = AnyYieldingCall.TestCase
