"""An asyncio loop whose clock jumps to the next timer as soon as nothing is ready.

An hour of a call costs no time and takes exactly an hour. Real threads and processes are
invisible to this clock: give the code under test an inline engine instead.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jump(selectors.DefaultSelector):
    loop: "VirtualTimeLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if ready := super().select(0):  # real sockets still work
            return ready
        if timeout is None:
            self.loop.idle()
        else:
            self.loop.now += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    now = 0.0

    def __init__(self) -> None:
        selector = _Jump()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now

    def idle(self) -> None:
        """Nothing is ready and no timer is set."""
        raise RuntimeError("deadlock: nothing is ready and no timer is set")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in virtual time; a deadlock is a RuntimeError, not a hang."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
