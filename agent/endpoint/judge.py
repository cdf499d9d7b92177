"""Is the caller finished? What one call's ear asks at each step of a pause.

Brings level, pitch, what the VAD remembers and the caller's own pauses together. Knows media
time; knows no turns and no clock. What it says depends on the samples, not on how they came.
"""

from agent.audio.frame import Samples
from agent.config import VadConfig
from agent.endpoint.hazard import Hazard
from agent.endpoint.levels import HOP_MS, Loudness, Room
from agent.endpoint.odds import Pause, weighed
from agent.endpoint.prosody import Cues, Prosody
from agent.endpoint.sound import Sound

_TALK_MS = 1000  # a silence longer than that is none within a turn
_LATELY_MS = 40  # a window and a hop
_PAUSE_MS = 60  # of silence are worth a description
_TRAIL_MS = 80  # after the last of speech a hop is the room's


class Judge:
    """One call's. Feed it every hop with what the VAD last said and remembers."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.level_db, self.clarity = -120.0, 0.0  # of the latest hop, and of the pitch in it
        self._loudness, self._room = Loudness(), Room()
        self._prosody, self._hazard = Prosody(), Hazard()
        self._memory: Samples | None = None
        self._loud_ms = -_LATELY_MS  # end of the last hop that was loud enough
        self._last_ms: int | None = None  # end of the last hop that was speech
        self._cues = Cues()  # of the speech before the silence
        self._opinions: dict[str, float] = {}  # odds, by who holds them
        self._believed, self._mistaken_ms = False, 0.0

    def feed(
        self, sound: Sound, probability: float, memory: Samples | None, vad: VadConfig
    ) -> None:
        """Take the next hop, the VAD's latest word on it, and what it remembers, [MEMORY]."""
        self.now_ms += HOP_MS
        self._memory = memory
        audible = self._loudness.feed(sound.level_db, probability >= vad.start_threshold)
        self.level_db, self.clarity = self._loudness.level_db, sound.tone.clarity
        self._prosody.feed(sound.tone, self.level_db, audible)
        if audible:
            self._loud_ms = self.now_ms
            if probability >= vad.stop_threshold:
                self._heard_speech()
        if self.silent_ms == _PAUSE_MS:
            self._room.settle()
            self._cues = self._prosody.cues(_PAUSE_MS // HOP_MS, self._loudness.loud_db)
        self._room.feed(self.level_db, self._last_ms is None or self.silent_ms > _TRAIL_MS)

    def opine(self, who: str, odds: float) -> None:
        """Somebody else, one of OPINIONS, gives the odds that this silence ends the turn.

        Counts until the caller is heard again; said of no silence, it counts for nothing. The
        VAD may know of a silence, and a brain give its opinion, before it is long enough here.
        """
        if self.silent_ms > 0:
            self._opinions[who] = odds

    def believe(self) -> None:
        """The silence under way is taken for the end; a mistake, if the caller goes on."""
        self._believed = True

    def _heard_speech(self) -> None:
        silent_ms = self.silent_ms - HOP_MS  # before this hop
        if self._last_ms is not None and silent_ms < _TALK_MS:
            self._hazard.note(silent_ms)
            if self._believed:
                self._mistaken_ms = max(self._mistaken_ms, silent_ms)
        elif self._believed:  # rightly: mistakes are forgotten in time
            self._mistaken_ms /= 2
        self._last_ms, self._believed = self.now_ms, False
        self._opinions.clear()

    @property
    def audible(self) -> bool:
        """Whether something loud enough to be speech was heard within the last window."""
        return self.now_ms - self._loud_ms < _LATELY_MS

    @property
    def gain(self) -> float:
        """By which the VAD hears a soft caller louder: it remembers a soft voice as an end."""
        return self._loudness.gain

    @property
    def clear(self) -> bool:
        """Whether level tells speech from silence; else only the VAD does."""
        return self._loudness.clear

    @property
    def silent_ms(self) -> int:
        """How long nothing has been heard that is both loud enough and taken for speech."""
        return 0 if self._last_ms is None else self.now_ms - self._last_ms

    @property
    def pause_at_ms(self) -> int | None:
        """Where in media time the silence under way began, once it is a pause: its name."""
        return None if self.silent_ms < _PAUSE_MS else self._last_ms

    @property
    def resumed(self) -> bool:
        """Whether speech is being heard just now, more or less."""
        return self._last_ms is not None and self.silent_ms < _PAUSE_MS

    @property
    def pause(self) -> Pause | None:
        """The silence under way, once it is one."""
        if self.silent_ms < _PAUSE_MS:
            return None
        return Pause(
            self.silent_ms,
            self._cues,
            self._room.above_db,
            self.clear,
            self._hazard.usual_ms,
            self._mistaken_ms,
            weighed(self._opinions),
            self._memory,
        )
