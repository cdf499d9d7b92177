"""What the two processes say to each other, and how it becomes bytes.

Messages are flat values, a closed list; `call` numbers calls and `request` numbers requests,
neither is ever used twice in the life of a host. Bytes are msgpack, which delimits itself; a
dataclass is an extension type that holds its fields, an array its float32 samples.
"""

import dataclasses
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np

from agent.audio.frame import Samples
from agent.engines import (
    Act,
    Action,
    Conversation,
    Exchange,
    Heard,
    Piece,
    Sense,
    Speech,
    Style,
    Text,
    Tool,
    ToolCall,
    ToolUse,
    Word,
)

WINDOW = 16  # pieces of one request that may be under way: what bounds memory and staleness
FAILED = "the engine failed"  # all that callers hear of a bug; the log has its traceback
_READ_BYTES = 65_536
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024  # eleven minutes of speech in one piece

# -- from the call's process to the engines'


@dataclass(frozen=True, slots=True)
class Build:
    """First of all: what to run."""

    pickled: bytes  # a Callable[[], tuple[Brain, Voice]]
    log_level: int


@dataclass(frozen=True, slots=True)
class OpenCall:
    call: int
    name: str = ""  # in the log


@dataclass(frozen=True, slots=True)
class Expect:
    call: int
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Hear:
    call: int
    samples: Samples  # [n] at HEAR_HZ


@dataclass(frozen=True, slots=True)
class StartReply:
    call: int
    request: int
    turn: int
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class StartTranscript:
    call: int
    request: int


@dataclass(frozen=True, slots=True)
class StartSpeech:
    call: int
    request: int
    phrase: str
    style: Style


@dataclass(frozen=True, slots=True)
class Took:
    """So many pieces of a request were consumed: as many more may come."""

    call: int
    request: int
    pieces: int


@dataclass(frozen=True, slots=True)
class Cancel:
    call: int
    request: int


@dataclass(frozen=True, slots=True)
class Keep:
    call: int
    turn: int


@dataclass(frozen=True, slots=True)
class Discard:
    call: int
    turn: int


@dataclass(frozen=True, slots=True)
class Forget:
    call: int


@dataclass(frozen=True, slots=True)
class CloseCall:
    call: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there?"""


# -- from the engines' process to the call's


@dataclass(frozen=True, slots=True)
class Logged:
    """A line of the engines' log, tracebacks included."""

    level: int
    logger: str
    line: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The engines are built."""

    voices: tuple[str, ...]
    calls: int | None  # that there is room for; None: no bound
    ways: tuple[tuple[str, str], ...] = ()  # what runs, and how


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a Ping, at once, whatever the engines are doing."""


@dataclass(frozen=True, slots=True)
class BuildFailed:
    """They are not, and the process ends."""

    message: str
    by_operator: bool  # a ConfigError, not an EngineError


@dataclass(frozen=True, slots=True)
class Said:
    request: int
    piece: Piece | Speech


@dataclass(frozen=True, slots=True)
class Finished:
    """No more pieces. Exactly one of Finished and Failed ends a request, unless cancelled."""

    request: int


@dataclass(frozen=True, slots=True)
class Failed:
    request: int
    message: str  # of an EngineError


ToEngines = (
    Build
    | OpenCall
    | Expect
    | Hear
    | StartReply
    | StartTranscript
    | StartSpeech
    | Took
    | Cancel
    | Keep
    | Discard
    | Forget
    | CloseCall
    | Ping
)
FromEngines = Logged | Ready | Pong | BuildFailed | Said | Finished | Failed
Message = ToEngines | FromEngines

# -- bytes

# The number of a kind on the wire is its place here. Both ends run the same file.
_KINDS: tuple[type, ...] = (
    *(Build, OpenCall, Expect, Hear, StartReply, StartTranscript, StartSpeech, Took, Cancel),
    *(Keep, Discard, Forget, CloseCall, Ping),
    *(Logged, Ready, Pong, BuildFailed, Said, Finished, Failed),
    *(Heard, Sense, Text, Act, ToolCall, Tool, ToolUse, Exchange, Conversation, Style, Word),
    Speech,
)
_FIELDS = {kind: tuple(f.name for f in dataclasses.fields(kind)) for kind in _KINDS}
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_SAMPLES = 127


def pack(value: Message) -> bytes:
    """The bytes of a message."""
    packed: bytes = msgpack.packb(value, default=_to_extension)
    return packed


def _to_extension(value: Any) -> msgpack.ExtType:
    if isinstance(value, np.ndarray):
        return msgpack.ExtType(_SAMPLES, value.astype("<f4", copy=False).tobytes())
    kind = type(value)
    fields = [getattr(value, name) for name in _FIELDS[kind]]
    return msgpack.ExtType(_NUMBERS[kind], msgpack.packb(fields, default=_to_extension))


def _from_extension(code: int, data: bytes) -> Any:
    if code == _SAMPLES:
        return np.frombuffer(data, "<f4").copy()  # writable: torch insists
    kind = _KINDS[code]
    fields = msgpack.unpackb(data, ext_hook=_from_extension, use_list=False)
    if kind is Act:
        return Act(Action(*fields))
    return kind(*fields)


class Unpacker:
    """Bytes in, as they arrive; messages out, as they are complete."""

    def __init__(self) -> None:
        self._unpacker = msgpack.Unpacker(
            ext_hook=_from_extension, use_list=False, max_buffer_size=_MAX_MESSAGE_BYTES
        )

    def feed(self, data: bytes) -> Iterator[Any]:
        self._unpacker.feed(data)
        yield from self._unpacker


class Connection:
    """The engines' end of the socket: one thread reads, any thread sends."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._sending = threading.Lock()

    def messages(self) -> Iterator[ToEngines]:
        """Yield what the other side sends until it is gone."""
        unpacker = Unpacker()
        while data := self._read():
            yield from unpacker.feed(data)

    def send(self, message: FromEngines) -> None:
        """Send; block while the other side is busy. When it is gone the message is, too."""
        data = pack(message)
        with self._sending:
            try:
                self._socket.sendall(data)
            except OSError:
                return  # messages() ends, and that ends everything

    def _read(self) -> bytes:
        try:
            return self._socket.recv(_READ_BYTES)
        except OSError:  # reset: the other side died with bytes unread
            return b""
