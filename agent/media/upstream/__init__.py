"""Everything that is private to aiortc and aioice, or that we change in them, in one package.

`check` refuses any other version than the two this was written against; `install` puts our
classes in place of theirs, once a process. What is changed, and why:

* audio receiver: theirs adds 80 ms, and after the first lost packet 280 ms for the rest of the
  call (aiortc issue 543), with a decoder thread and an unbounded queue per call.
* consent: theirs gives each check 500 ms, so a path with a longer round trip is closed after
  30 s, and a peer that died is noticed only then.
* paths: a pair of addresses whose check was under way when another one was chosen can never be
  chosen, and a peer whose address a NAT changed may be sent to where it was.
* addresses: each that a caller's checks come from is kept, and sent to.
* datagrams: an empty one, from anyone, ends the call (IndexError in RTCDtlsTransport's loop),
  and the queue behind the socket is unbounded; one that is nearly STUN, a traceback in the log.
* SSRC tables grow with each SSRC that a caller makes up.
* RTCP feedback: one datagram may ask for the same packets thousands of times, and gets them.
* sockets, and relays: what is opened while a connection is closed stays open for ever, and
  whoever waits for it goes on waiting.
* relays: what comes by one from somebody whom we have not sent to is discarded, and one whose
  nonce went stale on the way is given up.
* whoever hangs up during the DTLS handshake leaves a traceback in the log.
* host addresses: loopback is left out; an address behind NAT cannot be named.
* SCTP: what waits to be put together is unbounded, and read through again for each packet; one
  datagram may acknowledge millions of chunks that were never sent, or want hundreds of answers;
  packets of 1200 bytes do not fit through a VPN with an MTU of 1280, and stall silently.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import aioice.ice
import aioice.turn
import aiortc.codecs
import aiortc.rtcdtlstransport
import aiortc.rtcicetransport
import aiortc.rtcpeerconnection
import aiortc.rtcsctptransport
from aiortc import RTCPeerConnection, RTCRtpCodecParameters, RTCRtpReceiver
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport, RtpRouter
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceParameters, RTCIceTransport
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import RtcpPsfbPacket, RtcpRtpfbPacket, RtpPacket

from agent.config import Config
from agent.errors import ConfigError
from agent.media import addresses
from agent.media.ice_servers import ice_servers
from agent.media.upstream import relay
from agent.media.upstream.ice import Connection, Protocol
from agent.media.upstream.sctp import Association

_log = logging.getLogger(__name__)

_VERSIONS = {"aiortc": "1.16.0", "aioice": "0.13.0"}
_MAX_SSRCS = 8
_SCTP_USERDATA_BYTES = 1100  # 1280 - IPv6, UDP, DTLS and SCTP headers, rounded down
_CLOSE_S = 2.0  # for aiortc's own close

TakeRtp = Callable[[int, int, int, bytes], None]  # ssrc, sequence, timestamp, payload


class _AudioReceiver(RTCRtpReceiver):
    """Hands each RTP packet on as it arrives: no thread, no prefetch, no frames."""

    take: TakeRtp | None = None

    async def receive(self, parameters: RTCRtpReceiveParameters) -> None:
        mine: Any = self
        if mine._RTCRtpReceiver__started or mine._RTCRtpReceiver__kind != "audio":
            return
        self._opus = {c.payloadType for c in parameters.codecs if c.name.lower() == "opus"}
        mine._RTCRtpReceiver__transport._register_rtp_receiver(self, parameters)
        mine._RTCRtpReceiver__rtcp_task = asyncio.ensure_future(self._run_rtcp())
        mine._RTCRtpReceiver__started = True

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        if packet.payload_type not in self._opus or not packet.payload:
            return
        try:
            self._count(packet)
            if self.take is not None:
                self.take(packet.ssrc, packet.sequence_number, packet.timestamp, packet.payload)
        except Exception:  # noqa: BLE001  aiortc would close the transport, hence the call
            _log.exception("cannot take an RTP packet")

    def _count(self, packet: RtpPacket) -> None:
        """Feed the receiver reports, which tell the peer what it loses (RFC 3550, 6.4)."""
        mine: Any = self
        streams: dict[int, StreamStatistics] = mine._RTCRtpReceiver__remote_streams
        if packet.ssrc not in streams:
            streams[packet.ssrc] = StreamStatistics(48_000)
        streams[packet.ssrc].add(packet)


class _RtpRouter(RtpRouter):
    def route_rtp(self, packet: RtpPacket) -> Any:
        if packet.ssrc not in self.ssrc_table and len(self.ssrc_table) >= _MAX_SSRCS:
            return None
        return super().route_rtp(packet)

    def route_rtcp(self, packet: Any) -> set[Any]:
        if isinstance(packet, RtcpRtpfbPacket | RtcpPsfbPacket):
            return set()  # none is negotiated
        return super().route_rtcp(packet)


class _IceTransport(RTCIceTransport):
    async def start(self, remoteParameters: RTCIceParameters) -> None:
        """Raises CancelledError where it is closed; it ends a task that nobody awaits."""
        if self.state == "closed":
            raise asyncio.CancelledError
        await super().start(remoteParameters)


def check() -> None:
    """Raise ConfigError unless these are the versions, and the insides, that we know."""
    wanted = " ".join(f"{name}=={number}" for name, number in _VERSIONS.items())
    for name, number in _VERSIONS.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            raise ConfigError(f"{name} is missing; install {wanted}") from None
        if found != number:
            raise ConfigError(f"{name} {found} is installed; this needs {wanted}")
    for owner, names in _insides():
        for name in names:
            if not _has(owner, name):
                kind = owner if isinstance(owner, type) else type(owner)
                raise ConfigError(
                    f"{kind.__module__}.{kind.__qualname__} has no {name}: this is not the "
                    f"release that it says it is; reinstall {wanted}"
                )


def _has(owner: Any, name: str) -> bool:
    """An association cannot be made without a loop: of a class, what it will have counts."""
    is_class = isinstance(owner, type)
    return hasattr(owner, name) or (is_class and name in owner.__init__.__code__.co_names)


def _insides() -> Iterable[tuple[object, tuple[str, ...]]]:
    """Each private name used here, with who must have it."""
    certificate = RTCCertificate.generateCertificate()
    ice = RTCIceTransport(RTCIceGatherer(iceServers=[]))
    dtls = RTCDtlsTransport(ice, [certificate])
    mangled = ("started", "kind", "transport", "rtcp_task", "remote_streams")
    own = (f"_RTCRtpReceiver__{name}" for name in mangled)
    yield RTCRtpReceiver("audio", dtls), (*own, "_run_rtcp", "_handle_rtp_packet")
    yield dtls, ("_register_rtp_receiver", "_rtp_router")
    yield dtls._rtp_router, ("ssrc_table", "route_rtp", "route_rtcp")
    yield ice, ("_connection", "_send")
    agent_names = ("_queue", "_nominated", "_query_consent_task", "_protocols", "_closing")
    hooks = ("get_component_candidates", "data_received", "request_received", "recv")
    yield aioice.ice.Connection(ice_controlling=False), (*agent_names, *hooks)
    checks = ("_check_list", "_remote_candidates", "check_incoming", "check_state")
    yield aioice.ice.Connection(ice_controlling=False), checks
    yield aioice.ice.Connection, ("query_consent", "build_request")
    yield aioice.ice, ("get_host_addresses", "StunProtocol")
    yield aioice.turn, ("TurnClientUdpProtocol", "TurnClientTcpProtocol")
    yield aioice.turn.TurnClientMixin, ("datagram_received", "receiver", "nonce")
    yield aiortc.rtcicetransport, ("Connection",)
    yield aiortc.rtcdtlstransport, ("RtpRouter",)
    yield aiortc.rtcpeerconnection, ("RTCRtpReceiver", "RTCSctpTransport", "RTCIceTransport")
    yield aiortc.rtcsctptransport, ("USERDATA_MAX_LENGTH",)
    verbs = ("_data_channel_flush", "_transmit", "_get_inbound_stream", "_handle_data")
    kinds = ("chunk", "data_chunk", "sack_chunk", "forward_tsn_chunk")
    chunks = (f"_receive_{kind}" for kind in kinds)
    counts = ("_advertised_rwnd", "_inbound_streams", "_sack_misordered", "_local_tsn")
    yield aiortc.rtcsctptransport.RTCSctpTransport, (*verbs, *chunks, *counts)
    yield aiortc.rtcsctptransport.InboundStream(), ("reassembly",)
    sets = ("dtlsTransports", "iceTransports", "isClosed")
    yield RTCPeerConnection(), tuple(f"_RTCPeerConnection__{name}" for name in sets)


def install(config: Config) -> None:
    """Put ours in place of theirs, for every peer connection made from now on.

    May be called again with another config. Raises ConfigError for an address that is none,
    and for a server that is none.
    """
    ice_servers(config)
    offered = addresses.resolve(config.ice.addresses)
    only_here = addresses.is_loopback(config.server.host)
    Connection.lost_s = config.limits.lost_s
    Connection.seen_as = offered.seen_as

    def host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        if offered.bound:
            return list(offered.bound)
        found = _stock_host_addresses(use_ipv4, use_ipv6)
        if only_here or not found:
            found.append("127.0.0.1")
        return found

    patched: Any = aioice.ice
    patched.get_host_addresses = host_addresses
    patched.StunProtocol = Protocol
    relay.install()
    patched = aiortc.rtcicetransport
    patched.Connection = Connection
    patched = aiortc.rtcdtlstransport
    patched.RtpRouter = _RtpRouter
    patched = aiortc.rtcpeerconnection
    patched.RTCRtpReceiver = _AudioReceiver
    patched.RTCSctpTransport = Association
    patched.RTCIceTransport = _IceTransport
    patched = aiortc.rtcsctptransport
    patched.USERDATA_MAX_LENGTH = _SCTP_USERDATA_BYTES
    # Only Opus, and with the redundancy that makes a lost packet recoverable: without this line
    # in the answer Chrome sends none (RFC 7587, 6.1). minptime is what browsers write too.
    aiortc.codecs.CODECS["audio"][:] = [
        RTCRtpCodecParameters(
            mimeType="audio/opus",
            clockRate=48_000,
            channels=2,
            payloadType=96,
            parameters={"minptime": 10, "useinbandfec": 1},
        )
    ]


_stock_host_addresses = aioice.ice.get_host_addresses


def attach(pc: RTCPeerConnection, take: TakeRtp) -> None:
    """Let `take` have the audio of a connection whose remote description is set."""
    for receiver in pc.getReceivers():
        if isinstance(receiver, _AudioReceiver):
            receiver.take = take


def round_trip_s(pc: RTCPeerConnection) -> float:
    """There and back, on the way that the media takes; 0 before the first answer."""
    taken = [s for connection in connections(pc) for s in connection.round_trips_s]
    return min(taken, default=0.0)


def was_lost(pc: RTCPeerConnection) -> bool:
    """Whether the connection ended because the peer fell silent, not because it hung up."""
    return any(connection.expired for connection in connections(pc))


async def release(pc: RTCPeerConnection) -> None:
    """Close a connection and all that it holds, whatever state it is in, within seconds.

    What was sent on a data channel just before still leaves. aiortc's own close raises where a
    bundle was broken, and waits for ever where it has raised before.
    """
    with contextlib.suppress(ConnectionError):
        if pc.sctp is not None:
            await pc.sctp._data_channel_flush()
            await pc.sctp._transmit()
    inside: Any = pc
    dtls, ice = inside._RTCPeerConnection__dtlsTransports, ice_transports(pc)
    if not await _stopped(pc.close):
        for part in (*pc.getTransceivers(), *dtls, *ice):
            await _stopped(part.stop)
        closed: asyncio.Future[bool] = inside._RTCPeerConnection__isClosed
        if not closed.done():
            closed.set_result(True)
    # Undo the cycles: a call then goes when it is dropped. The collector, which would take many
    # of them at once, held the loop for 3 to 6 ms.
    for part in (pc, *dtls):
        part.remove_all_listeners()
    for connection in connections(pc):
        connection._check_list.clear()


async def _stopped(stop: Callable[[], Coroutine[Any, Any, None]]) -> bool:
    try:
        await asyncio.wait_for(stop(), _CLOSE_S)
    except Exception:  # noqa: BLE001  the rest must be stopped all the same
        _log.warning("closing a peer connection: %s failed", stop, exc_info=True)
        return False
    return True


def ice_transports(pc: RTCPeerConnection) -> list[Any]:
    """What carries a connection; one, where all is bundled."""
    return list(vars(pc)["_RTCPeerConnection__iceTransports"])


def connections(pc: RTCPeerConnection) -> list[Any]:
    """The ICE agents below them."""
    return [ice._connection for ice in ice_transports(pc)]
