"""The data channel's association, bounded. In place of aiortc's."""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from aiortc.rtcsctptransport import DataChunk, RTCSctpTransport

_log = logging.getLogger(__name__)

_SCTP_WINDOW_BYTES = 256 * 1024  # what a peer may send ahead; aiortc's longest message
_SCTP_PROBE_BYTES = 16 * 1024  # one packet may come though the window is closed
_MAX_FRAGMENTS = 1024  # held until the rest comes; a message of 256 kB is 240
_MAX_STREAMS = 256  # a channel is one; ours is the only one that stays
_MAX_CONTROLS = 16  # chunks of a packet that are not data; what is honest has one or two


class Association(RTCSctpTransport):
    """Ends, and with it the data channel, when more waits to be reassembled than we allow.

    A peer that keeps to the window that it is told never comes near.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._advertised_rwnd = _SCTP_WINDOW_BYTES
        self._controls = 0  # in the packet under way
        self._fragments = 0  # held, or more: what is pruned elsewhere is not subtracted

    async def _handle_data(self, data: bytes) -> None:
        self._controls = 0
        await super()._handle_data(data)

    async def _receive_chunk(self, chunk: Any) -> None:
        self._controls += not isinstance(chunk, DataChunk)
        if self._controls <= _MAX_CONTROLS:  # most of them are answered, with a packet each
            await super()._receive_chunk(chunk)

    async def _receive_sack_chunk(self, chunk: Any) -> None:
        sent = _signed(self._local_tsn - 1 - chunk.cumulative_tsn)
        chunk.gaps = list(_plausible(chunk.gaps, sent))
        await super()._receive_sack_chunk(chunk)

    async def _receive_data_chunk(self, chunk: Any) -> None:
        stream = self._get_inbound_stream(chunk.stream_id)
        held = len(stream.reassembly)
        await super()._receive_data_chunk(chunk)
        self._fragments += len(stream.reassembly) - held
        if self._fragments > _MAX_FRAGMENTS:
            streams = self._inbound_streams.values()
            self._fragments = sum(len(each.reassembly) for each in streams)
        await self._end_beyond_bounds()

    async def _receive_forward_tsn_chunk(self, chunk: Any) -> None:
        await super()._receive_forward_tsn_chunk(chunk)
        await self._end_beyond_bounds()

    async def _end_beyond_bounds(self) -> None:
        if (
            self._advertised_rwnd < -_SCTP_PROBE_BYTES
            or self._fragments > _MAX_FRAGMENTS
            or len(self._sack_misordered) > _MAX_FRAGMENTS
            or len(self._inbound_streams) > _MAX_STREAMS
        ):
            _log.warning("a caller's messages do not end; its data channel does")
            await self.stop()
            self._inbound_streams.clear()


def _plausible(gaps: Iterable[tuple[int, int]], sent: int) -> Iterator[tuple[int, int]]:
    """The gap blocks of a SACK that can be: in order, apart, and of what was sent.

    RFC 9260, section 3.3.4: offsets from the cumulative TSN, behind which `sent` chunks are.
    aiortc counts out each block, 65,536 chunks at the most, of hundreds in one packet.
    """
    end = 0
    for first, last in gaps:
        if end < first <= last <= sent:
            yield first, last
            end = last


def _signed(tsns: int) -> int:
    """A distance between two TSNs, across the wrap-around."""
    return (tsns + 0x80000000) % 0x100000000 - 0x80000000
