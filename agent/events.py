"""All that can happen in a call, for turns.py: a closed list of frozen, flat values.

What turns.py wants is in commands.py, what a client is told in notices.py, what it may ask in
requests.py. Turn numbers count the replies of a call from 1.
"""

from dataclasses import dataclass
from enum import StrEnum


class Prompt(StrEnum):
    """What the agent says without being asked."""

    GREETING = "greeting"
    STILL_THERE = "still_there"
    GOODBYE = "goodbye"
    ONE_MOMENT = "one_moment"  # a function takes long


class EndReason(StrEnum):
    """Why a call ended. Stable: part of PROTOCOL.md and of the metrics."""

    CALLER = "caller"  # hang-up request, DELETE, or a closed peer connection
    AGENT = "agent"  # the agent said goodbye
    SILENCE = "silence"  # nobody spoke, prompts went unanswered
    TOO_LONG = "too_long"  # limits.call_s
    LOST = "lost"  # no packets any more
    NEVER_CONNECTED = "never_connected"
    SHUTDOWN = "shutdown"  # the server stops
    ERROR = "error"  # our own fault; see the log


@dataclass(frozen=True, slots=True)
class Connected:
    """Audio can flow both ways."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller began to speak at `at_ms` of media time, `ago_ms` before this was noticed."""

    at_ms: int
    ago_ms: int


@dataclass(frozen=True, slots=True)
class SpeechSuspected:
    """The first sound that may be speech: SpeechStarted follows at once, or it was a click."""


@dataclass(frozen=True, slots=True)
class SoundNoticed:
    """What began `ago_ms` ago may be speech, sooner and less surely than SpeechSuspected.

    SpeechStarted or SoundPassed follows.
    """

    ago_ms: int


@dataclass(frozen=True, slots=True)
class SoundPassed:
    """What was noticed was no speech."""


@dataclass(frozen=True, slots=True)
class SilenceSuspected:
    """The first moment that may be silence: SpeechEnded follows, or it was a consonant."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The caller fell silent at `at_ms` of media time, `ago_ms` before this was noticed."""

    at_ms: int
    ago_ms: int


@dataclass(frozen=True, slots=True)
class PauseJudged:
    """In a pause, at each step of it: answer after `wait_ms` of silence if nothing is heard.

    The caller has been silent for `silent_ms`; with these `odds`, 0..1, the turn is over.
    """

    silent_ms: int
    wait_ms: int
    odds: float


@dataclass(frozen=True, slots=True)
class ReplyBegan:
    """The first packet of a reply was handed to the network."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyFinished:
    """The last sample of a reply was handed to the network, or it had none."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyUnheard:
    """A reply that was to be held has not begun to sound: nobody can have agreed with it."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyWanted:
    """The client asked for an answer now (`response.create`)."""


@dataclass(frozen=True, slots=True)
class ReplyUnwanted:
    """The client asked for silence (`response.cancel`, `output_audio_buffer.clear`)."""


@dataclass(frozen=True, slots=True)
class UtteranceUnwanted:
    """The client takes back what was just said (`input_audio_buffer.clear`)."""


@dataclass(frozen=True, slots=True)
class LastWords:
    """The brain wants to hang up once this reply has been heard."""

    turn: int


@dataclass(frozen=True, slots=True)
class Typed:
    """The caller wrote instead of speaking: they are there."""


@dataclass(frozen=True, slots=True)
class Held:
    """The caller put us on hold: stay, and do not ask whether they are there."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The caller is back."""


@dataclass(frozen=True, slots=True)
class Muted:
    """The caller has switched off their microphone: what is silent is not absent."""


@dataclass(frozen=True, slots=True)
class Unmuted:
    """It is on again."""


@dataclass(frozen=True, slots=True)
class ToolsCalled:
    """The agent waits for one function more: a silent caller waits, too, and is not asked."""


@dataclass(frozen=True, slots=True)
class ToolsReturned:
    """It waits for none any more."""


@dataclass(frozen=True, slots=True)
class ReplyOwed:
    """There are results to speak of, as soon as nobody speaks."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """By the words, the caller only showed that they listen; reply `turn` would answer them."""

    turn: int


@dataclass(frozen=True, slots=True)
class Asked:
    """By the words, the caller wants an answer, which is reply `turn`."""

    turn: int


@dataclass(frozen=True, slots=True)
class Untold:
    """Reply `turn` answers, or fails, and no words will tell what the caller wants."""

    turn: int


@dataclass(frozen=True, slots=True)
class HungUp:
    """The call is over, whoever ended it."""

    reason: EndReason


Event = (
    Connected
    | SoundNoticed
    | SoundPassed
    | SpeechSuspected
    | SilenceSuspected
    | SpeechStarted
    | SpeechEnded
    | PauseJudged
    | ReplyBegan
    | ReplyFinished
    | ReplyUnheard
    | ReplyWanted
    | ReplyUnwanted
    | UtteranceUnwanted
    | LastWords
    | Typed
    | Held
    | Resumed
    | Muted
    | Unmuted
    | ToolsCalled
    | ToolsReturned
    | ReplyOwed
    | Agreed
    | Asked
    | Untold
    | HungUp
)
