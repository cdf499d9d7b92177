"""From the probabilities of a VAD to SpeechStarted and SpeechEnded.

Two thresholds (a voice near one of them must not flutter) and two minimum durations (a click is
not speech, a stop consonant is not silence). Time is media time: windows fed so far.
"""

from agent.audio.window import WINDOW_MS
from agent.config import VadConfig
from agent.events import SilenceSuspected, SpeechEnded, SpeechStarted, SpeechSuspected

SpeechEvent = SpeechStarted | SpeechSuspected | SilenceSuspected | SpeechEnded


class Gate:
    """Feed it every window's probability, in order; it says when speech begins and ends."""

    def __init__(self, config: VadConfig) -> None:
        self.config = config  # may be replaced in mid-call
        self.speaking = False
        self.now_ms = 0  # media time: the end of the window fed last
        self._run_ms = 0  # length of the run of windows that speaks against `speaking`

    def feed(self, probability: float) -> SpeechEvent | None:
        """Take the next window's speech probability, 0..1."""
        self.now_ms += WINDOW_MS
        if self.speaking:
            against = probability < self.config.stop_threshold
            needed_ms = self.config.min_silence_ms
        else:
            against = probability >= self.config.start_threshold
            needed_ms = self.config.min_speech_ms
        self._run_ms = self._run_ms + WINDOW_MS if against else 0
        if not against or self._run_ms < needed_ms:
            if self._run_ms != WINDOW_MS:
                return None
            return SilenceSuspected() if self.speaking else SpeechSuspected()
        ago_ms, self._run_ms = self._run_ms, 0
        self.speaking = not self.speaking
        if self.speaking:
            return SpeechStarted(self.now_ms - ago_ms, ago_ms)
        ago_ms += self.config.trail_ms
        return SpeechEnded(self.now_ms - ago_ms, ago_ms)
