"""The server half of benchmarks.media: a process that says back what it hears.

Told by lines of JSON on its standard input, answers each with one on its standard output:
{"offer": SDP} -> {"answer": SDP}, {} -> its counts. The end of the input ends it.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import aioice.ice
import numpy as np
import uvloop
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)

from agent.audio.frame import Samples
from agent.config import Config, load
from agent.media import upstream
from agent.media.opus import Encoder
from agent.media.playout import Playout
from agent.media.receiver import Receiver

LOOPBACK = "127.0.0.1"
_SILENCE = 0.003  # peak of a packet; Opus makes some noise of digital silence
_MAX_LINE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Counts:
    """Since the start of the process; all calls together."""

    at_s: float = 0.0
    cpu_s: float = 0.0
    packets: int = 0
    underruns: int = 0
    late_packets: int = 0


class Echo(Protocol):
    """A way to carry calls that are to be measured."""

    def connect(self, pc: RTCPeerConnection) -> None:
        """Echo what `pc` hears; called before its remote description is set."""

    def connected(self, pc: RTCPeerConnection) -> None:
        """Called when it is set."""

    def counts(self) -> Counts: ...


class Parrot:
    """Plays what it hears, each stretch of sound as a turn, as an agent's replies come.

    The voice of a real reply is at 24 kHz from the start: resampling is the benchmark's own
    cost, and on its account.
    """

    def __init__(self, playout: Playout) -> None:
        self._playout = playout
        self._turn = 0
        self._speaking = False
        self._last = np.float32(0.0)

    def hear(self, samples: Samples) -> None:
        """Take [n] at HEAR_HZ."""
        if samples.max() > _SILENCE:
            self._turn += not self._speaking
            self._speaking = True
            self._playout.play(self._turn, self._resample(samples))
        elif self._speaking:
            self._speaking = False
            self._playout.end(self._turn)

    def _resample(self, samples: Samples) -> Samples:
        """Three samples for each two, on the lines between them. Cheap: it is on our bill."""
        before = np.empty_like(samples)
        before[0], before[1:] = self._last, samples[:-1]
        self._last = samples[-1]
        out = np.empty((len(samples) // 2, 3), np.float32)
        out[:, 0] = (before[::2] + 2 * samples[::2]) / 3
        out[:, 1] = (2 * samples[::2] + samples[1::2]) / 3
        out[:, 2] = samples[1::2]
        return out.reshape(-1)


class VoxlineEcho:
    """agent.media: receive, 16 kHz, playout, encode."""

    def __init__(self, config: Config) -> None:
        upstream.install(config)
        self._config = config
        self._playouts: list[Playout] = []
        self._receivers: dict[RTCPeerConnection, Receiver] = {}

    def connect(self, pc: RTCPeerConnection) -> None:
        playout = Playout(self._config.playout, Encoder(self._config.send).encode)
        self._playouts.append(playout)
        self._receivers[pc] = Receiver(self._config.receive, Parrot(playout).hear)
        pc.addTrack(playout)

    def connected(self, pc: RTCPeerConnection) -> None:
        upstream.attach(pc, self._receivers[pc].take)

    def counts(self) -> Counts:
        stats = [playout.stats for playout in self._playouts]
        return Counts(
            packets=sum(each.packets for each in stats),
            underruns=sum(each.underruns for each in stats),
            late_packets=sum(each.late_packets for each in stats),
        )


class StockEcho:
    """aiortc as it comes: the track that is received is the track that is sent."""

    def __init__(self) -> None:
        here: Any = aioice.ice  # it leaves the loopback out by itself
        here.get_host_addresses = lambda use_ipv4, use_ipv6: [LOOPBACK]

    def connect(self, pc: RTCPeerConnection) -> None:
        def relay(track: MediaStreamTrack) -> None:
            pc.addTrack(track)

        pc.on("track", relay)

    def connected(self, pc: RTCPeerConnection) -> None:
        pass

    def counts(self) -> Counts:
        return Counts()


async def serve(echo: Echo) -> None:
    """Carry calls until the standard input ends."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(_MAX_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    calls: list[RTCPeerConnection] = []
    while line := await lines.readline():
        match json.loads(line):
            case {"offer": str(offer)}:
                pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
                calls.append(pc)
                echo.connect(pc)
                await pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
                echo.connected(pc)
                await pc.setLocalDescription(await pc.createAnswer())
                reply: dict[str, Any] = {"answer": pc.localDescription.sdp}
            case _:
                own = {"at_s": time.perf_counter(), "cpu_s": time.process_time()}
                reply = {**asdict(echo.counts()), **own}
        print(json.dumps(reply), flush=True)
    await asyncio.gather(*(pc.close() for pc in calls))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", choices=["voxline", "stock"], required=True)
    parser.add_argument("--mode", choices=["voip", "lowdelay"], default="voip")
    parser.add_argument("--core", type=int, required=True, help="the only one it may use")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {asked.core})
    if asked.path == "stock":
        asyncio.run(serve(StockEcho()))
        return
    config = load(None, {"send.mode": asked.mode, "ice.addresses": [LOOPBACK]})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(VoxlineEcho(config)))


if __name__ == "__main__":
    main()
