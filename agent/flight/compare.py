"""Did a replay decide as the call did? Pure: holds the commands of turns.py side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from agent.flight.entries import Decision, Entry, decisions

TOLERANCE_S = 0.020  # one packet


@dataclass(frozen=True, slots=True)
class Difference:
    """The first one, if any: what the record holds and what happened now (None: nothing)."""

    count: int  # decisions in the record
    most_s: float  # by which equal ones are apart, up to the first difference
    recorded: Decision | None = None
    now: Decision | None = None

    @property
    def identical(self) -> bool:
        return self.recorded is None and self.now is None


def compare(
    recorded: Sequence[Entry], now: Sequence[Entry], until_s: float = float("inf")
) -> Difference:
    """Identical are the same commands in the same order, at the same times.

    The same time is within TOLERANCE_S or, of an event, between the same two packets: a live
    loop that was busy with one noticed things later. From `until_s` on one side may lack what
    the other has: the record ends there.
    """
    before, after = list(decisions(recorded)), list(decisions(now))
    most_s = 0.0
    for old, new in zip_longest(before, after):
        if old is None or new is None:
            if any(each is not None and each.at >= until_s for each in (old, new)):
                break
            return Difference(len(before), most_s, old, new)
        apart_s = abs(old.at - new.at)
        then = apart_s <= TOLERANCE_S or (
            old.packets is not None and old.packets == new.packets
        )
        if old.command != new.command or not then:
            return Difference(len(before), most_s, old, new)
        most_s = max(most_s, apart_s)
    return Difference(len(before), most_s)
