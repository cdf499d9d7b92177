"""Calls over real peer connections on 127.0.0.1: seats, ends, and nothing left behind."""

import asyncio
import gc
import weakref
from contextlib import asynccontextmanager

import pytest
from fakes import FakeClient, FakeEngines, FakeFunctions

from agent.canned import Canned
from agent.config_file import load
from agent.engines import Style
from agent.errors import RejectedOffer
from agent.events import EndReason
from agent.media import upstream
from agent.media.opus import Encoder
from agent.media.peer import Peer
from agent.media.playout import Playout
from agent.metrics import Metrics
from agent.notices import CallEnding, ReplyDone
from agent.switchboard import Switchboard

SETTINGS = {"ice.addresses": ["127.0.0.1"], "agent.greeting": "Hello there."}


class FakeHost:
    """Gives each call engines of its own, and keeps them for the test to see."""

    def __init__(self) -> None:
        self.calls: int | None = None
        self.opened: list[FakeEngines] = []
        self.names: list[str] = []

    def open_call(self, name):
        self.names.append(name)
        self.opened.append(FakeEngines())
        return self.opened[-1]


class BrokenRecords:
    """Its watches break when they are asked for `what`."""

    def __init__(self, what: str) -> None:
        self.closed = 0
        self._what = what

    def watch(self, call, settings, tools):
        return self

    def parts(self, parts):
        return self._broken(parts) if self._what == "parts" else parts

    def taps(self, call, playout):
        return self._broken(call)

    def close(self) -> None:
        self.closed += 1

    def _broken(self, given):
        raise OSError("broken")


class Caller:
    """The other end: connects, listens, and waits for what happens."""

    def __init__(self, config) -> None:
        self.connected, self.audible, self.closed = (asyncio.Event() for _ in range(3))
        self.peer = Peer(
            config,
            Playout(config.playout, Encoder(config.send).encode),
            on_connected=self.connected.set,
            on_audio=lambda samples: None,
            on_message=lambda text: None,
            on_closed=lambda reason: self.closed.set(),
            on_packet=lambda packet, now: self.audible.set(),
        )


class Scene:
    def __init__(self, records=None, **settings) -> None:
        self.config = load(None, {**SETTINGS, **settings})
        upstream.install(self.config)
        self.host, self.metrics = FakeHost(), Metrics()
        self.board = Switchboard(
            self.config,
            self.host,
            Canned(Style("")),
            self.metrics,
            FakeFunctions(),
            records,
        )
        self.callers: list[Caller] = []

    async def offered(self):
        """A caller, and the offer that is not placed yet."""
        caller = Caller(self.config)
        self.callers.append(caller)
        return caller, await caller.peer.offer()

    async def call(self, call_id="a"):
        (caller, offer), client = await self.offered(), FakeClient()
        answer = await self.board.answer(call_id, offer, client)
        await caller.peer.accept(answer)
        await asyncio.wait_for(caller.connected.wait(), 20)
        return caller, client


@asynccontextmanager
async def scene(records=None, **settings):
    here = Scene(records, **settings)
    before = asyncio.all_tasks()
    try:
        yield here
    finally:
        await here.board.close()
        await asyncio.gather(*(caller.peer.close() for caller in here.callers))
    assert here.board.active == 0
    async with asyncio.timeout(20):
        while left := asyncio.all_tasks() - before:
            await asyncio.wait(left, timeout=1)


def test_a_caller_is_greeted_and_hung_up() -> None:
    async def main():
        async with scene() as here:
            caller, client = await here.call("0123456789abcdef")
            await asyncio.wait_for(caller.audible.wait(), 20)
            assert here.board.active == 1
            assert await here.board.hang_up("0123456789abcdef")
            assert here.board.active == 0
            assert client.of(ReplyDone)[0].reason == "call_ended"
            assert client.of(CallEnding) == [CallEnding(EndReason.CALLER)]
            assert here.host.opened[0].log == ["close"]
            assert here.host.names == ["0123456789ab"], "no more of it: the whole hangs up"
            await asyncio.wait_for(caller.closed.wait(), 20)
            assert not await here.board.hang_up("a")

    asyncio.run(main())


def test_a_full_board_refuses_and_a_freed_seat_is_free() -> None:
    async def main():
        async with scene(**{"limits.calls": 1}) as here:
            await here.call("a")
            with pytest.raises(RejectedOffer) as refused:
                await here.board.answer("b", "never looked at", FakeClient())
            assert (refused.value.code, refused.value.status) == ("server_full", 503)
            assert len(here.host.opened) == 1
            await here.board.hang_up("a")
            await here.call("c")

    asyncio.run(main())


def test_two_at_once_do_not_share_the_last_seat() -> None:
    async def main():
        async with scene(**{"limits.calls": 1}) as here:
            asked = [here.board.answer(name, "v=0\r\n", FakeClient()) for name in "ab"]
            refused = await asyncio.gather(*asked, return_exceptions=True)
            assert [error.code for error in refused] == ["invalid_offer", "server_full"]
            assert len(here.host.opened) == 1

    asyncio.run(main())


