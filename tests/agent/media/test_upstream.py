"""What we rely on in aiortc and aioice, and what we changed there. Calls: test_peer.py."""

import asyncio
import gc
import random
import weakref
from dataclasses import replace
from functools import wraps
from types import SimpleNamespace

import aioice.ice
import aiortc.codecs
import pytest
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    rtcsctptransport,
)
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport

from agent import virtual_time
from agent.config import Config, Ice, Limits, Server
from agent.errors import ConfigError
from agent.media import addresses, upstream
from agent.media.addresses import Offered

LOOPBACK = Config(ice=Ice(addresses=("127.0.0.1",)))


def realtime(test):
    def run():
        asyncio.run(test())

    run.__name__ = test.__name__
    return run


def realtime_with(test):
    @wraps(test)
    def run(**named):
        asyncio.run(test(**named))

    return run


# -- the releases ------------------------------------------------------------------------------


def test_what_is_installed_is_what_this_was_written_against():
    upstream.check()


@pytest.mark.parametrize("package", ["aiortc", "aioice"])
def test_another_release_is_refused_with_the_remedy(monkeypatch, package):
    stock = upstream.version
    monkeypatch.setattr(
        upstream, "version", lambda name: "9.9" if name == package else stock(name)
    )
    with pytest.raises(
        ConfigError, match=rf"{package} 9\.9 .*aiortc==1\.16\.0 aioice==0\.13\.0"
    ):
        upstream.check()


def test_a_missing_package_is_refused_with_the_remedy(monkeypatch):
    def missing(name):
        raise upstream.PackageNotFoundError(name)

    monkeypatch.setattr(upstream, "version", missing)
    with pytest.raises(ConfigError, match=r"install aiortc==1\.16\.0"):
        upstream.check()


def test_other_insides_are_refused_by_name(monkeypatch):
    monkeypatch.delattr(aioice.ice.Connection, "query_consent")
    with pytest.raises(ConfigError, match=r"aioice\.ice\.Connection has no query_consent"):
        upstream.check()


# -- addresses ---------------------------------------------------------------------------------


def offered(config, found=("192.0.2.1",), monkeypatch=None):
    monkeypatch.setattr(upstream, "_stock_host_addresses", lambda v4, v6: list(found))
    upstream.install(config)
    return aioice.ice.get_host_addresses(True, True)


def test_all_addresses_are_offered_where_none_is_configured(monkeypatch):
    server = Server(host="0.0.0.0")
    assert offered(Config(server=server), monkeypatch=monkeypatch) == ["192.0.2.1"]


def test_a_server_on_loopback_offers_loopback_too(monkeypatch):
    assert offered(Config(), monkeypatch=monkeypatch) == ["192.0.2.1", "127.0.0.1"]


def test_a_machine_without_a_network_offers_loopback(monkeypatch):
    server = Server(host="0.0.0.0")
    assert offered(Config(server=server), (), monkeypatch) == ["127.0.0.1"]


def test_configured_addresses_are_the_only_ones(monkeypatch):
    assert offered(LOOPBACK, monkeypatch=monkeypatch) == ["127.0.0.1"]


@realtime
async def test_the_address_before_a_nat_is_offered_in_place_of_ours():
    seen = Offered(("127.0.0.1",), {"127.0.0.1": "203.0.113.7"})
    stock, addresses.resolve = addresses.resolve, lambda configured: seen
    try:
        upstream.install(Config())
    finally:
        addresses.resolve = stock
    connection = upstream._Connection(ice_controlling=True)
    await connection.gather_candidates()
    (candidate,) = connection.local_candidates
    assert candidate.host == "203.0.113.7"
    assert connection._protocols[0].transport.get_extra_info("sockname") == (
        "127.0.0.1",
        candidate.port,
    )
    await connection.close()
    upstream.install(LOOPBACK)


# -- consent -----------------------------------------------------------------------------------


