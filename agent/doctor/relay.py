"""Whether a STUN or TURN server answers, takes our password, and lets callers in."""

import asyncio
import contextlib
import socket

from aioice import stun, turn
from aiortc import RTCIceServer
from aiortc.rtcicetransport import parse_stun_turn_uri

from agent.doctor.check import FAIL, OK, WARN, Check
from agent.media.upstream import relay

_PATIENCE_S = 4.0  # two of STUN's retransmissions
_KNOCK, _KNOCKS, _KNOCK_S = b"a caller", 3, 0.3
_OPEN = "callers come unannounced: start coturn with --server-relay, and open its ports"
_UNAUTHORISED = (401, 438)  # the second is coturn's answer to a second wrong password


def ask(url: str, server: RTCIceServer) -> Check:
    """`url` is one that ice_servers has accepted."""
    parsed = parse_stun_turn_uri(url)
    try:
        return asyncio.run(_ask(url, parsed, server))
    except TimeoutError:
        found = f"no answer in {_PATIENCE_S:g} s"
        return Check(url, FAIL, found, "start it, or take it out: calls wait for it")
    except OSError as error:
        return Check(url, FAIL, f"cannot be reached: {error}", "correct ice.servers")
    except stun.TransactionFailed as error:
        code, reason = error.response.attributes.get("ERROR-CODE", (0, "no reason given"))
        remedy = (
            "correct VOXLINE_TURN_USERNAME and VOXLINE_TURN_PASSWORD"
            if code in _UNAUTHORISED
            else "its log says why"
        )
        return Check(url, FAIL, f"refuses: {code} {reason.rstrip(chr(0))}", remedy)


async def _ask(url: str, parsed: dict[str, object], server: RTCIceServer) -> Check:
    address = str(parsed["host"]), int(str(parsed["port"]))
    async with asyncio.timeout(_PATIENCE_S):
        if parsed["scheme"] == "stun":
            return Check(url, OK, f"sees this machine as {await _seen_as(address)}")
        return await _lets_in(url, address, parsed, server)


class _Visited(asyncio.DatagramProtocol):
    """Our end of a relay."""

    def __init__(self) -> None:
        self.came = asyncio.Event()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data == _KNOCK:
            self.came.set()


async def _lets_in(
    url: str, address: tuple[str, int], parsed: dict[str, object], server: RTCIceServer
) -> Check:
    """Come to the relay as a caller does: from somewhere that it was not told of."""
    relay.install()
    transport, visited = await turn.create_turn_endpoint(
        _Visited,
        server_addr=address,
        username=server.username,
        password=str(server.credential),
        ssl=parsed["scheme"] == "turns",
        transport=str(parsed.get("transport") or "udp"),
    )
    relayed = transport.get_extra_info("sockname")
    found = f"relays for us at {relayed[0]}"
    family = socket.AF_INET6 if ":" in relayed[0] else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as caller:
            for _ in range(_KNOCKS):
                with contextlib.suppress(OSError, TimeoutError):  # on the way, or nobody came
                    caller.sendto(_KNOCK, relayed)
                    await asyncio.wait_for(visited.came.wait(), _KNOCK_S)
                    return Check(url, OK, f"{found}, for whoever comes")
    finally:
        transport.close()
    return Check(url, WARN, f"{found}, but lets in nobody whom it was not told of", _OPEN)


async def _seen_as(address: tuple[str, int]) -> str:
    """Our address as the server sees it: a binding request (RFC 8489, section 2)."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[stun.Message] = loop.create_future()

    class Answers(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            if not answered.done():
                try:
                    answered.set_result(stun.parse_message(data))
                except ValueError:
                    pass  # something else that came to this port

        def error_received(self, exc: Exception) -> None:
            if not answered.done():
                answered.set_exception(exc)

    transport, _ = await loop.create_datagram_endpoint(Answers, remote_addr=address)
    try:
        request = stun.Message(
            message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST
        )
        wait_s = 0.5
        while True:
            transport.sendto(bytes(request))
            done, _ = await asyncio.wait([answered], timeout=wait_s)
            if done:
                return str(answered.result().attributes["XOR-MAPPED-ADDRESS"][0])
            wait_s *= 2
    finally:
        transport.close()