def test_an_offer_that_cannot_be_answered_leaves_nothing() -> None:
    async def main():
        async with scene() as here:
            with pytest.raises(RejectedOffer) as refused:
                await here.board.answer("a", "v=0\r\n", FakeClient())
            assert refused.value.code == "invalid_offer"
            await here.board.hang_up("a")  # returns when the seat is free
            assert here.board.active == 0
            assert here.host.opened[0].log == ["close"]

    asyncio.run(main())


@pytest.mark.parametrize("what", ["parts", "taps"])
def test_a_call_that_cannot_be_built_leaves_nothing(what) -> None:
    """Killed: engines that are opened for it and never closed, which keep their room."""

    async def main():
        records = BrokenRecords(what)
        async with scene(records) as here:
            with pytest.raises(OSError, match="broken"):
                await here.board.answer("a", "never looked at", FakeClient())
            assert [engines.log for engines in here.host.opened] == [["close"]]
            assert records.closed == 1
            assert here.board.active == 0

    asyncio.run(main())


def test_a_caller_who_leaves_frees_the_seat() -> None:
    async def main():
        async with scene() as here:
            caller, client = await here.call()
            await caller.peer.close()
            await asyncio.wait_for(client.ended.wait(), 20)
            assert client.of(CallEnding) == [CallEnding(EndReason.CALLER)]

    asyncio.run(main())


def test_a_call_has_a_greatest_length() -> None:
    async def main():
        async with scene(**{"limits.call_s": 1}) as here:
            caller, client = await here.call()
            await asyncio.wait_for(caller.closed.wait(), 20)
            assert client.of(CallEnding) == [CallEnding(EndReason.TOO_LONG)]

    asyncio.run(main())


def test_a_stopping_server_ends_its_calls_and_takes_no_more() -> None:
    async def main():
        async with scene() as here:
            _, client = await here.call()
            await here.board.close()
            assert client.of(CallEnding) == [CallEnding(EndReason.SHUTDOWN)]
            with pytest.raises(RejectedOffer) as refused:
                await here.board.answer("b", "never looked at", FakeClient())
            assert (refused.value.code, refused.value.status) == ("shutting_down", 503)

    asyncio.run(main())


@pytest.mark.parametrize("passes", range(1, 10))
def test_a_caller_who_is_being_answered_as_the_server_stops_is_told_so(passes) -> None:
    """After so many passes of the loop, in one of which the answer is ready."""

    async def main():
        async with scene() as here:
            _, offer = await here.offered()
            answering = asyncio.create_task(here.board.answer("a", offer, FakeClient()))
            for _ in range(passes):
                await asyncio.sleep(0)
            assert not answering.done()
            await here.board.close()
            with pytest.raises(RejectedOffer) as refused:
                await answering
            assert (refused.value.code, refused.value.status) == ("shutting_down", 503)

    asyncio.run(main())


def test_a_call_that_is_over_goes_without_the_garbage_collector() -> None:
    """It would take several calls at once, and hold the others up for it."""

    async def main():
        async with scene() as here:
            await here.call("a")
            line = here.board._lines["a"]
            watched = [weakref.ref(part) for part in (line, line.call, line.peer)]
            del line
            gc.collect()
            gc.disable()
            try:
                await here.board.hang_up("a")
                async with asyncio.timeout(20):
                    while any(part() for part in watched):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            finally:
                gc.enable()

    asyncio.run(main())


def test_a_call_is_known_by_its_offer_until_it_is_over() -> None:
    async def main():
        async with scene() as here:
            await here.call("a")
            _, offer = await here.offered()
            assert here.board.placed_by(offer) == []
            answering = asyncio.create_task(here.board.answer("b", offer, FakeClient()))
            while here.board.active < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
            assert here.board.placed_by(offer) == ["b"]  # while it is being answered, too
            await answering
            assert here.board.placed_by(offer) == ["b"]
            assert await here.board.hang_up("b")
            assert here.board.placed_by(offer) == []

    asyncio.run(main())


def test_a_caller_who_hangs_up_while_being_answered_is_no_error() -> None:
    async def main():
        async with scene() as here:
            _, offer = await here.offered()
            answering = asyncio.create_task(here.board.answer("a", offer, FakeClient()))
            while not here.board.active:  # noqa: ASYNC110
                await asyncio.sleep(0)
            assert await here.board.hang_up("a")
            with pytest.raises(RejectedOffer):
                await answering

    asyncio.run(main())


def test_calls_are_counted() -> None:
    async def main():
        async with scene() as here:
            await here.call()
            assert b"voxline_calls_active 1.0" in here.metrics.text()
            await here.board.hang_up("a")
            assert b"voxline_calls_active 0.0" in here.metrics.text()
            assert b'voxline_calls_ended_total{reason="caller"} 1.0' in here.metrics.text()

    asyncio.run(main())


@pytest.mark.parametrize(("room", "capacity"), [(None, 8), (3, 3), (64, 8)])
def test_there_are_no_more_seats_than_the_engines_have_room_for(room, capacity) -> None:
    async def main():
        scene = Scene()
        scene.host.calls = room
        assert scene.board.capacity == capacity

    asyncio.run(main())
