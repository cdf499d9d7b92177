"""The caller half of benchmarks.media: calls that time the echo of a marker.

A call sends media_sound's cycle, which is encoded once, so that a call costs little here.
The round trip is from the marker's first packet given to the sender to the first packet that
arrives with the tone in it: two Opus look-aheads move the tone by 13 ms, not its packet.
"""

import asyncio
import json
import random
import sys
import time
from fractions import Fraction
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from av.stream import Stream

from agent.audio.frame import FRAME_MS, RTP_FRAME, RTP_HZ
from agent.config import Send
from agent.media import upstream
from agent.media.opus import Decoder, Encoder
from benchmarks.media_echo import Counts
from benchmarks.media_sound import CYCLE_FRAMES, MARKER_HEARD, cycle

_TIME_BASE = Fraction(1, RTP_HZ)
_CONNECT_S = 20.0
_END_S = 10.0


def encoded_cycle(send: Send) -> list[bytes]:
    """Return the cycle as packets, of an encoder that has heard it before."""
    encoder = Encoder(send)
    return [encoder.encode(frame) for frame in cycle() * 2][CYCLE_FRAMES:]


class EchoProcess:
    """benchmarks.media_echo, as seen from here. A context: it ends with the block."""

    def __init__(self, path: str, mode: str, core: int) -> None:
        self._command = ["--path", path, "--mode", mode, "--core", str(core)]

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.media_echo", *self._command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 20,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _END_S)
        except TimeoutError:  # saturated: it has calls to carry before it reads on
            self._process.kill()
            await self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    async def answer(self, offer: str) -> str:
        return str((await self._ask({"offer": offer}))["answer"])

    async def counts(self) -> Counts:
        return Counts(**await self._ask({}))

    async def _ask(self, question: dict[str, str]) -> dict[str, Any]:
        """Ask, one question at a time. Raises RuntimeError when the process is gone."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the echo process ended: {await self._process.wait()}")
        reply: dict[str, Any] = json.loads(line)
        return reply


class _Mouth(MediaStreamTrack):
    """Sends the cycle, on an absolute schedule of its own phase."""

    kind = "audio"

    def __init__(self, packets: list[bytes]) -> None:
        super().__init__()
        self._packets = packets
        self._next = 0
        self._began_s: float | None = None
        self.marker_s: float | None = None  # when the marker left, until its echo is heard
        self.missed = 0

    async def recv(self) -> "av.Packet[Stream]":
        loop = asyncio.get_running_loop()
        if self._began_s is None:
            self._began_s = loop.time() + random.random() * FRAME_MS / 1000
        wait_s = self._began_s + self._next * FRAME_MS / 1000 - loop.time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        place = self._next % CYCLE_FRAMES
        packet = av.Packet(self._packets[place])
        packet.pts, packet.time_base = self._next * RTP_FRAME, _TIME_BASE
        self._next += 1
        if place == 0:
            self.missed += self.marker_s is not None
            self.marker_s = time.perf_counter()
        return packet


class Caller:
    """One call. Make it with `dial`."""

    def __init__(self, packets: list[bytes]) -> None:
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._mouth = _Mouth(packets)
        self._decoder = Decoder()
        self._pc.addTrack(self._mouth)
        self._echoes_ms: list[float] = []

    @classmethod
    async def dial(cls, server: EchoProcess, packets: list[bytes]) -> "Caller":
        """Call, and return when connected. Raises TimeoutError."""
        caller = cls(packets)
        pc, connected = caller._pc, asyncio.Event()

        def changed() -> None:
            if pc.connectionState == "connected":
                connected.set()

        pc.on("connectionstatechange", changed)
        await pc.setLocalDescription(await pc.createOffer())
        answer = await server.answer(pc.localDescription.sdp)
        await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        upstream.attach(pc, caller._hear)
        await asyncio.wait_for(connected.wait(), _CONNECT_S)
        return caller

    def restart(self) -> None:
        """Forget what was measured so far."""
        self._echoes_ms.clear()
        self._mouth.missed = 0

    @property
    def echoes_ms(self) -> tuple[float, ...]:
        return tuple(self._echoes_ms)

    @property
    def missed(self) -> int:
        """Markers that had no echo when the next one left."""
        return self._mouth.missed

    async def hang_up(self) -> None:
        await upstream.release(self._pc)

    def _hear(self, ssrc: int, sequence: int, timestamp: int, payload: bytes) -> None:
        now = time.perf_counter()
        sound = self._decoder.decode(payload)
        if self._mouth.marker_s is not None and np.abs(sound).max() > MARKER_HEARD:
            self._echoes_ms.append((now - self._mouth.marker_s) * 1000)
            self._mouth.marker_s = None
