"""Engines in a process of their own, as calls see them: `CallEngines` over a socket.

Knows that the process may die: then whoever waits gets an EngineError at once, the process is
started again, and every open call is told anew what its caller was saying.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from itertools import count
from typing import Any, Generic, TypeVar, assert_never
from weakref import WeakValueDictionary

import numpy as np

from agent.audio.frame import Samples
from agent.engines import Conversation, Piece, Speech, Style
from agent.errors import ConfigError, EngineError
from agent.host import wire
from agent.host.backoff import Backoff
from agent.host.process import EngineProcess
from agent.host.server import BuildEngines

log = logging.getLogger(__name__)

T = TypeVar("T", Piece, Speech)

_RESTART_S = 0.2  # before the first attempt; doubled after each that fails or does not last
_RESTART_MAX_S = 10.0
_RETOLD_FRAMES = 1500  # of the utterance under way, kept for a restart: 30 s
_DIED = "the engines died"
_AWAITED = "the engines are being started again"
_OVER = "the call is over"


class EngineHost:
    """Starts the engines' process, keeps it alive, and gives each call its share of it."""

    def __init__(
        self,
        build: BuildEngines,
        on_death: Callable[[], None] = lambda: None,
        on_start: Callable[[tuple[tuple[str, str], ...]], None] = lambda ways: None,
    ) -> None:
        """`build` must be picklable, by a name that the child can import.

        `on_death` is told each time the process is lost, `on_start` each time it is there what
        its models run, and how.
        """
        self._build, self._on_death, self._on_start = build, on_death, on_start
        self._process: EngineProcess | None = None  # None while there is none to talk to
        self._latest: EngineProcess | None = None  # that one, or the one that was lost
        self._keeper: asyncio.Task[None] | None = None
        self._calls: dict[int, HostedCall] = {}
        # By request, and weakly: a stream that its reader dropped cancels itself.
        self._streams: WeakValueDictionary[int, _Stream[Any]] = WeakValueDictionary()
        self._numbers = count(1)
        self.voices: tuple[str, ...] = ()  # names that Style.voice may have, the default first
        self.calls: int | None = None  # that there is room for at once; None: no bound

    async def start(self) -> None:
        """Return when the engines are built. Raises ConfigError, EngineError."""
        self._process = self._latest = await self._spawn()
        self._keeper = asyncio.create_task(self._keep_alive(self._process))

    @property
    def ready(self) -> bool:
        """Whether there are engines; else they are being started again."""
        return self._process is not None

    async def fate(self) -> str:
        """What became of the engines, once they are not `ready` any more."""
        assert self._latest is not None
        return await self._latest.fate()

    def open_call(self, name: str = "") -> "HostedCall":
        """Engines for one more call, and what the log calls it."""
        number = next(self._numbers)
        call = self._calls[number] = HostedCall(self, number, name)
        self.send(wire.OpenCall(number, name))
        return call

    async def close(self) -> None:
        """End the process. Whoever still waits gets an EngineError."""
        self._process = None
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._latest is not None:
            await self._latest.end()
        self._fail(list(self._streams.values()), "the engines were shut down")

    # -- for HostedCall and _Stream

    def send(self, message: wire.ToEngines) -> None:
        if self._process is not None:
            self._process.send(message)

    def next_request(self) -> int:
        return next(self._numbers)

    def begin(
        self,
        stream: "_Stream[Any]",
        message: wire.StartReply | wire.StartTranscript | wire.StartSpeech,
    ) -> None:
        if self._process is None:
            stream.lose(_AWAITED)
            return
        try:
            self._process.send(message)
        except Exception:  # one request ends, whatever its caller put into it
            log.exception("a request cannot be sent to the engines")
            stream.put(EngineError(wire.FAILED))
            return
        self._streams[stream.request] = stream

    def took(self, stream: "_Stream[Any]", pieces: int) -> None:
        if stream.request in self._streams:  # else it has ended: there are no more to come
            self.send(wire.Took(stream.call, stream.request, pieces))

    def cancel(self, stream: "_Stream[Any]") -> None:
        """From now on what comes for it is dropped."""
        if self._streams.pop(stream.request, None) is not None:
            self.send(wire.Cancel(stream.call, stream.request))

    def closed(self, call: int) -> None:
        """Nothing more may be sent about a closed call."""
        del self._calls[call]
        self._fail([s for s in self._streams.values() if s.call == call], _OVER)
        self.send(wire.CloseCall(call))

    # -- the process

    async def _spawn(self) -> EngineProcess:
        process = EngineProcess(self._receive)
        await process.start(self._build)
        self.voices, self.calls = process.ready.voices, process.ready.calls
        self._on_start(process.ready.ways)
        return process

    def _receive(self, message: wire.FromEngines) -> None:
        match message:
            case wire.Said(request, piece):
                if stream := self._streams.get(request):
                    stream.put(piece)
            case wire.Finished(request):
                if stream := self._streams.pop(request, None):
                    stream.put(None)
            case wire.Failed(request, reason):
                if stream := self._streams.pop(request, None):
                    stream.put(EngineError(reason))
            case wire.Logged() | wire.Ready() | wire.Pong() | wire.BuildFailed():
                raise AssertionError("for EngineProcess")
            case _:
                assert_never(message)

    def _fail(self, streams: "list[_Stream[Any]]", reason: str) -> None:
        for stream in streams:
            del self._streams[stream.request]
            stream.put(EngineError(reason))

    def _lose(self) -> None:
        """There is no process to talk to: whoever waits is told, as is who counts."""
        self._process = None
        self._on_death()
        for stream in self._streams.values():
            stream.lose(_DIED)
        self._streams.clear()

    async def _bury(self, process: EngineProcess) -> str:
        """End what is left of it, and tell what became of it."""
        try:
            how = await process.fate()
            await process.end()
        except Exception:  # as in _keep_alive
            log.exception("the engines' process cannot be waited for")
            return "nobody knows how"
        return how

    async def _keep_alive(self, process: EngineProcess) -> None:
        """Replace the process each time it is lost; wait longer while that does not help."""
        loop = asyncio.get_running_loop()
        backoff = Backoff(_RESTART_S, _RESTART_MAX_S)
        trouble = ""
        while True:
            born = loop.time()
            await process.gone.wait()
            if not trouble:  # else it is the same death, and one more attempt that failed
                self._lose()
                trouble = f"the engines died: {await self._bury(process)}"
            wait_s = backoff.wait_s(loop.time() - born)
            log.error("%s; they are being started again in %.1f s", trouble, wait_s)
            await asyncio.sleep(wait_s)
            try:
                process = await self._spawn()
            except (ConfigError, EngineError) as error:
                trouble = f"the engines cannot be started: {error}"
                continue
            except Exception:  # without a keeper no call is ever answered again
                trouble = "the engines cannot be started"
                log.exception(trouble)
                continue
            trouble = ""
            self._process = self._latest = process
            for call in self._calls.values():
                call.retell()


