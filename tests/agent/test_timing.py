"""Until when a state lasts, as dialogues and state by state."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
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
    TryReply,
    WithdrawReply,
)
from agent.events import (
    EndReason,
    Held,
    Muted,
    PauseJudged,
    Prompt,
    ReplyBegan,
    ReplyFinished,
    ReplyOwed,
    ReplyUnwanted,
    ReplyWanted,
    Resumed,
    SilenceSuspected,
    SoundNoticed,
    SoundPassed,
    SpeechEnded,
    SpeechStarted,
    SpeechSuspected,
    ToolsCalled,
    ToolsReturned,
    Typed,
    Unmuted,
    Untold,
)
from agent.floor import Floor
from agent.state import CLOSED, HEARING, LISTENING, OVERLAP, PAUSED, REPLYING, WEIGHING, YIELDED
from agent.timing import Timing
from agent.turns import Turns

WAITS = {
    "the wait counts from the silence, not from when it was noticed": [
        (0.0, STARTS, []),
        (1.0, SpeechEnded(936, ago_ms=64), [PrepareReply(1)]),
        (1.335, TIME, []),
        (1.336, TIME, [ReleaseReply(1)]),
    ],
    "a silence noticed too late is answered at once": [
        (0.0, STARTS, []),
        (1.0, SpeechEnded(0, ago_ms=500), [PrepareReply(1)]),
        (1.0, TIME, [ReleaseReply(1)]),
    ],
    "a sound at the last moment is waited for, and if it is speech nobody was cut off": [
        (0.0, STARTS, []),
        (1.0, STOPS, [PrepareReply(1)]),
        (1.39, SpeechSuspected(), []),
        (1.41, TIME, []),
        (1.43, STARTS, [DiscardReply(1)]),
    ],
    "a click at the last moment delays the answer by no more than it takes to know": [
        (0.0, STARTS, []),
        (1.0, STOPS, [PrepareReply(1)]),
        (1.39, SpeechSuspected(), []),
        (1.44, TIME, []),
        (1.45, TIME, [ReleaseReply(1)]),
    ],
    "a click in the middle of the wait delays nothing": [
        (0.0, STARTS, []),
        (1.0, STOPS, [PrepareReply(1)]),
        (1.1, SpeechSuspected(), []),
        (1.4, TIME, [ReleaseReply(1)]),
        (1.5, SpeechSuspected(), []),
    ],
    "sounds that keep coming do not put off the answer for ever": [
        (0.0, STARTS, []),
        (1.0, STOPS, [PrepareReply(1)]),
        (1.39, SpeechSuspected(), []),
        (1.44, SpeechSuspected(), []),
        (1.46, TIME, [ReleaseReply(1)]),
    ],
    "a silence at the last moment is waited for, and nobody was interrupted": [
        *ANSWERED,
        (2.0, STARTS, [DuckReply(1)]),
        (2.19, SilenceSuspected(), []),
        (2.21, TIME, []),
        (2.24, STOPS, [RestoreReply(1), ForgetUtterance()]),
    ],
    "a consonant at the last moment saves no reply": [
        *ANSWERED,
        (2.0, STARTS, [DuckReply(1)]),
        (2.19, SilenceSuspected(), []),
        (2.25, TIME, [CancelReply(1, "turn_detected")]),
    ],
    "speech noticed late stops the agent the sooner": [
        *ANSWERED,
        (2.0, SpeechStarted(0, ago_ms=96), [DuckReply(1)]),
        (2.103, TIME, []),
        (2.104, TIME, [CancelReply(1, "turn_detected")]),
    ],
    "a caller who goes on over a reply that came at once has its time to stop": [
        (0.0, STARTS, []),
        (1.0, STOPS, [PrepareReply(1)]),
        (1.1, ReplyWanted(), [ReleaseReply(1)]),
        (1.2, STARTS, [DuckReply(1)]),
        (1.39, TIME, []),
        (1.41, TIME, [CancelReply(1, "turn_detected")]),
    ],
    "what they said before the reply is no speech over it": [
        (0.0, SoundNoticed(32), []),
        (0.1, STARTS, []),
        (1.0, STOPS, [PrepareReply(1)]),
        (1.1, ReplyWanted(), [ReleaseReply(1)]),
        (1.2, STARTS, [DuckReply(1)]),
        (1.39, TIME, []),
        (1.41, TIME, [CancelReply(1, "turn_detected")]),
    ],
    "words apart over a reply stop it together": [
        *ANSWERED,
        (2.0, STARTS, [DuckReply(1)]),
        (2.1, STOPS, [RestoreReply(1), ForgetUtterance()]),
        (2.15, SoundNoticed(32), [DuckReply(1)]),
        (2.19, STARTS, []),
        (2.201, TIME, [CancelReply(1, "turn_detected")]),
    ],
    "words over one reply are not counted against the next": [
        *ANSWERED,
        (2.0, STARTS, [DuckReply(1)]),
        (2.19, STOPS, [RestoreReply(1), ForgetUtterance()]),
        (2.2, ReplyFinished(1), []),
        (2.3, ReplyWanted(), [PrepareReply(2), ReleaseReply(2)]),
        (2.4, STARTS, [DuckReply(2)]),
        (2.59, TIME, []),
        (2.61, TIME, [CancelReply(2, "turn_detected")]),
    ],
    "nor against an answer that follows it without a pause": [
        *ANSWERED,
        (1.5, ReplyOwed(), []),
        (2.0, STARTS, [DuckReply(1)]),
        (2.19, STOPS, [RestoreReply(1), ForgetUtterance()]),
        (2.2, ReplyFinished(1), [PrepareReply(2), ReleaseReply(2)]),
        (2.4, STARTS, [DuckReply(2)]),
        (2.59, TIME, []),
        (2.61, TIME, [CancelReply(2, "turn_detected")]),
    ],
    "silence is asked about, then the agent hangs up": [
        *ANSWERED,
        (5.0, ReplyFinished(1), []),
        (15.0, TIME, [SayPrompt(2, Prompt.STILL_THERE)]),
        (16.0, ReplyFinished(2), []),
        (26.0, TIME, [SayPrompt(3, Prompt.GOODBYE)]),
        (27.0, ReplyFinished(3), [EndCall(EndReason.SILENCE)]),
    ],
    "an answer to the question starts the patience afresh": [
        *ANSWERED,
        (5.0, ReplyFinished(1), []),
        (15.0, TIME, [SayPrompt(2, Prompt.STILL_THERE)]),
        (16.0, ReplyFinished(2), []),
        (17.0, STARTS, []),
        (17.5, STOPS, [PrepareReply(3)]),
        (17.9, TIME, [ReleaseReply(3)]),
        (18.0, ReplyFinished(3), []),
        (28.0, TIME, [SayPrompt(4, Prompt.STILL_THERE)]),
    ],
    "so does one that is typed": [
        *ANSWERED,
        (5.0, ReplyFinished(1), []),
        (15.0, TIME, [SayPrompt(2, Prompt.STILL_THERE)]),
        (16.0, ReplyFinished(2), []),
        (17.0, Typed(), []),
        (26.9, TIME, []),
        (27.0, TIME, [SayPrompt(3, Prompt.STILL_THERE)]),
        (28.0, ReplyFinished(3), []),
        (38.0, TIME, [SayPrompt(4, Prompt.GOODBYE)]),
        (38.5, Typed(), []),
        (39.0, ReplyFinished(4), []),
        (49.0, TIME, [SayPrompt(5, Prompt.STILL_THERE)]),
    ],
    "on hold nobody is asked anything": [
        *ANSWERED,
        (1.4, Held(), []),
        (2.0, ReplyFinished(1), []),
        (200.0, TIME, []),
        (200.0, Resumed(), []),
        (210.0, TIME, [SayPrompt(2, Prompt.STILL_THERE)]),
    ],
    "a line that is held and forgotten is given up": [
        *ANSWERED,
        (1.4, Held(), []),
        (2.0, ReplyFinished(1), []),
        (302.0, TIME, [EndCall(EndReason.SILENCE)]),
        (999.0, TIME, []),
    ],
    "who has muted themselves is not asked anything either": [
        *ANSWERED,
        (2.0, ReplyFinished(1), []),
        (5.0, Muted(), []),
        (200.0, TIME, []),
        (200.0, Unmuted(), []),
        (209.9, TIME, []),
        (210.0, TIME, [SayPrompt(2, Prompt.STILL_THERE)]),
    ],
    "to mute or unmute oneself is an answer": [
        *ANSWERED,
        (2.0, ReplyFinished(1), []),
        (12.0, TIME, [SayPrompt(2, Prompt.STILL_THERE)]),
        (12.5, Muted(), []),
        (13.0, ReplyFinished(2), []),
        (100.0, TIME, []),
        (100.0, Unmuted(), []),
        (110.0, TIME, [SayPrompt(3, Prompt.STILL_THERE)]),
    ],
    "who mutes themselves and forgets it is given up": [
        (0.0, Muted(), []),
        *ANSWERED,
        (2.0, ReplyFinished(1), []),
        (302.0, TIME, [EndCall(EndReason.SILENCE)]),
    ],
    "a caller who comes back from hold muted is not asked": [
        *ANSWERED,
        (1.4, Held(), []),
        (2.0, ReplyFinished(1), []),
        (3.0, Muted(), []),
        (4.0, Resumed(), []),
        (200.0, TIME, []),
    ],
    "who waits for a function is not asked whether they are there": [
        *ANSWERED,
        (2.0, ToolsCalled(), []),
        (3.0, ReplyFinished(1), []),
        (14.0, TIME, []),
        (20.0, ToolsReturned(), []),
        (29.9, TIME, []),
        (30.0, TIME, [SayPrompt(2, Prompt.STILL_THERE)]),
    ],
}


JUDGED = {
    "the newest odds say when": [
        (0.0, STARTS, []),
        (1.0, SpeechEnded(936, ago_ms=64), [PrepareReply(1)]),
        (1.02, PauseJudged(84, wait_ms=150, odds=0.4), []),
        (1.04, PauseJudged(104, wait_ms=400, odds=0.1), []),
        (1.2, TIME, []),
        (1.3361, TIME, [TryReply(1)]),
    ],
    "a silence that begins anew is waited out anew": [
        (0.0, STARTS, []),
        (1.0, SpeechEnded(936, ago_ms=64), [PrepareReply(1)]),
        (1.08, PauseJudged(0, wait_ms=150, odds=0.4), []),
        (1.1, TIME, []),
        (1.2301, TIME, [TryReply(1)]),
    ],
    "a sound that has just begun is understood first": [
        (0.0, STARTS, []),
        (1.0, SpeechEnded(936, ago_ms=64), [PrepareReply(1)]),
        (1.07, SpeechSuspected(), []),
        (1.08, PauseJudged(144, wait_ms=150, odds=0.6), []),
        (1.10, TIME, []),
        (1.11, STARTS, [DiscardReply(1)]),
    ],
    "an answer that was tried stands after a while": [
        *TRIED,
        (1.1, ReplyBegan(1), []),
        (1.49, TIME, []),
        (1.501, TIME, [SettleReply(1)]),
        (2.0, STARTS, [DuckReply(1)]),
        (2.2, TIME, [CancelReply(1, "turn_detected")]),
    ],
    "that while begins when it is heard, be its brain slow": [
        *TRIED,
        (1.9, ReplyBegan(1), []),
        (2.29, TIME, []),
        (2.3, SpeechStarted(0, ago_ms=64), [WithdrawReply(1)]),
    ],
    "an answer that is thought about for a second stands, lest noises keep it from coming": [
        *TRIED,
        (2.08, TIME, []),
        (2.088, TIME, [SettleReply(1)]),
        (2.1, ReplyBegan(1), []),
        (2.2, STARTS, [DuckReply(1)]),
    ],
    "a beginning of another reply is none of it": [
        *TRIED,
        (1.9, ReplyBegan(0), []),
        (2.088, TIME, [SettleReply(1)]),
    ],
    "a caller who goes on at once had not finished": [
        *TRIED,
        (1.4, SpeechStarted(0, ago_ms=64), [WithdrawReply(1)]),
        (2.0, STOPS, [PrepareReply(2)]),
    ],
    "a sound at the end of that while is understood first": [
        *TRIED,
        (1.088, ReplyBegan(1), []),
        (1.48, SpeechSuspected(), []),
        (1.50, TIME, []),
        (1.53, SpeechStarted(0, ago_ms=64), [WithdrawReply(1)]),
    ],
    "an answer shorter than that while stands": [
        *TRIED,
        (1.3, ReplyFinished(1), [SettleReply(1)]),
        (1.4, STARTS, []),
    ],
    "an answer that called a function stands": [
        *TRIED,
        (1.2, ToolsCalled(), [SettleReply(1)]),
        (1.3, STARTS, [DuckReply(1)]),
        (1.5, TIME, [CancelReply(1, "turn_detected")]),
    ],
    "an answer that the client silences was given": [
        *TRIED,
        (1.2, ReplyUnwanted(), [SettleReply(1), CancelReply(1, "client_cancelled")]),
    ],
    "a caller who hangs up had been answered": [
        *TRIED,
        (1.2, LEAVES, [SettleReply(1), CancelReply(1, "call_ended")]),
    ],
}


@pytest.mark.parametrize("steps", WAITS.values(), ids=WAITS)
def test_a_wait(steps) -> None:
    play(Turns(RULES), steps)


@pytest.mark.parametrize("steps", JUDGED.values(), ids=JUDGED)
def test_a_judged_dialogue(steps) -> None:
    play(Turns(JUDGING), steps)


def test_sounds_that_are_no_speech_put_an_answer_off_for_so_long_at_most() -> None:
    """A voice far away begins the silence anew each time. Killed: no answer in 20 s."""
    turns = Turns(replace(JUDGING, longest_s=0.8, withdraw_s=0.0))
    play(turns, [(0.0, STARTS, []), (1.0, STOPS, [PrepareReply(1)])])
    for n in range(1, 9):
        play(turns, [(1.0 + n / 11, PauseJudged(0, wait_ms=400, odds=0.0), [])])
    play(turns, [(1.79, TIME, []), (1.8, TIME, [ReleaseReply(1)])])


def test_a_fixed_wait_is_not_judged() -> None:
    steps = [
        (0.0, STARTS, []),
        (1.0, STOPS, [PrepareReply(1)]),
        (1.1, PauseJudged(100, wait_ms=100, odds=0.99), []),
        (1.3, TIME, []),
        (1.4, TIME, [ReleaseReply(1)]),
    ]
    play(Turns(RULES), steps)


def lasting(state, rules=YIELDING, since=3.0):
    """A floor in a state since then."""
    floor = Floor(rules)
    timing = Timing(floor)
    floor.state = state
    timing.fell_silent(2.5)
    timing.begin(since)
    return timing


@pytest.mark.parametrize(
    ("state", "deadline"),
    [
        (LISTENING, 3.0 + YIELDING.silence_prompt_s),
        (HEARING, None),
        (PAUSED, 2.5 + YIELDING.end_of_turn_s),  # it counts from the silence
        (REPLYING, None),
        (OVERLAP, 3.0 + YIELDING.barge_in_s),
        (WEIGHING, 3.0 + YIELDING.backchannel_wait_s),
        (CLOSED, None),
    ],
)
def test_how_long_a_state_lasts(state, deadline) -> None:
    assert lasting(state).deadline == deadline


def test_who_may_not_interrupt_is_heard_out() -> None:
    assert lasting(OVERLAP, replace(RULES, interrupt_response=False)).deadline is None


def test_who_may_interrupt_from_now_on_has_the_time_of_others() -> None:
    turns = Turns(replace(RULES, interrupt_response=False))
    play(turns, [(0.0, ReplyWanted(), [PrepareReply(1), ReleaseReply(1)])])
    play(turns, [(1.0, STARTS, []), (1.1, STOPS, [ForgetUtterance()])])
    turns.follow(RULES, 1.12)
    play(turns, [(1.15, STARTS, [DuckReply(1)]), (1.19, TIME, [])])
    play(turns, [(1.21, TIME, [CancelReply(1, "turn_detected")])])  # words apart are one


def test_words_over_a_filler_are_not_counted_against_the_answer_that_cuts_it_off() -> None:
    steps = [
        *ANSWERED,
        (2.0, ToolsCalled(), []),
        (3.0, ReplyFinished(1), []),
        (4.0, TIME, [SayPrompt(2, Prompt.ONE_MOMENT)]),
        (4.1, STARTS, [DuckReply(2)]),
        (4.29, STOPS, [RestoreReply(2), ForgetUtterance()]),
        (4.3, ReplyOwed(), [CancelReply(2, "result_came"), PrepareReply(3), ReleaseReply(3)]),
        (4.5, STARTS, [DuckReply(3)]),
        (4.69, TIME, []),
        (4.71, TIME, [CancelReply(3, "turn_detected")]),
    ]
    play(Turns(replace(RULES, filler_s=1.0)), steps)


def test_who_goes_on_as_soon_as_the_reply_does_stops_it_at_once() -> None:
    steps = [
        *ANSWERED,
        (2.0, STARTS, [DuckReply(1)]),
        (2.2, TIME, [HoldReply(1)]),
        (2.3, STOPS, [PrepareReply(2)]),
        (2.4, Untold(2), []),
        (2.5, TIME, [DiscardReply(2), ForgetUtterance(), ResumeReply(1)]),
        (2.59, STARTS, [DuckReply(1)]),
        (2.591, TIME, [HoldReply(1)]),
    ]
    play(Turns(YIELDING), steps)


def test_what_time_does_not_decide_any_more_is_not_decided() -> None:
    timing = lasting(PAUSED)
    timing.stop()
    timing.suspected(SpeechSuspected(), 3.2)
    assert timing.deadline is None


@given(word_s=st.floats(0.0, 10.0))
def test_law_a_reply_stops_for_good_after_twice_the_longest_sign_of_listening(word_s) -> None:
    """Killed: words apart that put it off for ever, and a word that is given no time at all."""
    floor = Floor(YIELDING)
    timing = Timing(floor)
    floor.state = OVERLAP
    timing.begin(3.0)
    floor.state = YIELDED
    timing.begin(3.0 + word_s)
    longest_s = YIELDING.backchannel_s
    assert timing.deadline is not None
    assert longest_s <= timing.deadline - 3.0 <= 2 * longest_s


HEARD = st.sampled_from(
    [STARTS, SpeechStarted(0, 64), STOPS, SpeechEnded(0, 64), SoundNoticed(32), SoundPassed()]
)
WORDS = st.tuples(st.integers(10, 500), HEARD)  # ms since the one before


@given(before=st.lists(WORDS, max_size=8), over=st.lists(WORDS, max_size=8))
def test_law_a_reply_stops_for_what_is_said_over_it_alone(before, over) -> None:
    """It is given its time, less what a sound is noticed late and sounds may lie apart.

    Killed: a sound that was never noticed, of a time before all others; the words of the
    caller's own turn, counted because they ended a moment ago.
    """
    turns, now = Turns(RULES), 0.0
    for wait_ms, event in before:
        now += wait_ms / 1000
        turns.handle(event, now)
    turns.handle(ReplyWanted(), now)
    began = now
    for wait_ms, event in over:
        now += wait_ms / 1000
        if turns.state is not REPLYING:
            return
        turns.handle(event, now)
        if turns.state is OVERLAP:
            assert turns.deadline is not None
            assert turns.deadline >= began - 0.3 - 0.096 + RULES.barge_in_s
