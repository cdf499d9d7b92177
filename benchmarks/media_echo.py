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
import uvloop
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)

from agent.audio.frame import Samples
from agent.config import Config
from agent.config_file import load
from agent.media import upstream
from agent.media.opus import Encoder
from agent.media.playout import Playout
from agent.media.receiver import Receiver
from benchmarks.media_sound import CYCLE_FRAMES, SILENCE_HEARD, cycle

LOOPBACK = "127.0.0.1"
_CYCLE = cycle()
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
    """Says the cycle when it hears the cycle, frame by frame, each stretch of sound a turn.

    As an agent does: it listens at 16 kHz and has a voice of its own at 24 kHz. Nothing is
    resampled, which no real call does either.
    """

    def __init__(self, playout: Playout) -> None:
        self._playout = playout
        self._turn = 0
        self._place: int | None = None  # in the cycle; None while silent

    def hear(self, samples: Samples) -> None:
        """Take [n] at HEAR_HZ."""
        if samples.max() > SILENCE_HEARD:
            if self._place is None:
                self._turn += 1
                self._place = 0
            self._playout.play(self._turn, _CYCLE[self._place])
            self._place = (self._place + 1) % CYCLE_FRAMES
        elif self._place is not None:
            self._place = None
            self._playout.end(self._turn)


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
