"""When the state of a call ends by itself, and for which sound that is put off. No clock."""

from agent import events as ev
from agent.floor import Floor
from agent.state import HEARING, LISTENING, OVERLAP, PAUSED, REPLYING, WEIGHING, YIELDED
from agent.wait import Wait

_NOTICED_S = 0.3  # sounds so close are one, and so is the speech they become
_SLOW = 2  # times the wait for words over a reply has a brain that has said nothing yet
_UNHEARD_S = 1.0  # a reply that does not sound by then stands, or noises would keep it away
_BETWEEN_REPLIES = (LISTENING, HEARING, PAUSED)


class Timing:
    """One call's, beside its `Floor`, which it reads: tell it what `turns.py` is told."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._wait = Wait()
        self._sound_at = float("-inf")  # when the latest began that may be speech
        self._speech_at = 0.0  # when the caller began to speak over the reply
        self._spoken_at = float("-inf")  # when they last fell silent over a reply
        self._spoken_over = 0  # which that was
        self._silent_at = float("-inf")  # when they fell silent

    @property
    def deadline(self) -> float | None:
        """When the state ends by itself."""
        return self._wait.deadline

    def begin(self, since: float) -> None:
        """The floor is in its state since then, for as long as the rules say, or for ever."""
        floor, rules = self._floor, self._floor.rules
        wait_s: float | None = None
        if floor.state in _BETWEEN_REPLIES:
            self._spoken_at = float("-inf")
        if floor.state is LISTENING:
            wait_s = rules.silence_prompt_s if floor.asks else rules.idle_s
            if floor.fills:
                wait_s = rules.filler_s
        elif floor.state is PAUSED:
            since, wait_s = self._silent_at, rules.end_of_turn_s
        elif floor.state is OVERLAP:
            if self._goes_on(since):
                since = min(since, self._sound_at)
            self._sound_at = self._speech_at = since
            wait_s = rules.barge_in_s if rules.interrupt_response else None
        elif floor.state is YIELDED:
            # words apart ("yeah, yeah", laughter) may take longer, but not for ever
            longest_s, begun_s = rules.backchannel_s, since - self._speech_at
            word_s = rules.barge_in_s + rules.confirm_s
            since = self._speech_at
            wait_s = min(2 * longest_s, max(longest_s, begun_s + word_s))
        elif floor.state is WEIGHING:
            wait_s = rules.backchannel_wait_s * (_SLOW if floor.drafts else 1)
        elif floor.state is REPLYING and floor.tried:
            wait_s = max(rules.withdraw_s, _UNHEARD_S)
        self._wait.begin(None if wait_s is None else since + wait_s)

    def stop(self) -> None:
        """Nothing more is decided by time until another state begins."""
        self._wait.begin(None)

    def sounds(self, at: float) -> None:
        """The reply began to be heard; for a while it may be withdrawn."""
        if self._floor.tried:
            self._wait.begin(at + self._floor.rules.withdraw_s)

    # -- what is heard

    def fell_silent(self, at: float) -> None:
        self._silent_at = at
        if self._floor.state in (OVERLAP, YIELDED):
            self._spoken_at, self._spoken_over = at, self._floor.turn

    def noticed(self, sound: ev.SoundNoticed, now: float) -> None:
        if not self._goes_on(now):
            self._sound_at = now - sound.ago_ms / 1000

    def suspected(self, event: ev.SpeechSuspected | ev.SilenceSuspected, now: float) -> None:
        if self._decided_by(event):
            self._wait.see(now, self._floor.rules.confirm_s)

    def untold(self) -> None:
        """No words tell what the speech over the reply was."""
        if self._floor.state is WEIGHING:
            self._wait.until(self._silent_at + self._floor.rules.backchannel_wait_s)

    def judged(self, pause: ev.PauseJudged, now: float) -> None:
        """What the gate takes for no speech may begin the silence anew, but not for ever."""
        rules = self._floor.rules
        if self._floor.state is PAUSED and rules.judges:
            until = now + (pause.wait_ms - pause.silent_ms) / 1000
            self._wait.until(min(until, self._silent_at + rules.longest_s))

    def _goes_on(self, at: float) -> bool:
        """Whether a sound at that time is one with those before it; words over another reply
        are none, which may have ended a moment ago.
        """
        same = self._spoken_over == self._floor.turn
        last = max(self._sound_at, self._spoken_at) if same else self._sound_at
        return at - last <= _NOTICED_S

    def _decided_by(self, event: ev.SpeechSuspected | ev.SilenceSuspected) -> bool:
        """Whether what time is about to decide would be decided otherwise by that sound."""
        floor = self._floor
        if isinstance(event, ev.SpeechSuspected):
            return floor.state in (PAUSED, WEIGHING) or floor.tried
        # a reply that is only held has lost nothing: it does not wait to be
        return floor.state is (YIELDED if floor.weighs else OVERLAP)
