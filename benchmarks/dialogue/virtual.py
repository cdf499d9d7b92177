"""Scenarios in virtual time: two minutes of a call take seconds, and the same ones each time.

Everything between the caller's microphone and their ear is the real thing (Opus, jitter
buffers, silero, ear, turns, replies, playout, the client's protocol) but for three: packets
arrive when they leave, the engines work in this process, in no time, and Smart Turn, whose
answers take real time, is not asked. So what is measured here is the deciding; what network and
engines cost besides is measured over a network.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from agent.audio.frame import Samples
from agent.brains.operator.brain import Operator
from agent.brains.scripted import ScriptedBrain
from agent.call import Call
from agent.canned import Canned
from agent.config import Agent, Config
from agent.engines import Brain, Conversation, Heard, Listener, Piece, Speech, Style, Voice
from agent.errors import ConfigError, EngineError
from agent.events import EndReason
from agent.flight.recorder import Unwatched
from agent.media.jitter import RtpAudio
from agent.media.opus import Encoder
from agent.media.playout import Playout
from agent.media.receiver import Receiver, Stats
from agent.metrics import Metrics
from agent.shared import Shared
from agent.toolbox import Toolbox
from agent.vad.silero import Silero
from agent.virtual_time import run
from agent.voices.espeak import EspeakVoice
from agent.voices.tone import ToneVoice
from benchmarks.caller import Caller
from benchmarks.dialogue.account import Account
from benchmarks.dialogue.play import play
from benchmarks.dialogue.scenario import configured
from benchmarks.dialogue.world import Part, Settings
from signaling.realtime import RealtimeClient
from signaling.sessions import Session

_NOW = datetime(2026, 1, 5, 19, 52, tzinfo=UTC)  # what the operator tells: the same each time


class VirtualWorld:
    """A `World` without a network."""

    name = "virtual"

    def play(
        self, parts: Sequence[Part], settings: Settings, done: Callable[[Part, Account], None]
    ) -> None:
        if settings.overrides.get("turns.smart_turn") == "always":
            raise ConfigError(
                "turns.smart_turn: 'always' cannot be had in virtual time, where it is never "
                "asked; add --live"
            )
        for part in parts:
            config = configured(part.scenario, settings.config, settings.overrides)
            done(part, run(_played(part, config)))


async def _played(part: Part, config: Config) -> Account:
    async with ringing(config, part.session) as call:
        return await play(part, call)


@asynccontextmanager
async def ringing(config: Config, session: dict[str, Any]) -> AsyncIterator[Caller]:
    """A caller whose call was taken just now. Raises ConfigError."""
    thoughts = _Thoughts()
    brain, voice = _engines(config.agent, thoughts)
    agent = config.agent
    canned = Canned(Style(agent.voice_name, agent.language, agent.speed))
    said = (agent.greeting, agent.still_there, agent.goodbye, agent.apology)
    await canned.record(InLoop(brain, voice, thoughts), filter(None, said))
    shared = Shared(config, canned, Metrics(), Toolbox())
    line = _Line(shared, session, InLoop(brain, voice, thoughts), voice.voices())
    caller = Caller(config, lambda event: None, VirtualPeer)
    assert isinstance(caller.way, VirtualPeer)
    VirtualPeer.join(line.peer, caller.way)
    try:
        yield caller
    finally:
        line.call.end(EndReason.CALLER)
        caller.microphone.stop()
        line.playout.stop()
        await line.peer.close()
        await caller.way.close()


class VirtualPeer:
    """Stands for a `Peer`: what one end sends, the other has at once."""

    def __init__(
        self,
        config: Config,
        track: MediaStreamTrack,
        *,
        on_connected: Callable[[], None],
        on_audio: Callable[[Samples], None],
        on_message: Callable[[str], None],
        on_closed: Callable[[EndReason], None],
        on_channel_open: Callable[[], None] = lambda: None,
        on_packet: Callable[[RtpAudio, float], None] | None = None,
    ) -> None:
        self._track = track
        self._on_connected, self._on_channel_open = on_connected, on_channel_open
        self._on_message, self._on_closed = on_message, on_closed
        self._receiver = Receiver(config.receive, on_audio, on_packet)
        self._loop = asyncio.get_running_loop()
        self._other: VirtualPeer | None = None
        self._sending: asyncio.Task[None] | None = None

    @staticmethod
    def join(agent: "VirtualPeer", caller: "VirtualPeer") -> None:
        """Connect two ends, and begin to send."""
        agent._other, caller._other = caller, agent
        for end in (caller, agent):
            end._sending = asyncio.create_task(end._send_on())
            end._on_connected()
        agent._on_channel_open()

    @property
    def stats(self) -> Stats:
        return self._receiver.stats

    def send(self, text: str) -> None:
        """Send a message."""
        if self._other is not None:
            self._loop.call_soon(self._other._on_message, text)

    def hang_up(self) -> None:
        """The agent is gone: tell the caller as a closed connection does."""
        if self._other is not None:
            self._loop.call_soon(self._other._on_closed, EndReason.CALLER)

    async def close(self) -> None:
        self._receiver.close()
        if self._sending is not None:
            self._sending.cancel()
            with suppress(asyncio.CancelledError):
                await self._sending

    async def _send_on(self) -> None:
        assert self._other is not None
        sequence = 0
        with suppress(MediaStreamError):
            while True:
                packet = await self._track.recv()
                assert isinstance(packet, av.Packet) and packet.pts is not None
                self._other._receiver.take(1, sequence & 0xFFFF, packet.pts, bytes(packet))
                sequence += 1


class _Line:
    """The agent's end, wired as `agent.switchboard` does it."""

    name, round_trip_s = "rtc_virtual", 0.0

    def __init__(
        self,
        shared: Shared,
        session: dict[str, Any],
        engines: "InLoop",
        voices: tuple[str, ...],
    ) -> None:
        config = shared.config
        fresh = Session.fresh(config, "sess_virtual", voices)
        asked = fresh.updated(session)
        client = RealtimeClient(asked, asked.changes_since(fresh), salt="virtual")
        self.playout = Playout(config.playout, Encoder(config.send).encode)
        self.call = Call(shared, client, self, self.playout, engines, Silero())
        taps = Unwatched().taps(self.call, self.playout)
        self.peer = VirtualPeer(
            config,
            self.playout,
            on_connected=taps.connected,
            on_audio=taps.hear,
            on_channel_open=taps.channel_opened,
            on_message=self.call.message,
            on_closed=self.call.end,
        )

    def send(self, text: str) -> None:
        self.peer.send(text)

    def closed(self, reason: EndReason) -> None:
        self.peer.hang_up()


