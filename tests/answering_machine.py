"""A small server of our API: it answers a pause with a tone.

For tests of the scripted caller. Real HTTP, a real peer connection, no VAD, no models, no data
channel but for three events.
"""

import asyncio
import contextlib
import json

import numpy as np
from aiohttp import web

from agent.audio.frame import SPEAK_HZ
from agent.config import Config, Ice, Receive
from agent.media import upstream
from agent.media.opus import Encoder
from agent.media.peer import Peer
from agent.media.playout import Playout

# A packet that a busy machine holds back is late, and no silence is heard in its place.
CONFIG = Config(ice=Ice(addresses=("127.0.0.1",)), receive=Receive(stall_ms=2000))
LOUD = 0.05


def tone(seconds, hz=SPEAK_HZ):
    t = np.arange(int(seconds * hz)) / hz
    return (0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)


class AnsweringMachine:
    """Answers `wait_ms` after the caller has fallen silent; all its calls are in `lines`."""

    def __init__(self, wait_ms=200, greeting=None, seats=100):
        self.wait_ms, self.greeting, self.answer = wait_ms, greeting, tone(0.3)
        self.seats, self.lines, self.deleted, self.url = seats, [], 0, ""

    async def place(self, request):
        if sum(not line.closed for line in self.lines) >= self.seats:
            error = {"code": "server_full", "message": "all lines are busy"}
            return web.json_response({"error": error}, status=503)
        line = Line(self)
        self.lines.append(line)
        answer = await line.peer.answer(await request.text())
        location = f"/v1/realtime/calls/{len(self.lines) - 1}"
        return web.Response(
            status=201,
            text=answer,
            content_type="application/sdp",
            headers={"Location": location},
        )

    async def hang_up(self, request):
        self.deleted += 1
        await self.lines[int(request.match_info["line"])].close()
        return web.Response()


class Line:
    def __init__(self, machine):
        self.machine, self.closed = machine, False
        self.playout = Playout(CONFIG.playout, Encoder(CONFIG.send).encode)
        self.playout.on_finished = lambda turn: self.tell("output_audio_buffer.stopped")
        self.heard, self.turn, self.quiet_ms = [], 0, None
        self.peer = Peer(
            CONFIG,
            self.playout,
            on_connected=self.connected,
            on_audio=self.hear,
            on_message=lambda text: None,
            on_closed=lambda reason: None,
        )

    def tell(self, kind, **fields):
        self.peer.send(json.dumps({"type": kind, **fields}))

    def connected(self):
        silence = {"audio": {"input": {"turn_detection": {"silence_duration_ms": 200}}}}
        self.tell("session.created", session=silence)
        if self.machine.greeting is not None:
            self.speak(self.machine.greeting)

    def hear(self, samples):
        self.heard.append(samples)
        if np.abs(samples).max() > LOUD:
            self.quiet_ms = 0
        elif self.quiet_ms is not None:
            self.quiet_ms += len(samples) // 16
            if self.quiet_ms >= self.machine.wait_ms:
                self.quiet_ms = None
                self.speak(self.machine.answer)
                stage = {"name": "wait", "begin_ms": 0, "end_ms": 200}
                self.tell("voxline.turn.latency", latency_ms=200, stages=[stage])

    def speak(self, samples):
        self.turn += 1
        self.tell("output_audio_buffer.started")
        self.playout.play(self.turn, samples)
        self.playout.end(self.turn)

    async def close(self):
        self.closed = True
        await self.peer.close()


@contextlib.asynccontextmanager
async def answering(machine=None):
    """An answering machine that listens at its `url`."""
    upstream.install(CONFIG)
    machine = machine or AnsweringMachine()
    app = web.Application()
    app.router.add_post("/v1/realtime/calls", machine.place)
    app.router.add_delete("/v1/realtime/calls/{line}", machine.hang_up)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        machine.url = "http://{}:{}".format(*runner.addresses[0][:2])
        yield machine
    finally:
        await asyncio.gather(*(line.close() for line in machine.lines))
        await runner.cleanup()
