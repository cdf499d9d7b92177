"""What each hop of 10 ms sounds like, before anybody asks what it means: its level and pitch.

Half of the work of hearing, and the half that nothing else depends on. Knows samples only.
"""

from dataclasses import dataclass

from agent.audio.frame import Samples
from agent.endpoint.levels import Levels
from agent.endpoint.pitch import Pitch, Tone


@dataclass(frozen=True, slots=True)
class Sound:
    """Of one hop."""

    level_db: float  # of full scale, above 200 Hz
    tone: Tone


class Sounds:
    """One stream's. What it says of a hop does not depend on how many come with it."""

    def __init__(self) -> None:
        self._levels, self._pitch = Levels(), Pitch()

    def feed(self, hops: Samples) -> list[Sound]:
        """Take the next hops, [n, HOP] at HEAR_HZ."""
        return list(map(Sound, self._levels.feed(hops), self._pitch.feed(hops)))
