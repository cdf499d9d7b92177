"""What a worse network does to a datagram, and what it leaves alone."""

import asyncio

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from agent.config import Config
from agent.media import upstream
from agent.media.upstream import network

RTP = bytes([0x80, 96]) + bytes(10)
RTCP = bytes([0x80, 200]) + bytes(10)
DTLS = bytes([22]) + bytes(20)


def with_connection(test):
    """Run the test with a peer connection that has a transport, and no other side."""

    def run():
        async def main():
            upstream.install(Config())
            pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            pc.addTransceiver("audio")
            try:
                await test(pc)
            finally:
                await pc.close()

        asyncio.run(main())

    run.__name__ = test.__name__
    return run


def sent(pc):
    """Take the place of the socket: a list of what comes to it."""
    arrived = []

    async def send(datagram):
        arrived.append(datagram)

    (ice,) = upstream.ice_transports(pc)
    ice._send = send
    return ice, arrived


@with_connection
async def test_only_rtp_is_lost(pc):
    ice, arrived = sent(pc)
    network.impair(pc, lambda: True)
    for datagram in (RTP, RTCP, DTLS, b"", b"\x80"):
        await ice._send(datagram)
    assert arrived == [RTCP, DTLS, b"", b"\x80"]


@with_connection
async def test_a_network_may_delay_and_repeat(pc):
    ice, arrived = sent(pc)
    held = []

    def late(datagram):
        held.append(datagram)
        return held[:-1] * 2

    network.reroute(pc, late)
    other = RTP + b"2"
    await ice._send(RTP)
    assert arrived == []
    await ice._send(other)
    assert arrived == [RTP, RTP]


@with_connection
async def test_what_arrives_is_lost_as_well(pc):
    (connection,) = upstream.connections(pc)
    network.impair_arrivals(pc, lambda: True)
    for datagram in (RTP, RTCP, DTLS):
        connection.data_received(datagram, 1)
    assert connection._queue.qsize() == 2


class Protocol:
    """A socket of the ICE agent's; what it still does."""

    def __init__(self) -> None:
        self.did = []

    async def send_data(self, data, to):
        self.did.append(data)

    def send_stun(self, message, to):
        self.did.append(message)

    def datagram_received(self, data, source):
        self.did.append(data)

    async def close(self):
        pass


@with_connection
async def test_who_has_vanished_neither_sends_nor_hears(pc):
    (connection,) = upstream.connections(pc)
    protocol = Protocol()
    connection._protocols.append(protocol)
    network.vanish(pc)
    await protocol.send_data(b"x", ("127.0.0.1", 9))
    protocol.send_stun("request", ("127.0.0.1", 9))
    protocol.datagram_received(b"x", ("127.0.0.1", 9))
    assert protocol.did == []


@pytest.mark.parametrize("datagram", [b"", b"\x80", DTLS, RTCP])
def test_what_is_no_rtp(datagram):
    assert not network._is_rtp(datagram)
    assert network._is_rtp(RTP)
