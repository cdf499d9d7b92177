"""What one call hears: the caller's audio, when they speak, and what they said before we knew.

Audio in, speech events out. Knows media time only.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from agent.audio.frame import HEAR_HZ, Samples
from agent.audio.preroll import Preroll
from agent.audio.window import Windows
from agent.config import VadConfig
from agent.echo.guard import EchoGuard
from agent.endpoint.judge import Judge
from agent.endpoint.levels import HOP
from agent.endpoint.odds import Weights
from agent.endpoint.release import Patience
from agent.endpoint.sound import Sound, Sounds
from agent.endpoint.weights import FITTED
from agent.engines import Vad
from agent.events import PauseJudged, SoundNoticed, SpeechEnded, SpeechStarted
from agent.vad.gate import Gate, SpeechEvent
from agent.vad.onset import Onset

_SLACK_MS = 200  # a packet may bring 120


class Ear:
    """Preroll, windows, VAD, gate and judge of one call.

    Where there is a `guard`, what it takes for the agent's own echo is no speech.
    """

    def __init__(
        self,
        vad: Vad,
        config: VadConfig,
        patience: Patience,
        weights: Weights = FITTED,
        guard: EchoGuard | None = None,
    ) -> None:
        self._vad, self._guard = vad, guard
        self._hops, self._windows = Windows(HOP), Windows()
        self._sounds = Sounds()
        self._played: list[tuple[Samples, float]] = []  # and not placed yet
        self._heard: list[Samples] = []  # and not described yet
        self._samples = 0  # heard so far
        self._ahead: deque[tuple[Samples, Sound]] = deque()  # hops described and not judged yet
        self._gate = Gate(config)
        self._onset = Onset()
        self._judge = Judge()
        self._weights = weights
        self._preroll = Preroll(0)
        self._probability = 0.0
        self.configure(config, patience)

    def configure(self, config: VadConfig, patience: Patience) -> None:
        """Take new thresholds in mid-call; all that was heard is still known."""
        self._gate.config = self._config = config
        self._patience = patience
        self._preroll.keep = _needed(config)

    def feed(self, samples: Samples) -> Iterator[SpeechEvent | PauseJudged]:
        """Take the next samples, [n] at HEAR_HZ; yield what they tell. Consume it wholly."""
        self.hear(samples)
        yield from self.judge()

    def hear(self, samples: Samples) -> None:
        """Take the next samples, [n] at HEAR_HZ; what they tell is for `judge` to say.

        The work is in `describe` and `judge`, half in each, so that whoever has others to serve
        may do so in between.
        """
        self._preroll.feed(samples)
        self._samples += len(samples)
        self._heard.append(samples)

    def describe(self) -> bool:
        """Find out what all that was heard sounds like. Return whether anything was."""
        self.place()
        new, self._heard = self._heard, []
        for samples in new:
            hops = self._hops.feed(samples)
            if self._guard is not None:
                self._guard.hear(hops)
            self._ahead.extend(zip(hops, self._sounds.feed(hops), strict=True))
        return bool(new)

    def judge(self) -> Iterator[SpeechEvent | PauseJudged]:
        """Yield what all that was heard tells. Consume it wholly."""
        self.describe()
        while self._ahead:
            hop, sound = self._ahead.popleft()
            if self._guard is not None:
                self._guard.go_on()
            for window in self._windows.feed(hop):
                self._probability = self._voiced(window)
                if noticed := self._gate.notice(self._probability, self._judge.audible):
                    yield self._ago(noticed)
                least = self._onset.least_probability
                if event := self._gate.feed(self._probability, self._may_begin(least), least):
                    yield self._ago(event)
            self._judge.feed(sound, self._probability, self._vad.memory, self._config)
            spoken = self._gate.speaking and self._probability >= self._config.start_threshold
            self._onset.feed(self._judge.level_db, self._judge.clarity, spoken)
            if self._judge.clear:
                if event := self._gate.hush(self._judge.silent_ms, self._judge.now_ms):
                    yield self._ago(event)
        if not self._gate.speaking and (judged := self._judged()):
            yield judged

    def opine(self, who: str, odds: float) -> None:
        """Somebody else gives the odds that the silence under way ends the turn."""
        self._judge.opine(who, odds)

    def believe(self) -> None:
        """The silence under way is answered; a mistake, if the caller goes on."""
        self._judge.believe()

    @property
    def pause_at_ms(self) -> int | None:
        """Where in media time the pause under way began, if there is one."""
        return self._judge.pause_at_ms

    @property
    def silent_ms(self) -> int:
        """How long the caller has not been heard."""
        return self._judge.silent_ms

    def arrived(self, samples: int, now: float) -> None:
        """So many of the samples fed next arrived at `now`, seconds of the call's clock."""
        self.place()
        if self._guard is not None:
            self._guard.arrived(samples, now)

    def played(self, samples: Samples, at_s: float) -> None:
        """[SPEAK_FRAME] at SPEAK_HZ left for the caller at `at_s` of the same clock.

        Noted, and to be placed before anything else is heard.
        """
        if self._guard is not None:
            self._played.append((samples, at_s))

    def place(self) -> bool:
        """Let the guard know of what was played. Return whether anything was."""
        new, self._played = self._played, []
        for samples, at_s in new:
            assert self._guard is not None
            self._guard.played(samples, at_s)
        return bool(new)

    def _may_begin(self, least: float) -> bool:
        """Whether speech may begin with the latest window."""
        if self._gate.speaking or self._probability < self._config.start_threshold:
            return True  # nothing would begin
        return self._judge.audible and self._onset.near(self._probability, least)

    def _voiced(self, window: Samples) -> float:
        """The probability that the caller speaks in [512]."""
        probability = self._vad.probability(window * self._judge.gain)
        least = min(self._config.notice_threshold, self._config.stop_threshold)
        if self._guard is None or probability < least:
            return probability
        return 0.0 if self._guard.explains() else probability

    def _judged(self) -> PauseJudged | None:
        if self._judge.resumed:  # before the gate is sure: what was judged holds no more
            return PauseJudged(self._judge.silent_ms, self._patience.longest_ms, 0.0)
        pause = self._judge.pause
        if pause is None or pause.silent_ms > self._patience.unfinished_ms:
            return None
        silent_ms = pause.silent_ms + self._heard_ms - self._judge.now_ms
        if not pause.clear:
            silent_ms += self._config.trail_ms
        before = self._weights.before_silence(pause)
        wait_ms = self._patience.wait_ms(self._weights, pause, before)
        odds = self._weights.odds(before, silent_ms, pause.usual_ms)
        return PauseJudged(silent_ms, round(wait_ms), odds)

    def _ago(self, event: SpeechEvent) -> SpeechEvent:
        """Say how long ago it was: more was heard than had to be judged."""
        match event:
            case SpeechStarted(at_ms) | SpeechEnded(at_ms):
                return replace(event, ago_ms=self._heard_ms - at_ms)
            case SoundNoticed():
                return SoundNoticed(self._heard_ms - self._gate.now_ms)
            case _:
                return event

    @property
    def _heard_ms(self) -> int:
        """Media time of all that was heard, judged or not."""
        return self._samples * 1000 // HEAR_HZ

    @property
    def now_ms(self) -> int:
        """Media time of what was judged last."""
        return self._gate.now_ms

    def since(self, started: SpeechStarted) -> Samples:
        """The utterance so far: from the preroll before `started` up to the latest sample."""
        begun_ms = started.at_ms - self._config.preroll_ms
        return self._preroll.latest(self._samples - begun_ms * HEAR_HZ // 1000)

    def preroll_at_ms(self, started: SpeechStarted) -> int:
        """Media time at which `since` begins."""
        return max(0, started.at_ms - self._config.preroll_ms)


def _needed(config: VadConfig) -> int:
    """Samples to remember: preroll, what it takes to be sure, and what is not judged yet."""
    return (config.preroll_ms + config.min_speech_ms + _SLACK_MS) * HEAR_HZ // 1000
