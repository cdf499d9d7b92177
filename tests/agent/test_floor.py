"""Which reply is spoken, stops, goes on or is owed, as dialogues and effect by effect."""

from dataclasses import replace

import pytest
from turn_taking import (
    ANSWERED,
    JUDGING,
    LEAVES,
    RULES,
    STARTS,
    STOPS,
    TIME,
    TRIED,
    YIELDING,
    play,
)

from agent.commands import (
    CancelReply,
    CommitUtterance,
    DiscardReply,
    DuckReply,
    EndCall,
    ForgetUtterance,
    HoldReply,
    PrepareReply,
    ReleaseReply,
    RestoreReply,
    ResumeReply,
    SayPrompt,
    SettleReply,
    WithdrawReply,
)
from agent.events import (
    Agreed,
    Asked,
    EndReason,
    LastWords,
    Prompt,
    ReplyFinished,
    ReplyOwed,
    ReplyUnheard,
    ReplyUnwanted,
    ReplyWanted,
    SilenceSuspected,
    SoundNoticed,
    SoundPassed,
    SpeechEnded,
    SpeechStarted,
    SpeechSuspected,
    ToolsCalled,
    ToolsReturned,
    Untold,
    UtteranceUnwanted,
)
from agent.floor import Floor
from agent.state import LISTENING, REPLYING
from agent.turns import Turns

ANEW = [PrepareReply(3), ReleaseReply(3)]
FILLER_CUT = CancelReply(2, "result_came")
TURN_DETECTED = CancelReply(2, "turn_detected")
OWED = {
    "a result that comes in silence is spoken of at once": [
        *ANSWERED,
        (2.0, ToolsCalled(), []),
        (3.0, ReplyFinished(1), []),
        (5.0, ToolsReturned(), []),
        (5.0, ReplyOwed(), [PrepareReply(2), ReleaseReply(2)]),
    ],
    "a result that comes while the agent speaks waits for its last word": [
        *ANSWERED,
        (2.0, ReplyOwed(), []),
        (2.5, ReplyOwed(), []),
        (3.0, ReplyFinished(1), [PrepareReply(2), ReleaseReply(2)]),
        (4.0, ReplyFinished(2), []),
    ],
    "a result that comes while the caller speaks is part of their answer": [
        (0.0, STARTS, []),
        (0.5, ReplyOwed(), []),
        *ANSWERED[1:],
        (2.0, ReplyFinished(1), []),
    ],
    "a result that comes in a pause is thought of anew": [
        *ANSWERED[:2],
        (1.2, ReplyOwed(), [DiscardReply(1), PrepareReply(2)]),
        (1.4, TIME, [ReleaseReply(2)]),
        (2.0, ReplyFinished(2), []),
    ],
    "a result is not lost when the caller's words are taken back": [
        (0.0, STARTS, []),
        (0.5, ReplyOwed(), []),
        (0.7, UtteranceUnwanted(), [ForgetUtterance(), PrepareReply(1), ReleaseReply(1)]),
    ],
    "a result that comes during an interruption belongs to the next answer": [
        *ANSWERED,
        (2.0, STARTS, [DuckReply(1)]),
        (2.1, ReplyOwed(), []),
        (2.2, TIME, [CancelReply(1, "turn_detected")]),
        (3.0, STOPS, [PrepareReply(2)]),
        (3.4, TIME, [ReleaseReply(2)]),
        (4.0, ReplyFinished(2), []),
    ],
    "who cancels a reply is not given the next one": [
        *ANSWERED,
        (2.0, ReplyOwed(), []),
        (2.1, ReplyUnwanted(), [CancelReply(1, "client_cancelled")]),
        (3.0, STARTS, []),
    ],
    "the last words are the last, whatever comes back": [
        *ANSWERED,
        (2.0, LastWords(1), []),
        (2.1, ReplyOwed(), []),
        (3.0, ReplyFinished(1), [EndCall(EndReason.AGENT)]),
    ],
}

