"""What we rely on in aiortc and aioice, and what we changed there. Calls: test_peer.py."""

import asyncio
import gc
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
)

from agent.config import Config, Ice, Limits, Server
from agent.errors import ConfigError
from agent.media import upstream

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


# -- bounds ------------------------------------------------------------------------------------


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
    assert upstream.Connection.lost_s == 2.0
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
    async with asyncio.timeout(20):
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
    await asyncio.wait_for(connected.wait(), 20)
    watched = [weakref.ref(each) for each in (one, other)]
    watched += [weakref.ref(each) for pc in (one, other) for each in upstream.connections(pc)]
    gc.collect()
    gc.disable()
    try:
        for pc in (one, other):
            await upstream.release(pc)
        del one, other, pc
        async with asyncio.timeout(20):
            while any(each() for each in watched):  # noqa: ASYNC110  they tell nobody
                await asyncio.sleep(0.01)
    finally:
        gc.enable()


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
