"""Which packet now? Puts the caller's packets in order, says what stands for missing ones.

Knows sequence numbers, timestamps and the time it is told; knows no clock, codec or socket.
There is no playout delay: the listener is a recogniser, not a loudspeaker, so a packet in order
is played at once, and after a stall everything that was held up is played in one go.
RTP: RFC 3550; Opus over RTP: RFC 7587. Durations are RTP_HZ ticks.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from agent.audio.frame import FRAME_MS, RTP_FRAME, RTP_HZ
from agent.config import Receive

_WINDOW = 1024  # packets back that are told apart as late or duplicate; libsrtp's own window
_MAX_GAP = 3000  # packets forward that may be lost; beyond: a restart (RFC 3550, A.1)
_MAX_HELD = 64  # packets that wait behind a gap, whatever the clock says
_MAX_SOURCES = 8  # SSRCs in a call; a browser uses one, a gateway that transfers calls some
# Ticks in one step: a laptop that slept, a timestamp that jumps by hours. The call computes on
# a step in one go, 4 ms a second. A pause longer than `stall_ms` has been filled by stalls.
_MAX_SILENCE = RTP_HZ
_BURST = 10 * RTP_HZ  # ticks that may come faster than time: what a stalled network held back
_DRIFT = 1.01  # a sender's clock may be so much faster than ours for ever
_FRAME_S = FRAME_MS / 1000


@dataclass(frozen=True, slots=True)
class RtpAudio:
    """One packet as it arrived; `duration_ticks` is what its payload will play."""

    ssrc: int
    sequence: int  # 16 bits
    timestamp: int  # 32 bits, RTP_HZ
    payload: bytes
    duration_ticks: int


@dataclass(frozen=True, slots=True)
class Play:
    payload: bytes


@dataclass(frozen=True, slots=True)
class Recover:
    """Make the lost packet before `payload` from the redundancy that it may carry."""

    payload: bytes
    duration_ticks: int


@dataclass(frozen=True, slots=True)
class Conceal:
    duration_ticks: int


@dataclass(frozen=True, slots=True)
class Silence:
    """The sender said nothing (DTX), or too much was lost to make up."""

    duration_ticks: int


@dataclass(frozen=True, slots=True)
class Stalled:
    """Nothing comes; time goes on as silence, so that turns still end."""

    duration_ticks: int


class Cause(StrEnum):
    DUPLICATE = "duplicate"
    LATE = "late"  # its place has been filled
    FLOOD = "flood"  # more audio than time
    SOURCE = "source"  # too many SSRCs


@dataclass(frozen=True, slots=True)
class Drop:
    cause: Cause


Step = Play | Recover | Conceal | Silence | Stalled | Drop


@dataclass(slots=True)
class _Stream:
    """Where one SSRC has got to."""

    next_sequence: int
    next_timestamp: int
    held: dict[int, tuple[RtpAudio, float]] = field(default_factory=dict)  # with its arrival
    played: int = 0  # bit i: next_sequence - 1 - i was played
    suspect: RtpAudio | None = None  # far away; a second one beside it proves a restart

    def ahead(self, packet: RtpAudio) -> int:
        return _signed(packet.sequence - self.next_sequence, 16)

    def first_held(self) -> RtpAudio:
        return min((packet for packet, _ in self.held.values()), key=self.ahead)

    def move_to(self, packet: RtpAudio) -> None:
        """Make `packet` the next in order, with no time missing before it."""
        self.played = (self.played << max(self.ahead(packet), 0)) & _ALL_PLAYED
        self.next_sequence, self.next_timestamp = packet.sequence, packet.timestamp

    def move_past(self, packet: RtpAudio) -> None:
        self.played = ((self.played << self.ahead(packet) + 1) | 1) & _ALL_PLAYED
        self.next_sequence = (packet.sequence + 1) & 0xFFFF
        self.next_timestamp = (packet.timestamp + packet.duration_ticks) & 0xFFFFFFFF


_ALL_PLAYED = (1 << _WINDOW) - 1


class JitterBuffer:
    """One call's incoming audio, whatever its sender and the network do.

    Laws: packets of a source are played in order and none twice; each lost packet's time is
    filled once; a loss delays no packet that comes `reorder_wait_ms` after it; what packets
    bring is at most 1.01 times the time that passed and 10 s, what stalls bring at most the
    time that passed; what is held is bounded.
    """

    def __init__(self, receive: Receive) -> None:
        self._wait_s = receive.reorder_wait_ms / 1000
        self._conceal_ticks = receive.conceal_ms * RTP_HZ // 1000
        self._stall_s = receive.stall_ms / 1000
        self._max_silence = max(_MAX_SILENCE, receive.stall_ms * RTP_HZ // 1000)
        self._streams: dict[int, _Stream] = {}
        self._stream: _Stream | None = None  # the one that is played
        self._heard_until = 0.0  # seconds; the time up to which audio was given out
        self._stalled_ticks = 0  # of silence since the last packet
        self._budget_ticks, self._budget_at = float(_BURST), 0.0
        self.lost = 0  # packets whose time was filled

    @property
    def deadline(self) -> float | None:
        """When `tick` has something to do. Changes with every `push` and `tick`."""
        if self._stream is None:
            return None
        return min(self._stall_deadline(), self._gap_deadline(self._stream))

    def push(self, packet: RtpAudio, now: float) -> list[Step]:
        """Take a packet that arrived. `now` is monotonic seconds and never goes back."""
        steps = self._release(now)
        stream = self._streams.get(packet.ssrc)
        if stream is None:
            if len(self._streams) == _MAX_SOURCES:
                return [*steps, Drop(Cause.SOURCE)]
            stream = _Stream(packet.sequence, packet.timestamp)
            self._streams[packet.ssrc] = stream
        return steps + self._accept(stream, packet, now) + self._release(now)

    def tick(self, now: float) -> list[Step]:
        """Do what is due. Before it, `push` what has arrived already: it may end a stall."""
        steps = self._release(now)
        if self._stream is not None and now >= self._stall_deadline():
            frames = max(1, int((now - self._heard_until) / _FRAME_S + 1e-6))
            ticks = min(frames * RTP_FRAME, self._max_silence)
            self._heard_until = min(now, self._heard_until + frames * _FRAME_S)
            self._stalled_ticks += ticks
            steps.append(Stalled(ticks))
        return steps

    def _accept(self, stream: _Stream, packet: RtpAudio, now: float) -> list[Step]:
        ahead = stream.ahead(packet)
        if -_WINDOW <= ahead < 0:
            played = stream.played >> (-ahead - 1) & 1
            return [Drop(Cause.DUPLICATE if played else Cause.LATE)]
        if packet.sequence in stream.held:
            return [Drop(Cause.DUPLICATE)]
        steps: list[Step] = []
        arrived = [packet]
        if not 0 <= ahead <= _MAX_GAP:
            suspect, stream.suspect = stream.suspect, packet
            if suspect is None or not _follows(packet, suspect):
                return []
            steps += self._flush(now)
            stream.played = 0
            stream.move_to(suspect)
            arrived.insert(0, suspect)
        elif stream is not self._stream:  # first, or back after another source had the word
            steps += self._flush(now)
            stream.move_to(packet)
        self._stream = stream
        stream.suspect = None
        stream.held.update((p.sequence, (p, now)) for p in arrived)
        return steps

    def _release(self, now: float) -> list[Step]:
        """Play what is in order, and past a gap that has been open for too long."""
        stream, steps = self._stream, list[Step]()
        while stream is not None and stream.held:
            packet = stream.first_held()
            if stream.ahead(packet) > 0 and now < self._gap_deadline(stream):
                break
            steps += self._play(stream, packet, now)
        return steps

    def _flush(self, now: float) -> list[Step]:
        """Play what is held, because its source stopped or restarted."""
        steps = list[Step]()
        while self._stream is not None and self._stream.held:
            steps += self._play(self._stream, self._stream.first_held(), now)
        return steps

    def _play(self, stream: _Stream, packet: RtpAudio, now: float) -> list[Step]:
        del stream.held[packet.sequence]
        steps = self._fill(stream, packet, now)
        stream.move_past(packet)
        self._heard_until, self._stalled_ticks = now, 0
        if self._affordable(now) < packet.duration_ticks:
            return [*steps, Drop(Cause.FLOOD)]
        self._budget_ticks -= packet.duration_ticks
        return [*steps, Play(packet.payload)]

    def _fill(self, stream: _Stream, packet: RtpAudio, now: float) -> list[Step]:
        """What stands for the time before `packet`, less the silence that has stood for it."""
        lost = stream.ahead(packet)
        self.lost += lost
        missing = _signed(packet.timestamp - stream.next_timestamp, 32) - self._stalled_ticks
        if missing <= 0:
            return []
        missing = min(missing, self._max_silence, self._affordable(now))
        self._budget_ticks -= missing
        # Lost packets are taken to be as long as the one that shows that they are.
        recover = min(missing, packet.duration_ticks) if lost else 0
        conceal = min(
            missing - recover,
            max(lost - 1, 0) * packet.duration_ticks,
            max(self._conceal_ticks - recover, 0),
        )
        silence = missing - recover - conceal
        steps: list[Step] = []
        if conceal:
            steps.append(Conceal(conceal))
        if silence:
            steps.append(Silence(silence))
        if recover:
            steps.append(Recover(packet.payload, recover))
        return steps

    def _affordable(self, now: float) -> int:
        """How many ticks the sender may bring at once."""
        refill = (now - self._budget_at) * _DRIFT * RTP_HZ
        self._budget_ticks = min(float(_BURST), self._budget_ticks + refill)
        self._budget_at = now
        return int(self._budget_ticks)

    def _stall_deadline(self) -> float:
        return self._heard_until + (_FRAME_S if self._stalled_ticks else self._stall_s)

    def _gap_deadline(self, stream: _Stream) -> float:
        if not stream.held:
            return float("inf")
        if len(stream.held) > _MAX_HELD:
            return float("-inf")
        return min(arrival for _, arrival in stream.held.values()) + self._wait_s


def _follows(packet: RtpAudio, other: RtpAudio) -> bool:
    return 0 < _signed(packet.sequence - other.sequence, 16) <= _WINDOW


def _signed(difference: int, bits: int) -> int:
    """Tell a small step back from a large step forward, across the wrap-around."""
    half = 1 << (bits - 1)
    return ((difference + half) & ((1 << bits) - 1)) - half