class Path:
    """Two ICE agents over 127.0.0.1 with a network between them."""

    def __init__(self, one_way_s=0.0, loss=0.0):
        self.one_way_s, self.loss, self.dice = one_way_s, loss, random.Random(1)
        self.cut = False

    async def __aenter__(self):
        upstream.install(LOOPBACK)
        self.here = upstream._Connection(ice_controlling=True)
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


# -- bounds ------------------------------------------------------------------------------------


@realtime
async def test_datagrams_that_nobody_reads_are_bounded():
    connection = upstream._Connection(ice_controlling=True)
    for _ in range(10_000):
        connection.data_received(b"\x80", 1)
    connection.data_received(b"", 1)
    assert connection._queue.qsize() == 2048
    await connection.close()


def fragment(tsn, *, size=1, stream_id=1, flags=0):
    """A piece of a message; of its middle unless the flags say so."""
    chunk = rtcsctptransport.DataChunk(flags=flags)
    chunk.tsn, chunk.stream_id, chunk.stream_seq, chunk.protocol = tsn, stream_id, 0, 51
    chunk.user_data = bytes(size)
    return chunk


FIRST, LAST, UNORDERED = (
    rtcsctptransport.SCTP_DATA_FIRST_FRAG,
    rtcsctptransport.SCTP_DATA_LAST_FRAG,
    rtcsctptransport.SCTP_DATA_UNORDERED,
)


class Inbound:
    """An association that only receives; which messages came out of it, how much it holds."""

    def __init__(self):
        upstream.install(LOOPBACK)
        ice = RTCIceTransport(RTCIceGatherer(iceServers=[]))
        dtls = RTCDtlsTransport(ice, [RTCCertificate.generateCertificate()])
        self.association = upstream._Association(dtls)
        self.association._last_received_tsn = 0
        self.association._receive = self._take
        self.messages, self.stopped = [], 0
        self.association.stop = self._stop

    async def _take(self, stream_id, protocol, data):
        self.messages.append(len(data))

    async def _stop(self):
        self.stopped += 1

    async def give(self, chunks):
        """Until it stops; how many it took."""
        for taken, chunk in enumerate(chunks):
            if self.stopped:
                return taken
            await self.association._receive_data_chunk(chunk)
        return None


@realtime
async def test_the_longest_message_and_many_behind_a_lost_packet_are_reassembled():
    inbound = Inbound()
    long = [fragment(tsn, size=1024) for tsn in range(1, 257)]
    long[0].flags, long[-1].flags = FIRST, LAST
    await inbound.give([*long[:100], *long[101:], long[100]])
    whole = [
        fragment(tsn, size=100, flags=FIRST | LAST | UNORDERED) for tsn in range(258, 1200)
    ]
    await inbound.give(whole)
    assert inbound.messages == [256 * 1024] + [100] * len(whole)
    assert not inbound.stopped
    assert inbound.association._fragments == 0


@pytest.mark.parametrize(
    ("chunks", "at_most"),
    [
        ((fragment(1 + n, flags=FIRST * (n == 0)) for n in range(3000)), 1025),
        ((fragment(1 + n, stream_id=n, flags=FIRST) for n in range(3000)), 1025),
        ((fragment(1 + n, size=1100, flags=FIRST * (n == 0)) for n in range(3000)), 255),
        ((fragment(2 + n, flags=FIRST | LAST | UNORDERED) for n in range(3000)), 1025),
    ],
    ids=["never ends", "never ends in any stream", "never ends and is large", "never begins"],
)
@realtime_with
async def test_a_caller_whose_messages_do_not_end_loses_its_data_channel(chunks, at_most):
    inbound = Inbound()
    upstream._log.disabled = True
    taken = await inbound.give(chunks)
    upstream._log.disabled = False
    assert 200 < taken <= at_most
    assert inbound.stopped == 1
    assert not inbound.association._inbound_streams


