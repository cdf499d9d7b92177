"""All that a client may ask of a call: a closed list of frozen, flat values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What a session may change of the configuration; None leaves it as it is."""

    instructions: str | None = None
    voice: str | None = None
    speed: float | None = None
    language: str | None = None
    vad_threshold: float | None = None
    end_of_turn_ms: int | None = None  # a fixed silence; 0: judged
    eagerness: str | None = None
    preroll_ms: int | None = None
    create_response: bool | None = None  # answer by ourselves at the end of a turn
    interrupt_response: bool | None = None  # speech over a reply stops it
    tools: tuple[tuple[str, str, str], ...] | None = None  # name, description, JSON Schema
    may_call_tools: bool | None = None


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    settings: CallSettings


@dataclass(frozen=True, slots=True)
class CreateReply:
    pass


@dataclass(frozen=True, slots=True)
class ReturnFromTool:
    """What one of the client's functions returned; the call was told of and is not answered."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class TypeText:
    """The caller wrote instead of speaking; the next reply answers it."""

    text: str


@dataclass(frozen=True, slots=True)
class GoOn:
    """Speak of the results, as soon as they are all there and nobody speaks."""


@dataclass(frozen=True, slots=True)
class CancelCurrentReply:
    pass


@dataclass(frozen=True, slots=True)
class TruncateReply:
    """Of reply `turn`, whether it is over or not, the caller heard `end_ms` and no more."""

    turn: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class NotePlayoutDelay:
    """So long after its arrival the caller hears a packet, as their client has measured."""

    delay_ms: int


@dataclass(frozen=True, slots=True)
class NoteMute:
    """The caller has switched their microphone off, or on again."""

    muted: bool


@dataclass(frozen=True, slots=True)
class ClearUtterance:
    pass


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


Request = (
    ChangeSettings
    | CreateReply
    | ReturnFromTool
    | TypeText
    | GoOn
    | CancelCurrentReply
    | TruncateReply
    | NotePlayoutDelay
    | NoteMute
    | ClearUtterance
    | HangUp
)
