"""What stands around a call to see what comes to it and what it does, and changes nothing.

Wraps what a call is given (`Parts`) and what it is told (`Taps`); the call knows nothing of it.
Costs one small object for each thing seen; what becomes of them is for whoever takes them.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import count
from typing import Protocol, TypeVar

import agent.flight.entries as en
from agent import commands as do
from agent import events as ev
from agent import notices as nt
from agent import requests as rq
from agent.audio.frame import Samples
from agent.call import Call, Client
from agent.canned import Canned
from agent.engines import CallEngines, Conversation, Piece, Speech, Style, Vad
from agent.errands import Functions
from agent.errors import EngineError
from agent.media.jitter import RtpAudio
from agent.media.playout import Playout
from agent.shared import Shared

T = TypeVar("T", Piece, Speech)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a call is made of."""

    shared: Shared
    client: Client
    engines: CallEngines
    vad: Vad
    encode: Callable[[Samples], bytes]


@dataclass(frozen=True, slots=True)
class Taps:
    """What a call is told by its line."""

    connected: Callable[[], None]
    channel_opened: Callable[[], None]
    hear: Callable[[Samples], None]
    packet: Callable[[RtpAudio, float], None] | None = None


class Watch(Protocol):
    """One call's."""

    def parts(self, parts: Parts) -> Parts:
        """What the call is to be made of instead."""

    def taps(self, call: Call, playout: Playout) -> Taps:
        """Connect the two; return what the line is to call."""

    def close(self) -> None:
        """The call is over, and everything of it."""


class Unwatched:
    """Nobody looks on."""

    def parts(self, parts: Parts) -> Parts:
        return parts

    def taps(self, call: Call, playout: Playout) -> Taps:
        playout.on_left = lambda turn, _, now: call.packet_left(turn, now)
        playout.on_finished, playout.on_sound = call.reply_left, call.sound_left
        playout.on_due = call.catch_up
        return Taps(call.connected, call.channel_opened, call.hear)

    def close(self) -> None:
        pass


class Log:
    """Takes entries. Its clock is the loop's, from now on."""

    def __init__(self, take: Callable[[en.Entry], None]) -> None:
        self.take = take
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self._requests = count(1)

    @property
    def now(self) -> float:
        return self._loop.time() - self._began_s

    def at(self, now: float) -> float:
        """A moment of the loop's clock."""
        return now - self._began_s

    def loop_s(self, at: float) -> float:
        """The other way round."""
        return at + self._began_s

    def want(self, verb: str, key: str) -> int:
        """Note a request; return its number."""
        number = next(self._requests)
        self.take(en.Wanted(self.now, number, verb, key))
        return number


class Recorder:
    """Notes everything. See `entries` for what that is."""

    def __init__(
        self, take: Callable[[en.Entry], None], close: Callable[[], None] = lambda: None
    ) -> None:
        self._log = Log(take)
        self.close = close

    def parts(self, parts: Parts) -> Parts:
        log, encode = self._log, parts.encode

        def encoded(samples: Samples) -> bytes:
            log.take(en.Sent(log.now))
            return encode(samples)

        engines = _Engines(parts.engines, parts.shared.canned, log)
        functions = _Functions(parts.shared.functions, log)
        # canned phrases are noted as any other: _Engines has them
        shared = replace(parts.shared, canned=Canned(Style("")), functions=functions)
        return Parts(shared, _Client(parts.client, log), engines, _Vad(parts.vad, log), encoded)

    def taps(self, call: Call, playout: Playout) -> Taps:
        log = self._log

        def stepped(event: ev.Event | float, now: float, commands: list[do.Command]) -> None:
            if isinstance(event, float):
                log.take(en.Ticked(log.at(now), log.at(event), tuple(commands)))
            else:
                log.take(en.Stepped(log.at(now), event, tuple(commands)))

        def left(turn: int, samples: int, now: float) -> None:
            log.take(en.Left(log.at(now), turn, samples))
            call.packet_left(turn, now)

        def connected() -> None:
            log.take(en.Joined(log.now))
            call.connected()

        def channel_opened() -> None:
            log.take(en.Opened(log.now))
            call.channel_opened()

        def hear(samples: Samples) -> None:
            at = log.now  # a replay's clock may move on with the note of it
            log.take(en.Heard(at, len(samples)))
            call.hear(samples, log.loop_s(at))

        def sounded(samples: Samples, at_s: float) -> None:
            log.take(en.Sounded(log.now, log.at(at_s)))
            call.sound_left(samples, at_s)

        def packet(packet: RtpAudio, now: float) -> None:
            call.judge()  # what came before it has its effects before it
            log.take(
                en.Packet(
                    log.at(now), packet.ssrc, packet.sequence, packet.timestamp, packet.payload
                )
            )

        def opined(who: str, odds: float) -> None:
            log.take(en.Opined(log.now, who, odds))

        call.on_step, call.on_opinion = stepped, opined
        playout.on_begun = lambda: log.take(en.Began(log.now))
        playout.on_left, playout.on_finished = left, call.reply_left
        playout.on_due, playout.on_sound = call.catch_up, sounded
        return Taps(connected, channel_opened, hear, packet)