def test_sources_that_a_caller_makes_up_are_bounded():
    router, receiver = upstream._RtpRouter(), object()
    router.register_receiver(receiver, ssrcs=[1], payload_types=[96])
    routed = [
        router.route_rtp(SimpleNamespace(ssrc=ssrc, payload_type=96)) for ssrc in range(1, 100)
    ]
    assert routed == [receiver] * 8 + [None] * 91
    assert router.route_rtp(SimpleNamespace(ssrc=3, payload_type=96)) is receiver


# -- what is negotiated, and the end -----------------------------------------------------------


def test_installing_twice_changes_nothing():
    upstream.install(LOOPBACK)
    once = list(aiortc.codecs.CODECS["audio"])
    upstream.install(replace(LOOPBACK, limits=Limits(lost_s=2.0)))
    assert aiortc.codecs.CODECS["audio"] == once and len(once) == 1
    assert upstream._Connection.lost_s == 2.0
    upstream.install(LOOPBACK)


@realtime
async def test_a_connection_whose_close_raises_is_released():
    """A broken bundle takes a transport away from under aiortc (AttributeError in close)."""
    upstream.install(LOOPBACK)
    closed = []

    class Broken(RTCPeerConnection):
        def getTransceivers(self):
            closed.append("transceivers")
            return super().getTransceivers()

    pc = Broken(RTCConfiguration(iceServers=[]))
    pc.addTransceiver("audio")
    pc.createDataChannel("x")
    await pc.setLocalDescription(await pc.createOffer())
    transports = upstream.ice_transports(pc)
    assert len(transports) == 2
    receiver = pc.getReceivers()[0]
    receiver.setTransport(None)
    upstream._log.disabled = True
    await upstream.release(pc)
    upstream._log.disabled = False
    assert closed
    assert [transport.state for transport in transports] == ["closed", "closed"]
    async with asyncio.timeout(1):
        await pc.close()  # aiortc alone would wait for ever


@realtime
async def test_a_released_connection_goes_without_the_garbage_collector():
    """The collector would take several at once, in the midst of other calls."""
    upstream.install(LOOPBACK)
    one, other = (
        RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy="max-bundle"))
        for _ in range(2)
    )
    one.addTransceiver("audio")
    connected = asyncio.Event()
    one.createDataChannel("x").on("open", connected.set)
    await one.setLocalDescription(await one.createOffer())
    await other.setRemoteDescription(one.localDescription)
    await other.setLocalDescription(await other.createAnswer())
    await one.setRemoteDescription(other.localDescription)
    await asyncio.wait_for(connected.wait(), 10)
    watched = [weakref.ref(each) for each in (one, other)]
    watched += [weakref.ref(each) for pc in (one, other) for each in upstream.connections(pc)]
    gc.collect()
    gc.disable()
    try:
        for pc in (one, other):
            await upstream.release(pc)
        del one, other, pc
        async with asyncio.timeout(5):
            while any(each() for each in watched):  # noqa: ASYNC110  they tell nobody
                await asyncio.sleep(0.01)
    finally:
        gc.enable()


@realtime
async def test_a_backlog_is_read_one_datagram_at_a_time():
    """After a stall there may be a second of them, and other calls have theirs."""
    connection = upstream._Connection(ice_controlling=True)
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
async def test_a_video_receiver_starts_no_thread():
    upstream.install(LOOPBACK)
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.addTransceiver("video")
    receiver = pc.getReceivers()[0]
    await receiver.receive(SimpleNamespace(codecs=[], encodings=[], muxId="0"))
    assert receiver._RTCRtpReceiver__decoder_thread is None
    await pc.close()


@realtime
async def test_an_offer_without_opus_has_no_answer():
    upstream.install(LOOPBACK)
    one, other = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    one.addTransceiver("audio")
    await one.setLocalDescription(await one.createOffer())
    sdp = one.localDescription.sdp.replace("opus/48000/2", "PCMU/8000")
    with pytest.raises(aiortc.exceptions.OperationError):
        await other.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
    await upstream.release(one)
    await upstream.release(other)
