"""When one call asks Smart Turn, of what, and whether its answer still counts.

Knows the ear's pauses and the sound of the utterance; nothing of how it is asked.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from agent.audio.frame import Samples
from agent.ear import Ear
from agent.endpoint.odds import ADVISER
from agent.metrics import Metrics
from agent.smart_turn.sound import Latest

ASKED_MS = (60, 140, 260, 340)  # of a pause
_LATEST_MS = 440  # asked later it has nothing to change
LATE_S = 0.2  # an answer that takes longer finds most pauses over, or answered


def is_asked(wanted: str, takes_s: float) -> bool:
    """What `turns.smart_turn` makes of the time that an answer takes here."""
    return wanted == "always" or (wanted == "auto" and takes_s <= LATE_S)


class Asked(Protocol):
    """Who can be asked: `agent.smart_turn.adviser.Adviser`."""

    @property
    def free(self) -> bool: ...

    def ask(self, sound: bytes, answer: Callable[[float], None]) -> None: ...


class SecondOpinion:
    """One call's. `begin` and `hear` an utterance; `rest` while there is nothing to decide.

    In between, `ask_if_due` after each packet.
    """

    def __init__(
        self,
        ear: Ear,
        adviser: Asked,
        opined: Callable[[str, float], None],
        metrics: Metrics,
    ) -> None:
        self._ear, self._adviser, self._opined = ear, adviser, opined
        self._metrics = metrics
        self.wanted = True  # False: the wait is fixed
        self._resting = True
        self._utterance = Latest()
        self._pause_at_ms: int | None = None  # the pause last asked about
        self._next_ms = 0  # and how long it is to be when it is asked about again

    def begin(self, samples: Samples) -> None:
        """An utterance begins with [n] at HEAR_HZ, the latest that the ear has heard."""
        self._utterance = Latest()
        self._utterance.feed(samples)
        self._resting = False

    def hear(self, samples: Samples) -> None:
        """It goes on with [n]."""
        self._utterance.feed(samples)

    def ask_if_due(self) -> None:
        """The ear has heard all that `hear` has."""
        began_ms, silent_ms = self._ear.pause_at_ms, self._ear.silent_ms
        if began_ms is None or self._resting or not self.wanted:
            return
        if began_ms != self._pause_at_ms:
            self._pause_at_ms, self._next_ms = began_ms, ASKED_MS[0]
        if not self._next_ms <= silent_ms <= _LATEST_MS or not self._adviser.free:
            return
        self._next_ms = next((ms for ms in ASKED_MS if ms > silent_ms), _LATEST_MS + 1)
        self._metrics.opinion("asked")
        self._adviser.ask(self._utterance.packed(), partial(self._answered, began_ms))

    def rest(self) -> None:
        """It is being answered: what is said of its pauses from now on comes late."""
        self._resting = True

    def resume(self) -> None:
        """It goes on after all."""
        self._resting = False

    def _answered(self, pause_at_ms: int, odds: float) -> None:
        if self._resting or self._ear.pause_at_ms != pause_at_ms:
            self._metrics.opinion("late")
            return
        self._metrics.opinion("in_time")
        self._opined(ADVISER, odds)


class NoOpinion:
    """Where Smart Turn is off: nobody is asked."""

    wanted = False

    def begin(self, samples: Samples) -> None: ...

    def hear(self, samples: Samples) -> None: ...

    def ask_if_due(self) -> None: ...

    def rest(self) -> None: ...

    def resume(self) -> None: ...
