"""The operator's own Python functions: found and checked at start, run off the media loop.

Each plain function runs in a thread of its own; async ones run on one loop in a second thread,
so that what they share (sessions, pools) stays on one loop, and what blocks in them by mistake
makes no packet late. Whatever goes wrong in one becomes a result that the model can speak
about. A function that never returns is left behind when its time is over.
"""

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any

from agent.engines import Tool
from agent.errors import ConfigError
from agent.named import find
from agent.tool_schema import as_failure, as_output, caller_of, describe

log = logging.getLogger(__name__)

_THREADS = 32  # functions that hang keep theirs: a bound on what they cost
_REASON_CHARS = 500  # of an exception's message


class Toolbox:
    """Functions by name. `close` when no call is left."""

    def __init__(
        self, functions: Iterable[Callable[..., Any]] = (), limit_s: float = 10
    ) -> None:
        """Raises ValueError for a function that cannot be a tool."""
        self._limit_s = limit_s
        self._functions = {function.__name__: function for function in functions}
        self._calls = {name: caller_of(f) for name, f in self._functions.items()}
        self.tools: tuple[Tool, ...] = tuple(map(describe, self._functions.values()))
        self._threads = threading.BoundedSemaphore(_THREADS)
        self._loop: asyncio.AbstractEventLoop | None = None  # of the async ones

    async def run(self, name: str, arguments: str) -> str:
        """Return the result as JSON, or why there is none. Raises nothing."""
        try:
            async with asyncio.timeout(self._limit_s):
                return await asyncio.wrap_future(self._start(name, arguments))
        except TimeoutError:
            log.warning("tool %s: no result within %g s", name, self._limit_s)
            return as_failure(f"{name} took longer than {self._limit_s:g} s")

    def close(self) -> None:
        """Run nothing any more."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    def _start(self, name: str, arguments: str) -> "Future[str]":
        call = self._calls[name]
        if inspect.iscoroutinefunction(self._functions[name]):
            work = self._await(name, call, arguments)
            return asyncio.run_coroutine_threadsafe(work, self._async_loop())
        future: Future[str] = Future()
        if not self._threads.acquire(blocking=False):
            future.set_result(as_failure("too many functions are running"))
            return future
        threading.Thread(
            target=self._work, args=(future, name, call, arguments), name=name, daemon=True
        ).start()
        return future

    def _work(
        self, future: "Future[str]", name: str, call: Callable[[str], Any], arguments: str
    ) -> None:
        try:
            output = _sealed(name, lambda: as_output(call(arguments)))
            if future.set_running_or_notify_cancel():
                future.set_result(output)
        finally:
            self._threads.release()

    async def _await(
        self, name: str, call: Callable[[str], Coroutine[Any, Any, Any]], arguments: str
    ) -> str:
        try:
            result = await call(arguments)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - see _sealed
            return _failed(name, error)  # cancelled: what it waited for was, and it did not say
        return _sealed(name, partial(as_output, result))

    def _async_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(
                target=_run_until_stopped, args=(self._loop,), name="tools", daemon=True
            ).start()
        return self._loop


def _run_until_stopped(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


def _sealed(name: str, work: Callable[[], str]) -> str:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - the edge of somebody else's code
        return _failed(name, error)


def _failed(name: str, error: BaseException) -> str:
    if isinstance(error, ValueError):
        log.warning("tool %s: %s", name, type(error).__name__)
        log.debug("tool %s", name, exc_info=error)
        return as_failure(str(error)[:_REASON_CHARS])
    log.error("tool %s failed", name, exc_info=error)
    return as_failure(f"{name} failed: {type(error).__name__}: {error}"[:_REASON_CHARS])


def load_toolbox(paths: Iterable[str], limit_s: float) -> Toolbox:
    """Find `package.module:function` for each path. Raises ConfigError naming the remedy."""
    functions: dict[str, Callable[..., Any]] = {}
    for path in paths:
        function = find(path, "agent.tools", "function", inspect.isfunction)
        try:
            tool = describe(function)
        except ValueError as error:
            raise ConfigError(f"agent.tools: {path} cannot be a tool: {error}") from error
        if tool.name in functions:
            raise ConfigError(f"agent.tools: {path}: there is another function {tool.name}")
        functions[tool.name] = function
    return Toolbox(functions.values(), limit_s)
