"""What the model does next: a pure decision over what every call wants of it.

A caller waits for the first token of an answer, so that goes first; who is being answered needs
a token every 20 ms or so, and gets one after each piece of somebody's prefill at the latest.
Whether a caller has finished is known in time between such tokens, or not at all. Prefixes that
are prepared while a caller speaks use what is left, and transcripts what is left then. Knows no
thread, no clock and no model: jobs are any hashable things.

The laws, each a test. Of two prefills one directly follows the other only when nobody waits for
a next token. Among jobs of one rank, pieces go round. A rank that is passed over PATIENCE times
in a row goes next, so nobody waits for ever.
"""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Generic, TypeVar, assert_never

PATIENCE: Final = 16  # decisions that may pass over a rank that has work


class Rank(IntEnum):
    """How urgent a job is."""

    ANSWER = 0  # a caller waits for it
    JUDGEMENT = 1  # nobody waits, and soon it is worth nothing
    PREFIX = 2  # a caller speaks, and will wait
    TRANSCRIPT = 3  # nobody waits


J = TypeVar("J", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Prefill(Generic[J]):
    """Do the next piece of this job's prefill."""

    job: J


@dataclass(frozen=True, slots=True)
class Step(Generic[J]):
    """Make the next token of all these, in one batch."""

    jobs: tuple[J, ...]


class Agenda(Generic[J]):
    """Jobs begin in prefill; whoever carries out a decision says when that changes."""

    def __init__(self) -> None:
        self._prefills: dict[Rank, deque[J]] = {rank: deque() for rank in Rank}
        self._decodes: dict[Rank, dict[J, None]] = {rank: {} for rank in Rank}
        self._passed = dict.fromkeys(Rank, 0)  # decisions since the rank's last, while it waits
        self._prefilled = False  # the last decision was one

    def add(self, job: J, rank: Rank) -> None:
        """A job that has to be prefilled."""
        self._prefills[rank].append(job)

    def decode(self, job: J) -> None:
        """Its prefill is over: it wants a token at a time from now on."""
        for rank, jobs in self._prefills.items():
            if job in jobs:
                jobs.remove(job)
                self._decodes[rank][job] = None
                return
        raise KeyError(job)

    def remove(self, job: J) -> None:
        """It is over, or unwanted. One that is not here changes nothing."""
        for rank in Rank:
            self._decodes[rank].pop(job, None)
            if job in self._prefills[rank]:
                self._prefills[rank].remove(job)

    def next(self) -> Prefill[J] | Step[J] | None:
        """Decide. None: there is nothing to do."""
        decision = self._decide()
        self._prefilled = isinstance(decision, Prefill)
        served = self._served(decision)
        for rank in Rank:
            waits = self._prefills[rank] or self._decodes[rank]
            self._passed[rank] = self._passed[rank] + 1 if waits and rank not in served else 0
        return decision

    def _decide(self) -> Prefill[J] | Step[J] | None:
        speaking = self._decodes[Rank.ANSWER]
        if speaking and self._prefilled:
            return self._step()
        for rank in (Rank.TRANSCRIPT, Rank.PREFIX, Rank.JUDGEMENT):
            if self._passed[rank] >= PATIENCE:
                return self._work(rank)
        for rank in (Rank.ANSWER, Rank.JUDGEMENT):
            if self._prefills[rank]:
                return self._prefill(rank)
        if speaking:
            return self._step()
        for rank in (Rank.PREFIX, Rank.TRANSCRIPT):
            if self._prefills[rank] or self._decodes[rank]:
                return self._work(rank)
        return None

    def _work(self, rank: Rank) -> Prefill[J] | Step[J]:
        return self._prefill(rank) if self._prefills[rank] else self._step()

    def _prefill(self, rank: Rank) -> Prefill[J]:
        jobs = self._prefills[rank]
        job = jobs[0]
        jobs.rotate(-1)
        return Prefill(job)

    def _step(self) -> Step[J]:
        """A token more costs the same for one as for many: whoever decodes comes along."""
        return Step(tuple(job for jobs in self._decodes.values() for job in jobs))

    def _served(self, decision: Prefill[J] | Step[J] | None) -> set[Rank]:
        match decision:
            case None:
                return set()
            case Prefill(job):
                return {rank for rank in Rank if job in self._prefills[rank]}
            case Step(jobs):
                return {rank for rank in Rank if self._decodes[rank]} if jobs else set()
            case _:
                assert_never(decision)
