"""What one call hears: the caller's audio, when they speak, and what they said before we knew.

Audio in, speech events out. Knows media time only.
"""

from collections.abc import Iterator

from agent.audio.frame import HEAR_HZ, Samples
from agent.audio.preroll import Preroll
from agent.audio.window import Windows
from agent.config import VadConfig
from agent.engines import Vad
from agent.events import SpeechStarted
from agent.vad.gate import Gate, SpeechEvent

_SLACK_MS = 200  # a packet may bring 120


class Ear:
    """Preroll, windows, VAD and gate of one call."""

    def __init__(self, vad: Vad, config: VadConfig) -> None:
        self._vad = vad
        self._windows = Windows()
        self._gate = Gate(config)
        self._preroll = Preroll(_needed(config))
        self._config = config

    def configure(self, config: VadConfig) -> None:
        """Take new thresholds in mid-call; all that was heard is still known."""
        self._gate.config = self._config = config
        self._preroll.keep = _needed(config)

    def feed(self, samples: Samples) -> Iterator[SpeechEvent]:
        """Take the next samples, [n] at HEAR_HZ; yield what they tell. Consume it wholly."""
        self._preroll.feed(samples)
        for window in self._windows.feed(samples):
            if event := self._gate.feed(self._vad.probability(window)):
                yield event

    @property
    def now_ms(self) -> int:
        """Media time of what was judged last."""
        return self._gate.now_ms

    def since(self, started: SpeechStarted) -> Samples:
        """The utterance so far: from the preroll before `started` up to the latest sample."""
        judged_ms = started.ago_ms + self._config.preroll_ms
        return self._preroll.latest(judged_ms * HEAR_HZ // 1000 + self._windows.waiting)

    def preroll_at_ms(self, started: SpeechStarted) -> int:
        """Media time at which `since` begins."""
        return max(0, started.at_ms - self._config.preroll_ms)


def _needed(config: VadConfig) -> int:
    """Samples to remember: preroll, what it takes to be sure, and what is not judged yet."""
    return (config.preroll_ms + config.min_speech_ms + _SLACK_MS) * HEAR_HZ // 1000