OVER = [  # speech over a reply, which stops for it
    *ANSWERED,
    (2.0, SoundNoticed(ago_ms=32), [DuckReply(1)]),
    (2.064, SpeechStarted(0, ago_ms=64), []),
    (2.167, TIME, []),
    (2.169, TIME, [HoldReply(1)]),
]
WEIGHED = [*OVER, (2.4, SpeechEnded(0, ago_ms=64), [PrepareReply(2)])]
GOES_ON = [DiscardReply(2), ForgetUtterance(), ResumeReply(1)]
YIELDED_TO = {
    "a sound over the reply makes it softer, and its end makes it as loud as before": [
        *ANSWERED,
        (2.0, SoundNoticed(32), [DuckReply(1)]),
        (2.064, SoundPassed(), [RestoreReply(1)]),
        (2.1, SoundNoticed(32), [DuckReply(1)]),
    ],
    "a sound that nobody speaks over is nothing": [
        (0.0, SoundNoticed(32), []),
        (0.1, SoundPassed(), []),
        *ANSWERED,
        (2.0, SoundPassed(), []),
    ],
    "a reply that ends softly leaves the next one as loud as ever": [
        *ANSWERED,
        (2.0, SoundNoticed(32), [DuckReply(1)]),
        (2.01, ReplyFinished(1), []),
        (2.064, SoundPassed(), []),
        (3.0, ReplyWanted(), [PrepareReply(2), ReleaseReply(2)]),
        (4.0, SoundNoticed(32), [DuckReply(2)]),
    ],
    "a reply stops so long after the first of what was noticed": OVER,
    "a sound of long ago was another": [
        *ANSWERED,
        (2.0, SoundNoticed(ago_ms=32), [DuckReply(1)]),
        (3.064, SpeechStarted(0, ago_ms=64), []),
        (3.19, TIME, []),
        (3.21, TIME, [HoldReply(1)]),
    ],
    "sounds so close to each other are one, and stop the reply together": [
        *ANSWERED,
        (2.0, SoundNoticed(32), [DuckReply(1)]),
        (2.064, SoundPassed(), [RestoreReply(1)]),
        (2.128, SoundNoticed(32), [DuckReply(1)]),
        (2.164, SpeechStarted(0, 64), []),
        (2.169, TIME, [HoldReply(1)]),
    ],
    "less than it takes to stop is forgotten": [
        *ANSWERED,
        (2.0, SoundNoticed(32), [DuckReply(1)]),
        (2.064, SpeechStarted(0, 64), []),
        (2.16, STOPS, [RestoreReply(1), ForgetUtterance()]),
        (9.0, TIME, []),
    ],
    "a word or two, then silence: the reply goes on": [
        *WEIGHED,
        (2.45, Untold(2), []),
        (2.535, TIME, []),
        (2.537, TIME, GOES_ON),
        (9.0, TIME, []),
        (9.0, ReplyFinished(1), []),
        (10.0, ReplyWanted(), [PrepareReply(3), ReleaseReply(3)]),
    ],
    "a brain that is slow to tell the words is waited for": [
        *WEIGHED,
        (2.6, TIME, []),
        (2.7, Asked(2), [CancelReply(1, "turn_detected")]),
    ],
    "but not for ever": [
        *WEIGHED,
        (2.735, TIME, []),
        (2.737, TIME, GOES_ON),
    ],
    "nor any longer once it has none to tell": [
        *WEIGHED,
        (2.6, Untold(1), []),
        (2.6, TIME, []),
        (2.61, Untold(2), []),
        (2.61, TIME, GOES_ON),
    ],
    "words that only agree: the reply goes on at once": [
        *WEIGHED,
        (2.45, Agreed(1), []),
        (2.45, Agreed(2), GOES_ON),
        (2.5, Asked(2), []),
    ],
    "a call may begin with both at once": [
        (0.0, ReplyWanted(), [PrepareReply(1), ReleaseReply(1)]),
        (0.1, SoundNoticed(ago_ms=32), [DuckReply(1)]),
        (0.164, SpeechStarted(0, ago_ms=64), []),
        (0.267, TIME, []),
        (0.269, TIME, [HoldReply(1)]),
    ],
    "of a reply that does not sound yet there is nothing to go on with": [
        *OVER,
        (2.17, ReplyUnheard(2), []),
        (2.17, ReplyUnheard(1), [CancelReply(1, "turn_detected")]),
        (2.4, SpeechEnded(0, ago_ms=64), [PrepareReply(2)]),
        (2.737, TIME, [ReleaseReply(2)]),
    ],
    "words that want an answer: the reply is over, and the answer waits for the pause": [
        *WEIGHED,
        (2.45, Asked(2), [CancelReply(1, "turn_detected")]),
        (2.73, TIME, []),
        (2.737, TIME, [ReleaseReply(2)]),
    ],
    "who speaks on is listened to": [
        *OVER,
        (2.46, TIME, []),
        (2.469, TIME, [CancelReply(1, "turn_detected")]),
        (3.0, STOPS, [PrepareReply(2)]),
    ],
    "a silence at the last moment is waited for, and the reply is not lost": [
        *OVER,
        (2.46, SilenceSuspected(), []),
        (2.47, TIME, []),
        (2.51, SpeechEnded(0, ago_ms=64), [PrepareReply(2)]),
        (2.52, Untold(2), []),
        (2.65, TIME, GOES_ON),
    ],
    "two syllables are one word": [
        *WEIGHED,
        (2.42, SpeechStarted(0, 64), [DiscardReply(2)]),
        (2.46, SpeechEnded(0, 32), [PrepareReply(3)]),
        (2.47, Untold(3), []),
        (2.63, TIME, [DiscardReply(3), ForgetUtterance(), ResumeReply(1)]),
    ],
    "two words apart may be one sign, too": [
        *WEIGHED,
        (2.56, SpeechStarted(0, 64), [DiscardReply(2)]),
        (2.69, TIME, []),
        (2.69, SpeechEnded(0, 64), [PrepareReply(3)]),
        (2.7, Untold(3), []),
        (2.83, TIME, [DiscardReply(3), ForgetUtterance(), ResumeReply(1)]),
    ],
    "but who goes on in single words is listened to": [
        *WEIGHED,
        (2.56, SpeechStarted(0, 64), [DiscardReply(2)]),
        (2.69, SpeechEnded(0, 64), [PrepareReply(3)]),
        (2.9, SpeechStarted(0, 64), [DiscardReply(3)]),
        (2.97, TIME, [CancelReply(1, "turn_detected")]),
    ],
    "a forgotten sound and the next one soon after it stop the reply together": [
        *ANSWERED,
        (2.0, SoundNoticed(32), [DuckReply(1)]),
        (2.064, SpeechStarted(0, 64), []),
        (2.16, SpeechEnded(0, 32), [RestoreReply(1), ForgetUtterance()]),
        (2.38, SoundNoticed(32), [DuckReply(1)]),
        (2.41, SpeechStarted(0, 64), []),
        (2.41, TIME, [HoldReply(1)]),
    ],
    "mm-hm, but ...: what follows is a turn": [
        *WEIGHED,
        (2.5, SpeechSuspected(), []),
        (2.54, TIME, []),
        (2.56, SpeechStarted(0, 64), [DiscardReply(2)]),
        (2.75, TIME, []),
        (2.757, TIME, [CancelReply(1, "turn_detected")]),
        (3.0, STOPS, [PrepareReply(3)]),
        (3.4, TIME, [ReleaseReply(3)]),
    ],
    "a reply that goes on may be interrupted again": [
        *WEIGHED,
        (2.45, Untold(2), []),
        (2.537, TIME, GOES_ON),
        (3.0, STARTS, [DuckReply(1)]),
        (3.2, TIME, [HoldReply(1)]),
        (3.5, TIME, [CancelReply(1, "turn_detected")]),
    ],
    "last words that went on end the call": [
        *OVER,
        (2.3, LastWords(1), []),
        (2.4, SpeechEnded(0, 64), [PrepareReply(2)]),
        (2.45, Untold(2), []),
        (2.537, TIME, GOES_ON),
        (4.0, ReplyFinished(1), [EndCall(EndReason.AGENT)]),
    ],
    "a client silences a reply that has stopped already": [
        *WEIGHED,
        (2.45, ReplyUnwanted(), [CancelReply(1, "client_cancelled")]),
        (2.737, TIME, [ReleaseReply(2)]),
    ],
    "a client takes back the words: the reply goes on": [
        *WEIGHED,
        (2.45, UtteranceUnwanted(), GOES_ON),
    ],
    "a client takes back the words in the middle of them": [
        *OVER,
        (2.3, UtteranceUnwanted(), [ForgetUtterance(), ResumeReply(1)]),
    ],
    "a result that comes meanwhile is thought of": [
        *WEIGHED,
        (2.45, ReplyOwed(), [DiscardReply(2), PrepareReply(3)]),
        (2.46, Agreed(3), [DiscardReply(3), ForgetUtterance(), ResumeReply(1)]),
        (4.0, ReplyFinished(1), [PrepareReply(4), ReleaseReply(4)]),
    ],
    "hanging up leaves neither the reply nor the draft": [
        *WEIGHED,
        (2.45, LEAVES, [DiscardReply(2), CancelReply(1, "call_ended")]),
    ],
}


