"""Calls to be recorded, in virtual time: espeak-ng speaks in Opus packets to the real ear.

The caller follows a plan; the network is a list that may lose and delay packets.
"""

import asyncio
from contextlib import suppress

import numpy as np
import soxr
from aiortc.mediastreams import MediaStreamError
from fakes import FakeClient, FakeEngines, FakeFunctions, FakeLine
from spoken import say

from agent import virtual_time
from agent.audio.frame import HEAR_HZ, RTP_FRAME, SPEAK_FRAME, SPEAK_HZ
from agent.call import Call
from agent.canned import Canned
from agent.config_file import load
from agent.engines import Style
from agent.events import EndReason
from agent.flight.header import Header
from agent.flight.record import Flight
from agent.flight.recorder import Parts, Recorder
from agent.media.opus import Encoder
from agent.media.playout import Playout
from agent.media.receiver import Receiver
from agent.metrics import Metrics
from agent.shared import Shared
from agent.vad.silero import Silero

QUIET = {"agent.greeting": ""}


def spoken(text):
    """Speech [n] at SPEAK_HZ, as a caller's microphone has it."""
    return soxr.resample(say(text), HEAR_HZ, SPEAK_HZ).astype(np.float32)


def silence(seconds):
    return np.zeros(round(seconds * SPEAK_HZ), np.float32)


class Flown:
    """One call. `plan` is what the caller says, in one piece of [n] at SPEAK_HZ."""

    def __init__(
        self, *answers, config=None, functions=None, adviser=None, watch=None, **settings
    ) -> None:
        self.config = load(None, {**QUIET, **(config or {})})
        self.entries = []
        self.client, self.line = FakeClient(**settings), FakeLine()
        self.engines = FakeEngines(*answers)
        functions = FakeFunctions(**(functions or {}))
        self.recorder = watch or Recorder(self.entries.append)
        parts = self.recorder.parts(
            Parts(
                Shared(self.config, Canned(Style("")), Metrics(), functions, adviser),
                self.client,
                self.engines,
                Silero(),
                lambda samples: b"-",
            )
        )
        self.playout = Playout(self.config.playout, parts.encode)
        self.call = Call(
            parts.shared, parts.client, self.line, self.playout, parts.engines, parts.vad
        )
        taps = self.recorder.taps(self.call, self.playout)
        self.taps = taps
        self.receiver = Receiver(self.config.receive, taps.hear, taps.packet)
        self.header = Header.of(
            "rtc_flown",
            "2026-01-01T00:00:00Z",
            self.config,
            self.client.settings,
            functions.tools,
        )

    async def fly(self, speech, lost=(), late=(), asks=()) -> None:
        """`lost`: packets that never come; `late`: that come 30 ms later.

        `asks`: (seconds, request) of the client.
        """
        loop = asyncio.get_running_loop()
        pump = asyncio.create_task(self._send())
        self.taps.channel_opened()
        self.taps.connected()
        encoder = Encoder(self.config.send)
        for at_s, request in asks:
            loop.call_later(at_s, self._ask, request)
        padded = np.pad(speech, (0, -len(speech) % SPEAK_FRAME))
        for n, frame in enumerate(padded.reshape(-1, SPEAK_FRAME)):
            payload = encoder.encode(frame)
            if n not in lost:
                delay_s = 0.03 if n in late else 0.0
                loop.call_later(
                    delay_s, self.receiver.take, 7, n & 0xFFFF, n * RTP_FRAME, payload
                )
            await asyncio.sleep(0.02)
        if not self.call.ended:
            self.call.end(EndReason.CALLER)
        self.receiver.close()
        self.playout.stop()
        await pump

    def _ask(self, request) -> None:
        self.client.requests.append(request)
        self.call.message("")

    async def _send(self) -> None:
        with suppress(MediaStreamError):
            while True:
                await self.playout.recv()

    @property
    def flight(self):
        return Flight(self.header, tuple(self.entries))


def flown(*answers, speech, lost=(), late=(), asks=(), **scene):
    """Fly a call to its end; return it."""

    async def main():
        call = Flown(*answers, **scene)
        await call.fly(speech, lost, late, asks)
        return call

    return virtual_time.run(main())
