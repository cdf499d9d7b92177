"""From the probabilities of a VAD to SpeechStarted and SpeechEnded.

Two thresholds (a voice near one of them must not flutter) and two minimum durations (a click is
not speech, a stop consonant is not silence). Time is media time: windows fed so far. Where the
caller's level says sooner than the VAD that they fell silent, `hush` ends the speech.
"""

from agent.audio.window import WINDOW_MS
from agent.config import VadConfig
from agent.events import (
    SilenceSuspected,
    SoundNoticed,
    SoundPassed,
    SpeechEnded,
    SpeechStarted,
    SpeechSuspected,
)

SpeechEvent = (
    SoundNoticed
    | SoundPassed
    | SpeechStarted
    | SpeechSuspected
    | SilenceSuspected
    | SpeechEnded
)
_PASSED_MS = 2 * WINDOW_MS  # of windows that are no speech, and what was noticed is over
_NOTHING_MS = 30 * WINDOW_MS  # of sound that became no speech: it is the caller's fan


class Gate:
    """Feed it every window's probability, in order; it says when speech begins and ends."""

    def __init__(self, config: VadConfig) -> None:
        self.config = config  # may be replaced in mid-call
        self.speaking = False
        self.now_ms = 0  # media time: the end of the window fed last
        self._began_ms = 0  # where the latest speech did
        self._run: list[float] = []  # the latest windows, all of which speak against `speaking`
        self._sounding_ms = 0  # length of the sound that was noticed, and may become speech
        self._passing_ms = 0  # since it was last heard

    def notice(self, probability: float, audible: bool = True) -> SpeechEvent | None:
        """Look at the next window by a lower bar, before `feed` does."""
        if self.speaking:
            return None
        if audible and probability >= self.config.notice_threshold:
            self._passing_ms = 0
            self._sounding_ms += WINDOW_MS
            if self._sounding_ms == _NOTHING_MS:
                return SoundPassed()
            return SoundNoticed(WINDOW_MS) if self._sounding_ms == WINDOW_MS else None
        self._passing_ms += WINDOW_MS
        if not self._sounding_ms or self._passing_ms < _PASSED_MS:
            return None
        sounded_ms, self._sounding_ms = self._sounding_ms, 0
        return SoundPassed() if sounded_ms < _NOTHING_MS else None

    def feed(
        self, probability: float, audible: bool = True, least: float = 0.0
    ) -> SpeechEvent | None:
        """Take the next window's speech probability, 0..1.

        Speech does not begin with a window that is not `audible`: a VAD trails what has ended.
        Nor does it while one of those that it would begin with is below `least`, which may
        change with each: a hiss counts as soon as the voice is heard to which it belongs.
        """
        self.now_ms += WINDOW_MS
        if self.speaking:
            against, least = probability < self.config.stop_threshold, 0.0
            needed_ms = self.config.min_silence_ms
        else:
            against = audible and probability >= self.config.start_threshold
            needed_ms = self.config.min_speech_ms
        needed = max(1, -(-needed_ms // WINDOW_MS))  # windows
        # two at least, or each would look like the first
        self._run = [*self._run, probability][-max(2, needed) :] if against else []
        if len(self._run) < needed or min(self._run[-needed:]) < least:
            if len(self._run) != 1:
                return None
            return SilenceSuspected() if self.speaking else SpeechSuspected()
        self._run = []
        ago_ms = needed * WINDOW_MS
        self.speaking = not self.speaking
        self._sounding_ms = 0
        if self.speaking:
            self._began_ms = self.now_ms - ago_ms
            return SpeechStarted(self._began_ms, ago_ms)
        ago_ms += self.config.trail_ms
        return SpeechEnded(self.now_ms - ago_ms, ago_ms)

    def hush(self, silent_ms: int, now_ms: int) -> SpeechEnded | None:
        """The caller has been inaudible for `silent_ms` at `now_ms` of media time.

        A silence that is older than the speech does not end it: the VAD may have been sure of a
        knock only when that was over.
        """
        if not self.speaking or silent_ms < self.config.min_silence_ms:
            return None
        if now_ms - silent_ms < self._began_ms:
            return None
        self.speaking, self._run = False, []
        return SpeechEnded(now_ms - silent_ms, silent_ms)