@pytest.mark.parametrize("steps", OWED.values(), ids=OWED)
def test_results_are_spoken_of_once(steps) -> None:
    play(Turns(RULES), steps)


@pytest.mark.parametrize("steps", YIELDED_TO.values(), ids=YIELDED_TO)
def test_a_dialogue_over_a_reply(steps) -> None:
    play(Turns(YIELDING), steps)


def test_who_may_not_interrupt_does_not_make_the_reply_softer() -> None:
    steps = [*ANSWERED, (2.0, SoundNoticed(32), []), (2.1, STARTS, []), (9.0, TIME, [])]
    play(Turns(replace(YIELDING, interrupt_response=False)), steps)


@pytest.mark.parametrize(("asked", "since"), [(2, 15.0), (3, 26.0)])
def test_a_word_over_the_question_whether_they_are_there_answers_it(asked, since) -> None:
    """Killed: "yes" for a sign of listening, and the goodbye goes on and ends the call."""
    silence = [
        *ANSWERED,
        (5.0, ReplyFinished(1), []),
        (15.0, TIME, [SayPrompt(2, Prompt.STILL_THERE)]),
        (16.0, ReplyFinished(2), []),
        (26.0, TIME, [SayPrompt(3, Prompt.GOODBYE)]),
    ]
    turns, next_reply = Turns(replace(YIELDING, withdraw_s=0)), asked + 1
    play(turns, silence[: {2: -2, 3: None}[asked]])
    steps = [
        (since + 0.5, STARTS, [DuckReply(asked)]),
        (since + 0.69, SilenceSuspected(), []),
        (since + 0.71, TIME, []),
        (since + 0.76, TIME, [CancelReply(asked, "turn_detected")]),
        (since + 0.8, STOPS, [PrepareReply(next_reply)]),
        (since + 1.3, TIME, [ReleaseReply(next_reply)]),
        (since + 2.0, ReplyFinished(next_reply), []),
        (since + 12.1, TIME, [SayPrompt(next_reply + 1, Prompt.STILL_THERE)]),
    ]
    play(turns, steps)


