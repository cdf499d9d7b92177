"""What a flight record holds: what came to a call from outside, and what the call did, each
with its time, in the order in which it happened.

Times are seconds since the record began. Events, commands, notices, requests and pieces are
kept as they are: a new kind of them is recorded and read without a change here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.commands import Command
from agent.engines import Piece, Speech
from agent.events import Event, HungUp
from agent.notices import Notice
from agent.requests import Request

# -- causes: a replay gives them to the call


@dataclass(frozen=True, slots=True)
class Packet:
    """An RTP packet of the caller's arrived."""

    at: float
    ssrc: int
    sequence: int
    timestamp: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Joined:
    """Audio could flow both ways."""

    at: float


@dataclass(frozen=True, slots=True)
class Opened:
    """The data channel was there."""

    at: float


@dataclass(frozen=True, slots=True)
class Began:
    """The sender of our packets asked for the first one."""

    at: float


@dataclass(frozen=True, slots=True)
class Asked:
    """The client sent a message, and this is what it asked for."""

    at: float
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Opined:
    """Somebody else, one of OPINIONS, gave the odds that the pause under way ends the turn."""

    at: float
    who: str
    odds: float


# -- effects: a replay makes them anew


@dataclass(frozen=True, slots=True)
class Foreign:
    """An event, a command or a notice of another Voxline, which this one does not know."""

    name: str


@dataclass(frozen=True, slots=True)
class Heard:
    """So many samples at HEAR_HZ went to the ear."""

    at: float
    samples: int


@dataclass(frozen=True, slots=True)
class Voiced:
    """The VAD judged a window."""

    at: float
    probability: float


@dataclass(frozen=True, slots=True)
class Stepped:
    """turns.py was told of an event, and said what to do."""

    at: float
    event: Event | Foreign
    commands: tuple[Command | Foreign, ...]


@dataclass(frozen=True, slots=True)
class Ticked:
    """turns.py was told that its deadline, `due`, had come, and said what to do."""

    at: float
    due: float
    commands: tuple[Command | Foreign, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """The client was told."""

    at: float
    notice: Notice | Foreign


@dataclass(frozen=True, slots=True)
class Wanted:
    """An engine or a function was asked; `key` is the phrase, or the function's whole call."""

    at: float
    request: int  # numbered from 1
    verb: str  # reply | transcribe | speak | run
    key: str


@dataclass(frozen=True, slots=True)
class Got:
    """A request brought this; text is a function's result."""

    at: float
    request: int
    piece: Piece | Speech | str


@dataclass(frozen=True, slots=True)
class Ended:
    """A request is over: finished, no longer wanted, or failed with `error`."""

    at: float
    request: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A packet of ours was made and left."""

    at: float


@dataclass(frozen=True, slots=True)
class Left:
    """With it, so many samples of a reply have left at SPEAK_HZ."""

    at: float
    turn: int
    samples: int


@dataclass(frozen=True, slots=True)
class Sounded:
    """With it, the ear was told what left, and for which slot: echoes are recognised by it."""

    at: float
    slot: float  # on the same clock; when a reply's first one began no other entry tells


@dataclass(frozen=True, slots=True)
class Full:
    """The record ends here, the call did not: it had reached its greatest size."""

    at: float


Cause = Packet | Joined | Opened | Began | Asked | Opined
Effect = (
    Heard
    | Voiced
    | Stepped
    | Ticked
    | Told
    | Wanted
    | Got
    | Ended
    | Sent
    | Left
    | Sounded
    | Full
)
Entry = Cause | Effect


@dataclass(frozen=True, slots=True)
class Decision:
    """What turns.py said to do, and when.

    Of a deadline, `at` is when it was due. Of an event, it is when it was noticed; a loop that
    was busy noticed it later, so it also counts after how many packets of the caller's.
    """

    at: float
    packets: int | None
    command: Command | Foreign


def decisions(entries: Sequence[Entry]) -> Iterator[Decision]:
    """All of them, in order."""
    packets = 0
    for entry in entries:
        if isinstance(entry, Packet):
            packets += 1
        elif isinstance(entry, Stepped):
            yield from (Decision(entry.at, packets, command) for command in entry.commands)
        elif isinstance(entry, Ticked):
            yield from (Decision(entry.due, None, command) for command in entry.commands)


def hung_up(entry: Entry) -> HungUp | None:
    """How the call ended, if it did here."""
    if isinstance(entry, Stepped) and isinstance(entry.event, HungUp):
        return entry.event
    return None
