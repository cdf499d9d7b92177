"""A server calls itself before others call it, and starts all the same when it cannot."""

import asyncio
import gc
import socket
from dataclasses import replace

import aiortc.rtcdtlstransport
import pytest

from agent.config import Config, Ice
from agent.config_file import load
from agent.media import rehearsal, upstream
from agent.media.rehearsal import rehearse

LOOPBACK = load(None, {"ice.addresses": ["127.0.0.1"]})


def rehearsed(config):
    """Run it; whether it took place. Nothing of it may be left: no task, no connection."""

    async def main():
        upstream.install(config)
        tasks = asyncio.all_tasks()
        took_place = await rehearse(config)
        async with asyncio.timeout(20):
            while left := asyncio.all_tasks() - tasks:
                await asyncio.wait(left)
        return took_place

    return asyncio.run(main())


def handshakes(monkeypatch):
    made = []
    transport = aiortc.rtcdtlstransport.RTCDtlsTransport
    start = transport.start

    async def counted(self, parameters):
        await start(self, parameters)
        made.append(self.state)

    monkeypatch.setattr(transport, "start", counted)
    return made


def test_a_handshake_a_message_and_packets_have_been_exchanged(monkeypatch):
    made = handshakes(monkeypatch)
    assert rehearsed(LOOPBACK)
    assert made == ["connected", "connected"]


def test_servers_that_may_not_answer_are_left_out():
    slow = replace(LOOPBACK, ice=Ice(("127.0.0.1",), ("stun:192.0.2.1:3478",)))
    assert rehearsed(slow)


def test_a_machine_that_cannot_call_itself_in_time_starts_all_the_same(monkeypatch):
    monkeypatch.setattr(rehearsal, "_LIMIT_S", 0)
    assert not rehearsed(LOOPBACK)


def test_an_offer_that_cannot_be_answered_stops_no_start(monkeypatch):
    async def nonsense(self):
        return "v=0\r\n"

    monkeypatch.setattr(rehearsal.Peer, "offer", nonsense)
    assert not rehearsed(LOOPBACK)


@pytest.mark.parametrize("_", range(2))
def test_it_leaves_no_socket(_):
    rehearsed(LOOPBACK)
    gc.collect()
    before = sum(issubclass(type(each), socket.socket) for each in gc.get_objects())
    rehearsed(LOOPBACK)
    gc.collect()
    assert sum(issubclass(type(each), socket.socket) for each in gc.get_objects()) <= before


def test_the_default_configuration_can_be_rehearsed():
    assert rehearsed(Config())
