"""What one end of a data channel may do to the other."""

import asyncio
import logging
from functools import wraps

import pytest
from aiortc import rtcsctptransport
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport
from google_crc32c import value as crc32c

from agent.config import Config, Ice
from agent.media import upstream
from agent.media.upstream.sctp import Association

LOOPBACK = Config(ice=Ice(addresses=("127.0.0.1",)))


def realtime(test):
    @wraps(test)
    def run(**named):
        asyncio.run(test(**named))

    return run


def fragment(tsn, *, size=1, stream_id=1, flags=0):
    """A piece of a message; of its middle unless the flags say so."""
    chunk = rtcsctptransport.DataChunk(flags=flags)
    chunk.tsn, chunk.stream_id, chunk.stream_seq, chunk.protocol = tsn, stream_id, 0, 51
    chunk.user_data = bytes(size)
    return chunk


FIRST, LAST, UNORDERED = (
    rtcsctptransport.SCTP_DATA_FIRST_FRAG,
    rtcsctptransport.SCTP_DATA_LAST_FRAG,
    rtcsctptransport.SCTP_DATA_UNORDERED,
)


class Inbound:
    """An association that only receives; which messages came out of it, how much it holds."""

    def __init__(self):
        upstream.install(LOOPBACK)
        ice = RTCIceTransport(RTCIceGatherer(iceServers=[]))
        dtls = RTCDtlsTransport(ice, [RTCCertificate.generateCertificate()])
        self.association = Association(dtls)
        self.association._last_received_tsn = 0
        self.association._receive = self._take
        self.messages, self.stopped = [], 0
        self.association.stop = self._stop

    async def _take(self, stream_id, protocol, data):
        self.messages.append(len(data))

    async def _stop(self):
        self.stopped += 1

    async def give(self, chunks):
        """Until it stops; how many it took."""
        for taken, chunk in enumerate(chunks):
            if self.stopped:
                return taken
            await self.association._receive_data_chunk(chunk)
        return None


@realtime
async def test_the_longest_message_and_many_behind_a_lost_packet_are_reassembled():
    inbound = Inbound()
    long = [fragment(tsn, size=1024) for tsn in range(1, 257)]
    long[0].flags, long[-1].flags = FIRST, LAST
    await inbound.give([*long[:100], *long[101:], long[100]])
    whole = [
        fragment(tsn, size=100, flags=FIRST | LAST | UNORDERED) for tsn in range(258, 1200)
    ]
    await inbound.give(whole)
    assert inbound.messages == [256 * 1024] + [100] * len(whole)
    assert not inbound.stopped
    assert inbound.association._fragments == 0


@pytest.mark.parametrize(
    ("chunks", "at_most"),
    [
        ((fragment(1 + n, flags=FIRST * (n == 0)) for n in range(3000)), 1025),
        ((fragment(1 + n, stream_id=n, flags=FIRST) for n in range(3000)), 1025),
        ((fragment(1 + n, size=1100, flags=FIRST * (n == 0)) for n in range(3000)), 255),
        ((fragment(2 + n, flags=FIRST | LAST | UNORDERED) for n in range(3000)), 1025),
        ((fragment(1 + n, stream_id=n, flags=FIRST | LAST) for n in range(3000)), 257),
    ],
    ids=["never end", "never end in any stream", "never end, large", "never begin", "streams"],
)
@realtime
async def test_a_caller_whose_messages_do_not_end_loses_its_data_channel(chunks, at_most):
    inbound = Inbound()
    logging.getLogger("agent.media.upstream.sctp").disabled = True
    taken = await inbound.give(chunks)
    logging.getLogger("agent.media.upstream.sctp").disabled = False
    assert 200 < taken <= at_most
    assert inbound.stopped == 1
    assert not inbound.association._inbound_streams


# -- one packet --------------------------------------------------------------------------------


