"""All that a client is told of its call: a closed list of frozen, flat values.

What may happen in a call is in events.py, what a client may ask in requests.py.
Turn numbers count the replies of a call from 1; utterance numbers count what the caller said.
"""

from dataclasses import dataclass

from agent.events import EndReason


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
