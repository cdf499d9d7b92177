"""Two real peers in one process, over 127.0.0.1: ICE, DTLS, SRTP and SCTP as in a call."""

import asyncio
import gc
import logging
import os
import random
import struct
import threading
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from functools import wraps

import aiortc
import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RTCP_RTPFB, RtcpByePacket

from agent.audio.frame import HEAR_FRAME, HEAR_HZ, RTP_FRAME, RTP_HZ, SPEAK_FRAME, SPEAK_HZ
from agent.config import Config, Ice, Limits, Receive, Send
from agent.errors import RejectedOffer
from agent.events import EndReason
from agent.media import upstream
from agent.media.opus import Encoder
from agent.media.peer import Peer
from agent.media.upstream.network import impair, impair_arrivals, reroute, vanish

CONFIG = Config(ice=Ice(addresses=("127.0.0.1",)))
# Where packets are counted the silence of a busy machine must not be.
PATIENT = replace(CONFIG, receive=Receive(reorder_wait_ms=100, stall_ms=2000))


def speech() -> list[bytes]:
    t = np.arange(50 * SPEAK_FRAME) / SPEAK_HZ
    buzz = sum(np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 20))
    encoder = Encoder(Send(expected_loss_percent=20))
    return [encoder.encode(f) for f in (0.2 * buzz).astype(np.float32).reshape(-1, SPEAK_FRAME)]


SPEECH = speech()


class PacketTrack(aiortc.MediaStreamTrack):
    """Sends `count` packets, one each 20 ms, and notes when; then nothing."""

    kind = "audio"

    def __init__(self, count=100_000, every_s=0.02):
        super().__init__()
        self.count, self.every_s, self.sent_s = count, every_s, []
        self.stopped = asyncio.Event()

    def stop(self):
        super().stop()
        self.stopped.set()

    async def recv(self):
        loop = asyncio.get_running_loop()
        if len(self.sent_s) == self.count:
            await self.stopped.wait()
        if self.readyState != "live":
            raise MediaStreamError
        due = self.sent_s[0] + len(self.sent_s) * self.every_s if self.sent_s else loop.time()
        await asyncio.sleep(due - loop.time())
        packet = av.Packet(SPEECH[len(self.sent_s) % len(SPEECH)])
        packet.pts, packet.time_base = len(self.sent_s) * RTP_FRAME, Fraction(1, RTP_HZ)
        self.sent_s.append(loop.time())
        return packet


class Side:
    """A peer and all that it said."""

    def __init__(self, config=CONFIG, track=None):
        self.track = track or PacketTrack()
        self.frames, self.heard_s, self.messages, self.reasons, self.packets = (
            [],
            [],
            [],
            [],
            [],
        )
        self.connected, self.opened, self.closed = (asyncio.Event() for _ in range(3))
        self.something = asyncio.Event()
        self.peer = Peer(
            config,
            self.track,
            on_connected=self.connected.set,
            on_audio=self.on_audio,
            on_message=self.on_message,
            on_closed=self.on_closed,
            on_channel_open=self.on_open,
            on_packet=lambda packet, at_s: self.packets.append((packet, at_s)),
        )

    def on_open(self):
        self.opened.set()

    def on_message(self, text):
        self.messages.append(text)
        self.something.set()

    def on_audio(self, samples):
        self.frames.append(samples)
        self.heard_s.append(asyncio.get_running_loop().time())
        self.something.set()

    def on_closed(self, reason):
        self.reasons.append(reason)
        self.closed.set()
        self.something.set()

    async def until(self, condition):
        async with asyncio.timeout(20):
            while not condition():
                self.something.clear()
                await self.something.wait()

    @property
    def heard(self):
        """Samples heard so far."""
        return sum(map(len, self.frames))


@asynccontextmanager
async def call(agent=None, caller=None, network=None, config=CONFIG):
    """A connected call; `network(caller's peer)` is applied before the first packet."""
    upstream.install(config)
    agent, caller = agent or Side(config), caller or Side(config)
    try:
        answer = await agent.peer.answer(await caller.peer.offer())
        if network is not None:
            network(caller.peer.pc)
        await caller.peer.accept(answer)
        async with asyncio.timeout(20):
            await agent.connected.wait()
            await caller.connected.wait()
        yield agent, caller
    finally:
        await caller.peer.close()
        await agent.peer.close()


def realtime(test):
    @wraps(test)
    def run(*args, **named):
        asyncio.run(test(*args, **named))

    return run


