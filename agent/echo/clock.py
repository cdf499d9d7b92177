"""When is it on the caller's media time? From when their audio arrives.

Packets come late by jitter, never early: the least delay counts. Their sound card and our clock
differ, and a stream that stops for a moment or another one that follows leaves out some time,
so that what counts is the least delay of the last seconds.
"""

from agent.audio.frame import HEAR_HZ

_LATELY_S = 3.0  # jitter leaves one packet in so many seconds undelayed


class MediaClock:
    """One call's. Seconds are of one clock, whichever."""

    def __init__(self) -> None:
        self._samples = 0
        # When media time was 0, as far as is known from the packets of two times _LATELY_S
        self._before_s = self._began_s = float("inf")
        self._next_s = float("-inf")  # when the second of them becomes the first

    def arrived(self, samples: int, now: float) -> None:
        """Take note of so many more samples at HEAR_HZ, which were there at `now`."""
        self._samples += samples
        began_s = now - self._samples / HEAR_HZ
        if now >= self._next_s:
            self._before_s, self._began_s = self._began_s, began_s
            self._next_s = now + _LATELY_S
        self._began_s = min(self._began_s, began_s)

    def media_ms(self, at_s: float) -> float | None:
        """Return the media time at `at_s`; None before anything arrived."""
        if not self._samples:
            return None
        return (at_s - min(self._before_s, self._began_s)) * 1000
