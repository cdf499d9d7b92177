"""A server whose calls are fake: for tests of signaling alone."""

import contextlib
import functools
from asyncio import run
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from agent.config_file import load
from signaling.app import build_app

OFFERS = Path(__file__).parent / "signaling" / "offers"
OFFER = (OFFERS / "chromium.sdp").read_bytes()
VIDEO_OFFER = (OFFERS / "chromium-video.sdp").read_bytes()
ANSWER = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nm=application 9 UDP/DTLS/SCTP x\r\n"
VOICES, LANGUAGES = ("nora", "otto"), ("en", "fr")
SDP = {"Content-Type": "application/sdp"}
CALLS = "/v1/realtime/calls"


class Server(TestServer):
    """As `agent.serve` runs it: what was begun for a caller who goes away is not broken off."""

    async def _make_runner(self, **_):
        # of a body that is refused the rest is read for that long, and not for ten seconds
        return web.AppRunner(self.app, access_log=None, lingering_time=0.2)


class FakeCalls:
    """Answers everything with ANSWER, or raises what it is told to."""

    def __init__(self, capacity=2):
        self.capacity = capacity
        self.clients = {}  # call id -> Client
        self.placed = {}  # call id -> the offer, also of calls that are over
        self.offers = []
        self.refusal = None

    @property
    def active(self):
        return len(self.clients)

    async def answer(self, call_id, offer_sdp, client):
        if self.refusal is not None:
            raise self.refusal
        self.offers.append(offer_sdp)
        self.placed[call_id] = offer_sdp
        self.clients[call_id] = client
        return ANSWER

    def placed_by(self, offer_sdp):
        return [id for id in self.clients if self.placed[id] == offer_sdp]

    async def hang_up(self, call_id):
        return self.clients.pop(call_id, None) is not None


@contextlib.asynccontextmanager
async def served(
    calls=None, web_root=Path("nowhere"), refused=lambda code: None, ready=True, **overrides
):
    """A client of a server on a port of the system's choosing."""
    app = build_app(
        load(None, {key.replace("__", "."): value for key, value in overrides.items()}),
        calls or FakeCalls(),
        metrics=lambda: b"voxline_calls 1\n",
        refused=refused,
        voices=lambda: VOICES,
        languages=LANGUAGES,
        voice_of=lambda language: "",
        engine="fake",
        ready=lambda: ready,
        web_root=web_root,
    )
    async with TestClient(Server(app)) as client:
        yield client


def awaited(test):
    """Run an async test to its end."""

    @functools.wraps(test)
    def wrapper(*args, **kwargs):
        run(test(*args, **kwargs))

    return wrapper


async def error_of(response):
    """The error in a refusal, which must have its full shape."""
    error = (await response.json())["error"]
    assert set(error) == {"type", "code", "message", "param"}
    assert error["type"] == (
        "invalid_request_error" if response.status < 500 else "server_error"
    )
    return error
