"""One worker's process, from birth to death, as the event loop sees it.

A process of our own at a socket, as the engines have: a pool's would import our `__main__`
again (aiohttp, aiortc: half a second and 60 MB), and three threads of ours would serve it.
"""

import asyncio
import json
import pickle
import socket
import subprocess
from collections.abc import Callable
from typing import Any

from agent.errors import ConfigError
from agent.host.child import spawn
from agent.smart_turn.model import Analyze
from agent.smart_turn.worker import framed

_START_S = 60.0  # of a disk that was never read
STUCK_S = 5.0  # an answer that takes so long never comes
# with two numpy's BLAS takes twice as long for a spectrum
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Worker:
    """Ask it one thing at a time; `serve` hears its answers until it is gone."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.takes_s = 0.0  # for an answer, as it was warmed
        self._child, self._reader, self._writer = child, reader, writer
        self._answer: Callable[[float], None] | None = None
        self._stuck: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> bool:
        """Whether it owes an answer."""
        return self._answer is not None

    @property
    def pid(self) -> int:
        return self._child.pid

    @classmethod
    async def start(cls, load: Callable[[], Analyze]) -> "Worker":
        """Return when the model is loaded and warm. Raises ConfigError with what it lacks.

        `load` is pickled by name, so it must live in a module that the child can import.
        """
        ours = child = None
        try:
            ours, theirs = socket.socketpair()
            with theirs:
                child = spawn("agent.smart_turn", theirs, _ONE_THREAD)
            reader, writer = await asyncio.open_unix_connection(sock=ours)
        except BaseException as error:
            if ours is not None:
                ours.close()
            if child is not None:
                await _bury(child)
            if isinstance(error, OSError):  # no more files, processes, memory
                raise ConfigError(f"turns.smart_turn: no process for it: {error}") from error
            raise
        worker = cls(child, reader, writer)
        try:
            writer.write(framed(pickle.dumps(load)))
            async with asyncio.timeout(_START_S):
                kind, what = await worker._said()
        except BaseException as error:
            await worker.end()
            if isinstance(error, TimeoutError):
                raise ConfigError(
                    f"turns.smart_turn: Smart Turn was not ready after {_START_S:g} s; set it "
                    "to never"
                ) from None
            raise
        if kind != "ready":
            await worker.end()
            raise ConfigError(str(what))
        worker.takes_s = float(what)
        return worker

    def ask(self, sound: bytes, answer: Callable[[float], None]) -> None:
        """Ask about 16-bit PCM at HEAR_HZ; it must not be busy."""
        assert not self.busy
        self._answer = answer
        self._writer.write(framed(sound))
        loop = asyncio.get_running_loop()
        self._stuck = loop.call_later(STUCK_S, self._child.kill)

    async def serve(self) -> str:
        """Hand on its answers; return why it is gone."""
        while True:
            kind, what = await self._said()
            if kind != "odds":
                return str(what)
            answer, self._answer = self._answer, None
            if self._stuck is not None:
                self._stuck.cancel()
            if answer is not None:
                answer(float(what))

    async def end(self) -> None:
        """Kill it, if it lives, and bury it. Idempotent."""
        if self._stuck is not None:
            self._stuck.cancel()
        self._answer = None
        self._writer.transport.abort()
        await _bury(self._child)

    async def _said(self) -> tuple[str, Any]:
        try:
            line = await self._reader.readline()
        except OSError as error:
            return "gone", f"its process died: {error}"
        if not line:
            return "gone", "its process died"
        kind, what = json.loads(line)
        return kind, what


async def _bury(child: subprocess.Popen[bytes]) -> None:
    child.kill()  # at once: it has nothing to save
    await asyncio.to_thread(child.wait)
