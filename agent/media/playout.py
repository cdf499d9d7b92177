"""The outgoing track: numbered samples in, ready Opus packets out, one each 20 ms.

The shell around reel.py: it knows the clock and the encoder, and decides nothing about samples.
aiortc sends an `av.Packet` as it is: no executor, no second encoder, no resampler that costs
20 ms, no audio level computed in Python (rtcrtpsender.py; facts measured for aiortc 1.16).
"""

import asyncio
import logging
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.stream import Stream

from agent.audio.frame import FRAME_MS, RTP_FRAME, RTP_HZ, Samples
from agent.config import Playout as Settings
from agent.media.gain import Gain
from agent.media.reel import Frame, Reel

_log = logging.getLogger(__name__)

_TIME_BASE = Fraction(1, RTP_HZ)
# A turn that is short of samples when its slot comes is waited for half a frame: a packet 10 ms
# late is the receiver's jitter buffer's daily bread, a concealed one is heard.
_GRACE = RTP_HZ * FRAME_MS // 2000  # RTP ticks
# Beyond this a stalled loop does not send what it missed: the listener would have to play half
# a second of backlog late or throw it away. The grid restarts and nothing of the turn is lost.
_CATCH_UP = RTP_HZ // 2  # RTP ticks

LATE_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 500)  # upper bounds of `PlayoutStats.lateness`


@dataclass(frozen=True, slots=True)
class PlayoutStats:
    """Since the call began."""

    packets: int
    underruns: int
    late_packets: int  # behind their slot by more than half a frame
    worst_late_ms: float
    lateness: tuple[int, ...]  # packets by how late they left: up to each bound, and beyond


