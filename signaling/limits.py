"""How much one client may say: sizes, and a token bucket. Time is an argument."""

from dataclasses import dataclass, field

EVENT_BYTES = 16_384  # one event on the data channel, as UTF-8; read in 2 ms at the worst
# session.update may carry many tools: more bytes, as long as they are few values
SESSION_EVENT_BYTES = 65_536
SESSION_EVENT_VALUES = 4_000  # commas, colons and brackets: read, shown and sent in 1.5 ms then
EVENTS_PER_S = 50.0  # a client that sends an event per animation frame is still below
EVENTS_AT_ONCE = 100.0


@dataclass(slots=True)
class Bucket:
    """`burst` events at once, `rate_per_s` in the long run."""

    rate_per_s: float = EVENTS_PER_S
    burst: float = EVENTS_AT_ONCE
    _tokens: float = field(default=0.0, init=False)
    _filled_at_s: float | None = field(default=None, init=False)

    def take(self, now_s: float) -> bool:
        """Whether one more event is within the limit at `now_s` of any steady clock."""
        since_s = float("inf") if self._filled_at_s is None else now_s - self._filled_at_s
        self._tokens = min(self.burst, self._tokens + since_s * self.rate_per_s)
        self._filled_at_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
