"""When is it on the caller's media time? From when their audio arrives.

Packets come late by jitter, never early: the least delay counts. Their sound card and our clock
differ by some ppm, so that the least delay is forgotten slowly.
"""

from agent.audio.frame import HEAR_HZ

_DRIFT = 200e-6  # seconds a second that two clocks may part at most


class MediaClock:
    """One call's. Seconds are of one clock, whichever."""

    def __init__(self) -> None:
        self._samples = 0
        self._began_s: float | None = None  # when media time was 0, as far as is known
        self._latest_s = 0.0

    def arrived(self, samples: int, now: float) -> None:
        """Take note of so many more samples at HEAR_HZ, which were there at `now`."""
        self._samples += samples
        began_s = now - self._samples / HEAR_HZ
        if self._began_s is not None:
            drifted_s = (now - self._latest_s) * _DRIFT
            began_s = min(began_s, self._began_s + drifted_s)
        self._began_s, self._latest_s = began_s, now

    def media_ms(self, at_s: float) -> float | None:
        """Return the media time at `at_s`; None before anything arrived."""
        return None if self._began_s is None else (at_s - self._began_s) * 1000
