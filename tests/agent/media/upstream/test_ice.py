"""ICE agents over 127.0.0.1, with a network or a NAT between them; calls: test_peer.py."""

import asyncio
import os
import random
import socket
from functools import wraps
from types import SimpleNamespace

import aioice.ice
import aioice.stun
import pytest

from agent import virtual_time
from agent.config import Config, Ice
from agent.media import addresses, upstream
from agent.media.addresses import Offered
from agent.media.upstream.ice import Connection

LOOPBACK = Config(ice=Ice(addresses=("127.0.0.1",)))


def realtime(test):
    @wraps(test)
    def run(*args, **named):
        asyncio.run(test(*args, **named))

    return run


@realtime
async def test_the_address_before_a_nat_is_offered_in_place_of_ours():
    seen = Offered(("127.0.0.1",), {"127.0.0.1": "203.0.113.7"})
    stock, addresses.resolve = addresses.resolve, lambda configured: seen
    try:
        upstream.install(Config())
    finally:
        addresses.resolve = stock
    connection = Connection(ice_controlling=True)
    await connection.gather_candidates()
    (candidate,) = connection.local_candidates
    assert candidate.host == "203.0.113.7"
    assert connection._protocols[0].transport.get_extra_info("sockname") == (
        "127.0.0.1",
        candidate.port,
    )
    await connection.close()
    upstream.install(LOOPBACK)


@pytest.mark.parametrize("passes", range(1, 6))
def test_whoever_hangs_up_while_addresses_are_gathered_leaves_no_socket(passes):
    async def main():
        upstream.install(LOOPBACK)
        before = len(os.listdir("/proc/self/fd"))
        connection = Connection(ice_controlling=True)
        gathering = asyncio.create_task(connection.gather_candidates())
        for _ in range(passes):
            await asyncio.sleep(0)
        await connection.close()
        await gathering
        assert await files_left_by(connection) == before

    asyncio.run(main())