class HostedCall:
    """One call's `CallEngines`."""

    def __init__(self, host: EngineHost, number: int, name: str) -> None:
        self._host, self._number, self._name = host, number, name
        self._utterance: deque[Samples] = deque(maxlen=_RETOLD_FRAMES)
        # By turn, those not decided on.
        self._replies: WeakValueDictionary[int, _Stream[Piece]] = WeakValueDictionary()
        self._over = False

    def expect(self, conversation: Conversation) -> None:
        if not self._over:
            self._host.send(wire.Expect(self._number, conversation))

    def hear(self, samples: Samples) -> None:
        if not self._over:
            self._utterance.append(samples)
            self._host.send(wire.Hear(self._number, samples))

    def reply(self, turn: int, conversation: Conversation) -> AsyncGenerator[Piece]:
        stream = _Stream[Piece](self._host, self._number)
        self._replies[turn] = stream
        request = wire.StartReply(self._number, stream.request, turn, conversation)
        self._begin(stream, request)
        return stream

    def transcribe(self) -> AsyncGenerator[Piece]:
        stream = _Stream[Piece](self._host, self._number)
        stream.owed = False
        self._begin(stream, wire.StartTranscript(self._number, stream.request))
        return stream

    def speak(self, turn: int, phrase: str, style: Style) -> AsyncGenerator[Speech]:
        stream = _Stream[Speech](self._host, self._number)
        self._begin(stream, wire.StartSpeech(self._number, stream.request, phrase, style))
        return stream

    def keep(self, turn: int) -> None:
        self._replies.clear()
        self._utterance.clear()
        if not self._over:
            self._host.send(wire.Keep(self._number, turn))

    def discard(self, turn: int) -> None:
        if stream := self._replies.pop(turn, None):
            stream.cancel()  # even if its iteration never began
        if not self._over:
            self._host.send(wire.Discard(self._number, turn))

    def forget(self) -> None:
        self._utterance.clear()
        if not self._over:
            self._host.send(wire.Forget(self._number))

    def close(self) -> None:
        if not self._over:
            self._over = True
            self._utterance.clear()
            self._host.closed(self._number)

    def retell(self) -> None:
        """There is a new process: it has not heard of us."""
        self._host.send(wire.OpenCall(self._number, self._name))
        if self._utterance:
            self._host.send(wire.Hear(self._number, np.concatenate(self._utterance)))

    def _begin(
        self,
        stream: "_Stream[Any]",
        message: wire.StartReply | wire.StartTranscript | wire.StartSpeech,
    ) -> None:
        if self._over:
            stream.put(EngineError(_OVER))
        else:
            self._host.begin(stream, message)


class _Stream(AsyncGenerator[T, None], Generic[T]):
    """The pieces of one request, sent off when this is made and not at the first iteration:
    what is sent next (keep, discard) is about it.

    Ended or closed or dropped, its request is unknown to the host: nothing stale can come.
    """

    def __init__(self, host: EngineHost, call: int) -> None:
        self.request = host.next_request()
        self.call = call
        self._host = host
        # One more than the window, for the end or the error behind the last piece.
        self._items: asyncio.Queue[T | EngineError | None] = asyncio.Queue(wire.WINDOW + 1)
        self._taken = 0
        self._over = False
        self.owed = True  # somebody waits for it, and wants to know why it does not come

    def put(self, item: T | EngineError | None) -> None:
        """A piece, the end (None) or the error that is the end. From the host."""
        self._items.put_nowait(item)

    def lose(self, reason: str) -> None:
        """The engines are gone, which the log has: no transcript needs no second word."""
        self.put(EngineError(reason) if self.owed else None)

    def cancel(self) -> None:
        """Stop the work behind it. Idempotent."""
        self._over = True
        self._host.cancel(self)
        if self._items.empty():  # somebody may wait
            self._items.put_nowait(None)

    async def asend(self, value: None) -> T:
        if self._over:
            raise StopAsyncIteration
        try:
            item = await self._items.get()
        except asyncio.CancelledError:
            self.cancel()
            raise
        if item is None or isinstance(item, EngineError):
            self._over = True
            raise item or StopAsyncIteration
        self._taken += 1
        if self._taken == wire.WINDOW // 2:
            self._host.took(self, self._taken)
            self._taken = 0
        return item

    async def athrow(self, typ: Any, val: Any = None, tb: Any = None) -> T:
        """What `aclose` calls."""
        self.cancel()
        raise typ if val is None else val

    def __del__(self) -> None:
        self.cancel()  # dropped in mid-iteration, or before it began
