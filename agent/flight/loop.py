"""The event loop of a replay: its clock stands still until the script says what comes next."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from heapq import heappop, heappush
from itertools import count
from typing import TypeVarTuple

from agent.flight.entries import Cause, Entry, Stepped
from agent.flight.script import Fire, Kind, Script
from agent.virtual_time import VirtualTimeLoop

_Args = TypeVarTuple("_Args")
_Timer = tuple[float, int, asyncio.TimerHandle, Callable[[], None]]


class ReplayLoop(VirtualTimeLoop):
    """Timers run at the script's word; `give` takes each cause, `finish` is called last.

    `kind` tells whose a timer is, by its callback.
    """

    def __init__(self, script: Script) -> None:
        super().__init__()
        self._script = script
        self._timers: dict[Kind, list[_Timer]] = {}
        self._numbers = count()
        self.kind: Callable[[Callable[..., object]], Kind] = lambda callback: None
        self.give: Callable[[Cause | Stepped], None] = lambda cause: None
        self.finish: Callable[[], None] = lambda: None

    def call_at(
        self,
        when: float,
        callback: Callable[[*_Args], object],
        *args: *_Args,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)

        def fire() -> None:
            if not handle.cancelled():
                self.call_soon(_unless_cancelled, handle, callback, args, context=context)

        timers = self._timers.setdefault(self.kind(callback), [])
        heappush(timers, (when, next(self._numbers), handle, fire))
        return handle

    def happened(self, entry: Entry) -> None:
        """The call did this."""
        self.now = max(self.now, self._script.happened(entry, self._due()))

    def _due(self) -> dict[Kind, float]:
        for timers in self._timers.values():
            while timers and timers[0][2].cancelled():
                heappop(timers)
        return {kind: timers[0][0] for kind, timers in self._timers.items() if timers}

    def idle(self) -> None:
        step = self._script.next(self._due())
        if step is None:
            self.call_soon(self.finish)
            return
        self.now = max(self.now, step.at)
        if isinstance(step, Fire):
            when, _, _, fire = heappop(self._timers[step.kind])
            self.now = max(self.now, when)
            fire()
        else:
            self.call_soon(self.give, step.entry)


def _unless_cancelled(
    handle: asyncio.TimerHandle, callback: Callable[..., object], args: tuple[object, ...]
) -> None:
    if not handle.cancelled():
        callback(*args)
