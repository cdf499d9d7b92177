"""The last replies of a call, word by word, so that they can still be cut when they are over.

A client that stops playing by itself tells so late, perhaps only when the next reply is under
way. Knows what left of each reply; what is remembered of the conversation is in memory.py.
"""

from collections import OrderedDict

from agent.audio.frame import SPEAK_HZ
from agent.ledger import Ledger
from agent.notices import CutRefused, ReplyCut


def milliseconds(samples: int) -> int:
    """How long samples at SPEAK_HZ last, rounded down."""
    return samples * 1000 // SPEAK_HZ


def shortened(left: int, end_ms: int) -> int | None:
    """Of `left` samples, those within `end_ms`; None when there are not so many.

    `milliseconds` of what comes out is `end_ms`, and to cut there again changes nothing.
    """
    left_ms = milliseconds(left)
    if not 0 <= end_ms <= left_ms:
        return None
    return left if end_ms == left_ms else end_ms * SPEAK_HZ // 1000


class Spoken:
    """One call's. Bounded: the oldest go, as they do from the memory."""

    def __init__(self, replies: int = 50) -> None:
        self._most = replies
        self._replies: OrderedDict[int, tuple[Ledger, int]] = OrderedDict()  # by turn

    def add(self, turn: int, ledger: Ledger, heard: int) -> None:
        """A reply is over; `heard` samples of it were."""
        self._replies[turn] = ledger, heard
        if len(self._replies) > self._most:
            self._replies.popitem(last=False)

    def cut(self, turn: int, end_ms: int) -> ReplyCut | CutRefused:
        """No more than `end_ms` of it was heard; what was cut off does not come back."""
        if turn not in self._replies:
            return CutRefused(turn, end_ms, None)
        ledger, heard = self._replies[turn]
        rest = shortened(heard, end_ms)
        if rest is None:
            return CutRefused(turn, end_ms, milliseconds(heard))
        self._replies[turn] = ledger, rest
        return ReplyCut(turn, *ledger.split(rest), end_ms)
