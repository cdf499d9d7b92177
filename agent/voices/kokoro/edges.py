"""Where a phrase's sound begins and ends, and how it does so without a click. Pure.

Kokoro begins and ends with silence of its own making, of any length; here it is cut to what a
listener needs, never into a sound that the model meant.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.audio.frame import SPEAK_HZ, Samples
from agent.voices.kokoro.script import Take

FRAME = SPEAK_HZ * 25 // 1000  # samples of one of the model's frames
_BLOCK = SPEAK_HZ * 5 // 1000
_QUIET_DB = -40.0  # under the phrase's loudest block: breath and room, no consonant
_LEAD = SPEAK_HZ * 5 // 1000  # kept before the first sound
_TRAIL = SPEAK_HZ * 20 // 1000  # kept behind the last: a vowel rings out
_RISE = SPEAK_HZ * 3 // 1000
_FALL = SPEAK_HZ * 10 // 1000


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a take's audio that is heard, and where its words begin in it."""

    start: int  # samples
    stop: int
    words: tuple[int, ...]  # samples from `start`, one for each word of the take


def cut(samples: Samples, take: Take, frames: NDArray[np.int64]) -> Cut:
    """`samples` [600 T] as the model made them, `frames` [N] how many each token lasts."""
    begins = np.concatenate(([0], np.cumsum(frames))) * FRAME  # of each token, and the end
    first, last = min(take.starts, default=1), take.sounded
    end = len(samples)
    if take.again < len(take.ids) - 1:
        end = _quietest(samples, int(begins[last]), int(begins[take.again]))
    loud = _loud(samples[:end])
    start = max(0, loud.start - _LEAD)
    start = min(start, int(begins[first + 1]) - _BLOCK)  # never a whole sound
    stop = max(loud.stop + _TRAIL, int(begins[last - 1]) + _BLOCK)
    start, stop = max(0, start), min(stop, end)
    places = (int(begins[token]) - start for token in take.starts)
    return Cut(start, stop, tuple(min(max(0, place), stop - start) for place in places))


def smooth(samples: Samples) -> Samples:
    """Let it rise from zero and fall to zero; a copy."""
    soft = samples.copy()
    rise, fall = min(_RISE, len(soft)), min(_FALL, len(soft))
    soft[:rise] *= _ramp(rise)
    soft[len(soft) - fall :] *= _ramp(fall)[::-1]
    return soft


def _ramp(count: int) -> Samples:
    """A raised cosine from 0, [count]."""
    angles = np.arange(count) * (np.pi / max(1, count))
    return np.asarray(0.5 - 0.5 * np.cos(angles), np.float32)


def _levels(samples: Samples) -> Samples:
    """Mean square of each 5 ms, a rest at the end not counted."""
    count = len(samples) // _BLOCK
    return np.asarray((samples[: count * _BLOCK].reshape(count, _BLOCK) ** 2).mean(1))


def _loud(samples: Samples) -> range:
    """From the first sound to behind the last, in samples; nothing of silence."""
    levels = _levels(samples)
    if not len(levels) or not levels.max() > 0:
        return range(0)
    above = np.flatnonzero(levels > levels.max() * 10 ** (_QUIET_DB / 10))
    return range(int(above[0]) * _BLOCK, (int(above[-1]) + 1) * _BLOCK)


def _quietest(samples: Samples, start: int, stop: int) -> int:
    """Where to cut between two sayings of a text: in the middle of the quietest 5 ms."""
    levels = _levels(samples[start:stop])
    if not len(levels):
        return stop
    return start + int(levels.argmin()) * _BLOCK + _BLOCK // 2
