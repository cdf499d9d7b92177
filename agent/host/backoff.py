"""How long to wait before what was lost is started again. Knows no process and no clock."""


class Backoff:
    """At first `first_s`; each time twice as long, up to `most_s`."""

    def __init__(self, first_s: float, most_s: float) -> None:
        self._first_s, self._most_s = first_s, most_s
        self._next_s = first_s

    def wait_s(self, lived_s: float = 0.0) -> float:
        """The next wait; who lived for more than the longest one begins anew."""
        if lived_s > self._most_s:
            self._next_s = self._first_s
        wait_s, self._next_s = self._next_s, min(2 * self._next_s, self._most_s)
        return wait_s
