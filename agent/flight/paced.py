"""The media path of a replay: where the live one goes on as it can, it waits for the script.

Order is what decisions depend on, and the script moves the clock by timers alone (`script`).
"""

import asyncio

from agent.media.playout import Playout
from agent.media.receiver import Receiver


class PacedPlayout(Playout):
    """Its sender, once woken, waits for a timer: what came first in the record then does so."""

    async def _woken(self, loop: asyncio.AbstractEventLoop) -> None:
        await super()._woken(loop)
        gate = loop.create_future()
        loop.call_at(loop.time(), self._go_on, gate)
        await gate

    def _go_on(self, gate: asyncio.Future[None]) -> None:
        gate.set_result(None)


class PacedReceiver(Receiver):
    """Its timer moves with its deadline: one left behind would run at a time of its own."""

    def _arm(self) -> None:
        if self._timer is not None and not self._patient:
            self._timer.cancel()
            self._timer = None
        super()._arm()