# -- audio -------------------------------------------------------------------------------------


@realtime
async def test_audio_arrives_both_ways_and_early():
    async with call() as (agent, caller):
        await agent.until(lambda: len(agent.frames) >= 40 and len(caller.frames) >= 40)
        for side, other in ((agent, caller), (caller, agent)):
            assert all(len(frame) == HEAR_FRAME for frame in side.frames)
            assert np.abs(np.concatenate(side.frames)).max() > 0.1
            delays = [h - s for s, h in zip(other.track.sent_s, side.heard_s, strict=False)]
            # 80 ms is what a stock receiver takes at the least; this takes 1 or 2.
            assert np.median(delays) < 0.02
        assert caller.packets[0][0].payload == SPEECH[0]
        assert not [t for t in threading.enumerate() if "decoder" in t.name]


@realtime
async def test_both_sides_ask_for_redundancy_and_take_opus_only():
    upstream.install(CONFIG)
    agent, caller = Side(), Side()
    offer = await caller.peer.offer()
    answer = await agent.peer.answer(offer)
    for sdp in (offer, answer):
        assert "a=fmtp:96 minptime=10;useinbandfec=1" in sdp
        assert "PCMU" not in sdp and "127.0.0.1" in sdp
    await caller.peer.close()
    await agent.peer.close()


@realtime
async def test_a_swapped_pair_is_put_in_order():
    held, count = [], iter(range(10**6))

    def swap(datagram):
        if next(count) == 10:
            held.append(datagram)
            return ()
        return (datagram, *(held.pop() for _ in held[:]))

    async with call(config=PATIENT, network=lambda pc: reroute(pc, swap)) as (
        agent,
        _,
    ):
        await agent.until(lambda: len(agent.frames) >= 20)
        sequences = [packet.sequence for packet, _ in agent.packets]
        assert sequences != sorted(sequences)
        assert agent.peer.stats.lost == agent.peer.stats.late == 0
        assert agent.heard == len(agent.frames) * HEAR_FRAME


@realtime
async def test_random_loss_leaves_no_hole():
    dice = random.Random(5)
    caller_track = PacketTrack(count=100)
    upstream.install(PATIENT)

    def lossy(pc):
        impair(pc, lambda: 0 < len(caller_track.sent_s) < 99 and dice.random() < 0.1)

    caller = Side(PATIENT, caller_track)
    async with call(caller=caller, network=lossy, config=PATIENT) as (agent, _):
        await agent.until(lambda: agent.heard >= 99 * HEAR_FRAME)
        stats = agent.peer.stats
        assert stats.lost > 3 and stats.recovered > 0
        assert stats.packets + stats.lost in (99, 100)  # the first or the last may be lost
        assert agent.heard == (stats.packets + stats.lost) * HEAR_FRAME


@realtime
async def test_packets_can_be_lost_on_arrival_too():
    async with call() as (agent, _caller):
        await agent.until(lambda: agent.peer.stats.packets)
        impair_arrivals(agent.peer.pc, lambda: True)
        count = agent.peer.stats.packets
        await agent.until(lambda: agent.peer.stats.stalls)
        assert agent.peer.stats.packets <= count + 1


@realtime
async def test_one_lost_packet_delays_no_later_one():
    track, lost = PacketTrack(count=60), 20
    config = replace(CONFIG, receive=Receive(stall_ms=2000))
    caller = Side(config, track)
    seen = iter(range(10**6))

    def network(pc):
        impair(pc, lambda: next(seen) == lost)

    async with call(caller=caller, network=network, config=config) as (agent, _):
        await agent.until(lambda: agent.heard >= 60 * HEAR_FRAME)
        stats = agent.peer.stats
    assert stats.lost == 1
    before = [agent.heard_s[i] - track.sent_s[i] for i in range(5, lost)]
    after = [agent.heard_s[i] - track.sent_s[i] for i in range(lost + 2, 60)]
    assert np.median(after) < np.median(before) + 0.01
    assert np.median(after) < 0.02


@realtime
async def test_what_the_call_raises_ends_nothing():
    agent = Side()

    def broken(*args):
        raise RuntimeError("our fault")

    agent.peer._receiver._on_audio = broken
    agent.peer._on_message = broken
    agent.peer._on_connected = lambda: (agent.connected.set(), broken())
    silence = [logging.getLogger(f"agent.media.{name}") for name in ("peer", "receiver")]
    for log in silence:
        log.disabled = True
    try:
        async with call(agent=agent) as (agent, caller):
            caller.peer.send("boom")
            await caller.until(
                lambda: agent.peer.stats.failures > 10 and len(caller.frames) > 10
            )
            assert not agent.reasons
    finally:
        for log in silence:
            log.disabled = False


