"""A worse network than there is: what tests and benchmarks do to a connection's datagrams.

Works below SRTP, on what aiortc and aioice keep to themselves (`upstream.check` looks for it).
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from aiortc import RTCPeerConnection
from aiortc.rtp import is_rtcp

from agent.media.upstream import connections, ice_transports

# Given a datagram of RTP, what arrives of it, and of those before.
Network = Callable[[bytes], Iterable[bytes]]


def reroute(pc: RTCPeerConnection, network: Network) -> None:
    """Send the connection's RTP, below SRTP, through `network`."""
    for ice in ice_transports(pc):
        send = ice._send

        async def through(datagram: bytes, send: Any = send) -> None:
            for each in network(datagram) if _is_rtp(datagram) else (datagram,):
                await send(each)

        ice._send = through


def impair(pc: RTCPeerConnection, drop: Callable[[], bool]) -> None:
    """Lose an outgoing RTP packet whenever `drop()` says so."""
    reroute(pc, lambda datagram: () if drop() else (datagram,))


def impair_arrivals(pc: RTCPeerConnection, drop: Callable[[], bool]) -> None:
    """Lose an incoming RTP packet whenever `drop()` says so."""
    for connection in connections(pc):
        receive = connection.data_received

        def through(datagram: bytes, component: int, receive: Any = receive) -> None:
            if not (_is_rtp(datagram) and drop()):
                receive(datagram, component)

        connection.data_received = through


def vanish(pc: RTCPeerConnection) -> None:
    """Cut a connection off without a word, as a machine that lost its power."""
    for protocol in (each for one in connections(pc) for each in one._protocols):
        protocol.send_data = lambda data, to: asyncio.sleep(0)
        protocol.send_stun = protocol.datagram_received = lambda data, other: None


def _is_rtp(datagram: bytes) -> bool:
    return len(datagram) > 1 and 127 < datagram[0] < 192 and not is_rtcp(datagram)
