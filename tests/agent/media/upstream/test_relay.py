"""Callers come to a relay from where nobody was told of."""

import asyncio
import contextlib

import aioice
import coturn
import pytest
from aioice import stun

from agent.config import Config, Ice
from agent.media import upstream
from agent.media.upstream.ice import Connection
from agent.media.upstream.relay import TcpClient, UdpClient

CALLER = ("203.0.113.9", 5004)


class Receiver:
    def __init__(self):
        self.got = []

    def datagram_received(self, data, addr):
        self.got.append((data, addr))


def indication(**attributes):
    message = stun.Message(stun.Method.DATA, stun.Class.INDICATION, transaction_id=bytes(12))
    message.attributes.update({name.replace("_", "-"): of for name, of in attributes.items()})
    return bytes(message)


@pytest.fixture(params=[UdpClient, TcpClient])
def client(request):
    client = request.param(("127.0.0.1", 3478), "me", "secret", 600, 500)
    client.receiver = Receiver()
    return client


def test_whoever_comes_by_the_relay_is_heard(client):
    """Killed: aioice's own client, which knows only whom we have sent to."""
    client.datagram_received(indication(DATA=b"hello", XOR_PEER_ADDRESS=CALLER), None)
    assert client.receiver.got == [(b"hello", CALLER)]


@pytest.mark.parametrize(
    "data",
    [
        indication(DATA=b"from nobody"),
        indication(XOR_PEER_ADDRESS=CALLER),
        indication(DATA=b"hello", XOR_PEER_ADDRESS=CALLER)[:-3],
        b"\x00\x17",
    ],
)
def test_half_an_indication_is_none(client, data):
    client.datagram_received(data, None)
    assert client.receiver.got == []


def test_nothing_is_handed_on_before_there_is_somebody_to_hand_it_to(client):
    client.receiver = None
    client.datagram_received(indication(DATA=b"hello", XOR_PEER_ADDRESS=CALLER), None)


@pytest.mark.parametrize(("stale", "asked"), [(0, 2), (1, 3), (9, 4)])
def test_a_nonce_that_went_stale_on_the_way_is_asked_for_again(client, stale, asked):
    """coturn on a busy machine, one allocation of six. Killed: a call without its relay."""
    nonces = []

    async def request(message):
        nonces.append(client.nonce)
        answer = stun.Message(message.message_method, stun.Class.ERROR)
        if len(nonces) > 1 + stale:
            answer.message_class = stun.Class.RESPONSE
            return answer, None
        code = (438, "Wrong nonce") if client.nonce else (401, "Unauthorized")
        answer.attributes.update({"ERROR-CODE": code, "REALM": "here"})
        answer.attributes["NONCE"] = str(len(nonces)).encode()
        raise stun.TransactionFailed(answer)

    client.request = request
    allocation = stun.Message(stun.Method.ALLOCATE, stun.Class.REQUEST)
    with pytest.raises(stun.TransactionFailed) if stale > 1 else contextlib.nullcontext():
        asyncio.run(client.request_with_retry(allocation))
    assert len(nonces) == asked
    assert nonces[1:] == [str(n).encode() for n in range(1, asked)]


def test_they_are_what_aioice_makes():
    upstream.install(Config())
    assert aioice.turn.TurnClientUdpProtocol is UdpClient
    assert aioice.turn.TurnClientTcpProtocol is TcpClient


@pytest.mark.slow
@pytest.mark.skipif(coturn.PROGRAM is None, reason="coturn is not installed")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_caller_whose_candidates_we_do_not_know_connects_through_coturn(tmp_path, transport):
    async def connected(port):
        upstream.install(Config(ice=Ice(addresses=("127.0.0.1",))))
        ours = Connection(
            ice_controlling=False,
            turn_server=("127.0.0.1", port),
            turn_username="me",
            turn_password="secret",
            turn_transport=transport,
            transport_policy=aioice.TransportPolicy.RELAY,
        )
        caller = aioice.Connection(ice_controlling=True)
        try:
            for one, other in ((ours, caller), (caller, ours)):
                await one.gather_candidates()
                other.remote_username, other.remote_password = (
                    one.local_username,
                    one.local_password,
                )
            for candidate in (*ours.local_candidates, None):
                await caller.add_remote_candidate(candidate)
            async with asyncio.timeout(20):
                await asyncio.gather(caller.connect(), ours.connect())
                await caller.send(b"hello")
                return await ours.recv()
        finally:
            await asyncio.gather(ours.close(), caller.close())

    options = ["--lt-cred-mech", "--user=me:secret", "--realm=test"]
    with coturn.running(
        tmp_path, *options, "--server-relay", "--allow-loopback-peers", "--no-cli"
    ) as port:
        assert asyncio.run(connected(port)) == b"hello"
