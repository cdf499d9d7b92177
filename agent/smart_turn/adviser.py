"""Smart Turn for all calls of a server: asked when it is free, missed when it is not.

Keeps its process alive. Whatever becomes of that, a call goes on as if nobody had been asked.
"""

import asyncio
import logging
from collections.abc import Callable

from agent.errors import ConfigError
from agent.host.backoff import Backoff
from agent.smart_turn.model import Analyze
from agent.smart_turn.process import Worker

log = logging.getLogger(__name__)

_RESTART_S = 1.0  # before the first attempt; doubled after each that fails or does not last
_RESTART_MAX_S = 60.0


class Adviser:
    """`ask` is for the calls; the server starts and closes it."""

    def __init__(self, load: Callable[[], Analyze]) -> None:
        """`load` must be picklable, by a name that the child can import."""
        self._load = load
        self._worker: Worker | None = None  # None while there is none to ask
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> float:
        """Return when it can be asked: the seconds that an answer takes. Raises ConfigError."""
        self._worker = worker = await Worker.start(self._load)
        self._keeper = asyncio.create_task(self._keep_alive(worker))
        return worker.takes_s

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return None if self._worker is None else self._worker.pid

    @property
    def free(self) -> bool:
        """Whether it can be asked now. No question waits: a late answer is worth nothing."""
        return self._worker is not None and not self._worker.busy

    def ask(self, sound: bytes, answer: Callable[[float], None]) -> None:
        """Ask about 16-bit PCM at HEAR_HZ; `answer` gets the odds of an end, if ever.

        It must be free.
        """
        assert self._worker is not None
        self._worker.ask(sound, answer)

    async def close(self) -> None:
        """End the process. Whoever still waits is not answered."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.end()

    async def _keep_alive(self, worker: Worker) -> None:
        """Replace the worker each time it is lost; wait longer while that does not help."""
        loop = asyncio.get_running_loop()
        backoff = Backoff(_RESTART_S, _RESTART_MAX_S)
        while True:
            born = loop.time()
            try:
                why = await worker.serve()
            except Exception:  # without a keeper nobody would be asked again
                log.exception("Smart Turn broke down")
                why = "it was given up"
            self._worker = None
            await worker.end()
            lived_s = loop.time() - born
            while self._worker is None:
                wait_s = backoff.wait_s(lived_s)
                log.error("Smart Turn: %s; started again in %g s", why, wait_s)
                await asyncio.sleep(wait_s)
                lived_s = 0.0
                try:
                    self._worker = worker = await Worker.start(self._load)
                except ConfigError as error:
                    why = str(error)
