"""What is asked of a slot of the model, and what whoever asked holds of it.

A job belongs to the scheduler, which alone changes it, under its lock; what the model makes for
it is put into a queue, which one thread reads.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from queue import SimpleQueue

from agent.brains.voxtral.agenda import Rank
from agent.brains.voxtral.filling import Slot
from agent.errors import EngineError


@dataclass(slots=True, eq=False)
class Seat:
    """A slot and the jobs for it: one at work, the others after it."""

    slot: Slot
    active: "Go | None" = None
    waiting: "deque[Job]" = field(default_factory=deque)

    @property
    def jobs(self) -> "list[Job]":
        """In the order in which they are done."""
        return [*([] if self.active is None else [self.active.job]), *self.waiting]


Chances = tuple[float, ...]  # of tokens, each 0..1
Work = Generator[None, None, int | Chances | None]


@dataclass(slots=True, eq=False)
class Job:
    seat: Seat
    rank: Rank
    begin: Callable[[list[int]], Work]  # the prefill, the tokens made before included
    limit: int = 0  # tokens at most
    made: SimpleQueue[int | Chances | EngineError | None] = field(default_factory=SimpleQueue)
    tokens: list[int] = field(default_factory=list)  # the cache has yet to take in the last
    over: bool = False
    whole: bool = False  # it came to its own end


@dataclass(slots=True, eq=False)
class Go:
    """A job at work. If it is put off, another of these takes it up again."""

    job: Job
    work: Work  # begun when it is its turn


class Tokens(Iterator[int]):
    """The tokens of one answer as they are made, without the one that means its end.

    Read by one thread; `cancel` may come from any, at any time.
    """

    def __init__(self, job: Job, cancel: Callable[[Job], None]) -> None:
        self._job, self._cancel = job, cancel
        self._ended = False

    def __next__(self) -> int:
        """Wait for the next. Raises EngineError when the model failed."""
        if self._ended:
            raise StopIteration
        made = self._job.made.get()
        if isinstance(made, int):
            return made
        self._ended = True
        raise made if isinstance(made, EngineError) else StopIteration

    @property
    def over(self) -> bool:
        """Whether no more of it will be made."""
        return self._job.over

    @property
    def whole(self) -> bool:
        """Whether, once ended, it was neither cancelled nor overruled."""
        return self._job.whole

    def cancel(self) -> None:
        """No more of it is wanted: whoever waits for the next finds its end."""
        self._cancel(self._job)


class Weighing:
    """How likely the tokens are that were asked about, once that is known."""

    def __init__(self, job: Job, cancel: Callable[[Job], None]) -> None:
        self._job, self._cancel = job, cancel

    @property
    def over(self) -> bool:
        """Whether there is something to `take`."""
        return self._job.over

    def take(self) -> Chances | None:
        """In the order asked, once it is over; None when it was cancelled. Raises EngineError
        when the model failed.
        """
        made = self._job.made.get_nowait()
        if isinstance(made, EngineError):
            raise made
        return made if isinstance(made, tuple) else None

    def cancel(self) -> None:
        """It is not wanted any more."""
        self._cancel(self._job)
