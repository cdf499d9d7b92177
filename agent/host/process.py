"""One engines' process, from birth to death, as the event loop sees it.

subprocess instead of multiprocessing: that would import our `__main__` again in the child
(aiohttp, aiortc: half a second and 60 MB) and keep a tracker process beside it. A session of
its own keeps Ctrl-C from the child; it ends when its socket does, however we end.
"""

import asyncio
import logging
import pickle
import signal
import socket
import subprocess
from collections.abc import Callable
from typing import cast

from agent.errors import ConfigError, EngineError
from agent.host import wire
from agent.host.child import spawn
from agent.host.server import BuildEngines

log = logging.getLogger(__name__)

_FATE_S = 1.0  # from the end of its socket to its own
LOADING_S = 30.0  # between two words of a start that takes its time
DEAF_S = 15.0  # without an answer to a ping, which nothing that the engines do holds up


class EngineProcess:
    """`receive` gets what the engines say of requests; `gone` is set when they are no more."""

    def __init__(self, receive: Callable[[wire.FromEngines], None]) -> None:
        self.ready = wire.Ready((), None)
        self.gone = asyncio.Event()
        self._receive = receive
        self._child: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self._built: asyncio.Future[wire.Ready] | None = None
        self._answered = True

    async def start(self, build: BuildEngines) -> None:
        """Return when `build` has returned in the child.

        `build` is pickled by name, so it must live in a module that the child can import.
        Raises what `build` raised (ConfigError, EngineError), or EngineError when it died or
        the machine has no room for it.
        """
        loop = asyncio.get_running_loop()
        self._built = loop.create_future()
        order = wire.Build(pickle.dumps(build), logging.getLogger().getEffectiveLevel())
        began = loop.time()
        ours = None
        try:
            ours, theirs = socket.socketpair()
            with theirs:
                self._child = spawn("agent.host.server", theirs)
            _, protocol = await loop.create_unix_connection(lambda: _Line(self), sock=ours)
            self._transport = protocol.transport
            self.send(order)
            while not (await asyncio.wait({self._built}, timeout=LOADING_S))[0]:
                log.info("the engines have been loading for %.0f s", loop.time() - began)
            self.ready = self._built.result()
            self._ask()
        except BaseException as error:
            self._built.cancel()  # nobody asks any more
            if ours is not None and self._transport is None:
                ours.close()
            how = await self.fate() if isinstance(error, EOFError) else ""
            await self.end()
            if how:
                raise EngineError(f"the engines' process died as it started: {how}") from error
            if isinstance(error, OSError):  # no more files, processes, memory
                raise EngineError(f"the engines' process cannot start: {error}") from error
            raise
        took_s = loop.time() - began
        log.info("engines ready after %.1f s in process %d", took_s, self._child.pid)

    def send(self, message: wire.ToEngines) -> None:
        """Send, if there is anybody; what is not read yet waits until it is given up."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(wire.pack(message))

    def _ask(self) -> None:
        """Whether it is still there; who did not even say so the last time is given up."""
        if self.gone.is_set():
            return
        if not self._answered:
            log.error("the engines have not answered for %g s", DEAF_S)
            assert self._transport is not None
            self._transport.abort()
            return
        self._answered = False
        self.send(wire.Ping())
        asyncio.get_running_loop().call_later(DEAF_S, self._ask)

    async def fate(self) -> str:
        """What became of it, once it is `gone`."""
        assert self._child is not None
        try:
            status = await asyncio.to_thread(self._child.wait, _FATE_S)
        except subprocess.TimeoutExpired:
            return "it does not answer"
        if status == -signal.SIGKILL:
            return "it was killed, perhaps by the system for lack of memory"
        return f"by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"

    async def end(self) -> None:
        """Kill the child, if it lives, and bury it. Idempotent."""
        if self._transport is not None:
            self._transport.abort()
        if self._child is not None:
            self._child.kill()  # at once: it has nothing to save
            await asyncio.to_thread(self._child.wait)

    # -- from the line

    def received(self, message: wire.FromEngines) -> None:
        built = self._built
        match message:
            case wire.Logged(level, logger, line):
                logging.getLogger(logger).log(level, "%s", line)
            case wire.Pong():
                self._answered = True
            case wire.Ready():
                if built is not None and not built.done():
                    built.set_result(message)
            case wire.BuildFailed(reason, by_operator):
                if built is not None and not built.done():
                    built.set_exception((ConfigError if by_operator else EngineError)(reason))
            case _:
                self._receive(message)

    def closed(self) -> None:
        if self._built is not None and not self._built.done():
            self._built.set_exception(EOFError())
        self.gone.set()


class _Line(asyncio.Protocol):
    def __init__(self, process: EngineProcess) -> None:
        self._process = process
        self._unpacker = wire.Unpacker()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        for message in self._unpacker.feed(data):
            self._process.received(message)

    def connection_lost(self, error: Exception | None) -> None:
        self._process.closed()
