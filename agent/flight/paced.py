"""The media path of a replay: where the live one goes on as it can, it waits for the script.

Order is what decisions depend on, and the script moves the clock by timers alone (`script`).
"""

import asyncio

import av
from av.stream import Stream

from agent.audio.frame import RTP_FRAME
from agent.media.playout import Playout
from agent.media.receiver import Receiver


class PacedPlayout(Playout):
    """Its sender, woken or behind, waits for a timer: what came first in the record does so."""

    async def recv(self) -> "av.Packet[Stream]":
        loop = asyncio.get_running_loop()
        if self._origin_s is not None and self._clock(loop) >= self._slot + RTP_FRAME:
            await self._its_turn(loop)
        return await super().recv()

    async def _woken(self, loop: asyncio.AbstractEventLoop) -> None:
        await super()._woken(loop)
        await self._its_turn(loop)

    async def _its_turn(self, loop: asyncio.AbstractEventLoop) -> None:
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
