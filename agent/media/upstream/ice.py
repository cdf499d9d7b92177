"""ICE as a call needs it: who is there, and on which address. In place of aioice's."""

import asyncio
import contextlib
import copy
import random
import struct
from typing import Any, ClassVar

import aioice.ice
import aioice.stun

_MAX_DATAGRAMS = 2048  # waiting to be read; a second of them is 50
_MAX_ADDRESSES = 32  # that a peer may be seen at; each is sent seven checks at the most
_CONSENT_INTERVAL_S = 1.0
_URGENT_INTERVAL_S = 0.1
_ANSWER_S = 1.5  # the longest round trip: aioice's RETRY_RTO of 0.5 s, and twice that
_CONSENT_EXPIRY_S = 30.0  # RFC 7675, section 5.1
_ROUND_TRIPS = 5  # the shortest of them is the way; what the others add is waiting


class Protocol(aioice.ice.StunProtocol):
    """A socket, to which anyone may send anything."""

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        # what aioice raises for an attribute of the wrong size, and for one that is missing
        with contextlib.suppress(struct.error, KeyError):
            super().datagram_received(data, addr)


class Connection(aioice.ice.Connection):
    """An ICE agent that knows when it last heard from its peer."""

    lost_s: ClassVar[float] = 5.0
    seen_as: ClassVar[dict[str, str]] = {}  # see addresses.Offered
    heard_s = consent_s = 0.0  # the last sign of life, the last answer; on the loop's clock
    way_s = 0.0  # the last answer on the way that the media takes
    expired = False
    round_trips_s: tuple[float, ...] = ()  # of the latest checks

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._hung_up = asyncio.Event()
        self._gathering: asyncio.Task[list[Any]] | None = None

    async def close(self) -> None:
        self._hung_up.set()
        await super().close()

    async def get_component_candidates(self, *args: Any, **named: Any) -> list[Any]:
        """None once it is closed; whatever comes after that is closed, too, in its own time."""
        self._gathering = asyncio.create_task(self._gather(*args, **named))
        closed = asyncio.create_task(self._hung_up.wait())
        either = (self._gathering, closed)
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        closed.cancel()
        return self._gathering.result() if self._gathering.done() else []

    async def _gather(self, *args: Any, **named: Any) -> list[Any]:
        found = await super().get_component_candidates(*args, **named)
        if self._closing:  # meanwhile, when not all of its sockets were there to be closed
            for protocol in self._protocols:
                await protocol.close()
            self._protocols.clear()
        return [self._as_seen(candidate) for candidate in found]

    def _as_seen(self, candidate: Any) -> Any:
        public = self.seen_as.get(candidate.host)
        if public is None or candidate.type != "host":
            return candidate
        seen = copy.copy(candidate)
        seen.host = public
        return seen

    def data_received(self, data: bytes, component: int) -> None:
        self.heard_s = asyncio.get_running_loop().time()
        if data and self._queue.qsize() < _MAX_DATAGRAMS:
            super().data_received(data, component)

    async def recv(self) -> Any:
        if self._queue.qsize():  # a backlog: others have their turn between its packets
            await asyncio.sleep(0)
        return await super().recv()

    def request_received(self, message: Any, addr: Any, protocol: Any) -> None:
        self.heard_s = asyncio.get_running_loop().time()
        super().request_received(message, addr, protocol)

    def check_incoming(self, message: Any, addr: tuple[str, int], protocol: Any) -> None:
        seen_at = {(each._network_host, each.port) for each in self._remote_candidates}
        if addr not in seen_at and len(seen_at) >= _MAX_ADDRESSES:
            return
        for pair in self._check_list:
            here = pair.protocol is protocol and pair.remote_addr == addr
            if here and pair.task is not None and pair.task.done():
                # its check was cancelled when another pair was nominated
                pair.task, pair.remote_nominated = None, False
                self.check_state(pair, aioice.ice.CandidatePair.State.WAITING)
        super().check_incoming(message, addr, protocol)

    async def query_consent(self) -> None:
        """Ask every second whether the peer lives, and still wants our packets (RFC 7675).

        Consent expires after 30 s without an answer; a peer from which nothing at all came for
        `lost_s`, no answer, no check of its own, no packet, is taken for dead before that.
        While answers are missing we ask more often: a fifth of all may be lost each way.
        And on every way that is known to work: a NAT may have given it another address, which
        not every browser tells by naming the pair anew (USE-CANDIDATE).
        """
        loop = asyncio.get_running_loop()
        self.consent_s = self.heard_s = self.way_s = loop.time()
        asking: set[asyncio.Task[None]] = set()
        try:
            while (left_s := self._dead_s() - loop.time()) > 0:
                answered = loop.time() - self.consent_s < self._answer_s
                pause_s = self.lost_s / 5 if answered else left_s / 10
                pause_s = min(max(pause_s, _URGENT_INTERVAL_S), _CONSENT_INTERVAL_S)
                pause_s *= random.uniform(0.8, 1.2)
                await asyncio.sleep(min(pause_s, left_s))
                for pair in [*self._nominated.values()] if answered else self._ways():
                    task = asyncio.create_task(self._ask(pair))
                    asking.add(task)
                    task.add_done_callback(asking.discard)
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        self.expired = True
        self._query_consent_task = None  # close() would cancel the task that it runs in
        await self.close()

    @property
    def _answer_s(self) -> float:
        """An answer that takes longer is missing."""
        return min(_ANSWER_S, self.lost_s / 3)

    def _ways(self) -> list[Any]:
        """The pairs of which both ends have been heard."""
        works = aioice.ice.CandidatePair.State.SUCCEEDED
        return [pair for pair in self._check_list if pair.state is works]

    def _dead_s(self) -> float:
        silent_s = max(self.consent_s, self.heard_s) + self.lost_s
        return min(silent_s, self.consent_s + _CONSENT_EXPIRY_S)

    async def _ask(self, pair: Any) -> None:
        assert self.remote_password is not None
        asked_s = asyncio.get_running_loop().time()
        with contextlib.suppress(aioice.stun.TransactionError):
            await pair.protocol.request(
                self.build_request(pair, nominate=False),
                pair.remote_addr,
                integrity_key=self.remote_password.encode(),
                retransmissions=1,  # 0 gives up after 500 ms, this after _ANSWER_S
            )
            self.consent_s = now = asyncio.get_running_loop().time()
            if now - self.way_s > self._answer_s:
                self._nominated[pair.component] = pair
            if self._nominated.get(pair.component) is pair:
                self.way_s = now
                self.round_trips_s = (*self.round_trips_s, now - asked_s)[-_ROUND_TRIPS:]