@realtime
async def test_an_empty_datagram_from_a_stranger_ends_nothing():
    async with call() as (agent, _caller):
        port = int(agent.peer.pc.localDescription.sdp.split("127.0.0.1 ")[1].split()[0])
        loop = asyncio.get_running_loop()
        stranger, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=("127.0.0.1", port)
        )
        for datagram in (b"", b"\x80", b"\x80\xc8", b"\x17", bytes(100)):
            stranger.sendto(datagram)
        count = len(agent.frames)
        await agent.until(lambda: len(agent.frames) > count + 20)
        stranger.close()
        assert not agent.reasons


@realtime
async def test_a_caller_is_sent_nothing_again_however_often_it_asks():
    """A NACK of 1,200 bytes asks for 4,900 packets: 0.2 s without a turn for any other call."""
    async with call() as (agent, caller):
        await caller.until(lambda: len(caller.packets) > 20)
        (sender,) = agent.peer.pc.getSenders()
        (asking,) = caller.peer.pc.getSenders()
        sequence = caller.packets[-17][0].sequence
        nack = struct.pack("!BBHLL", 0x81, RTCP_RTPFB, 2 + 280, asking._ssrc, sender._ssrc)
        await asking.transport._send_rtp(nack + struct.pack("!HH", sequence, 0xFFFF) * 280)
        await asking.transport._send_rtp(bytes(RtcpByePacket(sources=[asking._ssrc])))
        count = len(caller.packets)
        await caller.until(lambda: len(caller.packets) > count + 20)
        sequences = [packet.sequence for packet, _ in caller.packets]
        assert len(sequences) == len(set(sequences))
        assert not agent.reasons


# -- data channel ------------------------------------------------------------------------------


@realtime
async def test_messages_go_both_ways_and_wait_for_the_channel():
    upstream.install(CONFIG)
    agent, caller = Side(), Side()
    agent.on_open = lambda: agent.peer.send("session.created")
    agent.peer._on_channel_open = agent.on_open
    agent.peer.send("early")
    caller.peer.send("hello")
    async with call(agent, caller):
        await caller.until(lambda: len(caller.messages) == 2 and agent.messages)
        assert caller.messages == ["session.created", "early"]
        assert agent.messages == ["hello"]
        long = "ä" * 20_000
        agent.peer.send(long)
        await caller.until(lambda: long in caller.messages)


@realtime
async def test_the_last_message_before_a_hang_up_arrives():
    async with call() as (agent, caller):
        await caller.opened.wait()
        agent.peer.send("voxline.call.ended")
        await agent.peer.close()
        await caller.until(lambda: caller.reasons)
        assert caller.messages == ["voxline.call.ended"]


@realtime
async def test_messages_without_a_channel_are_bounded():
    upstream.install(CONFIG)
    agent = Side()
    logging.getLogger("agent.media.peer").disabled = True
    for i in range(1000):
        agent.peer.send(str(i))
    logging.getLogger("agent.media.peer").disabled = False
    assert len(agent.peer._waiting) == 256 and agent.peer._waiting[0] == "0"
    await agent.peer.close()


@realtime
async def test_further_channels_and_binary_messages_are_ignored():
    async with call() as (agent, caller):
        await caller.opened.wait()
        other = caller.peer.pc.createDataChannel("mischief")
        caller.peer._channel.send(b"\x00")
        caller.peer.send("hello")
        await agent.until(lambda: agent.messages and other.readyState == "closed")
        assert agent.messages == ["hello"]


@realtime
async def test_mischief_on_the_data_channel_is_logged_once_and_briefly(caplog):
    async with call() as (agent, caller):
        await caller.opened.wait()
        with caplog.at_level(logging.INFO, "agent.media.peer"):
            for _ in range(5):
                caller.peer.pc.createDataChannel("m" * 60_000)
                caller.peer._channel.send(b"\x00")
            caller.peer.send("hello")
            await agent.until(lambda: agent.messages)
        lines = [r.getMessage() for r in caplog.records if r.name == "agent.media.peer"]
        assert len(lines) == 2 and max(map(len, lines)) < 160
        assert not agent.reasons