BY_HAND = [  # the client says when to answer: no draft tells what was said over the reply
    (0.0, ReplyWanted(), [PrepareReply(1), ReleaseReply(1)]),
    (2.0, STARTS, [DuckReply(1)]),
    (2.2, TIME, [HoldReply(1)]),
]
BY_LENGTH = {
    "a word, and the reply goes on": [
        *BY_HAND,
        (2.4, STOPS, []),
        (2.6, TIME, [ForgetUtterance(), ResumeReply(1)]),
        (5.0, ReplyFinished(1), []),
    ],
    "two words apart, and it goes on": [
        *BY_HAND,
        (2.3, STOPS, []),
        (2.4, STARTS, []),
        (2.45, STOPS, []),
        (2.66, TIME, [ForgetUtterance(), ResumeReply(1)]),
        (3.0, STARTS, [DuckReply(1)]),
    ],
    "more than that is a turn, which the client answers": [
        *BY_HAND,
        (2.5, TIME, [CancelReply(1, "turn_detected")]),
        (3.0, STOPS, []),
        (3.4, TIME, [CommitUtterance()]),
        (9.0, TIME, []),
        (9.0, ReplyWanted(), [PrepareReply(2), ReleaseReply(2)]),
    ],
    "the client silences what was held": [
        *BY_HAND,
        (2.4, STOPS, []),
        (2.5, ReplyUnwanted(), [CancelReply(1, "client_cancelled")]),
        (2.8, TIME, [CommitUtterance()]),
    ],
    "a result that comes meanwhile is spoken of afterwards": [
        *BY_HAND,
        (2.4, STOPS, []),
        (2.5, ReplyOwed(), []),
        (2.6, TIME, [ForgetUtterance(), ResumeReply(1)]),
        (5.0, ReplyFinished(1), [PrepareReply(2), ReleaseReply(2)]),
    ],
}


@pytest.mark.parametrize("steps", BY_LENGTH.values(), ids=BY_LENGTH)
def test_where_the_client_answers_the_length_decides(steps) -> None:
    play(Turns(replace(YIELDING, create_response=False)), steps)


def test_a_reply_that_is_withdrawn_was_softer_only_once() -> None:
    steps = [
        *TRIED,
        (1.3, SoundNoticed(32), [DuckReply(1)]),
        (1.4, SpeechStarted(0, 64), [WithdrawReply(1)]),
        (2.0, STOPS, [PrepareReply(2)]),
    ]
    play(Turns(JUDGING), steps)


