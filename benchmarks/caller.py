"""The scripted caller: dials a server as a browser does, speaks, listens, hangs up.

Knows the wire (POST of an offer, the data channel, RTP) and nothing of the agent's inside, so
that it measures any server of this API. Needs `upstream.install` once in the process.
"""

import asyncio
import contextlib
import json
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from agent.audio.frame import Samples
from agent.config import Config, Receive
from agent.events import EndReason
from agent.media.jitter import RtpAudio
from agent.media.peer import Peer
from agent.media.receiver import Stats
from agent.media.upstream import network
from benchmarks.address import base_of, reaching
from benchmarks.echo_room import Loudspeaker
from benchmarks.heard import Heard
from benchmarks.microphone import Microphone, Utterance
from benchmarks.terminal import harmless

_log = logging.getLogger(__name__)

CALLS_PATH = "/v1/realtime/calls"
# For who compares what was heard: a packet that a busy machine holds back is heard late, and no
# silence in its place.
PATIENT = Config(receive=Receive(stall_ms=2000))
_HTTP_S = 20.0  # for an answer to the offer; twice what a server with a dead STUN server takes
_MAX_EVENTS = 10_000  # the oldest are forgotten


class CallFailed(Exception):
    """There is no call: the server cannot be reached, or refused, or went away."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Share of RTP packets lost at random, below SRTP; the same ones for the same seed."""

    up: float = 0.0  # of the caller's
    down: float = 0.0  # of the agent's
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """A message on the data channel, and when it arrived on the loop's clock."""

    at_s: float
    type: str
    body: Mapping[str, Any]


class Way(Protocol):
    """To the agent, once there is a connection: a `Peer`, or what stands for one."""

    @property
    def stats(self) -> Stats: ...

    def send(self, text: str) -> None: ...

    async def close(self) -> None: ...


@asynccontextmanager
async def dial(
    url: str,
    *,
    loss: Loss | None = None,
    session: Mapping[str, Any] | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
    config: Config | None = None,
    loudspeaker: Loudspeaker | None = None,
) -> AsyncIterator["Caller"]:
    """Call the server at `url`; a connected call, which is hung up and released at the end.

    `session` goes with the offer. What the agent says comes back through `loudspeaker`, where
    there is one. `config`'s receive, send, ice and limits hold for the caller's side. Raises
    CallFailed, and ConfigError for a `url` that is none.
    """
    caller = Caller(config or Config(), on_event, loudspeaker=loudspeaker)
    timeout = aiohttp.ClientTimeout(total=_HTTP_S)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        try:
            await caller.connect(http, url, loss or Loss(), session)
            yield caller
        finally:
            await caller.hang_up(http)


