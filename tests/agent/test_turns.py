"""The turn-taking rules, as dialogues and as laws."""

from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

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
    TryReply,
    WithdrawReply,
)
from agent.events import (
    Agreed,
    Asked,
    Connected,
    EndReason,
    Held,
    HungUp,
    LastWords,
    PauseJudged,
    Prompt,
    ReplyFinished,
    ReplyOwed,
    ReplyUnheard,
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
from agent.turn_rules import TurnRules
from agent.turns import TABLE, Turns

RULES = TurnRules(
    end_of_turn_s=0.4,
    barge_in_s=0.2,
    silence_prompt_s=10,
    silence_prompts=1,
    idle_s=300,
    confirm_s=0.06,
    greets=False,
)
STARTS, STOPS = SpeechStarted(0, 0), SpeechEnded(0, 0)
LEAVES = HungUp(EndReason.CALLER)
TIME = None  # only time passes

ANEW = [PrepareReply(3), ReleaseReply(3)]
FILLER_CUT = CancelReply(2, "result_came")
TURN_DETECTED = CancelReply(2, "turn_detected")
ANSWERED = [  # a turn of the caller and the reply to it, as a beginning for others
    (0.0, STARTS, []),
    (1.0, STOPS, [PrepareReply(1)]),
    (1.4, TIME, [ReleaseReply(1)]),
]

# name: [(seconds, what happens, what the agent does about it), ...]
DIALOGUES = {
    "silence after speech earns a reply, prepared at once": ANSWERED,
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
    "a pause for breath is not the end of a turn": [
        (0.0, STARTS, []),
        (1.0, STOPS, [PrepareReply(1)]),
        (1.3, STARTS, [DiscardReply(1)]),
        (1.5, TIME, []),
        (2.0, STOPS, [PrepareReply(2)]),
        (2.4, TIME, [ReleaseReply(2)]),
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
    "who waits for a function is not asked whether they are there": [
        *ANSWERED,
        (2.0, ToolsCalled(), []),
        (3.0, ReplyFinished(1), []),
        (14.0, TIME, []),
        (20.0, ToolsReturned(), []),
        (29.9, TIME, []),
        (30.0, TIME, [SayPrompt(2, Prompt.STILL_THERE)]),
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
    "speech noticed late stops the agent the sooner": [
        *ANSWERED,
        (2.0, SpeechStarted(0, ago_ms=96), [DuckReply(1)]),
        (2.103, TIME, []),
        (2.104, TIME, [CancelReply(1, "turn_detected")]),
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


JUDGING = replace(RULES, judges=True, withdraw_s=0.4)
TRIED = [  # an answer that leaves as soon as the end is likely
    (0.0, STARTS, []),
    (1.0, SpeechEnded(936, ago_ms=64), [PrepareReply(1)]),
    (1.02, PauseJudged(84, wait_ms=150, odds=0.4), []),
    (1.085, TIME, []),
    (1.087, TIME, [TryReply(1)]),
]
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
        (1.48, TIME, []),
        (1.488, TIME, [SettleReply(1)]),
        (2.0, STARTS, [DuckReply(1)]),
        (2.2, TIME, [CancelReply(1, "turn_detected")]),
    ],
    "a caller who goes on at once had not finished": [
        *TRIED,
        (1.4, SpeechStarted(0, ago_ms=64), [WithdrawReply(1)]),
        (2.0, STOPS, [PrepareReply(2)]),
    ],
    "a sound at the end of that while is understood first": [
        *TRIED,
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


YIELDING = replace(RULES, backchannel_s=0.5, backchannel_wait_s=0.2)
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
        (2.535, TIME, []),
        (2.537, TIME, GOES_ON),
        (9.0, TIME, []),
        (9.0, ReplyFinished(1), []),
        (10.0, ReplyWanted(), [PrepareReply(3), ReleaseReply(3)]),
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
        (2.65, TIME, GOES_ON),
    ],
    "two syllables are one word": [
        *WEIGHED,
        (2.42, SpeechStarted(0, 64), [DiscardReply(2)]),
        (2.46, SpeechEnded(0, 32), [PrepareReply(3)]),
        (2.63, TIME, [DiscardReply(3), ForgetUtterance(), ResumeReply(1)]),
    ],
    "two words apart may be one sign, too": [
        *WEIGHED,
        (2.56, SpeechStarted(0, 64), [DiscardReply(2)]),
        (2.69, TIME, []),
        (2.69, SpeechEnded(0, 64), [PrepareReply(3)]),
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
        (2.537, TIME, GOES_ON),
        (3.0, STARTS, [DuckReply(1)]),
        (3.2, TIME, [HoldReply(1)]),
        (3.5, TIME, [CancelReply(1, "turn_detected")]),
    ],
    "last words that went on end the call": [
        *OVER,
        (2.3, LastWords(1), []),
        (2.4, SpeechEnded(0, 64), [PrepareReply(2)]),
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


def test_where_the_client_answers_a_reply_goes_on_all_the_same() -> None:
    steps = [
        (0.0, ReplyWanted(), [PrepareReply(1), ReleaseReply(1)]),
        (2.0, STARTS, [DuckReply(1)]),
        (2.2, TIME, [HoldReply(1)]),
        (2.4, STOPS, []),
        (2.6, TIME, [ForgetUtterance(), ResumeReply(1)]),
    ]
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


@pytest.mark.parametrize("steps", JUDGED.values(), ids=JUDGED)
def test_a_judged_dialogue(steps) -> None:
    play(Turns(JUDGING), steps)


def test_a_fixed_wait_is_not_judged() -> None:
    steps = [
        (0.0, STARTS, []),
        (1.0, STOPS, [PrepareReply(1)]),
        (1.1, PauseJudged(100, wait_ms=100, odds=0.99), []),
        (1.3, TIME, []),
        (1.4, TIME, [ReleaseReply(1)]),
    ]
    play(Turns(RULES), steps)


@pytest.mark.parametrize("steps", DIALOGUES.values(), ids=DIALOGUES)
def test_dialogue(steps) -> None:
    play(Turns(RULES), steps)


def play(turns, steps) -> None:
    for now, event, expected in steps:
        done = turns.tick(now) if event is TIME else turns.handle(event, now)
        assert done == expected, f"at {now} s"


def test_the_agent_greets_if_told_to() -> None:
    greeting = Turns(TurnRules(0.4, 0.2, 10, 1, 300, 0.06, greets=True))
    play(greeting, [(0.0, Connected(), [SayPrompt(1, Prompt.GREETING)])])
    assert greeting.state is REPLYING


def test_an_agent_that_does_not_greet_asks_after_a_while() -> None:
    play(
        Turns(RULES),
        [(3.0, Connected(), []), (13.0, TIME, [SayPrompt(1, Prompt.STILL_THERE)])],
    )


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


def test_every_state_can_be_hung_up() -> None:
    assert all(HungUp in TABLE[state] for state in State if state is not CLOSED)


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
                Held(),
                Resumed(),
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

    @rule(kind=st.sampled_from([Agreed, Asked]))
    def words_are_known(self, kind) -> None:
        self.do(self.turns.handle(kind(self.turns.turn), self.now))

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