class Playout(MediaStreamTrack):
    """Plays turns to one listener. One sender calls `recv`; all else is for the call.

    The schedule is absolute: RTP timestamps are the loop's clock, slots are 20 ms apart, a
    stalled loop catches up, and nothing drifts. Silence is not sent, and its end restarts the
    grid: the first packet of a reply leaves at once. Timestamps run on through silence, for
    contiguous ones make NetEQ's target delay grow to 1.4 s (measured).
    """

    kind = "audio"

    def __init__(
        self,
        settings: Settings,
        encode: Callable[[Samples], bytes],
        *,
        on_left: Callable[[int, int, float], None] | None = None,
        on_finished: Callable[[int], None] | None = None,
    ) -> None:
        """`encode` makes one Opus packet of [SPEAK_FRAME] samples, within a millisecond.

        `on_left(turn, samples_left, now)` is called for each packet that carries samples of
        `turn`, just before it is handed to the network; the first is the turn's first packet.
        `on_finished(turn)` is called with its last, unless it was flushed. What they raise is
        logged and the audio goes on. `on_sound(samples, at_s)` gets each frame [SPEAK_FRAME] as
        it goes to the encoder, and its slot on the loop's clock. `on_due()` is called before
        one is taken, until it has nothing to do: what it holds or flushes is not in it.
        """
        super().__init__()
        self.on_left = on_left
        self.on_finished = on_finished
        self.on_begun: Callable[[], None] | None = None  # the sender asks for the first packet
        self.on_due: Callable[[], bool] | None = None
        self.on_sound: Callable[[Samples, float], None] | None = None
        self._encode = encode
        self._reel = Reel(settings)
        self._gain = Gain()
        self._duck = 10 ** (-settings.duck_db / 20)
        self._ducked = 0  # number of the turn that is softer; no other is
        # Waits for samples, an end, a flush, the end of the call. Not an Event: looking up its
        # loop twice a packet was 3 % of a call's CPU.
        self._sender: asyncio.Future[None] | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._origin_s: float | None = None  # on the loop's clock, of RTP timestamp 0
        self._slot = -RTP_FRAME  # timestamp of the last packet
        self._packets = 0
        self._worst_late_ms = 0.0
        self._lateness = [0] * (len(LATE_BOUNDS_MS) + 1)

    # -- for the call ---------------------------------------------------------------------

    def play(self, turn: int, samples: Samples) -> None:
        """Queue samples [n] at SPEAK_HZ. A turn that is over, or a stopped track: ignored.

        Await `room` between stretches: BufferError when there is far too much in hand.
        """
        if self.readyState != "live":
            return
        self._reel.append(turn, samples)
        self._wake()
        self._note_room()

    def end(self, turn: int) -> None:
        """Nothing more of `turn` will come; `on_finished` follows when all of it has left."""
        self._reel.end(turn)
        self._wake()

    def duck(self, turn: int) -> None:
        """Speak `turn` more softly, by `duck_db`, until `restore` or until it stops."""
        self._ducked = turn

    def restore(self) -> None:
        """Speak at full level again."""
        self._ducked = 0

    def hold(self) -> None:
        """Stop within `fade_ms`, and keep the rest for `resume`."""
        self._reel.hold()
        self._ducked = 0
        self._wake()

    def resume(self) -> None:
        """Go on at the exact sample where `hold` began to fade."""
        self._reel.resume()
        self._wake()

    def flush(self) -> None:
        """Stop within `fade_ms`. What `left` says from now on is final."""
        self._reel.flush()
        self._wake()
        self._note_room()

    def left(self, turn: int) -> int:
        """How many samples of `turn` have left, those in the fade of a flush included."""
        return self._reel.left(turn)

    def set_gain(self, gain: float) -> None:
        """Speak louder or softer from the next frame on; see `Gain.set`."""
        self._gain.set(gain)

    async def room(self) -> None:
        """Return when less than `playout.depth_ms` is queued, or the track has stopped."""
        await self._room.wait()

    @property
    def stats(self) -> PlayoutStats:
        return PlayoutStats(
            packets=self._packets,
            underruns=self._reel.underruns,
            late_packets=sum(self._lateness[bisect_left(LATE_BOUNDS_MS, FRAME_MS / 2) + 1 :]),
            worst_late_ms=self._worst_late_ms,
            lateness=tuple(self._lateness),
        )

    def stop(self) -> None:
        super().stop()
        self._wake()
        self._room.set()

    # -- for the sender -------------------------------------------------------------------

    async def recv(self) -> "av.Packet[Stream]":
        """Return the next packet when it is due. Raises MediaStreamError after `stop`."""
        loop = asyncio.get_running_loop()
        if self._origin_s is None:
            self._origin_s = loop.time()
            if self.on_begun is not None:
                self._call(self.on_begun)
        self._slot += RTP_FRAME
        # Let others run after a packet; before a frame is taken, or a hold or a flush would not
        # know of it.
        await asyncio.sleep(0)
        while True:
            if self.readyState != "live":
                raise MediaStreamError
            if self.on_due is not None and self._call(self.on_due):
                await asyncio.sleep(0)  # all at once would hold the loop for long
                continue
            late = self._clock(loop) - self._slot
            if late < 0:
                await asyncio.sleep(-late / RTP_HZ)
            elif self._reel.starving and late < _GRACE:
                grace = loop.call_later((_GRACE - late) / RTP_HZ, self._wake)
                await self._woken(loop)
                grace.cancel()
            elif (frame := self._reel.next()) is None:
                await self._woken(loop)
                self._slot = self._clock(loop)
            else:
                break
        if late > _CATCH_UP:
            self._slot += late
        packet = self._depart(frame, late, loop.time())
        await asyncio.sleep(0)  # to send it takes as long as to make it
        return packet

    def _clock(self, loop: asyncio.AbstractEventLoop) -> int:
        """The RTP clock. Rounded: a timer may fire a nanosecond before its time."""
        assert self._origin_s is not None
        return round((loop.time() - self._origin_s) * RTP_HZ)

    async def _woken(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sender = loop.create_future()
        await self._sender

    def _wake(self) -> None:
        if self._sender is not None and not self._sender.done():
            self._sender.set_result(None)

    def _depart(self, frame: Frame, late: int, now: float) -> "av.Packet[Stream]":
        if frame.left or not frame.samples.any():  # a fade alone keeps the level it fell from
            ducks = bool(frame.left) and frame.left[-1][0] == self._ducked
            self._gain.dip(self._duck if ducks else 1.0)
        sound = self._gain.apply(frame.samples)
        packet = av.Packet(self._encode(sound))
        packet.pts = self._slot
        packet.time_base = _TIME_BASE
        late_ms = late * 1000 / RTP_HZ
        self._packets += 1
        self._worst_late_ms = max(self._worst_late_ms, late_ms)
        self._lateness[bisect_left(LATE_BOUNDS_MS, late_ms)] += 1
        self._note_room()
        if self.on_sound is not None:
            assert self._origin_s is not None
            self._call(self.on_sound, sound, self._origin_s + self._slot / RTP_HZ)
        self._tell(frame, now)
        return packet

    def _tell(self, frame: Frame, now: float) -> None:
        if self.on_left is not None:
            for turn, samples in frame.left:
                self._call(self.on_left, turn, samples, now)
        if self.on_finished is not None:
            for turn in frame.finished:
                self._call(self.on_finished, turn)

    def _call(self, callback: Callable[..., object], *args: object) -> object:
        try:
            return callback(*args)
        except Exception:  # noqa: BLE001 - the call's mistake must not silence the call
            _log.exception("playout callback failed")
            return None

    def _note_room(self) -> None:
        if self._reel.full and self.readyState == "live":
            self._room.clear()
        else:
            self._room.set()
