"""Did a replay decide as the call did? Pure: holds the commands of turns.py side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from agent.events import Command
from agent.flight.entries import Entry, decisions

TOLERANCE_S = 0.020  # a live loop notices things up to a packet late

Decision = tuple[float, Command]


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
    """The same commands in the same order, each within TOLERANCE_S, are identical.

    From `until_s` on one side may lack what the other has: the record ends there.
    """
    before, after = list(decisions(recorded)), list(decisions(now))
    most_s = 0.0
    for old, new in zip_longest(before, after):
        if old is None or new is None:
            if any(each and each[0] >= until_s for each in (old, new)):
                break
            return Difference(len(before), most_s, old, new)
        apart_s = abs(old[0] - new[0])
        if old[1] != new[1] or apart_s > TOLERANCE_S:
            return Difference(len(before), most_s, old, new)
        most_s = max(most_s, apart_s)
    return Difference(len(before), most_s)
