"""How loud the caller is: one level each hop of 10 ms, what of it may be speech, and what is
more than the room.

Knows samples and levels; knows no VAD and no turns. Streaming, equal to its offline twin.
"""

from collections import deque
from math import log10

import numpy as np

from agent.audio.frame import HEAR_HZ, Samples
from agent.endpoint.latest import Latest

HOP = 160  # samples at HEAR_HZ
HOP_MS = HOP * 1000 // HEAR_HZ  # 10

_RUMBLE = 64  # samples in a mean: what is slower than 200 Hz or so is breath and room
_SILENT_DB = -85.0  # a line that carries nothing says nothing of the caller's room
_LOUD_HOPS, _FLOOR_HOPS = 300, 500  # how far back loudness and floor are looked for
_LOUD_PERCENT, _FLOOR_PERCENT = 95.0, 10.0
_BELOW_LOUD_DB, _ABOVE_FLOOR_DB = 25.0, 6.0
_LOUD_KNOWN = 20  # hops of speech, or nothing is known of the caller
_SOFT_DB, _MOST_GAIN_DB = -26.0, 20.0  # whose loud levels are lower is made louder
_CLEAR_DB = 20.0  # between floor and loudness, or level says nothing about speech
_NO_ROOM_DB = -80.0  # what an encoder makes of digital silence is no room either
_ROOM_HOPS, _ROOM_PERCENT = 1500, 10.0  # how far back the room is listened to, without speech
_ROOM_KNOWN = 10  # hops, or the quietest of all that was heard must do
_ROOM_MUCH = 100  # hops; of fewer, which may all be one breath, the quietest
_QUIETEST_PERCENT = 2.0
_BREATH = 4  # hops in a mean


def _rumble_filter() -> Samples:
    """Impulse response [2 * _RUMBLE - 1] that takes a moving mean away, twice."""
    once = -np.full(_RUMBLE, 1 / _RUMBLE, np.float32)
    once[_RUMBLE // 2] += 1
    return np.convolve(once, once).astype(np.float32)


_FILTER = _rumble_filter()


class Levels:
    """Feed it every hop, in order."""

    def __init__(self) -> None:
        self._before: Samples = np.zeros(len(_FILTER) - 1, np.float32)

    def feed(self, hops: Samples) -> list[float]:
        """Take the next hops [n, HOP]; return their levels above 200 Hz, dB of full scale."""
        if not len(hops):
            return []
        heard = np.concatenate([self._before, hops.ravel()])
        self._before = heard[hops.size :]
        voice = np.convolve(heard, _FILTER, "valid").reshape(-1, HOP)  # 4 ms late
        return [10 * log10(float(np.dot(hop, hop)) / HOP + 1e-12) for hop in voice]


class Loudness:
    """From levels, and whether a VAD takes them for speech, to what is loud enough for it.

    Speech is within 25 dB of the caller's loud levels and 6 dB above the floor of the call. A
    level is the mean of three hops, so that a click is none and no end is placed too early.
    """

    def __init__(self) -> None:
        self._loud = Latest(_LOUD_HOPS)
        self._all = Latest(_FLOOR_HOPS)
        self._powers = (0.0, 0.0)
        self._least_db = -np.inf
        self.level_db = -120.0  # smoothed
        self.loud_db = -120.0
        self.floor_db = -120.0

    def feed(self, level_db: float, probable: bool) -> bool:
        """Take a hop's level; return whether it is loud enough to be speech.

        `probable`: the VAD calls it speech. True whenever speech and floor are too close.
        """
        power = 10 ** (level_db / 10)
        smooth = (*self._powers, power)
        self._powers = (self._powers[1], power)
        self.level_db = 10 * log10(sum(smooth) / 3 + 1e-12)
        if self.level_db > _SILENT_DB:
            self._all.append(self.level_db)
            if probable:
                self._loud.append(self.level_db)
            self._look()
        return self.level_db >= self._least_db

    @property
    def gain(self) -> float:
        """The factor that makes a soft caller loud enough, once it is known how soft."""
        if len(self._loud) < _LOUD_KNOWN:
            return 1.0
        gain_db = min(_MOST_GAIN_DB, max(0.0, _SOFT_DB - self.loud_db))
        return float(10 ** (gain_db / 20))

    @property
    def clear(self) -> bool:
        """Whether level tells speech from silence in this call."""
        return self.loud_db - self.floor_db >= _CLEAR_DB

    def _look(self) -> None:
        if not self._loud:
            return
        self.loud_db = self._loud.percentile(_LOUD_PERCENT)
        self.floor_db = self._all.percentile(_FLOOR_PERCENT)
        least_db = max(self.loud_db - _BELOW_LOUD_DB, self.floor_db + _ABOVE_FLOOR_DB)
        self._least_db = least_db if self.clear else -np.inf


class Room:
    """How far above the room the caller's line is: breath, a last sigh, a reverberation.

    Who draws breath goes on. A line without any sound is no quieter than its room.
    """

    def __init__(self) -> None:
        self._room = Latest(_ROOM_HOPS)
        self._all = Latest(_FLOOR_HOPS)
        self._powers: deque[float] = deque(maxlen=_BREATH)
        self._floor_db = -120.0

    def feed(self, level_db: float, silent: bool) -> None:
        """Take a hop's level; `silent`: speech, and what a VAD trails, are over."""
        self._powers.append(10 ** (level_db / 10))
        if level_db > _NO_ROOM_DB:
            self._all.append(level_db)
            if silent:
                self._room.append(level_db)

    def settle(self) -> None:
        """A pause begins: from now on the room is what it has been so far."""
        if len(self._room) >= _ROOM_KNOWN:
            percent = _ROOM_PERCENT if len(self._room) >= _ROOM_MUCH else 0.0
            self._floor_db = self._room.percentile(percent)
        elif self._all:
            self._floor_db = self._all.percentile(_QUIETEST_PERCENT)

    @property
    def above_db(self) -> float:
        """Of the last 40 ms, from 0 up."""
        power = sum(self._powers) / max(1, len(self._powers))
        return max(0.0, 10 * log10(power + 1e-12) - self._floor_db)
