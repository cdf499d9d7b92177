"""What is to be played, and exactly how much of it has left. Pure: one `next`, one 20 ms slot.

The law: what leaves is what went in, in order, sample for sample. Exceptions, each asked for
or counted: a flush fades and drops the rest; a hold fades, and what fell rises when the turn
goes on, so that each sample leaves once in all; an underrun inserts a fall to zero and silence,
and the first `fade_ms` after it fade in. Whatever stops, for whatever reason, falls to zero
over `fade_ms`, so no seam clicks, and then two silent frames follow before nothing is sent:
without them Chromium's NetEQ stretches the last sound by 225 ms (measured; with them 62 ms).
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from agent.audio.frame import SPEAK_FRAME, SPEAK_HZ, Samples
from agent.config import Playout

_TAIL_FRAMES = 2  # silent frames after the last sound
_WAIT_FRAMES = 10  # silent frames in mid-turn before we stop sending: 200 ms
_REMEMBERED_TURNS = 32  # whose counts `left` still knows
_LIMIT = 4  # times the depth: a prepared reply comes in one go, perhaps behind a prompt


@dataclass(frozen=True, slots=True)
class Frame:
    """The next 20 ms to send."""

    samples: Samples  # [SPEAK_FRAME], may be all zeros
    left: tuple[tuple[int, int], ...]  # (turn, its samples gone after this frame), those in it
    finished: tuple[int, ...]  # turns of which nothing more will leave; they were not flushed


@dataclass(slots=True)
class _Turn:
    number: int
    pieces: deque[Samples] = field(default_factory=deque)
    queued: int = 0
    left: int = 0
    closed: bool = False  # nothing more will come

    def peek(self, count: int) -> Samples:
        """The next [up to count] that will leave."""
        whole: Samples = np.concatenate([np.zeros(0, np.float32), *self.pieces])
        return whole[:count]

    def put_back(self, samples: Samples) -> None:
        """What `take` gave last leaves again."""
        self.pieces.appendleft(samples)
        self.queued += len(samples)
        self.left -= len(samples)

    def take(self, out: Samples) -> int:
        """Move samples to `out`, as many as fit and there are; tell how many."""
        filled = 0
        while filled < len(out) and self.pieces:
            piece = self.pieces.popleft()
            count = min(len(piece), len(out) - filled)
            out[filled : filled + count] = piece[:count]
            if count < len(piece):
                self.pieces.appendleft(piece[count:])
            filled += count
        self.queued -= filled
        self.left += filled
        return filled


class Reel:
    """A queue of numbered turns. Turn numbers rise; what comes with an old number is ignored.

    A turn is open from its first `append` until `end`, until a later turn is appended, or until
    it is flushed. Memory is bounded by four times `playout.depth_ms` and one append.
    """

    def __init__(self, playout: Playout) -> None:
        self._start = playout.start_ms * SPEAK_HZ // 1000
        self._depth = playout.depth_ms * SPEAK_HZ // 1000
        fade = playout.fade_ms * SPEAK_HZ // 1000
        # half a cosine: no corner at either end, hence no click
        swing = np.cos(np.pi * np.arange(1, fade + 1) / fade)
        self._fall: Samples = (0.5 + 0.5 * swing).astype(np.float32)  # ends on 0
        self._rise: Samples = (0.5 - 0.5 * swing).astype(np.float32)  # ends on 1
        self._turns: deque[_Turn] = deque()  # unfinished; only the last may be open
        self._past: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED_TURNS)  # (turn, left)
        self._newest = 0  # highest turn number seen
        self._sounding = False  # the previous frame ended in mid-sound
        self._falling: Samples = self._fall[:0]  # rest of a fall; leaves before all else
        self._rising: Samples = self._rise[:0]  # rest of a rise, for the next samples
        self._held: Samples | None = None  # as it was, what fell when the turn was held
        self._last = np.float32(0.0)  # value of the sample that left last
        self._quiet_frames = 0  # silent frames still owed
        self._underruns = 0

    @property
    def underruns(self) -> int:
        """How often an open turn ran out of samples."""
        return self._underruns

    @property
    def queued(self) -> int:
        """Samples that have not left."""
        return sum(turn.queued for turn in self._turns)

    @property
    def queued_ms(self) -> int:
        return self.queued * 1000 // SPEAK_HZ

    @property
    def full(self) -> bool:
        """There is `playout.depth_ms` in hand: append no more for now."""
        return self.queued >= self._depth

    @property
    def starving(self) -> bool:
        """A frame taken now would be an underrun: what is being heard is short of 20 ms."""
        if not self._sounding or not self._turns:
            return False
        head = self._turns[0]
        return head.left > 0 and not head.closed and head.queued < SPEAK_FRAME

    def left(self, turn: int) -> int:
        """How many samples of `turn` have left; 0 for one that is unknown or long past."""
        unfinished = ((t.number, t.left) for t in self._turns)
        return dict([*self._past, *unfinished]).get(turn, 0)

    def append(self, turn: int, samples: Samples) -> None:
        """Queue samples [n] behind all others; those of a turn that is over are ignored.

        A turn later than all before closes them: it follows without a gap.
        Raises BufferError where nobody stops when `full`.
        """
        target = self._open(turn)
        if target is None:
            return
        if self.queued >= _LIMIT * self._depth:
            raise BufferError(f"turn {turn}: {self.queued_ms} ms in hand; wait for room first")
        if len(samples):
            target.pieces.append(np.array(samples, np.float32))  # the caller may reuse theirs
            target.queued += len(samples)

    def end(self, turn: int) -> None:
        """Nothing more of `turn` will come. It may have had no samples at all."""
        target = self._open(turn)
        if target is not None:
            target.closed = True

    def flush(self) -> None:
        """Stop: fade from the exact sample where we are, drop the rest, close every turn.

        The samples in the fade count as left, since they are heard; `left` is final at once.
        A turn that is flushed is never reported as finished.
        """
        self._fall_silent()
        self._held = None
        self._past.extend((turn.number, turn.left) for turn in self._turns)
        self._turns.clear()
        self._rising = self._rise[:0]

    def hold(self) -> None:
        """Stop as `flush` does, but keep what has not left; `resume` or `flush` follows."""
        if self._held is None:
            self._held = self._fall_silent()

    def resume(self) -> None:
        """Go on where the fade of `hold` began. Its samples no longer count as left."""
        held, self._held = self._held, None
        if held is not None and len(held):
            self._turns[0].put_back(held)

    def _fall_silent(self) -> Samples:
        """Fade from where we are; return what falls as it was, [up to `fade_ms`]."""
        falls = self._fall[:0]
        if self._sounding:
            faded = np.empty(len(self._fall), np.float32)
            count = 0
            # a turn that has not begun does not begin in the fade of the one before it
            if self._turns and (head := self._turns[0]).left:
                falls = head.peek(len(faded))
                count = self._take(head, faded)
            faded[count:] = self._last
            self._falling = faded * self._fall
            self._sounding = False
            self._quiet_frames = _TAIL_FRAMES
        self._quiet_frames = min(self._quiet_frames, _TAIL_FRAMES)
        return falls

    def next(self) -> Frame | None:
        """Take the frame of this 20 ms slot. None: send nothing."""
        samples: Samples = np.zeros(SPEAK_FRAME, np.float32)
        left: list[tuple[int, int]] = []
        finished: list[int] = []
        filled = self._fall_into(samples) if len(self._falling) else 0
        while filled < SPEAK_FRAME and self._turns and self._flows(self._turns[0]):
            head = self._turns[0]
            if count := self._take(head, samples[filled:]):
                filled += count
                left.append((head.number, head.left))
                self._sounding = True
            if head.queued or not head.closed:
                break
            finished.append(head.number)
            self._past.append((head.number, head.left))
            self._turns.popleft()
            self._rising = self._rise[:0]
        if filled < SPEAK_FRAME and self._sounding:
            filled += self._run_dry(samples[filled:])
        if filled == 0 and not finished and self._quiet_frames == 0:
            return None
        if filled == 0:
            if finished:  # its end came late: what we owe is a tail now, no longer a wait
                self._quiet_frames = min(self._quiet_frames, _TAIL_FRAMES)
            self._quiet_frames = max(0, self._quiet_frames - 1)
        return Frame(samples, tuple(left), tuple(finished))

    def _open(self, number: int) -> _Turn | None:
        """Find or begin the turn to add to; None when it is over."""
        if number <= self._newest:
            last = self._turns[-1] if self._turns else None
            return last if last and last.number == number and not last.closed else None
        if self._turns:
            self._turns[-1].closed = True
        self._newest = number
        self._turns.append(_Turn(number))
        return self._turns[-1]

    def _flows(self, head: _Turn) -> bool:
        """Whether `head` may leave now: it is being heard, or enough of it is in hand."""
        if self._held is not None:
            return False
        if head.closed or (self._sounding and head.left):
            return True
        return head.queued >= self._start

    def _take(self, head: _Turn, out: Samples) -> int:
        if head.left and not self._sounding:
            self._rising = self._rise  # back from an underrun
        count = head.take(out)
        risen = min(count, len(self._rising))
        if risen:
            out[:risen] *= self._rising[:risen]
            self._rising = self._rising[risen:]
        if count:
            self._last = out[count - 1]
        return count

    def _run_dry(self, out: Samples) -> int:
        """Nothing more to play for now: fall from the last sample's value to zero."""
        self._sounding = False
        self._quiet_frames = _TAIL_FRAMES
        if self._turns and self._turns[0].left:
            self._underruns += 1
            self._quiet_frames = _WAIT_FRAMES
        if self._last == 0.0:
            return 0
        self._falling = self._last * self._fall
        return self._fall_into(out)

    def _fall_into(self, out: Samples) -> int:
        count = min(len(out), len(self._falling))
        out[:count] = self._falling[:count]
        self._falling = self._falling[count:]
        return count