async def files_left_by(connection):
    await connection._gathering
    for _ in range(5):  # a transport closes its socket in a later pass
        await asyncio.sleep(0)
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("server", ["stun", "turn"])
@realtime
async def test_whoever_hangs_up_while_a_server_does_not_answer_does_not_wait_for_it(server):
    """Killed: a server that took five seconds to stop, and a caller told of it so late."""
    upstream.install(LOOPBACK)
    before = len(os.listdir("/proc/self/fd"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.setblocking(False)
        address = {f"{server}_server": silent.getsockname()}
        connection = Connection(ice_controlling=True, **address)
        gathering = asyncio.create_task(
            connection.get_component_candidates(1, ["127.0.0.1"], timeout=1)
        )
        await asyncio.get_running_loop().sock_recv(silent, 1500)
        assert not gathering.done()
        await connection.close()
        async with asyncio.timeout(0.5):
            assert await gathering == []
    assert await files_left_by(connection) == before


# -- consent -----------------------------------------------------------------------------------


class Path:
    """Two ICE agents over 127.0.0.1 with a network between them."""

    def __init__(self, one_way_s=0.0, loss=0.0):
        self.one_way_s, self.loss, self.dice = one_way_s, loss, random.Random(1)
        self.cut = False

    async def __aenter__(self):
        upstream.install(LOOPBACK)
        self.here = Connection(ice_controlling=True)
        self.there = aioice.ice.Connection(ice_controlling=False)
        for side in (self.here, self.there):
            await side.gather_candidates()
            for protocol in side._protocols:
                self._slow_down(protocol)
        for side, other in ((self.here, self.there), (self.there, self.here)):
            side.remote_username = other.local_username
            side.remote_password = other.local_password
            for candidate in other.local_candidates:
                await side.add_remote_candidate(candidate)
            await side.add_remote_candidate(None)
        self.connecting = True
        await asyncio.gather(self.here.connect(), self.there.connect())
        self.connecting = False
        # A stock agent would give up a slow path by itself.
        self.there._query_consent_task.cancel()
        return self

    async def __aexit__(self, *_):
        await self.here.close()
        await self.there.close()

    def _slow_down(self, protocol):
        transport, loop = protocol.transport, asyncio.get_running_loop()
        sendto = transport.sendto

        def later(data, to):
            if self.cut or (not self.connecting and self.dice.random() < self.loss):
                return
            if not transport.is_closing():
                loop.call_later(
                    self.one_way_s, lambda: transport.is_closing() or sendto(data, to)
                )

        protocol.transport = SimpleNamespace(
            sendto=later, close=transport.close, get_extra_info=transport.get_extra_info
        )

    connecting = True


def lasting(path, seconds):
    async def run():
        async with path:
            await asyncio.sleep(seconds)
            return path.here.expired

    return virtual_time.run(run())


def test_a_round_trip_of_540_ms_is_no_reason_to_hang_up():
    assert not lasting(Path(one_way_s=0.270), 120)


def test_a_fifth_of_the_packets_lost_each_way_is_no_reason_to_hang_up():
    """No media in this path: in a call every packet that arrives is a sign of life."""
    assert not lasting(Path(one_way_s=0.02, loss=0.2), 300)


@pytest.mark.parametrize("one_way_s", [0.0, 0.27])
def test_a_dead_peer_is_noticed_within_six_seconds(one_way_s):
    async def run():
        async with Path(one_way_s) as path:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(7.3)
            path.cut, began = True, loop.time()
            while await path.here.get_event() is not None:
                pass  # until it closes by itself
            return loop.time() - began

    # the last answer came up to 1.2 s before the cut
    assert 3.5 <= virtual_time.run(run()) <= 6


def test_consent_expires_though_strangers_send():
    """Datagrams are not authenticated here; only answers are (RFC 7675, section 5.1)."""

    async def run():
        async with Path() as path:
            loop = asyncio.get_running_loop()
            path.cut, began = True, loop.time()
            while not path.here.expired:
                path.here.data_received(b"\x80", 1)
                await asyncio.sleep(0.1)
            return loop.time() - began

    assert 28 <= virtual_time.run(run()) <= 32


@pytest.mark.parametrize(
    ("one_way_s", "loss"), [(0.0, 0.0), (0.04, 0.0), (0.27, 0.0), (0.04, 0.2)]
)
def test_each_check_measures_the_way(one_way_s, loss):
    async def run():
        async with Path(one_way_s, loss) as path:
            pc = SimpleNamespace(
                _RTCPeerConnection__iceTransports=[SimpleNamespace(_connection=path.here)]
            )
            assert upstream.round_trip_s(pc) == 0  # not measured yet
            await asyncio.sleep(30)
            assert len(path.here.round_trips_s) == 5
            return upstream.round_trip_s(pc)

    # 127.0.0.1 is a real socket, and takes no virtual time
    assert virtual_time.run(run()) == pytest.approx(2 * one_way_s, abs=0.005)


# -- a caller who moves ------------------------------------------------------------------------


class Phone:
    """The other side, at as many addresses as it likes. Answers checks where it is told to."""

    username, password = "phone", "p" * 22

    def __init__(self, agent):
        self.agent = agent
        self.sockets, self.heard = {}, []  # by name; (name, data) in order

    async def open(self, name, answers=True):
        phone, loop = self, asyncio.get_running_loop()

        class At(asyncio.DatagramProtocol):
            def datagram_received(self, data, addr):
                phone._take(name, data)

        candidate = self.agent.local_candidates[0]
        self.to = (candidate.host, candidate.port)
        transport, _ = await loop.create_datagram_endpoint(At, remote_addr=self.to)
        self.sockets[name] = SimpleNamespace(transport=transport, answers=answers)

    def check(self, name, nominate=False):
        request = aioice.stun.Message(
            message_method=aioice.stun.Method.BINDING, message_class=aioice.stun.Class.REQUEST
        )
        request.attributes["USERNAME"] = f"{self.agent.local_username}:{self.username}"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING"] = 1
        if nominate:
            request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self.agent.local_password.encode())
        self.sockets[name].transport.sendto(bytes(request))

    def _take(self, name, data):
        try:
            message = aioice.stun.parse_message(data)
        except ValueError:
            self.heard.append((name, data))
            return
        request = message.message_class is aioice.stun.Class.REQUEST
        if request and self.sockets[name].answers:
            answer = aioice.stun.Message(
                message_method=aioice.stun.Method.BINDING,
                message_class=aioice.stun.Class.RESPONSE,
                transaction_id=message.transaction_id,
            )
            answer.attributes["XOR-MAPPED-ADDRESS"] = self.to
            answer.add_message_integrity(self.password.encode())
            self.sockets[name].transport.sendto(bytes(answer))

    def close(self):
        for each in self.sockets.values():
            each.transport.close()


class Moving:
    """An agent and a phone that is connected from its address "home"."""

    async def __aenter__(self):
        upstream.install(LOOPBACK)
        self.agent = Connection(ice_controlling=False)
        await self.agent.gather_candidates()
        self.phone = Phone(self.agent)
        self.agent.remote_username = self.phone.username
        self.agent.remote_password = self.phone.password
        connecting = asyncio.create_task(self.agent.connect())
        await self.phone.open("home")
        await self.phone.open("elsewhere", answers=False)
        self.phone.check("elsewhere")  # under way when the agent knows where the phone is
        await asyncio.sleep(0.1)
        self.phone.check("home", nominate=True)
        await connecting
        return self

    async def __aexit__(self, *_):
        await self.agent.close()
        self.phone.close()

    async def reached_at(self):
        """Where the phone hears the agent now."""
        self.phone.heard.clear()
        await self.agent.send(b"\x80")
        await asyncio.sleep(0.05)
        return [name for name, _ in self.phone.heard]


def test_a_caller_is_heard_at_an_address_whose_check_had_been_given_up():
    async def run():
        async with Moving() as moving:
            assert await moving.reached_at() == ["home"]
            moving.phone.sockets["elsewhere"].answers = True
            moving.phone.check("elsewhere")
            await asyncio.sleep(1)
            assert await moving.reached_at() == ["home"]  # it was not named
            moving.phone.check("elsewhere", nominate=True)
            await asyncio.sleep(1)
            return await moving.reached_at()

    assert virtual_time.run(run()) == ["elsewhere"]


def test_a_caller_whose_address_changes_is_found_though_it_names_no_pair_anew():
    """A NAT forgot its mapping; the caller does not know, and its checks name nothing."""

    async def run():
        async with Moving() as moving:
            await asyncio.sleep(7)
            moving.phone.sockets["home"].transport.close()
            await moving.phone.open("new mapping")
            moving.phone.check("new mapping")
            await asyncio.sleep(4)
            assert not moving.agent.expired
            return await moving.reached_at()

    assert virtual_time.run(run()) == ["new mapping"]


def test_a_caller_who_answers_where_they_were_stays_there():
    async def run():
        async with Moving() as moving:
            await moving.phone.open("second")
            for _ in range(30):
                moving.phone.check("second")
                await asyncio.sleep(1)
                assert await moving.reached_at() == ["home"]
            for name in ("home", "second"):
                moving.phone.sockets[name].answers = False
            await asyncio.sleep(3)
            moving.phone.sockets["home"].answers = True
            await asyncio.sleep(0.3)
            moving.phone.sockets["second"].answers = True  # which was still being asked
            for _ in range(20):
                await asyncio.sleep(0.1)
                assert await moving.reached_at() == ["home"]

    virtual_time.run(run())


# -- bounds ------------------------------------------------------------------------------------


@realtime
async def test_datagrams_that_nobody_reads_are_bounded():
    connection = Connection(ice_controlling=True)
    for _ in range(10_000):
        connection.data_received(b"\x80", 1)
    connection.data_received(b"", 1)
    assert connection._queue.qsize() == 2048
    await connection.close()


@realtime
async def test_a_backlog_is_read_one_datagram_at_a_time():
    """After a stall there may be a second of them, and other calls have theirs."""
    connection = Connection(ice_controlling=True)
    connection._nominated[1] = None  # as when connected
    for number in range(3):
        connection.data_received(bytes([128, number]), 1)
    order = []

    async def read():
        for _ in range(3):
            order.append((await connection.recv())[1])

    async def other():
        for _ in range(2):
            order.append("other")
            await asyncio.sleep(0)

    await asyncio.gather(read(), other())
    assert order == ["other", 0, "other", 1, 2]
    await connection.close()


@realtime
async def test_the_addresses_that_a_caller_is_seen_at_are_bounded():
    """Each is sent checks, whoever lives there: a caller may write what sender it likes."""
    upstream.install(LOOPBACK)
    agent = Connection(ice_controlling=False)
    await agent.gather_candidates()
    agent.remote_username, agent.remote_password = "phone", "p" * 22
    connecting = asyncio.create_task(agent.connect())
    await asyncio.sleep(0)
    check = SimpleNamespace(attributes={"PRIORITY": 1})
    for port in range(2000, 3000):
        agent.check_incoming(check, ("127.0.0.1", port), agent._protocols[0])
    assert len(agent._remote_candidates) == len(agent._check_list) == 32
    agent.check_incoming(check, ("127.0.0.1", 2000), agent._protocols[0])  # it is known
    await agent.close()
    with pytest.raises(ConnectionError):
        await connecting


def datagrams():
    """STUN as it is, with wrong bytes, cut short, and of attributes that are none."""
    dice = random.Random(1)
    request = aioice.stun.Message(
        message_method=aioice.stun.Method.BINDING, message_class=aioice.stun.Class.REQUEST
    )
    request.attributes["USERNAME"] = "abcd:efgh"
    request.attributes["PRIORITY"] = 1
    request.add_message_integrity(b"p" * 22)
    for _ in range(2000):
        whole = bytearray(bytes(request))
        for _ in range(dice.randint(0, 3)):
            whole[dice.randrange(len(whole))] = dice.randrange(256)
        yield bytes(whole[: dice.choice([None, dice.randrange(len(whole))])])
        kind, size = dice.choice([*range(0x1B), 0x24, 0x25, 0x8028, 0x802A]), dice.randrange(12)
        attribute = kind.to_bytes(2) + size.to_bytes(2) + dice.randbytes(size + -size % 4)
        yield (
            bytes([0, 1, 0, len(attribute)]) + bytes.fromhex("2112a442") + bytes(12) + attribute
        )


@realtime
async def test_no_datagram_of_a_stranger_is_a_traceback_in_the_log():
    """What a protocol raises, the loop logs: 80 bytes from anyone would be 1,500 in the log."""
    upstream.install(LOOPBACK)
    agent = Connection(ice_controlling=False)
    await agent.gather_candidates()
    (protocol,) = agent._protocols
    for datagram in datagrams():
        protocol.datagram_received(datagram, ("127.0.0.1", 9))
    await agent.close()


@realtime
async def test_a_check_without_a_priority_is_no_check():
    """From the caller itself: it knows the password."""
    upstream.install(LOOPBACK)
    agent = Connection(ice_controlling=False)
    await agent.gather_candidates()
    agent._early_checks_done = True
    request = aioice.stun.Message(
        message_method=aioice.stun.Method.BINDING, message_class=aioice.stun.Class.REQUEST
    )
    request.attributes["USERNAME"] = f"{agent.local_username}:phone"
    request.add_message_integrity(agent.local_password.encode())
    agent._protocols[0].datagram_received(bytes(request), ("127.0.0.1", 9))
    assert not agent._remote_candidates
    await agent.close()
