"""A thread that works for one call: commands in order, and streams a piece at a time.

A stream (an engine's generator) runs only while its reader has room, and between two pieces
whatever was commanded meanwhile comes first. So a slow reader holds up nobody, and a command
waits for one piece at most. A stream that waits for somebody else (a server) for its piece has
a method `cancel`, which ends that wait from another thread.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from agent.engines import Piece, Speech
from agent.errors import EngineError
from agent.host.wire import FAILED, WINDOW, Failed, Finished, FromEngines, Said

log = logging.getLogger(__name__)

Pieces = Iterator[Piece | Speech]


def _nothing() -> None:
    pass


@dataclass(slots=True, eq=False)
class _Stream:
    begin: Callable[[], Pieces]
    room: int = WINDOW
    pieces: Pieces | None = None
    unwanted: bool = False


def _wake(stream: _Stream) -> None:
    """End what a stream waits for, where it can. A generator runs on to its next piece."""
    cancel = getattr(stream.pieces, "cancel", None)
    if cancel is not None:
        try:
            cancel()
        except Exception:  # the edge of a call: its stream is closed all the same
            log.exception("an engine broke down as its stream was cancelled")


class Lane:
    """`do` and `start` are queued in order; `took` and `cancel` act at once. Thread-safe."""

    def __init__(self, name: str, send: Callable[[FromEngines], None]) -> None:
        self._send = send
        self._changed = threading.Condition()
        self._commands: deque[Callable[[], None]] = (
            deque()
        )  # bounded by those who ask backlog()
        self._streams: dict[int, _Stream] = {}  # by request, oldest first
        self._over = False
        self._last: Callable[[], None] = _nothing
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def backlog(self) -> int:
        """Commands that wait."""
        return len(self._commands)

    def do(self, command: Callable[[], None]) -> None:
        """Run `command`, which must not raise, after those before it."""
        with self._changed:
            self._commands.append(command)
            self._changed.notify()

    def start(self, request: int, begin: Callable[[], Pieces]) -> None:
        """After the commands before it, begin a stream and make its first piece."""
        with self._changed:
            self._streams[request] = _Stream(begin)
            self._commands.append(partial(self._step, request))
            self._changed.notify()

    def took(self, request: int, pieces: int) -> None:
        """The reader consumed so many pieces of a stream."""
        with self._changed:
            if stream := self._streams.get(request):
                stream.room += pieces
                self._changed.notify()

    def cancel(self, request: int) -> None:
        """Nothing more of a stream is sent; it is closed after the piece under way."""
        with self._changed:
            if stream := self._streams.get(request):
                stream.unwanted = True
                self._changed.notify()
                _wake(stream)

    def drop(self, request: int) -> None:
        """Close a stream now. Only from within a command."""
        with self._changed:
            stream = self._streams.pop(request, None)
        if stream is not None and stream.pieces is not None:
            self._close(stream.pieces)

    def end(self, last: Callable[[], None] = _nothing) -> None:
        """Forget what is queued, close every stream, do the `last` thing, end the thread."""
        with self._changed:
            self._over = True
            self._last = last
            self._changed.notify()
            for stream in self._streams.values():
                _wake(stream)

    # -- in the thread

    def _work(self) -> None:
        while (command := self._next()) is not None:
            command()
        for request in list(self._streams):
            self.drop(request)
        self._last()

    def _next(self) -> Callable[[], None] | None:
        """What to do next: a command, else a stream's next step. None: the lane is over."""
        with self._changed:
            while True:
                if self._over:
                    return None
                for request, stream in self._streams.items():
                    if stream.unwanted:
                        return partial(self.drop, request)
                if self._commands:
                    return self._commands.popleft()
                for request, stream in self._streams.items():
                    if stream.room > 0:
                        return partial(self._step, request)
                self._changed.wait()

    def _step(self, request: int) -> None:
        """Make and send one piece of a stream, or its end."""
        stream = self._streams.get(request)
        if stream is None:
            return
        result = self._advance(request, stream)
        with self._changed:
            if stream.unwanted or self._over:
                return
            stream.room -= 1
            if not isinstance(result, Said):
                del self._streams[request]
        try:
            self._send(result)
        except Exception:  # the edge of a call: a piece that cannot be packed ends its request
            log.exception("what an engine made cannot be sent")
            self.drop(request)
            self._send(Failed(request, FAILED))

    def _advance(self, request: int, stream: _Stream) -> FromEngines:
        try:
            if stream.pieces is None:
                pieces = stream.begin()
                with self._changed:  # who cancels from now on finds it
                    stream.pieces = pieces
                    if stream.unwanted or self._over:
                        return Finished(request)  # not sent
            piece = next(stream.pieces, None)
            return Finished(request) if piece is None else Said(request, piece)
        except EngineError as error:
            return Failed(request, str(error))
        except Exception:  # the edge of a call: one request ends
            log.exception("an engine broke down")
            return Failed(request, FAILED)

    def _close(self, pieces: Pieces) -> None:
        close = getattr(pieces, "close", None)  # only generators have it
        try:
            if close is not None:
                close()
        except Exception:  # the edge of a call: nobody waits for this stream
            log.exception("an engine broke down as its stream was closed")