@realtime
async def test_a_caller_that_opens_channel_after_channel_is_hung_up_on():
    async with call() as (agent, caller):
        await caller.opened.wait()
        logging.getLogger("agent.media.peer").disabled = True
        for n in range(20):
            caller.peer.pc.createDataChannel(f"mischief {n}")
        async with asyncio.timeout(20):
            await agent.closed.wait()
        logging.getLogger("agent.media.peer").disabled = False
        assert agent.reasons == [EndReason.CALLER]


@pytest.mark.parametrize("unsendable", ["x" * 70_000, "half a character: \ud800"])
@realtime
async def test_a_message_that_cannot_be_sent_is_the_last_and_raises_nothing(caplog, unsendable):
    async with call() as (agent, caller):
        await caller.opened.wait()
        agent.peer.pc.sctp._remote_max_message_size = 65_536  # as its offer may have said
        agent.peer.send("before")
        agent.peer.send(unsendable)
        agent.peer.send(unsendable)
        agent.peer.send("after")
        await agent.peer.close()
        await caller.until(lambda: caller.reasons)
        assert caller.messages == ["before"]
    assert caplog.text.count("cannot be sent") == 1
    assert "Traceback" in caplog.text


@realtime
async def test_a_message_that_never_ends_costs_the_data_channel_and_not_the_call(caplog):
    async with call() as (agent, caller):
        await caller.opened.wait()
        caller.peer.pc.sctp._remote_max_message_size = 0  # no limit
        caller.peer._channel.send("x" * 2_000_000)
        ended = asyncio.Event()
        agent.peer._channel.on("close", ended.set)
        async with asyncio.timeout(20):
            await ended.wait()
        agent.peer.send("to nobody")
        frames = len(agent.frames)
        await agent.until(lambda: len(agent.frames) > frames + 20)
        assert not agent.reasons and not agent.messages
    assert "messages do not end" in caplog.text


# -- the end -----------------------------------------------------------------------------------


@realtime
async def test_a_hang_up_is_told_to_the_other_side_once():
    async with call() as (agent, caller):
        await caller.peer.close()
        async with asyncio.timeout(20):
            await agent.closed.wait()
        await agent.peer.close()
        await agent.peer.close()
    assert agent.reasons == [EndReason.CALLER]
    assert caller.reasons == []  # it knows


@realtime
async def test_a_dead_caller_is_noticed_by_its_silence():
    config = replace(CONFIG, limits=Limits(lost_s=0.5))
    async with call(config=config) as (agent, caller):
        vanish(caller.peer.pc)
        began = time.monotonic()
        async with asyncio.timeout(20):
            await agent.closed.wait()
        assert agent.reasons == [EndReason.LOST]
        assert 0.3 < time.monotonic() - began


@realtime
async def test_a_dead_agent_is_noticed_though_it_was_silent():
    """The caller cannot go by packets: an agent that says nothing sends none."""
    config = replace(CONFIG, limits=Limits(lost_s=1.0))
    agent = Side(config, PacketTrack(count=3))
    async with call(agent=agent, config=config) as (agent, caller):
        await agent.until(lambda: agent.heard > 1.5 * HEAR_HZ)
        assert not caller.reasons and not agent.reasons
        vanish(agent.peer.pc)
        async with asyncio.timeout(20):
            await caller.closed.wait()
        assert caller.reasons == [EndReason.LOST]


@realtime
async def test_a_caller_that_never_connects_is_given_up():
    config = replace(CONFIG, limits=Limits(connect_s=1))
    upstream.install(config)
    agent, caller = Side(config), Side(config)
    await agent.peer.answer(await caller.peer.offer())
    async with asyncio.timeout(20):
        await agent.closed.wait()
    assert agent.reasons == [EndReason.NEVER_CONNECTED]
    await agent.peer.close()
    await caller.peer.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sdp: "",
        lambda sdp: "nonsense",
        lambda sdp: sdp.replace("opus", "speex"),
        lambda sdp: sdp.replace("a=ice-pwd", "a=x"),
        lambda sdp: sdp.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 7 0 1"),
        lambda sdp: sdp.replace("m=audio", "m=video"),
        lambda sdp: sdp.replace("a=setup:actpass", "a=setup:held"),
        lambda sdp: sdp[: len(sdp) // 2],
    ],
)
@realtime
async def test_an_offer_that_cannot_be_answered_is_refused_and_leaves_nothing(spoil):
    upstream.install(CONFIG)
    logging.getLogger("agent.media.upstream").disabled = True
    caller = Side()
    offer = spoil(await caller.peer.offer())
    await caller.peer.close()
    await settled()
    before = held()
    agent = Side()
    try:
        await agent.peer.answer(offer)
    except RejectedOffer as refused:
        assert refused.code == "invalid_offer" and refused.status == 400
    await agent.peer.close()
    logging.getLogger("agent.media.upstream").disabled = False
    assert agent.track.readyState == "ended"
    agent = None
    await settled()
    assert held() == before


