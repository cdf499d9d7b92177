"""Work of all calls, one piece in each pass of the event loop: packets wait for no more.

Knows the loop; what the work is, and that nothing goes wrong with it, is for whoever brings it.
"""

import asyncio
from collections import deque
from collections.abc import Callable

Work = Callable[[], bool]  # says whether there was anything left to do


class InTurn:
    """One event loop's. Pieces are done in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: deque[Work] = deque()
        self._called = False

    def do(self, *pieces: Work) -> None:
        """Do these soon. One that has nothing left to do costs no pass."""
        self._waiting.extend(pieces)
        self._call()

    def _next(self) -> None:
        self._called = False
        worked = False
        try:
            while self._waiting and not worked:
                worked = self._waiting.popleft()()
        finally:
            self._call()

    def _call(self) -> None:
        if self._waiting and not self._called:
            self._called = True
            asyncio.get_running_loop().call_soon(self._next)
