"""The turn-taking rules, as dialogues."""

from dataclasses import replace

import pytest
from turn_taking import ANSWERED, LEAVES, RULES, STARTS, STOPS, TIME, play

from agent.commands import (
    CancelReply,
    CommitUtterance,
    DiscardReply,
    DuckReply,
    EndCall,
    ForgetUtterance,
    PrepareReply,
    ReleaseReply,
    RestoreReply,
    SayPrompt,
)
from agent.events import (
    Connected,
    EndReason,
    LastWords,
    Prompt,
    ReplyFinished,
    ReplyUnwanted,
    ReplyWanted,
    UtteranceUnwanted,
)
from agent.state import REPLYING
from agent.turn_rules import TurnRules
from agent.turns import Turns

# name: [(seconds, what happens, what the agent does about it), ...]
DIALOGUES = {
    "silence after speech earns a reply, prepared at once": ANSWERED,
    "a pause for breath is not the end of a turn": [
        (0.0, STARTS, []),
        (1.0, STOPS, [PrepareReply(1)]),
        (1.3, STARTS, [DiscardReply(1)]),
        (1.5, TIME, []),
        (2.0, STOPS, [PrepareReply(2)]),
        (2.4, TIME, [ReleaseReply(2)]),
    ],
    "mm-hm does not interrupt": [
        *ANSWERED,
        (2.0, STARTS, [DuckReply(1)]),
        (2.1, STOPS, [RestoreReply(1), ForgetUtterance()]),
        (3.0, TIME, []),
    ],
    "talking over the agent stops it, and what was said is a turn": [
        *ANSWERED,
        (2.0, STARTS, [DuckReply(1)]),
        (2.2, TIME, [CancelReply(1, "turn_detected")]),
        (2.5, STOPS, [PrepareReply(2)]),
        (2.9, TIME, [ReleaseReply(2)]),
    ],
    "a reply that ends under the caller's words leaves them the floor": [
        *ANSWERED,
        (2.0, STARTS, [DuckReply(1)]),
        (2.1, ReplyFinished(1), []),
        (2.6, STOPS, [PrepareReply(2)]),
    ],
    "hanging up stops the reply": [
        *ANSWERED,
        (2.0, LEAVES, [CancelReply(1, "call_ended")]),
        (2.1, STARTS, []),
        (2.2, LEAVES, []),
    ],
    "hanging up in a pause leaves nothing of what was prepared": [
        (0.0, STARTS, []),
        (1.0, STOPS, [PrepareReply(1)]),
        (1.1, LEAVES, [DiscardReply(1), ForgetUtterance()]),
        (9.9, TIME, []),
    ],
    "late news of a cancelled reply is ignored": [
        *ANSWERED,
        (2.0, STARTS, [DuckReply(1)]),
        (2.2, TIME, [CancelReply(1, "turn_detected")]),
        (2.4, STOPS, [PrepareReply(2)]),
        (2.8, TIME, [ReleaseReply(2)]),
        (2.9, ReplyFinished(1), []),
        (3.0, STARTS, [DuckReply(2)]),
        (3.2, TIME, [CancelReply(2, "turn_detected")]),
    ],
    "whoever speaks over the goodbye has saved the call": [
        *ANSWERED,
        (5.0, ReplyFinished(1), []),
        (15.0, TIME, [SayPrompt(2, Prompt.STILL_THERE)]),
        (16.0, ReplyFinished(2), []),
        (26.0, TIME, [SayPrompt(3, Prompt.GOODBYE)]),
        (26.5, STARTS, [DuckReply(3)]),
        (26.7, TIME, [CancelReply(3, "turn_detected")]),
        (27.0, STOPS, [PrepareReply(4)]),
        (27.4, TIME, [ReleaseReply(4)]),
        (28.0, ReplyFinished(4), []),
    ],
    "last words end the call once they have been said": [
        *ANSWERED,
        (1.4, LastWords(1), []),
        (3.0, ReplyFinished(1), [EndCall(EndReason.AGENT)]),
    ],
    "last words of a reply that was cut off end nothing": [
        *ANSWERED,
        (1.4, LastWords(1), []),
        (2.0, STARTS, [DuckReply(1)]),
        (2.2, TIME, [CancelReply(1, "turn_detected")]),
        (2.5, STOPS, [PrepareReply(2)]),
        (2.9, TIME, [ReleaseReply(2)]),
        (3.0, ReplyFinished(2), []),
    ],
    "a client may ask for an answer in mid-speech": [
        (0.0, STARTS, []),
        (0.5, ReplyWanted(), [PrepareReply(1), ReleaseReply(1)]),
    ],
    "a client may release what was prepared before its time": [
        (0.0, STARTS, []),
        (1.0, STOPS, [PrepareReply(1)]),
        (1.1, ReplyWanted(), [ReleaseReply(1)]),
    ],
    "a client may silence the agent": [
        *ANSWERED,
        (2.0, ReplyUnwanted(), [CancelReply(1, "client_cancelled")]),
        (2.1, ReplyUnwanted(), []),
    ],
    "a client may take back what was said": [
        (0.0, STARTS, []),
        (1.0, STOPS, [PrepareReply(1)]),
        (1.1, UtteranceUnwanted(), [DiscardReply(1), ForgetUtterance()]),
        (1.4, TIME, []),
    ],
}


