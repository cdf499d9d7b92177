"""Is what the microphone brings the agent's own voice, back from the caller's loudspeaker?

Compares powers of bands: they outlive rooms, codecs, clocks and jitter buffers, which waveforms
do not. Knows what was played and what is heard, on the caller's media time; changes no sample.
"""

from collections import deque

import numpy as np

from agent.audio.frame import HEAR_HZ, Samples
from agent.echo.bands import BANDS, HOP_MS, Bands, Rows, decibels
from agent.echo.clock import MediaClock
from agent.echo.path import EchoPath
from agent.echo.played import Played
from agent.echo.search import LAGS, audible, search

_LOOK_HOPS = 25  # how much of what is heard is compared
_TAIL_HOPS = 40  # of a room, after the latest echo
_LEAST_CELLS = 10.0  # of hop and band that must be audible, or nothing can be told of a sound
_ALONE_HOPS = 100  # of replies without an echo: the latest begins within 70
_ECHO_DB = 9.5  # what lies nearer to an echo is one: echoes 3 .. 9, other sounds 13 .. 30
_GONE_DB = 13.0  # what lies farther is none, although it is no louder than one
_ELSEWHERE_DB, _BETTER_DB = 7.0, 2.5  # so near, and nearer by so much, is another path

_FLOOR_EVERY = 8  # hops, while nothing is played
_FLOOR_FIRST, _FLOOR_LEAST = np.float32(1e-5), np.float32(10**-7.5)  # powers of a band
_FLOOR_RISE = np.float32(1.003)  # a hop: 1.3 dB a second


class EchoGuard:
    """One call's. `arrived` and `hear` what is heard, `played` what left; `go_on`, and ask."""

    def __init__(self) -> None:
        self._clock = MediaClock()
        self._played = Played()
        self._bands = Bands(HEAR_HZ)
        self._hops = 0  # gone through so far
        self._ahead: deque[Rows | None] = deque()  # of hops heard; None: nobody wants it
        self._heard: deque[Rows] = deque(maxlen=_LOOK_HOPS)
        self._floor: Rows = np.full(BANDS, _FLOOR_FIRST, np.float32)
        self._path: EchoPath | None = None
        self._alone = 0  # hops in which an echo could have been heard and none was known

    def arrived(self, samples: int, now: float) -> None:
        """So many samples of the caller at HEAR_HZ arrived at `now`, seconds of any clock."""
        self._clock.arrived(samples, now)

    def played(self, samples: Samples, at_s: float) -> None:
        """[SPEAK_FRAME] at SPEAK_HZ left for the caller at `at_s` of the same clock."""
        at_ms = self._clock.media_ms(at_s)
        if at_ms is not None:  # nothing can come back before anything came
            self._played.place(samples, at_ms / HOP_MS)

    @property
    def listening(self) -> bool:
        """Whether an echo could be heard now."""
        return self._hops < self._played.audible_end + LAGS + _TAIL_HOPS

    def hear(self, hops: Samples) -> None:
        """Take the caller's next hops, [n, 160] at HEAR_HZ: all at once, which is cheaper."""
        end = self._hops + len(self._ahead) + len(hops)
        if self.listening or end % _FLOOR_EVERY < len(hops):
            self._ahead.extend(self._bands.feed(hops.ravel()))
        elif len(hops):
            self._bands.pass_over(hops[-1])
            self._ahead.extend([None] * len(hops))

    def go_on(self) -> None:
        """Go through the next hop of what was heard."""
        row = self._ahead.popleft()
        self._hops += 1
        if row is not None and self.listening:
            self._alone = self._alone + 1 if self._path is None else 0
            self._note_floor(row, 1)
            self._heard.append(row)
            return
        self._heard.clear()
        if row is not None and self._hops % _FLOOR_EVERY == 0:
            self._note_floor(row, _FLOOR_EVERY)

    def explains(self) -> bool:
        """Whether what was heard last, which sounds like speech, is what was played."""
        if not self.listening or not self._heard:
            return False
        heard = np.stack(self._heard)  # [T, BANDS]
        begin = self._hops - len(heard)
        if audible(decibels(heard), decibels(self._floor)).sum() < _LEAST_CELLS:
            return self._alone < _ALONE_HOPS
        path, covers, here_db = self._path, False, np.inf
        if path is not None:
            covers = path.covers(heard, self._hops, self._played, self._floor)
            here_db = path.misfit_db(heard, self._hops, self._played, self._floor)
            if covers and here_db < _GONE_DB:
                return True
        fit = search(heard, self._played.tails(begin - LAGS + 1, self._hops), self._floor)
        limit_db = _ECHO_DB if path is None else min(_ELSEWHERE_DB, here_db - _BETTER_DB)
        if fit is not None and fit.spread_db < limit_db:
            self._path = EchoPath(fit)
            return True
        if covers:
            self._path = None  # what it covers is no echo: there is none any more
        return False

    def _note_floor(self, row: Rows, hops: int) -> None:
        """Follow the quietest, which is 3 dB under the mean of a steady noise."""
        nearer = np.float32(0.7) * self._floor + np.float32(0.6) * row
        risen = self._floor * _FLOOR_RISE**hops
        self._floor = np.maximum(np.minimum(risen, nearer), _FLOOR_LEAST)
