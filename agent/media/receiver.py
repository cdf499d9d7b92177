"""From packets to audio: carries out what the jitter buffer says, in the event loop, at once.

Knows the loop's clock and Opus; knows nothing of aiortc, and of the call only two callbacks.
There is no thread and no queue: a packet is decoded where it arrives, which costs 40 us.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVarTuple, assert_never

import numpy as np

from agent.audio.frame import HEAR_HZ, RTP_HZ, Samples
from agent.config import Receive
from agent.media import jitter
from agent.media.jitter import Cause, JitterBuffer, RtpAudio, Step
from agent.media.opus import BadPayload, Decoder, has_redundancy, packet_ticks

_log = logging.getLogger(__name__)

_Args = TypeVarTuple("_Args")

_TICKS_PER_SAMPLE = RTP_HZ // HEAR_HZ
_BUSY_S = 0.010  # a timer so late means that the loop was busy
_SLICE = HEAR_HZ * 120 // 1000  # samples handed on at a time: the longest packet
_PATIENCE_S = 0.005  # enough to read a second of packets from the socket


@dataclass(frozen=True, slots=True)
class Stats:
    """What a caller's packets went through, since the beginning of the call."""

    packets: int = 0
    lost: int = 0  # their time was filled with one of the next two, or with silence
    recovered: int = 0  # from redundancy
    concealed_ms: int = 0
    late: int = 0
    duplicates: int = 0
    refused: int = 0  # a flood, or too many sources
    malformed: int = 0
    stalls: int = 0
    failures: int = 0  # exceptions of our own callbacks


class Receiver:
    """One call's incoming audio. Lives in the event loop that created it.

    `on_audio` gets [n] at HEAR_HZ: a packet's worth; a stall's silence in slices of 120 ms,
    with the loop's turn between them and in order with what follows.
    `on_packet`, where given, gets every packet first, with its arrival on the loop's clock.
    What they raise is logged and counted, and goes no further.
    """

    def __init__(
        self,
        receive: Receive,
        on_audio: Callable[[Samples], None],
        on_packet: Callable[[RtpAudio, float], None] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_audio = on_audio
        self._on_packet = on_packet
        self._buffer = JitterBuffer(receive)
        self._decoder = Decoder()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s = 0.0  # uvloop's own forgets its time where that has come already
        self._waiting: deque[Samples] = deque()
        self._patient = False
        self._stalled = False
        self._closed = False
        self._counts = dict.fromkeys(Stats.__slots__, 0)
        self.last_arrival_s: float | None = None  # on the loop's clock

    @property
    def stats(self) -> Stats:
        return Stats(**{**self._counts, "lost": self._buffer.lost})

    def take(self, ssrc: int, sequence: int, timestamp: int, payload: bytes) -> None:
        """Take an RTP packet that has just arrived. Never raises."""
        if self._closed:
            return
        now = self._loop.time()
        self.last_arrival_s = now
        self._counts["packets"] += 1
        try:
            packet = RtpAudio(ssrc, sequence, timestamp, payload, packet_ticks(payload))
        except BadPayload as error:  # to the jitter buffer it is lost
            self._report_malformed(error)
            return
        if self._on_packet is not None:
            self._guard(self._on_packet, packet, now)
        self._carry_out(self._buffer.push(packet, now))

    def close(self) -> None:
        """Stop. No callback is called any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        # A timer that is too early re-arms itself. Every packet moves the deadline back, and
        # leaving the timer where it is saves 45 of 50 cancellations a second.
        deadline = self._buffer.deadline
        if deadline is None or self._closed:
            return
        if self._timer is not None:
            if self._timer_s <= deadline:
                return
            self._timer.cancel()
        self._timer, self._timer_s = self._loop.call_at(deadline, self._fire), deadline

    def _fire(self) -> None:
        self._timer = None
        now, deadline = self._loop.time(), self._buffer.deadline
        late = deadline is not None and now - deadline > _BUSY_S
        if late and not self._patient:
            # What arrived while the loop was busy is still in the socket, and may be just what
            # the buffer gave up waiting for: silence must not be put before it.
            self._patient = True
            self._timer_s = now + _PATIENCE_S
            self._timer = self._loop.call_at(self._timer_s, self._fire)
            return
        self._patient = False
        self._carry_out(self._buffer.tick(now))

    def _carry_out(self, steps: list[Step]) -> None:
        for step in steps:
            samples = self._samples(step)
            if samples is not None and not self._closed:
                self._hand_on(samples)
        self._arm()

    def _hand_on(self, samples: Samples) -> None:
        """At once, but for a stall's silence: a second of it would hold the loop for 6 ms."""
        at_once = not self._waiting
        self._waiting += (samples[at : at + _SLICE] for at in range(0, len(samples), _SLICE))
        if at_once:
            self._hand_next()

    def _hand_next(self) -> None:
        if self._closed or not self._waiting:
            return
        # taken off when it has been heard, so that what comes meanwhile waits behind it
        self._guard(self._on_audio, self._waiting[0])
        self._waiting.popleft()
        if self._waiting:
            self._loop.call_soon(self._hand_next)

    def _samples(self, step: Step) -> Samples | None:
        match step:
            case jitter.Play(payload):
                self._stalled = False
                return self._decode(payload)
            case jitter.Recover(payload, ticks):
                return self._recover(payload, ticks)
            case jitter.Conceal(ticks):
                return self._conceal(ticks)
            case jitter.Silence(ticks):
                return _silence(ticks)
            case jitter.Stalled(ticks):
                self._counts["stalls"] += not self._stalled
                self._stalled = True
                return _silence(ticks)
            case jitter.Drop(cause):
                self._counts[_COUNTED_AS[cause]] += 1
                return None
        assert_never(step)

    def _decode(self, payload: bytes) -> Samples:
        try:
            return self._decoder.decode(payload)
        except BadPayload as error:
            self._report_malformed(error)
            return self._conceal(packet_ticks(payload))

    def _recover(self, next_payload: bytes, ticks: int) -> Samples:
        if not has_redundancy(next_payload):
            return self._conceal(ticks)
        try:
            samples = self._decoder.recover(next_payload, ticks // _TICKS_PER_SAMPLE)
        except BadPayload as error:
            self._report_malformed(error)
            return self._conceal(ticks)
        self._counts["recovered"] += 1
        return samples

    def _conceal(self, ticks: int) -> Samples:
        self._counts["concealed_ms"] += ticks * 1000 // RTP_HZ
        return self._decoder.conceal(ticks // _TICKS_PER_SAMPLE)

    def _report_malformed(self, error: BadPayload) -> None:
        self._counts["malformed"] += 1
        if self._counts["malformed"] == 1:
            _log.warning("caller sends malformed Opus (%s); further ones are counted", error)

    def _guard(self, callback: Callable[[*_Args], object], *args: *_Args) -> None:
        try:
            callback(*args)
        except Exception:  # noqa: BLE001  it would reach aiortc and close the transport
            self._counts["failures"] += 1
            if self._counts["failures"] == 1:
                _log.exception("the call failed to take audio; further failures are counted")


_COUNTED_AS = {
    Cause.DUPLICATE: "duplicates",
    Cause.LATE: "late",
    Cause.FLOOD: "refused",
    Cause.SOURCE: "refused",
}


def _silence(ticks: int) -> Samples:
    return np.zeros(ticks // _TICKS_PER_SAMPLE, np.float32)
