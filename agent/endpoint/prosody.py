"""How the last second sounded: does the voice come to an end, or does it hang in the air?

Knows levels and pitch, hop by hop; knows no VAD and no turns.
"""

from collections import deque
from dataclasses import astuple, dataclass

import numpy as np

from agent.endpoint.levels import HOP_MS
from agent.endpoint.pitch import Tone

_CLEAR = 0.55  # clarity from which a hop is voiced
_GLIDE_ST = 4.0  # a voice moves no faster in 10 ms; a hiss jumps
_SLIP_ST = 10.0  # above the caller's middle: a hiss taken for a voice
_RECENT = 40  # hops that the last syllables are looked for in
_LAST = 6  # voiced hops that make the end of the voice
_ENOUGH = 4  # voiced hops, or nothing is said of pitch
_RANGE = 400  # voiced hops that make the caller's middle
_KNOWN = 20  # of them, or there is no middle yet


@dataclass(frozen=True, slots=True)
class Cues:
    """Of the speech before a pause; all 0 where nothing can be said."""

    fall_st: float = 0.0  # end of the voice against the caller's middle
    slope_st: float = 0.0  # a 100 ms, over the last syllables
    clarity: float = 0.0  # of the end of the voice, against 0.75: a creak has less
    voiceless_ms: float = 0.0  # between the last voice and the last sound

    def row(self) -> tuple[float, ...]:
        return astuple(self)


@dataclass(frozen=True, slots=True)
class _Hop:
    semitones: float
    clarity: float
    voiced: bool


class Prosody:
    """One caller's. Feed it every hop; ask it when a pause begins."""

    def __init__(self) -> None:
        self._hops: deque[_Hop] = deque(maxlen=_RECENT + 30)
        self._range: deque[float] = deque(maxlen=_RANGE)
        self._before_st = 0.0
        self._middle: float | None = None

    def feed(self, tone: Tone, audible: bool) -> None:
        """Take one hop: its pitch, and whether it may be speech."""
        voiced = audible and tone.clarity >= _CLEAR
        voiced = voiced and abs(tone.semitones - self._before_st) <= _GLIDE_ST
        self._before_st = tone.semitones
        if voiced and self._middle is not None:
            voiced = tone.semitones < self._middle + _SLIP_ST
        if voiced:
            self._range.append(tone.semitones)
        self._hops.append(_Hop(tone.semitones, tone.clarity, voiced))

    def cues(self, silent_hops: int) -> Cues:
        """Describe the speech that ended `silent_hops` ago."""
        if len(self._range) >= _KNOWN:
            self._middle = float(np.median(np.fromiter(self._range, np.float64)))
        end = len(self._hops) - silent_hops
        recent = list(self._hops)[max(0, end - _RECENT) : max(0, end)]
        where = [i for i, hop in enumerate(recent) if hop.voiced]
        if len(where) < _ENOUGH:
            return Cues()
        last = [recent[i] for i in where[-_LAST:]]
        pitch = np.array([hop.semitones for hop in last])
        along = np.array([recent[i].semitones for i in where])
        slope = np.polyfit(np.array(where) * HOP_MS / 100, along, 1)[0]
        middle = float(np.median(along)) if self._middle is None else self._middle
        return Cues(
            fall_st=float(np.clip(np.median(pitch) - middle, -15, 9)),
            slope_st=float(np.clip(slope, -6, 6)),
            clarity=float(np.mean([hop.clarity for hop in last])) - 0.75,
            voiceless_ms=float((len(recent) - 1 - where[-1]) * HOP_MS),
        )
