"""What a replay does next, so that everything happens in the order of the record.

A timer of the live call was late by whatever the loop was busy with, and a packet may have
been read before a deadline that had passed. Order, not time, is what decisions depend on. So
causes are given in their order, and an effect that the record has next, and that has not come
yet, is a timer's: only then do timers run. Pure: knows entries and times.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agent.flight.entries import Cause, Entry, Stepped, hung_up

_EARLY_S = 0.010  # a clock that was read twice, and the receiver's patience with a busy loop
_FIRES = 1000  # for one effect: more is a timer that waits for time to pass


@dataclass(frozen=True, slots=True)
class Give:
    """Hand a cause to the call; a Stepped: end it, as somebody outside did."""

    at: float
    entry: Cause | Stepped


@dataclass(frozen=True, slots=True)
class Fire:
    """Run the earliest timer; it is then no earlier than `at`."""

    at: float


class Script:
    """One replay's. Tell it what `happened`; ask for the `next` when nothing is left to do."""

    def __init__(self, entries: Sequence[Entry], late_s: float) -> None:
        """`late_s`: how late a timer may be for the sake of the order.

        With 0 each timer runs when it is due, and the record only says what came when.
        """
        follows = late_s > 0
        self._late_s = late_s
        self._entries = [
            entry for entry in entries if follows or isinstance(entry, Cause) or hung_up(entry)
        ]
        self._at = 0
        self._seen: Counter[type] = Counter()  # in the record, up to and with the present one
        self._happened: Counter[type] = Counter()  # in the replay
        self._ended = False
        self._fires = 0

    def happened(self, entry: Entry) -> None:
        """The call that is being replayed did this."""
        self._happened[type(entry)] += 1
        self._ended = self._ended or hung_up(entry) is not None

    def next(self, timer: float | None) -> Give | Fire | None:
        """What comes now; `timer` is when the earliest one is due. None: the record is over."""
        while self._at < len(self._entries):
            entry = self._entries[self._at]
            if timer is not None and timer < entry.at - self._late_s:
                return Fire(timer)
            if isinstance(entry, Cause):
                self._pass(entry)
                return Give(entry.at, entry)
            if self._awaited(entry) and self._may_fire(entry, timer):
                self._fires += 1
                return Fire(entry.at)
            self._pass(entry)
            if isinstance(entry, Stepped) and hung_up(entry) and not self._ended:
                return Give(entry.at, entry)
        return None

    def _awaited(self, entry: Entry) -> bool:
        return self._happened[type(entry)] <= self._seen[type(entry)]

    def _may_fire(self, entry: Entry, timer: float | None) -> bool:
        return timer is not None and timer <= entry.at + _EARLY_S and self._fires < _FIRES

    def _pass(self, entry: Entry) -> None:
        self._seen[type(entry)] += 1
        self._at += 1
        self._fires = 0
