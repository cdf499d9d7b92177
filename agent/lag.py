"""How late the event loop runs its timers, and how long our own code held it: the law is 2 ms.

A timer may be late because our code held the loop, or because the machine gave the core to
somebody else. `CountingLoop` knows the former exactly: it counts the CPU time of its thread.
"""

import asyncio
import time
from collections.abc import Callable
from contextvars import Context
from typing import Final, TypeVarTuple

import uvloop

_Args = TypeVarTuple("_Args")

INTERVAL_S = 0.010
_ELSEWHERE: Final = -1  # scheduled by a timer or another thread: it begins a pass

# seconds of CPU of one pass, and the callback that had most of them
Observe = Callable[[float, Callable[..., object]], None]


async def watch(observe: Callable[[float], None]) -> None:
    """Call `observe(late)`, in seconds, a hundred times a second, for ever."""
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()
    due = loop.time()
    while True:
        due = max(due + INTERVAL_S, loop.time())
        woken.clear()
        loop.call_at(due, woken.set)
        await woken.wait()
        observe(max(0.0, loop.time() - due))


class CountingLoop(uvloop.Loop):
    """uvloop's, with a clock around each callback; it costs 2 us each.

    A pass is what runs before timers and sockets have their turn again: what was scheduled
    before it began. What it schedules itself runs in the next. Not counted is what a socket
    does before it wakes somebody (uvloop calls that directly): it only queues a datagram.
    """

    def __init__(self) -> None:
        super().__init__()
        self.observers: list[Observe] = []
        self._pass = 0  # its number
        self._held_s = self._most_s = 0.0
        self._heaviest: Callable[..., object] = self.stop  # of the pass, and how long it took

    def call_soon(
        self,
        callback: Callable[[*_Args], object],
        *args: *_Args,
        context: Context | None = None,
    ) -> asyncio.Handle:
        return super().call_soon(self._counted, self._pass, callback, *args, context=context)

    def call_soon_threadsafe(
        self,
        callback: Callable[[*_Args], object],
        *args: *_Args,
        context: Context | None = None,
    ) -> asyncio.Handle:
        return super().call_soon_threadsafe(
            self._counted, _ELSEWHERE, callback, *args, context=context
        )

    def call_later(  # call_at too comes here
        self,
        delay: float,
        callback: Callable[[*_Args], object],
        *args: *_Args,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return super().call_later(
            delay, self._counted, _ELSEWHERE, callback, *args, context=context
        )

    def _counted(
        self, scheduled_in: int, callback: Callable[[*_Args], object], *args: *_Args
    ) -> None:
        if scheduled_in in (self._pass, _ELSEWHERE):
            self._end_pass()
        begun_s = time.thread_time()
        try:
            callback(*args)
        finally:
            took_s = time.thread_time() - begun_s
            self._held_s += took_s
            if took_s >= self._most_s:
                self._most_s, self._heaviest = took_s, callback

    def _end_pass(self) -> None:
        held_s, heaviest = self._held_s, self._heaviest
        self._pass += 1
        self._held_s = self._most_s = 0.0
        if held_s:
            for observe in self.observers:
                observe(held_s, heaviest)
