"""The calls of this server: each is wired here, from socket to engines, and counted.

Knows what a call is made of; decides nothing in it.
"""

import asyncio
import logging
from dataclasses import asdict
from typing import Protocol

from agent.call import Call, Client
from agent.call_id import short
from agent.canned import Canned
from agent.config import Config
from agent.engines import CallEngines
from agent.errands import Functions
from agent.errors import RejectedOffer
from agent.events import EndReason
from agent.flight.recorder import Parts, Watch
from agent.flight.store import NoRecords, Records
from agent.media.opus import Encoder
from agent.media.peer import Connection, Peer, new_connection
from agent.media.playout import Playout
from agent.metrics import Metrics
from agent.shared import Shared
from agent.smart_turn.opinion import Asked
from agent.vad.silero import Silero

log = logging.getLogger(__name__)


class Engines(Protocol):
    """Where a call's engines come from: `agent.host.client.EngineHost`."""

    @property
    def calls(self) -> int | None:
        """How many they have room for at once; None: no bound of their own."""

    def open_call(self, name: str) -> CallEngines: ...


class _Line:
    """One caller's peer connection and call, from the offer until both are gone.

    The `watch` records the call, or does nothing: it may wrap what the call is given (`parts`)
    and what it is told (`taps`).
    """

    def __init__(
        self,
        call_id: str,
        offer_sdp: str,
        shared: Shared,
        client: Client,
        engines: CallEngines,
        watch: Watch,
        connection: Connection,
    ) -> None:
        config = shared.config
        self.name, self.offer_sdp = short(call_id), offer_sdp
        self._metrics, self._watch = shared.metrics, watch
        self.gone = asyncio.Event()
        encode = Encoder(config.send).encode
        parts = watch.parts(Parts(shared, client, engines, Silero(), encode))
        self._playout = Playout(config.playout, parts.encode)
        self.call = Call(
            parts.shared, parts.client, self, self._playout, parts.engines, parts.vad
        )
        taps = watch.taps(self.call, self._playout)  # and the call hears what left the playout
        self._connect_call = taps.connected
        self.peer = Peer(
            config,
            self._playout,
            on_connected=self._connected,
            on_audio=taps.hear,
            on_channel_open=taps.channel_opened,
            on_message=self.call.message,
            on_closed=self.call.end,
            on_packet=taps.packet,
            connection=connection,
        )
        loop = asyncio.get_running_loop()
        self._began_s = loop.time()
        self._too_long = loop.call_later(
            config.limits.call_s, self.call.end, EndReason.TOO_LONG
        )
        self._closing: asyncio.Task[None] | None = None

    @property
    def round_trip_s(self) -> float:
        return self.peer.round_trip_s

    def send(self, text: str) -> None:
        if not self.gone.is_set():
            self.peer.send(text)

    def closed(self, reason: EndReason) -> None:
        """The call has ended; let the line go."""
        lasted_s = asyncio.get_running_loop().time() - self._began_s
        log.info("call %s ended after %.0f s: %s", self.name, lasted_s, reason.value)
        self._too_long.cancel()
        self._closing = asyncio.create_task(self._close())

    def _connected(self) -> None:
        log.info("call %s connected", self.name)
        self._connect_call()

    async def _close(self) -> None:
        try:
            await self.peer.close()
        finally:
            self._playout.stop()
            self._watch.close()
            self._metrics.line_closed(asdict(self.peer.stats), self._playout.stats.underruns)
            self.gone.set()

    def take_apart(self) -> None:
        """All is over: let nothing hold itself alive, so that it goes at once.

        Left to the collector, several calls go together, in 3 to 6 ms in the midst of others.
        """
        self._playout.on_left = self._playout.on_finished = None
        self._playout.on_due = self._playout.on_sound = None
        self.call.take_apart()
        del self.call, self.peer, self._connect_call


class Switchboard:
    """Answers offers while there are seats, and ends what it answered."""

    def __init__(
        self,
        config: Config,
        engines: Engines,
        canned: Canned,
        metrics: Metrics,
        functions: Functions,
        records: Records | None = None,
        adviser: Asked | None = None,
    ) -> None:
        self._shared = Shared(config, canned, metrics, functions, adviser)
        self._records = records or NoRecords()
        self._config, self._engines, self._metrics = config, engines, metrics
        self._lines: dict[str, _Line] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._open = True

    @property
    def active(self) -> int:
        """Calls now, those that are still connecting or closing included."""
        return len(self._lines)

    @property
    def capacity(self) -> int:
        room, limit = self._engines.calls, self._config.limits.calls
        return limit if room is None else min(limit, room)

    async def answer(self, call_id: str, offer_sdp: str, client: Client) -> str:
        """Begin a call; return the SDP answer. Raises RejectedOffer, leaving nothing behind."""
        await asyncio.sleep(0)  # reading the offer held the loop long enough
        self._refuse_if_full()
        connection = new_connection(self._config)
        await asyncio.sleep(0)  # so did that
        self._refuse_if_full()
        name = short(call_id)
        watch = self._records.watch(name, client.settings, self._shared.functions.tools)
        engines = self._engines.open_call(name)
        try:
            line = _Line(call_id, offer_sdp, self._shared, client, engines, watch, connection)
        except BaseException:  # there is no call yet that would let go of them
            engines.close()
            watch.close()
            raise
        self._lines[call_id] = line
        self._metrics.calls_active.set(self.active)
        watcher = asyncio.create_task(self._forget_when_gone(call_id, line))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        call = line.call  # which may end, and its line be taken apart, meanwhile
        try:
            return await line.peer.answer(offer_sdp)
        except RejectedOffer:
            call.end(EndReason.NEVER_CONNECTED)
            self._refuse_if_stopping()  # then it is no fault of the offer
            raise
        except BaseException:
            call.end(EndReason.ERROR)
            raise

    def _refuse_if_full(self) -> None:
        self._refuse_if_stopping()
        if self.active >= self.capacity:
            raise RejectedOffer(
                "server_full", f"all {self.capacity} lines are busy; try again", status=503
            )

    def _refuse_if_stopping(self) -> None:
        if not self._open:
            raise RejectedOffer("shutting_down", "the server is stopping", status=503)

    def placed_by(self, offer_sdp: str) -> list[str]:
        """Return the ids of the calls that this offer placed and that are not over."""
        return [id for id, line in self._lines.items() if line.offer_sdp == offer_sdp]

    async def hang_up(self, call_id: str, reason: EndReason = EndReason.CALLER) -> bool:
        """End a call and wait until it has released everything; False when there is none."""
        line = self._lines.get(call_id)
        if line is None:
            return False
        line.call.end(reason)
        await line.gone.wait()
        return True

    async def close(self) -> None:
        """Take no more calls and end those there are."""
        self._open = False
        await asyncio.gather(*(self.hang_up(i, EndReason.SHUTDOWN) for i in [*self._lines]))

    async def _forget_when_gone(self, call_id: str, line: _Line) -> None:
        await line.gone.wait()
        del self._lines[call_id]
        self._metrics.calls_active.set(self.active)
        line.take_apart()
