"""All that can happen in a call, and all that is told of it.

Two closed lists of frozen, flat values: `Event` goes into turns.py, `Notice` is what a client
is told. What turns.py wants is in commands.py, what a client may ask in requests.py.
Turn numbers count the replies of a call from 1; utterance numbers count what the caller said.
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


# -- Event: into turns.py ---------------------------------------------------------------------


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
class Held:
    """The caller put us on hold: stay, and do not ask whether they are there."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The caller is back."""


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
    | ReplyFinished
    | ReplyUnheard
    | ReplyWanted
    | ReplyUnwanted
    | UtteranceUnwanted
    | LastWords
    | Held
    | Resumed
    | ToolsCalled
    | ToolsReturned
    | ReplyOwed
    | Agreed
    | Asked
    | HungUp
)

# -- Notice: to the client --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StateChanged:
    """`state` is what a `State` is told as."""

    state: str


@dataclass(frozen=True, slots=True)
class UtteranceStarted:
    utterance: int
    at_ms: int  # media time, preroll included


@dataclass(frozen=True, slots=True)
class UtteranceStopped:
    utterance: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class UtteranceCommitted:
    """The utterance is a turn of the conversation, about to be answered."""

    utterance: int


@dataclass(frozen=True, slots=True)
class UtteranceTranscribed:
    """Follows UtteranceCommitted, if the brain can tell what was said."""

    utterance: int
    transcript: str


@dataclass(frozen=True, slots=True)
class UtteranceForgotten:
    """Follows UtteranceStarted when it was no turn."""

    utterance: int


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    turn: int


@dataclass(frozen=True, slots=True)
class ReplyText:
    """A piece of the reply's text; concatenated, in order, they are its transcript."""

    turn: int
    delta: str


@dataclass(frozen=True, slots=True)
class ReplyAudioStarted:
    """The first packet of the reply left."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """The reply is over. Exactly one for each ReplyStarted.

    `status`: completed | cancelled | failed; `reason`: "" or turn_detected, client_cancelled,
    result_came (of a filler), call_ended, or an error's message. `heard` + `unheard` are its
    whole text, spaces included; what a failed voice could not say is in neither. `audio_ms` is
    how much of its audio was heard, `speech_at_ms` how much when they began to speak over it.
    """

    turn: int
    status: str
    reason: str
    heard: str
    unheard: str
    audio_ms: int
    speech_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ReplyCut:
    """The client says that no more of a reply which is over was heard; so it is remembered.

    `heard` + `unheard` are its whole text, as in ReplyDone; `audio_ms` is the client's.
    """

    turn: int
    heard: str
    unheard: str
    audio_ms: int


@dataclass(frozen=True, slots=True)
class CutRefused:
    """A reply cannot be cut there: only `audio_ms` of it left. None: it is long forgotten."""

    turn: int
    asked_ms: int
    audio_ms: int | None


@dataclass(frozen=True, slots=True)
class TurnWithdrawn:
    """The caller had not finished: neither what they said nor the reply was a turn.

    Follows the ReplyDone; UtteranceStarted follows, of an utterance that holds both parts.
    """

    turn: int
    utterance: int


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """A reply calls one of the client's functions; it is over when the client has answered."""

    turn: int
    call_id: str
    name: str
    arguments: str  # a JSON object


@dataclass(frozen=True, slots=True)
class ToolGivenUp:
    """The client did not answer in time; `output` is what the brain is told instead."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class TurnMeasured:
    """Where the milliseconds of a turn went; sent when the reply's first packet left.

    Each stage is (name, begin, end) in ms from the caller's last speech sample as the server
    heard it. They may overlap: work that was done while waiting is drawn under the wait.
    """

    turn: int
    latency_ms: float
    stages: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class CallEnding:
    """The last notice of a call."""

    reason: EndReason


Notice = (
    StateChanged
    | UtteranceStarted
    | UtteranceStopped
    | UtteranceCommitted
    | UtteranceTranscribed
    | UtteranceForgotten
    | ReplyStarted
    | ReplyText
    | ReplyAudioStarted
    | ReplyDone
    | ReplyCut
    | CutRefused
    | TurnWithdrawn
    | ToolCalled
    | ToolGivenUp
    | TurnMeasured
    | CallEnding
)
