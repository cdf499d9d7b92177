"""May this be the beginning of what the caller says? What a VAD alone cannot tell.

A noise may sound like speech for a moment, but it is not voiced. Another voice in the room is
voiced, but far softer than this caller was. Knows levels and clarity of pitch by the hop; knows
no samples and no turns.
"""

from collections import deque

import numpy as np

_VOICED = 0.6  # clarity of pitch: noise came to 0.5 where a VAD took it for speech
_WITHIN_HOPS = 30  # of the beginning: what comes before a vowel is short
_CERTAIN = 0.97  # of a VAD that needs no voice: whispers; noise came to 0.90

_GOES_ON_HOPS = 70  # after a pause in a turn anything may, lest it be answered meanwhile

_FAR_DB = 20.0  # softer than the caller is another voice
_LATELY_HOPS = 10
_SILENT_DB = -120.0
_KNOWN_HOPS, _KEPT_HOPS = 50, 600  # of a caller's speech: looked at each 50, the latest 600
_LOUD_PERCENT = 90.0
_RELENT_DB = 1 / 312.5  # a window: 1 dB for 10 s of voice, and a caller who moved away is heard


class Onset:
    """One call's. Feed it every hop; ask when the VAD says speech and nobody spoke yet."""

    def __init__(self) -> None:
        self._clarity: deque[float] = deque(maxlen=_WITHIN_HOPS)
        self._levels_db: deque[float] = deque(maxlen=_LATELY_HOPS)
        self._caller_db: deque[float] = deque(maxlen=_KEPT_HOPS)
        self._spoken_hops = 0
        self._since_hops = _GOES_ON_HOPS  # since the caller spoke last
        self._least_db = -np.inf
        self._relented_db = 0.0

    def feed(self, level_db: float, clarity: float, spoken: bool) -> None:
        """Take the next hop of 10 ms. `spoken`: it is of what the caller says."""
        self._clarity.append(clarity)
        self._levels_db.append(level_db)
        self._since_hops = 0 if spoken else self._since_hops + 1
        if spoken:
            self._caller_db.append(level_db)
            self._spoken_hops += 1
            if self._spoken_hops % _KNOWN_HOPS == 0:
                levels_db = np.fromiter(self._caller_db, np.float64)
                self._least_db = float(np.percentile(levels_db, _LOUD_PERCENT)) - _FAR_DB

    @property
    def least_probability(self) -> float:
        """Of each window that begins the caller's speech: no bar once what began is voiced."""
        if self._since_hops < _GOES_ON_HOPS or max(self._clarity, default=0.0) >= _VOICED:
            return 0.0
        return _CERTAIN

    def near(self, probability: float, least: float) -> bool:
        """Whether a window that the VAD takes for speech may be the caller's.

        Ask once of each: a voice too far away is nearer each time, and a noise, which is below
        the `least_probability`, is no voice.
        """
        if self._since_hops < _GOES_ON_HOPS:
            return True
        below_db = self._least_db - max(self._levels_db, default=_SILENT_DB)
        if probability >= least:
            self._relented_db = 0.0 if below_db <= 0 else self._relented_db + _RELENT_DB
        return below_db <= self._relented_db