@pytest.mark.parametrize("steps", DIALOGUES.values(), ids=DIALOGUES)
def test_dialogue(steps) -> None:
    play(Turns(RULES), steps)


def test_the_agent_greets_if_told_to() -> None:
    greeting = Turns(TurnRules(0.4, 0.2, 10, 1, 300, 0.06, greets=True))
    play(greeting, [(0.0, Connected(), [SayPrompt(1, Prompt.GREETING)])])
    assert greeting.state is REPLYING


def test_an_agent_that_does_not_greet_asks_after_a_while() -> None:
    play(
        Turns(RULES),
        [(3.0, Connected(), []), (13.0, TIME, [SayPrompt(1, Prompt.STILL_THERE)])],
    )


def test_without_words_for_it_nobody_is_asked_and_long_silence_ends_the_call() -> None:
    quiet = Turns(replace(RULES, asks=False))
    steps = [(15.0, TIME, []), (305.0, TIME, [EndCall(EndReason.SILENCE)])]
    play(quiet, [*ANSWERED, (5.0, ReplyFinished(1), []), *steps])


def test_without_words_for_it_the_agent_hangs_up_without_a_word() -> None:
    """Killed: a goodbye of no sound, an empty response on the wire."""
    steps = [
        (15.0, TIME, [SayPrompt(2, Prompt.STILL_THERE)]),
        (16.0, ReplyFinished(2), []),
        (26.0, TIME, [EndCall(EndReason.SILENCE)]),
    ]
    play(Turns(replace(RULES, parts=False)), [*ANSWERED, (5.0, ReplyFinished(1), []), *steps])


def test_manual_turns_wait_for_the_client() -> None:
    manual = Turns(
        TurnRules(0.4, 0.2, 10, 1, 300, 0.06, create_response=False, interrupt_response=False)
    )
    play(
        manual,
        [
            (0.0, STARTS, []),
            (1.0, STOPS, []),
            (1.4, TIME, [CommitUtterance()]),
            (60.0, TIME, []),
            (60.0, STARTS, []),
            (61.0, STOPS, []),
            (61.1, ReplyWanted(), [PrepareReply(1), ReleaseReply(1)]),
            (63.0, STARTS, []),
            (70.0, TIME, []),
            (71.0, STOPS, [ForgetUtterance()]),
            (72.0, ReplyFinished(1), []),
            (372.0, TIME, [EndCall(EndReason.SILENCE)]),
        ],
    )


def test_new_rules_hold_from_the_next_state() -> None:
    turns = Turns(RULES)
    play(turns, [(0.0, STARTS, [])])
    turns.follow(TurnRules(1.0, 0.2, 10, 1, 300, 0.06), 0.5)
    play(
        turns,
        [(1.0, STOPS, [PrepareReply(1)]), (1.9, TIME, []), (2.0, TIME, [ReleaseReply(1)])],
    )


def test_rules_that_are_as_before_begin_no_wait_anew() -> None:
    """A client renews its instructions. Killed: a silent caller who was never asked."""
    turns = Turns(RULES)
    turns.handle(Connected(), 0.0)
    due = turns.deadline
    turns.follow(replace(RULES), 5.0)
    assert turns.deadline == due is not None


def test_a_client_that_answers_by_itself_from_now_on_is_not_forestalled() -> None:
    turns = Turns(RULES)
    play(turns, [(0.0, STARTS, []), (1.0, STOPS, [PrepareReply(1)])])
    turns.follow(replace(RULES, create_response=False), 1.2)
    play(turns, [(1.4, TIME, [DiscardReply(1), CommitUtterance()])])
    play(turns, [(2.0, ReplyWanted(), [PrepareReply(2), ReleaseReply(2)])])


def test_a_client_that_leaves_answering_to_us_in_a_pause_need_not_ask() -> None:
    turns = Turns(replace(RULES, create_response=False))
    play(turns, [(0.0, STARTS, []), (1.0, STOPS, [])])
    turns.follow(RULES, 1.2)
    play(turns, [(1.4, TIME, [PrepareReply(1), ReleaseReply(1)])])


def test_who_is_not_asked_any_more_is_not_hung_up_on_either() -> None:
    """Killed: a call that goes by the new rules at the end of the old wait, and ends there."""
    turns = Turns(RULES)
    play(turns, [*ANSWERED, (2.0, ReplyFinished(1), [])])
    turns.follow(replace(RULES, create_response=False), 5.0)
    play(turns, [(12.0, TIME, []), (304.9, TIME, [])])
    turns.follow(RULES, 304.9)
    play(turns, [(305.1, TIME, []), (314.9, TIME, [SayPrompt(2, Prompt.STILL_THERE)])])


def test_before_there_is_a_caller_nobody_waits_for_them() -> None:
    turns = Turns(RULES)
    turns.follow(RULES, 1.0)
    assert turns.deadline is None
