"""Until when to wait, where a sound that has just begun may yet decide otherwise. No clock."""


class Deadline:
    """The time that was set has come."""


class Wait:
    """At most one deadline; whoever owns it asks whether it has come."""

    def __init__(self) -> None:
        self.deadline: float | None = None
        self._meant: float | None = None  # the deadline before it was put off
        self._put_off: float | None = None  # until a sound would be understood

    def begin(self, deadline: float | None) -> None:
        """Wait anew; None: for nothing."""
        self.deadline = self._meant = deadline
        self._put_off = None

    def until(self, deadline: float) -> None:
        """Decide then instead, or when a sound that has just begun is understood."""
        self._meant = deadline
        self.deadline = deadline if self._put_off is None else max(deadline, self._put_off)

    def see(self, now: float, confirm_s: float) -> None:
        """What time is about to decide may be decided by a sound, which is understood after
        `confirm_s`: wait until then, but only once.
        """
        if self.deadline is not None and self._meant is not None:
            self._put_off = min(now, self._meant) + confirm_s
            self.deadline = max(self.deadline, self._put_off)
