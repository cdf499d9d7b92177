"""What a replay does next, so that everything happens in the order of the record.

A timer of the live call was late by whatever the loop was busy with, and a packet may have
been read before a deadline that had passed. Order, not time, is what decisions depend on. So
causes are given in their order, and an effect that the record has next, and that has not come
yet, is a timer's: only then do timers run. Pure: knows entries and times.
"""

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from agent.flight.entries import (
    Cause,
    Ended,
    Entry,
    Got,
    Heard,
    Left,
    Packet,
    Sent,
    Stepped,
    Ticked,
    Told,
    Wanted,
    hung_up,
)

_EARLY_S = 0.010  # a clock that was read twice, and the receiver's patience with a busy loop
_WORK_S = 0.015  # from one effect to the next of the same cause, if that may be a timer's
_HARD_WORK_S = 0.1  # and if it is none's: a loop that is held up for so long is in trouble
_OF_TIMERS = (Heard, Ticked, Got, Ended, Sent)  # the first effects that a timer may have
_NEAR_S = 0.050  # the same thing in record and replay
_FIRES = 1000  # for one effect: more is a timer that waits for time to pass


# Whose a timer is, by the first effect that it can have: the receiver's brings samples, that
# of the turns a deadline, the playout's a packet; None is anybody else's.
Kind = type[Heard] | type[Ticked] | type[Sent] | None
Timers = Mapping[Kind, float]  # when the earliest of each kind is due


@dataclass(frozen=True, slots=True)
class Give:
    """Hand a cause to the call; a Stepped: end it, as somebody outside did."""

    at: float
    entry: Cause | Stepped


@dataclass(frozen=True, slots=True)
class Fire:
    """Run the earliest timer of a kind; it is then no earlier than `at`."""

    at: float
    kind: Kind


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
        self._places: dict[Hashable, deque[int]] = {}  # of equal effects, in order
        for place, entry in enumerate(self._entries):
            self._places.setdefault(_what(entry), deque()).append(place)
        self._come = bytearray(len(self._entries))  # 1 for effects that came in the replay, too
        self._at = 0
        self._ended = False
        self._fires = 0

    def happened(self, entry: Entry, timers: Timers) -> float:
        """The call that is being replayed did this; return what time it is now, at least.

        Work takes time: the live clock was read later at each effect of one packet. So it is
        here, unless the next effect may well be a timer's.
        """
        self._ended = self._ended or hung_up(entry) is not None
        place = self._at - 1 if isinstance(entry, Cause) else self._match(entry)
        if place is None or place < 0:
            return 0.0
        self._come[place] = 1
        if any(isinstance(between, Packet) for between in self._entries[self._at : place]):
            return 0.0  # it comes a little early; time waits for the packets
        reached, upcoming = self._entries[place].at, self._upcoming(place + 1)
        if upcoming is None:
            return reached
        at_once = self._entries[place + 1] is upcoming
        if not at_once or (isinstance(upcoming, _OF_TIMERS) and not isinstance(entry, Packet)):
            timed = timers.get(_kind(upcoming, timers), upcoming.at + 1.0) <= upcoming.at
            return reached if timed or upcoming.at > reached + _WORK_S else upcoming.at
        return reached if upcoming.at > reached + _HARD_WORK_S else upcoming.at

    def next(self, timers: Timers) -> Give | Fire | None:
        """What comes now. None: the record is over."""
        earliest = min(timers, key=timers.__getitem__, default=None)
        while self._at < len(self._entries):
            entry = self._entries[self._at]
            if timers and timers[earliest] < entry.at - self._late_s:
                return Fire(timers[earliest], earliest)
            if isinstance(entry, Cause):
                self._pass()
                return Give(entry.at, entry)
            if not self._come[self._at] and self._may_fire(entry, timers):
                self._fires += 1
                return Fire(entry.at, _kind(entry, timers))
            self._pass()
            if isinstance(entry, Stepped) and hung_up(entry) and not self._ended:
                return Give(entry.at, entry)
        return None

    def _upcoming(self, place: int) -> Entry | None:
        """The next effect that has not come yet, if it comes before the next packet."""
        for at in range(place, len(self._entries)):
            entry = self._entries[at]
            if isinstance(entry, Packet):
                return None
            if not isinstance(entry, Cause) and not self._come[at]:
                return entry
        return None

    def _match(self, entry: Entry) -> int | None:
        """Where the record has this, about now and not found before."""
        places = self._places.get(_what(entry), deque())
        while places and places[0] < self._at:
            places.popleft()
        if places and abs(self._entries[places[0]].at - entry.at) <= _NEAR_S:
            return places.popleft()
        return None

    def _may_fire(self, entry: Entry, timers: Timers) -> bool:
        due = timers.get(_kind(entry, timers), float("inf"))
        return due <= entry.at + _EARLY_S and self._fires < _FIRES

    def _pass(self) -> None:
        self._at += 1
        self._fires = 0


def _kind(entry: Entry, timers: Timers) -> Kind:
    """Whose timer may bring this."""
    match entry:
        case Sent() if Sent in timers:  # if none, it sleeps until the packet's slot
            return Sent
        case Heard():
            return Heard
        case Ticked():
            return Ticked
        case _:
            return None


def _what(entry: Entry) -> Hashable:
    """What makes two effects the same; times and measurements do not."""
    match entry:
        case Stepped(_, event, commands):
            return Stepped, type(event), commands
        case Ticked(_, _, commands):
            return Ticked, commands
        case Told(_, notice):
            return Told, type(notice)
        case Wanted(_, _, verb, key):
            return Wanted, verb, key
        case Got(_, request) | Ended(_, request):
            return type(entry), request
        case Left(_, turn, samples):
            return Left, turn, samples
        case _:
            return type(entry).__name__