class _Client:
    def __init__(self, client: Client, log: Log) -> None:
        self._client, self._log = client, log

    @property
    def settings(self) -> rq.CallSettings:
        return self._client.settings

    def opened(self) -> list[str]:
        return self._client.opened()

    def tell(self, notice: nt.Notice) -> list[str]:
        self._log.take(en.Told(self._log.now, notice))
        return self._client.tell(notice)

    def ask(self, text: str) -> tuple[list[rq.Request], list[str]]:
        requests, answers = self._client.ask(text)
        if requests:
            self._log.take(en.Asked(self._log.now, tuple(requests)))
        return requests, answers


class _Vad:
    def __init__(self, vad: Vad, log: Log) -> None:
        self._vad, self._log = vad, log

    def probability(self, window: Samples) -> float:
        probability = self._vad.probability(window)
        self._log.take(en.Voiced(self._log.now, probability))
        return probability

    @property
    def memory(self) -> Samples | None:
        return self._vad.memory


class _Functions:
    def __init__(self, functions: Functions, log: Log) -> None:
        self._functions, self._log = functions, log
        self.tools = functions.tools

    async def run(self, name: str, arguments: str) -> str:
        request = self._log.want("run", f"{name} {arguments}")
        output = await self._functions.run(name, arguments)
        self._log.take(en.Got(self._log.now, request, output))
        return output


class _Engines:
    """A call's engines and the canned phrases in front of them."""

    def __init__(self, engines: CallEngines, canned: Canned, log: Log) -> None:
        self._engines, self._canned, self._log = engines, canned, log
        self.expect, self.hear = engines.expect, engines.hear
        self.keep, self.discard, self.forget = engines.keep, engines.discard, engines.forget
        self.close = engines.close

    def reply(self, turn: int, conversation: Conversation) -> AsyncGenerator[Piece]:
        request = self._log.want("reply", "")
        return self._noted(request, self._engines.reply(turn, conversation))

    def transcribe(self) -> AsyncGenerator[Piece]:
        return self._noted(self._log.want("transcribe", ""), self._engines.transcribe())

    def speak(self, turn: int, phrase: str, style: Style) -> AsyncGenerator[Speech]:
        request = self._log.want("speak", phrase)
        return self._noted(request, self._canned.speak(self._engines, turn, phrase, style))

    async def _noted(self, request: int, stream: AsyncGenerator[T]) -> AsyncGenerator[T]:
        error: str | None = None
        try:
            async with aclosing(stream):
                async for piece in stream:
                    self._log.take(en.Got(self._log.now, request, piece))
                    yield piece
        except EngineError as failure:
            error = str(failure)
            raise
        finally:
            self._log.take(en.Ended(self._log.now, request, error))
