"""Where a call stands between its two speakers."""

from enum import Enum, auto


class State(Enum):
    LISTENING = auto()  # nobody speaks
    HEARING = auto()  # the caller speaks
    PAUSED = auto()  # the caller fell silent, perhaps only for breath; a reply is prepared
    REPLYING = auto()  # the agent thinks or speaks
    OVERLAP = auto()  # the caller speaks over the agent, perhaps only "mm-hm"
    YIELDED = auto()  # the agent has stopped for it in mid-word, and may yet go on
    WEIGHING = auto()  # the caller fell silent after a word or two; a reply is prepared
    CLOSED = auto()

    @property
    def told(self) -> str:
        """Its name for a client, to whom an overlap is one until it has become a turn."""
        return (OVERLAP if self in (YIELDED, WEIGHING) else self).name.lower()


LISTENING, HEARING, PAUSED, REPLYING, OVERLAP, YIELDED, WEIGHING, CLOSED = State
