"""The server half of benchmarks.setup: tells how long each pass of its loop took, and on what.

Time is CPU time of the loop's thread: what the machine gave to others meanwhile is left out,
the garbage collector is not.
"""

import argparse
import asyncio
import gc
import json
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.config_file import load, parse_override
from agent.lag import CountingLoop
from agent.serve import running

_SWITCH_S = 0.0005  # as `voxline serve` has it
_GARBAGE = "garbage collection"
# the first that is found in the name of a coroutine, or of those it waits in
_PHASES = (
    ("answering the offer", "CallRoutes.place"),
    ("ending", "CallRoutes.hang_up"),
    ("answering the offer", "RequestHandler"),
    ("hearing", "RTCDtlsTransport.__run"),
    ("judging what was heard", "InTurn"),
    ("speaking", "_run_rtp"),
    ("data channel", "RTCSctpTransport"),
    ("connecting: ICE, DTLS", "__connect"),
    ("connecting: ICE, DTLS", "RTCIce"),
    ("connecting: ICE, DTLS", "Connection."),
    ("ending", "_close"),
    ("ending", "_release"),
)
_ELSE = "all else"


class Holds:
    """Milliseconds of CPU of each pass, by what had most of it."""

    def __init__(self) -> None:
        self.by_phase: dict[str, list[float]] = defaultdict(list)
        self._collecting_s = 0.0

    def passed(self, held_s: float, heaviest: Callable[..., object]) -> None:
        """For `CountingLoop`."""
        self.by_phase[phase_of(heaviest)].append(held_s * 1000)

    def collection(self, phase: str, _: dict[str, int]) -> None:
        """For gc.callbacks. Counted by itself, and in the pass that it befell."""
        now = time.thread_time()
        if phase == "start":
            self._collecting_s = now
        else:
            self.by_phase[_GARBAGE].append((now - self._collecting_s) * 1000)


def phase_of(callback: Callable[..., object]) -> str:
    """What a callback is about, by its name, or by the coroutines that its task waits in."""
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        names = " ".join(_waiting(task.get_coro()))
    else:
        names = _name(callback)
    return next((phase for phase, name in _PHASES if name in names), _ELSE)


def _waiting(coroutine: Any) -> Iterator[str]:
    while coroutine is not None:
        yield _name(coroutine)
        coroutine = getattr(coroutine, "cr_await", None)


def _name(anything: Any) -> str:
    return getattr(anything, "__qualname__", None) or ""  # a generator's step has none


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM; FILE gets {phase: [ms]}."""
    parser = argparse.ArgumentParser(
        description="Serve until SIGTERM; write what held the loop. Run by benchmarks.setup."
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="gets {phase: [ms]} as JSON")
    parser.add_argument("settings", metavar="KEY=VALUE", nargs="*", help="of config.yaml")
    given = parser.parse_args(arguments)
    holds = Holds()
    config = load(None, dict(map(parse_override, given.settings)))
    sys.setswitchinterval(_SWITCH_S)

    async def serve() -> None:
        loop, told_to_stop = asyncio.get_running_loop(), asyncio.Event()
        assert isinstance(loop, CountingLoop)
        loop.add_signal_handler(signal.SIGTERM, told_to_stop.set)
        async with running(config) as url:
            loop.observers.append(holds.passed)
            gc.callbacks.append(holds.collection)
            print(f"listening on {url}", flush=True)
            await told_to_stop.wait()
            gc.callbacks.remove(holds.collection)

    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        runner.run(serve())
    given.file.write_text(json.dumps(holds.by_phase), encoding="utf-8")


if __name__ == "__main__":
    main()