class Caller:
    """One call. Made by `dial`."""

    def __init__(
        self,
        config: Config,
        on_event: Callable[[Event], None],
        way: Callable[..., Way] = Peer,
        loudspeaker: Loudspeaker | None = None,
    ) -> None:
        """`way` is called as `Peer` is."""
        self._loop = asyncio.get_running_loop()
        self._limit_s = config.limits.connect_s
        self._on_event = on_event
        self._loudspeaker = loudspeaker
        self.microphone = Microphone(
            config.send, None if loudspeaker is None else loudspeaker.frame
        )
        self.heard = Heard(self._loop.time())
        self.way = way(
            config,
            self.microphone,
            on_connected=self._connected,
            on_audio=self._hear,
            on_message=self._message,
            on_closed=self._closed,
            on_packet=self._packet,
        )
        self.events: deque[Event] = deque(maxlen=_MAX_EVENTS)
        self.connect_ms = 0.0  # from the POST to connected
        self.ended: EndReason | None = None  # when it did not end by us
        self._posted_s = 0.0
        self._location: str | None = None
        self._is_connected = False
        self._speaking = False  # the agent, as far as it says so
        self._news = asyncio.Event()

    @property
    def stats(self) -> Stats:
        """What became of the agent's packets."""
        return self.way.stats

    @property
    def worst_late_ms(self) -> float:
        """How late our own packets left at worst; what is measured is no better than that."""
        return self.microphone.worst_late_ms

    def send(self, event: Mapping[str, Any]) -> None:
        """Write a client event on the data channel."""
        self.way.send(json.dumps(event))

    async def connect(
        self,
        http: aiohttp.ClientSession,
        url: str,
        loss: Loss,
        session: Mapping[str, Any] | None = None,
    ) -> None:
        """Place the call over a `Peer`. Raises CallFailed and ConfigError, as `dial`."""
        peer = self.way
        assert isinstance(peer, Peer)
        offer = await peer.offer()
        _impair(peer, loss)
        try:
            await peer.accept(await self._post(http, url, offer, session))
        except (ValueError, KeyError, AttributeError, AssertionError) as error:
            raise CallFailed(f"{url} sent an answer that is none: {error}") from error
        if not await self.until(lambda: self._is_connected, self._limit_s):
            raise CallFailed(f"{url} answered, but no media connection came about")

    def begin(self, samples: Samples) -> Utterance:
        """Say [n] at SPEAK_HZ from the next frame on, whatever becomes of it."""
        return self.microphone.say(samples)

    async def say(self, samples: Samples) -> Utterance:
        """Say [n] at SPEAK_HZ; return when its last frame was handed to the encoder."""
        utterance = self.begin(samples)
        await utterance.over()
        if not utterance.said:
            raise CallFailed("the call ended while the caller was speaking")
        return utterance

    async def silence(self, seconds: float) -> None:
        """Say nothing for so long, or until the call ends."""
        await self.until(lambda: False, seconds)

    async def quiet(self, for_s: float, limit_s: float) -> bool:
        """Wait until the agent has said nothing for so long; False when it never shuts up.

        A server that tells when its audio starts and stops is believed while it speaks: the
        pause between two of its words is not the end.
        """
        begun_s = self._loop.time()
        try:
            async with asyncio.timeout(limit_s):
                while self.ended is None and (left_s := self._quiet_in_s(begun_s, for_s)) > 0:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(left_s):
                            await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _quiet_in_s(self, begun_s: float, for_s: float) -> float:
        """Return how long it takes yet if nothing is heard."""
        if self._speaking:
            return for_s
        since_s = max(begun_s, self.heard.last_speech_s or begun_s)
        return since_s + for_s - self._loop.time()

    async def until(self, condition: Callable[[], bool], limit_s: float) -> bool:
        """Wait for what is heard to be so; False at the limit, or when the call ends."""
        try:
            async with asyncio.timeout(limit_s):
                while not condition():
                    if self.ended is not None:
                        return False
                    await self._news.wait()
        except TimeoutError:
            return condition()
        return True

    async def hang_up(self, http: aiohttp.ClientSession) -> None:
        """End the call on the server, and release everything here."""
        try:
            if self._location is not None and self.ended is None:
                async with http.delete(self._location):
                    pass
        except (aiohttp.ClientError, TimeoutError) as error:
            _log.info("hanging up: %s", error)  # the closed connection tells it too
        finally:
            await self.way.close()

    # -- the call is placed --------------------------------------------------------------------

    async def _post(
        self,
        http: aiohttp.ClientSession,
        url: str,
        offer: str,
        session: Mapping[str, Any] | None,
    ) -> str:
        target = base_of(url) + CALLS_PATH
        body: str | aiohttp.FormData = offer
        headers = {"Content-Type": "application/sdp"}
        if session is not None:
            parts = {"sdp": offer, "session": json.dumps(session)}
            body, headers = aiohttp.FormData(parts, default_to_multipart=True), {}
        self._posted_s = self._loop.time()
        with reaching(url, CallFailed, _HTTP_S):
            async with http.post(target, data=body, headers=headers) as response:
                answer = await response.text(errors="replace")
                if response.status != 201:
                    raise CallFailed(f"{url} refused the call: {_reason(answer, response)}")
                if location := response.headers.get("Location"):
                    # its path may lack a prefix that a proxy stripped; the id is what counts
                    self._location = str(response.url / location.rpartition("/")[2])
                return answer

    # -- from the peer connection --------------------------------------------------------------

    def _connected(self) -> None:
        now = self._loop.time()
        self.connect_ms = (now - self._posted_s) * 1000
        self.heard = Heard(now)
        self._is_connected = True
        self._tell()

    def _packet(self, packet: RtpAudio, now: float) -> None:
        self.heard.take_packet(packet, now)
        self._tell()

    def _hear(self, samples: Samples) -> None:
        self.heard.take_audio(samples)
        if self._loudspeaker is not None:
            self._loudspeaker.play(samples)

    def _message(self, text: str) -> None:
        try:
            body = json.loads(text)
        except ValueError:
            _log.warning("a message that is no JSON: %.80s", text)
            return
        if not isinstance(body, dict):
            return
        event = Event(self._loop.time(), str(body.get("type")), body)
        match event.type:
            case "output_audio_buffer.started":
                self._speaking = True
            case "output_audio_buffer.stopped" | "output_audio_buffer.cleared":
                self._speaking = False
        self.events.append(event)
        self._tell()
        self._on_event(event)

    def _closed(self, reason: EndReason) -> None:
        self.ended = reason
        self.microphone.stop()
        self._tell()

    def _tell(self) -> None:
        """Wake everyone who waits; who waits again waits for the next news."""
        self._news.set()
        self._news = asyncio.Event()


def _impair(peer: Peer, loss: Loss) -> None:
    if loss.up:
        network.impair(peer.pc, _dropper(loss.up, f"{loss.seed} up"))
    if loss.down:
        network.impair_arrivals(peer.pc, _dropper(loss.down, f"{loss.seed} down"))


def _dropper(share: float, seed: str) -> Callable[[], bool]:
    dice = random.Random(seed)
    return lambda: dice.random() < share


def _reason(body: str, response: aiohttp.ClientResponse) -> str:
    """Return what a refusal says, in the words of the server if it is one of this API."""
    status = harmless(f"HTTP {response.status} {response.reason or ''}".strip())
    try:
        error = json.loads(body)["error"]
        return harmless(f"{error['code']}: {error['message']} ({status})")
    except (ValueError, KeyError, TypeError):
        return f"{status}: is it a server of this API?"