def held():
    """Files, threads and tasks of this process."""
    gc.collect()
    return len(os.listdir("/proc/self/fd")), threading.active_count(), len(asyncio.all_tasks())


async def settled():
    for _ in range(100):
        await asyncio.sleep(0)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts files in /proc")
@realtime
async def test_a_call_leaves_nothing_behind():
    async with call():
        pass
    await settled()
    before = held()
    for _ in range(3):
        async with call() as (agent, _caller):
            await agent.until(lambda agent=agent: len(agent.frames) > 3)
    agent = _caller = None
    await settled()
    assert held() == before


@realtime
async def test_a_caller_that_gives_up_while_being_answered_leaves_nothing():
    upstream.install(CONFIG)
    caller = Side()
    offer = await caller.peer.offer()
    agent = Side()
    answering = asyncio.create_task(agent.peer.answer(offer))
    await asyncio.sleep(0)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert agent.peer.pc.connectionState == "closed"
    await caller.peer.close()


@pytest.mark.parametrize("passes", range(1, 12))
@realtime
async def test_a_caller_that_is_hung_up_on_while_being_answered_is_not_answered(passes, caplog):
    caplog.set_level(logging.INFO)
    upstream.install(CONFIG)
    agent, caller = Side(), Side()
    answering = asyncio.create_task(agent.peer.answer(await caller.peer.offer()))
    for _ in range(passes):
        await asyncio.sleep(0)
    assert not answering.done()
    await agent.peer.close()
    with pytest.raises(RejectedOffer) as refused:
        await answering
    assert (refused.value.code, refused.value.status) == ("hung_up", 410)
    assert agent.peer._watch is None, "nobody waits for a connection any more"
    assert not [each for each in caplog.records if each.exc_info], "it is no fault"
    await caller.peer.close()


@pytest.mark.parametrize("first", ["agent", "caller"])
@realtime
async def test_hanging_up_during_the_handshake_leaves_no_error_in_the_log(caplog, first):
    """Killed: "Task exception was never retrieved", by a hang-up between ICE and DTLS."""
    upstream.install(CONFIG)
    for passes in range(13):  # after its beginning; it takes about as many
        sides = {"agent": Side(), "caller": Side()}
        offer = await sides["caller"].peer.offer()
        await sides["caller"].peer.accept(await sides["agent"].peer.answer(offer))
        [dtls] = vars(sides[first].peer.pc)["_RTCPeerConnection__dtlsTransports"]
        begun = asyncio.Event()
        dtls.on("statechange", begun.set)
        await begun.wait()
        for _ in range(passes):
            await asyncio.sleep(0)
        for side in (sides.pop(first), *sides.values()):
            await side.peer.close()
        side = sides = dtls = None
        await settled()
        gc.collect()
    assert caplog.messages == []


@realtime
async def test_nobody_is_told_of_a_connection_that_comes_after_the_hang_up(monkeypatch):
    """Killed: "ended", and then "connected", in the log of a call that was soon hung up."""
    upstream.install(CONFIG)
    agent, caller = Side(), Side()
    await agent.peer.answer(await caller.peer.offer())
    closing = asyncio.create_task(agent.peer.close())
    await asyncio.sleep(0)
    with monkeypatch.context() as patched:
        connected = property(lambda pc: "connected")
        patched.setattr(aiortc.RTCPeerConnection, "connectionState", connected)
        agent.peer.pc.emit("connectionstatechange")
    await closing
    await caller.peer.close()
    assert not agent.connected.is_set()


@realtime
async def test_the_peer_reports_what_it_loses():
    dice = random.Random(1)
    network = lambda pc: impair(pc, lambda: dice.random() < 0.3)  # noqa: E731
    async with call(network=network) as (_agent, caller):
        reports = []
        for _ in range(100):
            frames = len(caller.frames)
            await caller.until(lambda frames=frames: len(caller.frames) > frames + 5)
            stats = (await caller.peer.pc.getStats()).values()
            reports = [each for each in stats if each.type == "remote-inbound-rtp"]
            if reports and reports[0].packetsLost:
                break
        assert reports[0].packetsLost > 0
