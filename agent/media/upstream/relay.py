"""TURN as a server's client needs it: callers come to the relay unannounced.

aioice discards what a relay hands on from whomever we have not sent to first. We never send
first: a caller's candidates are not taken (signaling/sdp.py). Who may come is the relay's to
say, and whoever comes must know the call's ICE password. In place of aioice's clients.
"""

import contextlib
import struct
from typing import Any

import aioice.turn
from aioice import stun

_DATA_INDICATION = struct.pack("!H", stun.Method.DATA | stun.Class.INDICATION)


class _OpenToAll(aioice.turn.TurnClientMixin):
    def datagram_received(self, data: bytes | str, addr: tuple[str, int]) -> None:
        if not isinstance(data, bytes) or data[:2] != _DATA_INDICATION:
            super().datagram_received(data, addr)
            return
        # what aioice raises for what is no message, or lacks one of the two
        with contextlib.suppress(ValueError, struct.error, KeyError):
            found = stun.parse_message(data).attributes
            sent, peer = found["DATA"], found["XOR-PEER-ADDRESS"]
            if self.receiver is not None:
                self.receiver.datagram_received(sent, peer)


class UdpClient(_OpenToAll, aioice.turn.TurnClientUdpProtocol):
    """A relay spoken to by UDP."""


class TcpClient(_OpenToAll, aioice.turn.TurnClientTcpProtocol):
    """A relay spoken to by TCP, or TLS."""


def install() -> None:
    """Put ours in place of theirs, for every relay asked for from now on."""
    patched: Any = aioice.turn
    patched.TurnClientUdpProtocol = UdpClient
    patched.TurnClientTcpProtocol = TcpClient
