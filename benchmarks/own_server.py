"""A server of the benchmark's own: `voxline serve` in a process, while it is needed."""

import asyncio
import contextlib
import re
import signal
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import IO

from agent.config_file import found, load, parse_override

_READY = re.compile(rb"listening on (http://\S+)")
_START_S = 60.0  # a cold machine imports torch and loads models meanwhile
_STOP_S = 10.0
_FATAL = (signal.SIGTERM, signal.SIGHUP)
_LOG_TAIL_LINES = 40  # a traceback through aiohttp has 30


class ServerFailed(Exception):
    """It did not start; the message holds the end of its log."""


def check(engine: str, overrides: Sequence[str], config: str | None) -> None:
    """Raises ConfigError for what that server would refuse, before there is one."""
    named = None if config is None else Path(config)
    load(found(named), {"agent.engine": engine, **dict(map(parse_override, overrides))})


def command(engine: str, overrides: Sequence[str], config: str | None) -> list[str]:
    """Return the command line of a server on a free port that waits for the caller to speak."""
    arguments = ["serve", "--host", "127.0.0.1", "--port", "0", "--engine", engine]
    if config is not None:
        arguments += ["--config", config]
    for override in ('agent.greeting=""', *overrides):
        arguments += ["--set", override]
    return [sys.executable, "-m", "agent", *arguments]


@contextlib.asynccontextmanager
async def running(
    arguments: Sequence[str], start_s: float = _START_S, log: IO[bytes] | None = None
) -> AsyncIterator[str]:
    """Start a server, give its URL when it listens, end it. Raises ServerFailed.

    Whoever is told to stop meanwhile ends it, too. Its log goes into `log`, if somebody wants
    it; whatever is raised meanwhile gets the end of it as a note.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_stopping())
        log = log or stack.enter_context(tempfile.TemporaryFile())
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        assert process.stdout is not None
        try:
            url = await _url(process.stdout, start_s)
            if url is None:
                raise ServerFailed(f"the server did not start:\n{tail(log)}")
            drain = asyncio.create_task(process.stdout.read())  # a full pipe would stop it
            try:
                yield url
            except Exception as error:
                error.add_note(f"the end of the server's log:\n{tail(log)}")
                raise
            finally:
                drain.cancel()
        finally:
            await _end(process)


@contextlib.contextmanager
def _stopping() -> Iterator[None]:
    """Told to stop, we end what we began instead of being gone at once: a server would go on.

    As asyncio does it for Ctrl-C: the task is cancelled, and we exit when all is closed.
    """
    task, loop, told = asyncio.current_task(), asyncio.get_running_loop(), list[int]()
    if task is None or threading.current_thread() is not threading.main_thread():
        yield  # which alone has signals
        return

    def stop(number: int) -> None:
        told.append(number)
        task.cancel()

    before = {number: signal.getsignal(number) for number in _FATAL}
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heeded:  # not where nohup has them ignored
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    except asyncio.CancelledError:
        if told:
            raise SystemExit(128 + told[0]) from None
        raise
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


def explained(error: Exception) -> str:
    """What it says, and what was noted with it."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


async def _url(output: asyncio.StreamReader, limit_s: float) -> str | None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            async for line in output:
                if found := _READY.search(line):
                    return found[1].decode()
    return None


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def tail(log: IO[bytes]) -> str:
    """The end of a server's log."""
    log.seek(0)
    lines = log.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-_LOG_TAIL_LINES:]) or "(it said nothing)"
