"""How the last syllables sounded: does the voice come to an end, or does it hang in the air?

Knows levels and pitch, hop by hop; knows no VAD and no turns.
"""

from collections import deque
from dataclasses import dataclass
from statistics import median, quantiles

from agent.endpoint.pitch import Tone

_CLEAR = 0.55  # clarity from which a hop is voiced
_GLIDE_ST = 4.0  # a voice moves no faster in 10 ms; a hiss jumps
_SLIP_ST = 10.0  # above the caller's middle: a hiss taken for a voice
_RECENT = 40  # hops that the last syllables are looked for in
_LAST = 6  # voiced hops that make the end of the voice
_ENOUGH = 4  # voiced hops, or nothing is said
_RANGE = 400  # voiced hops that make the caller's range
_KNOWN = 20  # of them, or there is no middle yet


@dataclass(frozen=True, slots=True)
class Cues:
    """Of the speech before a pause; where nothing can be said, what is usual."""

    low_st: float = 0.0  # end of the voice above the bottom of the caller's range
    soft_db: float = 4.0  # loudest of the last syllables below the caller's loud ones


@dataclass(frozen=True, slots=True)
class _Hop:
    semitones: float
    level_db: float
    voiced: bool


class Prosody:
    """One caller's. Feed it every hop; ask it when a pause begins."""

    def __init__(self) -> None:
        self._hops: deque[_Hop] = deque(maxlen=_RECENT + 30)
        self._range: deque[float] = deque(maxlen=_RANGE)
        self._before_st = 0.0
        self._middle: float | None = None

    def feed(self, tone: Tone, level_db: float, audible: bool) -> None:
        """Take one hop: its pitch, its level, and whether it may be speech."""
        voiced = audible and tone.clarity >= _CLEAR
        voiced = voiced and abs(tone.semitones - self._before_st) <= _GLIDE_ST
        self._before_st = tone.semitones
        if voiced and self._middle is not None:
            voiced = tone.semitones < self._middle + _SLIP_ST
        if voiced:
            self._range.append(tone.semitones)
        self._hops.append(_Hop(tone.semitones, level_db, voiced))

    def cues(self, silent_hops: int, loud_db: float) -> Cues:
        """Describe the speech that ended `silent_hops` ago, of a caller so loud."""
        pitches = sorted(self._range)
        if len(pitches) >= _KNOWN:
            self._middle = median(pitches)
        end = len(self._hops) - silent_hops
        recent = list(self._hops)[max(0, end - _RECENT) : max(0, end)]
        voiced = [hop.semitones for hop in recent if hop.voiced]
        if len(voiced) < _ENOUGH:
            return Cues()
        levels = [hop.level_db for hop in recent]
        lowest, *_ = quantiles(pitches, n=10, method="inclusive")
        return Cues(
            low_st=median(voiced[-_LAST:]) - lowest,
            soft_db=loud_db - max(levels),
        )