def test_last_words_that_were_known_only_at_the_end_end_the_call() -> None:
    """What a tried reply does to the call is done when it stands, be that its end."""
    steps = [
        *TRIED,
        (1.3, ReplyFinished(1), [SettleReply(1)]),
        (1.3, LastWords(1), [EndCall(EndReason.AGENT)]),
    ]
    play(Turns(JUDGING), steps)
    cut = [
        *TRIED,
        (1.2, ReplyUnwanted(), [SettleReply(1), CancelReply(1, "client_cancelled")]),
        (1.2, LastWords(1), []),
    ]
    play(Turns(JUDGING), cut)


WAITING = [*ANSWERED, (2.0, ToolsCalled(), []), (3.0, ReplyFinished(1), [])]
FILLED = [*WAITING, (4.0, TIME, [SayPrompt(2, Prompt.ONE_MOMENT)])]


@pytest.mark.parametrize(
    "dialogue",
    [
        [*FILLED, (4.7, ReplyFinished(2), []), (9.0, TIME, [])],  # never twice
        [*FILLED, (4.2, ReplyOwed(), [FILLER_CUT, *ANEW])],
        [*FILLED, (4.2, ToolsReturned(), []), (4.2, ReplyOwed(), [FILLER_CUT, *ANEW])],
        [*WAITING, (3.5, ToolsReturned(), []), (9.0, TIME, [])],
        [
            *FILLED,
            (4.2, STARTS, [DuckReply(2)]),
            (4.3, ReplyOwed(), []),
            (4.4, TIME, [TURN_DETECTED]),
        ],
    ],
)
def test_a_filler_is_said_once_while_a_function_runs(dialogue) -> None:
    play(Turns(replace(RULES, filler_s=1.0)), dialogue)


def test_turns_taken_by_hand_are_answered_when_a_result_is_owed() -> None:
    """The client asked for the answer already, while the caller spoke."""
    turns = Turns(replace(RULES, create_response=False))
    play(
        turns,
        [
            (0.0, STARTS, []),
            (0.5, ReplyOwed(), []),
            (1.0, STOPS, []),
            (1.4, TIME, [PrepareReply(1), ReleaseReply(1)]),
        ],
    )


def test_what_is_prepared_is_discarded_once() -> None:
    floor = Floor(RULES)
    assert floor.prepare() == [PrepareReply(1)]
    assert floor.discard() == [DiscardReply(1)]
    assert floor.discard() == []


def test_an_answer_that_nobody_prepared_is_worked_out_when_it_is_wanted() -> None:
    floor = Floor(RULES)
    assert floor.release() == [PrepareReply(1), ReleaseReply(1)]
    floor.prepare()
    assert floor.release() == [ReleaseReply(2)]


def test_an_effect_may_go_elsewhere_than_the_table_says() -> None:
    floor = Floor(RULES)
    floor.state = REPLYING
    assert floor.greet() == []
    assert floor.state is LISTENING


def test_nobody_on_hold_is_asked_anything() -> None:
    floor = Floor(RULES)
    assert floor.asks
    floor.hold_on()
    assert not floor.asks
    assert floor.ask() == [EndCall(EndReason.SILENCE)]
    floor.come_back()
    assert floor.ask() == [SayPrompt(1, Prompt.STILL_THERE)]


def test_nobody_who_is_muted_is_asked_anything() -> None:
    floor = Floor(YIELDING)
    floor.ask()
    floor.mute()
    assert not floor.asks
    assert floor.weighs, "whoever presses a button is there"
    assert floor.ask() == [EndCall(EndReason.SILENCE)]
    floor.unmute()
    assert floor.ask() == [SayPrompt(2, Prompt.STILL_THERE)]


def test_a_filler_bridges_one_wait_for_results() -> None:
    floor = Floor(replace(RULES, filler_s=1.0))
    floor.await_results()
    assert floor.fills
    assert floor.ask() == [SayPrompt(1, Prompt.ONE_MOMENT)]
    assert not floor.fills
    floor.await_results()
    assert floor.fills
    floor.await_no_results()
    assert not floor.fills


def test_a_question_that_was_asked_makes_the_next_words_a_turn() -> None:
    floor = Floor(YIELDING)
    assert floor.weighs
    floor.ask()
    assert not floor.weighs
    floor.hear()
    assert floor.weighs
