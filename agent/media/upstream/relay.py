"""TURN as a server's client needs it: callers come to the relay unannounced.

aioice discards what a relay hands on from whomever we have not sent to first. We never send
first: a caller's candidates are not taken (signaling/sdp.py). Who may come is the relay's to
say, and whoever comes must know the call's ICE password. And aioice asks again once, where the
nonce of the relay's first answer may be stale by then. In place of aioice's clients.
"""

import contextlib
import struct
from typing import Any

import aioice.turn
from aioice import stun
from aioice.utils import random_transaction_id

_DATA_INDICATION = struct.pack("!H", stun.Method.DATA | stun.Class.INDICATION)
_STALE_NONCE = 438


class _OpenToAll(aioice.turn.TurnClientMixin):
    async def request_with_retry(
        self, request: stun.Message
    ) -> tuple[stun.Message, tuple[str, int]]:
        """With the latest nonce, whichever answer it came with (RFC 8489, section 9.2.5)."""
        try:
            return await super().request_with_retry(request)
        except stun.TransactionFailed as error:
            answer = error.response
            if answer.error_code != _STALE_NONCE or "NONCE" not in answer.attributes:
                raise
            self.nonce = answer.attributes["NONCE"]
        request.transaction_id = random_transaction_id()
        return await super().request_with_retry(request)

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