def acknowledgement(cumulative, gaps):
    chunk = rtcsctptransport.SackChunk()
    chunk.cumulative_tsn, chunk.gaps, chunk.duplicates = cumulative, gaps, []
    chunk.advertised_rwnd = 100_000
    return chunk


class Sending(Inbound):
    """An association that has sent `count` chunks, numbered from 1 behind `before`."""

    def __init__(self, count, before=0):
        super().__init__()
        association = self.association
        association._last_sacked_tsn = before
        association._local_tsn = (before + count + 1) % 2**32
        for n in range(1, count + 1):
            chunk = fragment((before + n) % 2**32)
            chunk._abandoned, chunk._acked, chunk._misses = False, False, 0
            chunk._retransmit, chunk._sent_count, chunk._sent_time = False, 1, 0.0
            chunk._in_flight = True
            chunk._book_size, chunk._expiry, chunk._max_retransmits = 1, None, None
            association._sent_queue.append(chunk)
        association._flight_size = count
        association._transmit = self._transmit

    async def _transmit(self):
        """There is nobody."""

    async def acknowledge(self, cumulative, gaps):
        """Which of them are acknowledged then, as numbers."""
        chunk = acknowledgement(cumulative, gaps)
        await self.association._receive_sack_chunk(chunk)
        self.looked_at = sum(last - first + 1 for first, last in chunk.gaps)
        queue = self.association._sent_queue
        return [n for n, chunk in enumerate(queue, 1) if chunk._acked]


@pytest.mark.parametrize("before", [0, 2**32 - 4])
@realtime
async def test_what_arrived_behind_a_gap_is_known(before):
    assert await Sending(10, before).acknowledge(before, [(3, 4), (7, 7)]) == [3, 4, 7]


@pytest.mark.parametrize(
    "gaps",
    [
        [(1, 65_535)] * 280,
        [(1, 10)] * 280,
        [(10, 1)] * 280,
        [(n, 65_535) for n in range(1, 281)],
    ],
)
@realtime
async def test_no_acknowledgement_costs_more_than_what_was_sent(gaps):
    """65,535 chunks each, of hundreds of blocks: 3 s in which no other call has its turn."""
    sending = Sending(10)
    await sending.acknowledge(0, gaps)
    assert sending.looked_at <= 10


@realtime
async def test_acknowledging_the_future_costs_nothing():
    sending = Sending(10)
    await sending.acknowledge(5000, [(1, 65_535)])
    assert sending.looked_at == 0


@pytest.mark.parametrize(("beats", "answers"), [(1, 1), (300, 16)])
@realtime
async def test_one_packet_is_answered_by_few(beats, answers):
    inbound, sent = Inbound(), []
    inbound.association._remote_verification_tag = 7

    async def send(chunk):
        sent.append(chunk)

    inbound.association._send_chunk = send
    beat = bytes(rtcsctptransport.HeartbeatChunk())
    packet = rtcsctptransport.serialize_packet(5000, 5000, 0, rtcsctptransport.HeartbeatChunk())
    packet = bytearray(packet[:4] + bytes(8) + beat * beats)
    packet[4:8] = inbound.association._local_verification_tag.to_bytes(4)
    packet[8:12] = crc32c(bytes(packet)).to_bytes(4, "little")
    for _ in range(2):  # of each packet
        sent.clear()
        await inbound.association._handle_data(bytes(packet))
        assert len(sent) == answers


@realtime
async def test_streams_that_are_only_skipped_are_bounded_too():
    inbound = Inbound()
    logging.getLogger("agent.media.upstream.sctp").disabled = True
    for n in range(10):
        chunk = rtcsctptransport.ForwardTsnChunk()
        chunk.cumulative_tsn = 1 + n
        chunk.streams = [(100 * n + stream, 0) for stream in range(100)]
        await inbound.association._receive_forward_tsn_chunk(chunk)
        if inbound.stopped:
            break
    logging.getLogger("agent.media.upstream.sctp").disabled = False
    assert (n, inbound.stopped) == (2, 1)
    assert not inbound.association._inbound_streams
