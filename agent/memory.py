"""The conversation as the model must see it: what was said, cut to what was heard."""

from collections import deque

from agent.engines import Exchange


class Memory:
    """The last exchanges of one call, oldest first. Bounded: the oldest go."""

    def __init__(self, exchanges: int = 50) -> None:
        self._past: deque[Exchange] = deque(maxlen=exchanges)

    def add(self, caller: str, heard: str) -> None:
        """An exchange is over. Nothing is kept of one in which neither was understood."""
        if caller or heard:
            self._past.append(Exchange(caller, heard))

    @property
    def past(self) -> tuple[Exchange, ...]:
        return tuple(self._past)
