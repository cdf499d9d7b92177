"""What one call hears: the caller's audio, when they speak, and what they said before we knew.

Audio in, speech events out. Knows media time only.
"""

from collections.abc import Iterator

from agent.audio.frame import Samples
from agent.audio.preroll import Preroll
from agent.audio.window import WINDOW_MS, Windows
from agent.config import VadConfig
from agent.engines import Vad
from agent.events import SpeechStarted
from agent.vad.gate import Gate, SpeechEvent


class Ear:
    """Preroll, windows, VAD and gate of one call."""

    def __init__(self, vad: Vad, config: VadConfig) -> None:
        self._vad = vad
        self._windows = Windows()
        self._gate = Gate(config)
        self._preroll = _preroll_for(config)
        self._config = config

    def configure(self, config: VadConfig) -> None:
        """Take new thresholds in mid-call; media time and the VAD's own state go on."""
        self._gate.config = self._config = config
        self._preroll = _preroll_for(config)

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
        return self._preroll.latest(started.ago_ms + self._config.preroll_ms)

    def preroll_at_ms(self, started: SpeechStarted) -> int:
        """Media time at which `since` begins."""
        return max(0, started.at_ms - self._config.preroll_ms)


def _preroll_for(config: VadConfig) -> Preroll:
    return Preroll(config.preroll_ms + config.min_speech_ms + 2 * WINDOW_MS)