class _Thoughts:
    """The seconds that the scripted brain says it takes: let pass later, in virtual time."""

    def __init__(self) -> None:
        self._owed_s = 0.0

    def think(self, seconds: float) -> None:
        self._owed_s += seconds

    def take(self) -> float:
        owed_s, self._owed_s = self._owed_s, 0.0
        return owed_s


class InLoop:
    """`CallEngines` of engines in this process: a call's share of a brain and a voice.

    They compute when they are asked, in no time but for what they say they think.
    """

    def __init__(self, brain: Brain, voice: Voice, thoughts: _Thoughts) -> None:
        self._listener: Listener = brain.listen()
        self._voice, self._thoughts = voice, thoughts

    def expect(self, conversation: Conversation) -> None:
        self._listener.expect(conversation)

    def hear(self, samples: Samples) -> None:
        self._listener.hear(samples)

    def reply(self, turn: int, conversation: Conversation) -> AsyncGenerator[Piece]:
        return self._let_out(self._worked_out(self._listener.reply(conversation)))

    def transcribe(self) -> AsyncGenerator[Piece]:
        return self._let_out(self._worked_out(self._listener.transcribe()))

    async def speak(self, turn: int, phrase: str, style: Style) -> AsyncGenerator[Speech]:
        for speech in self._voice.speak(phrase, style):
            await asyncio.sleep(0)
            yield speech

    def keep(self, turn: int) -> None:
        self._listener.keep()

    def discard(self, turn: int) -> None:
        self._listener.discard()

    def forget(self) -> None:
        self._listener.forget()

    def close(self) -> None:
        self._listener.close()

    def _worked_out(
        self, pieces: Iterator[Piece] | Iterator[Heard]
    ) -> list[tuple[float, Piece | EngineError]]:
        """Everything at once: by the port, what comes next (keep, discard) is about it."""
        found: list[tuple[float, Piece | EngineError]] = []
        try:
            for piece in pieces:
                found.append((self._thoughts.take(), piece))
        except EngineError as error:
            found.append((self._thoughts.take(), error))
        return found

    async def _let_out(
        self, pieces: list[tuple[float, Piece | EngineError]]
    ) -> AsyncGenerator[Piece]:
        for thought_s, piece in pieces:
            await asyncio.sleep(thought_s)
            if isinstance(piece, EngineError):
                raise piece
            yield piece


def _engines(agent: Agent, thoughts: _Thoughts) -> tuple[Brain, Voice]:
    brain: Brain
    match agent.brain or agent.engine:
        case "operator":
            brain, voice = _operator(), agent.voice or "espeak"
        case "scripted":
            brain, voice = ScriptedBrain(think=thoughts.think), agent.voice or "tone"
        case other:
            raise ConfigError(f"{other}: in virtual time there are operator and scripted")
    match voice:
        case "espeak":
            return brain, EspeakVoice()
        case "tone":
            return brain, ToneVoice()
    raise ConfigError(f"agent.voice: {voice}: in virtual time there are espeak and tone")


@cache
def _operator() -> Operator:
    return Operator(now=lambda: _NOW)
