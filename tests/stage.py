"""A call in virtual time: a caller who speaks by the clock, and everything they heard.

The call, the turn machine, the reply and the playout are the real ones; the network is a list.
"""

import asyncio
from contextlib import asynccontextmanager, suppress

import numpy as np
from aiortc.mediastreams import MediaStreamError
from fakes import FakeClient, FakeEngines, FakeFunctions, FakeLine, LoudnessVad

from agent.audio.frame import HEAR_FRAME
from agent.call import Call
from agent.canned import Canned
from agent.config_file import load
from agent.engines import Style
from agent.events import EndReason
from agent.flight.recorder import Unwatched
from agent.media.playout import Playout
from agent.metrics import Metrics
from agent.shared import Shared

# No greeting: most dialogues begin with the caller. A VAD of loudness does not trail.
QUIET = {"agent.greeting": "", "vad.trail_ms": 0, "turns.end_of_turn_ms": 420}

# two periods of a buzz of 100 Hz: what a voice is to who looks for one
VOICE = np.linspace(1, -1, HEAR_FRAME // 2, dtype=np.float32)[np.arange(HEAR_FRAME) % 160]


class Stage:
    """Feed `say` and `wait`; look at `client`, `engines`, `line` and `heard`."""

    def __init__(self, *answers, config=None, functions=None, adviser=None, **settings) -> None:
        self.config = load(None, {**QUIET, **(config or {})})
        self.engines = FakeEngines(*answers)
        self.client, self.line = FakeClient(**settings), FakeLine()
        self.metrics = Metrics()
        self.functions = FakeFunctions(**(functions or {}))
        self.heard: list[tuple[float, float]] = []  # when a packet left, and how loud it was
        self.playout = Playout(self.config.playout, self._encode)
        self.call = Call(
            Shared(self.config, Canned(Style("")), self.metrics, self.functions, adviser),
            self.client,
            self.line,
            self.playout,
            self.engines,
            LoudnessVad(),
        )
        Unwatched().taps(self.call, self.playout)

    def _encode(self, samples) -> bytes:
        level = float(np.abs(samples).max())
        self.heard.append((asyncio.get_running_loop().time(), level))
        return b"packet"

    async def pump(self) -> None:
        with suppress(MediaStreamError):
            while True:
                await self.playout.recv()

    async def say(self, seconds: float) -> None:
        await self._feed(seconds, 0.5)

    async def wait(self, seconds: float) -> None:
        await self._feed(seconds, 0.0)

    async def _feed(self, seconds: float, level: float) -> None:
        frame = level * VOICE
        for _ in range(round(seconds / 0.02)):
            await asyncio.sleep(0.02)
            self.call.hear(frame)

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def sound_between(self, begin: float, end: float) -> bool:
        return any(level > 0 and begin < at < end for at, level in self.heard)


@asynccontextmanager
async def stage(*answers, **scene):
    """A stage whose caller is connected; ended and checked for leftovers at the end."""
    scene = Stage(*answers, **scene)
    pump = asyncio.create_task(scene.pump())
    scene.call.connected()
    yield scene
    if not scene.call.ended:
        scene.call.end(EndReason.CALLER)
    scene.playout.stop()
    await pump
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"still running: {left}"
