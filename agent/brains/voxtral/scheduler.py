"""The one thread that uses the model: it takes jobs from every call and does what is next.

What is next is agenda.py's to say, how a slot's cache is filled filling.py's. An error of the
model fails the jobs it concerns, and what their slots held is given up; the thread lives on. A
job that was cancelled gets no further token; what the model is doing at that moment goes on.
A job that was put off begins anew behind the tokens it has made.
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, assert_never

from agent.accelerator.lost import end_if_lost
from agent.brains.voxtral.agenda import Agenda, Prefill, Rank, Step
from agent.brains.voxtral.filling import Runner, Slot
from agent.brains.voxtral.jobs import Go, Job, Seat, Tokens, Weighing, Work
from agent.brains.voxtral.span import Span, positions
from agent.errors import EngineError

log = logging.getLogger(__name__)


class Scheduler:
    """Give a call a slot with `take`. All methods are thread-safe and return at once."""

    def __init__(self, runner: Runner, *, begin_audio: int, stop: int) -> None:
        """The ids that go before an utterance, and that mean the end of an answer."""
        self._runner, self._stop = runner, stop
        slots = [Slot(runner, number, begin_audio) for number in range(runner.slots)]
        self._seats = [Seat(slot) for slot in slots]
        self._free = deque(range(runner.slots))
        self._agenda: Agenda[Go] = Agenda()
        self._to_free: deque[Slot] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="voxtral", daemon=True)
        self._thread.start()

    def take(self, patience_s: float) -> int:
        """A slot of one's own, waiting so long for one that is about to be left.

        Raises EngineError when there is none.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._free or self._closed, patience_s):
                raise EngineError(
                    f"voxtral has no room for another call: its memory is divided into "
                    f"{len(self._seats)} and all are taken; lower voxtral.context_tokens or "
                    "limits.calls"
                )
            self._check()
            return self._free.popleft()

    def leave(self, slot: int) -> None:
        """What was asked for it is cancelled, and another may have it."""
        with self._changed:
            seat = self._seats[slot]
            for job in reversed(seat.jobs):
                self._finish(job)
            self._to_free.append(seat.slot)
            self._free.append(slot)
            self._changed.notify_all()

    def prepare(self, slot: int, span: Span) -> None:
        """Hold `span` soon, when nothing is more urgent and the slot's answer is over.

        The latest wish counts; an answer overrules it.
        """
        with self._changed:
            if self._closed:
                return
            seat = self._seats[slot]
            for job in seat.jobs:
                if job.rank is Rank.PREFIX:
                    self._finish(job)
            self._enter(Job(seat, Rank.PREFIX, lambda _: seat.slot.prepare(span)))

    def answer(self, slot: int, span: Span, limit: int, sampling: Any) -> Tokens:
        """What follows `span`, at most `limit` tokens, as soon as can be.

        It waits for an answer under way in this slot, which is being spoken and may go on;
        whatever else was asked for the slot is cancelled. Raises EngineError after `close`.
        """
        with self._changed:
            self._check()
            seat = self._seats[slot]
            for job in reversed(seat.jobs):
                if job in seat.waiting or job.rank is not Rank.ANSWER:
                    self._finish(job)
            return self._ask(slot, Rank.ANSWER, span, limit, sampling)

    def note(self, slot: int, span: Span, limit: int, sampling: Any) -> Tokens:
        """What follows `span`, when there is time, after what was asked for this slot before.

        Raises EngineError after `close`.
        """
        with self._changed:
            self._check()
            return self._ask(slot, Rank.TRANSCRIPT, span, limit, sampling)

    def note_now(self, slot: int, span: Span, limit: int, sampling: Any) -> Tokens:
        """The same as soon as can be: somebody waits. Other notes in this slot are put off.

        Raises EngineError after `close`.
        """
        with self._changed:
            self._check()
            job = self._job(slot, Rank.ANSWER, span, limit, sampling)
            self._enter_first(job)
            return Tokens(job, self.cancel)

    def weigh_now(self, slot: int, span: Span, tokens: Sequence[int]) -> Weighing:
        """How likely each of these is to follow `span`: after what callers wait for, before all
        else. Raises EngineError after `close`.
        """
        with self._changed:
            self._check()
            seat = self._seats[slot]
            job = Job(seat, Rank.JUDGEMENT, lambda _: seat.slot.weigh(span, tokens))
            self._enter_first(job)
            return Weighing(job, self.cancel)

    def cancel(self, job: Job) -> None:
        """No more of it is wanted."""
        with self._changed:
            self._finish(job)

    def close(self) -> None:
        """End the thread; every answer under way fails."""
        self._close()
        self._thread.join()

    def _close(self) -> None:
        with self._changed:
            self._closed = True
            for seat in self._seats:
                for job in reversed(seat.jobs):
                    job.made.put(EngineError("voxtral was closed"))
                    self._finish(job)
            self._changed.notify_all()

    # -- jobs, by whoever holds the lock

    def _check(self) -> None:
        if self._closed:
            raise EngineError("voxtral was closed")

    def _ask(self, slot: int, rank: Rank, span: Span, limit: int, sampling: Any) -> Tokens:
        job = self._job(slot, rank, span, limit, sampling)
        self._enter(job)
        return Tokens(job, self.cancel)

    def _job(self, slot: int, rank: Rank, span: Span, limit: int, sampling: Any) -> Job:
        seat = self._seats[slot]
        room = self._runner.context - positions(span)
        if min(limit, room) < 1:
            raise EngineError("the conversation is longer than voxtral.context_tokens")

        def begin(made: list[int]) -> Work:
            return seat.slot.answer([*span, *made], sampling)

        return Job(seat, rank, begin, min(limit, room))

    def _enter(self, job: Job) -> None:
        if job.seat.active is not None:
            job.seat.waiting.append(job)
            return
        job.seat.active = Go(job, job.begin(job.tokens))
        self._agenda.add(job.seat.active, job.rank)
        self._changed.notify_all()

    def _enter_first(self, job: Job) -> None:
        """Before what is less urgent in its slot, under way or not."""
        seat, active = job.seat, job.seat.active
        if active is not None and active.job.rank > job.rank:
            self._agenda.remove(active)
            seat.waiting.appendleft(active.job)
            seat.active = None
        before = sum(other.rank <= job.rank for other in seat.waiting)
        seat.waiting.insert(before, job)
        if seat.active is None:
            self._enter(seat.waiting.popleft())

    def _finish(self, job: Job) -> None:
        """It is over, for whatever reason: the next one for its slot may begin."""
        if job.over:
            return
        job.over = True
        job.made.put(None)
        seat = job.seat
        if seat.active is None or seat.active.job is not job:
            seat.waiting.remove(job)
            return
        self._agenda.remove(seat.active)
        seat.active = None
        if seat.waiting:
            self._enter(seat.waiting.popleft())

    # -- in the thread

    def _work(self) -> None:
        try:
            self._run()
        except Exception:  # our own bug: nobody may wait for a thread that is gone
            log.exception("voxtral's thread broke down")
            self._close()

    def _run(self) -> None:
        while (work := self._next()) is not None:
            match work:
                case Prefill(go):
                    self._prefill(go)
                case Step(goes):
                    self._step(goes)
                case Slot():
                    self._free_slot(work)
                case _:
                    assert_never(work)

    def _next(self) -> Prefill[Go] | Step[Go] | Slot | None:
        with self._changed:
            while not self._closed:
                if self._to_free:
                    return self._to_free.popleft()
                if (decision := self._agenda.next()) is not None:
                    return decision
                self._changed.wait()
            return None

    def _free_slot(self, slot: Slot) -> None:
        try:
            slot.free()
        except Exception as error:
            log.error("voxtral failed to free a slot", exc_info=error)

    def _prefill(self, go: Go) -> None:
        try:
            next(go.work)
        except StopIteration as done:
            with self._changed:
                if not self._goes(go):
                    return
                if isinstance(done.value, int):
                    self._agenda.decode(go)
                    self._took(go.job, done.value)
                    return
                if done.value is not None:
                    go.job.made.put(done.value)
                self._finish(go.job)
        except Exception as error:  # noqa: BLE001 - whatever torch raises: it ends this job
            self._fail((go,), error)

    def _step(self, goes: tuple[Go, ...]) -> None:
        try:
            tokens = self._runner.step([go.job.seat.slot.number for go in goes])
        except Exception as error:  # noqa: BLE001 - whatever torch raises: it ends these jobs
            self._fail(goes, error)
            return
        with self._changed:
            for go, token in zip(goes, tokens, strict=True):
                go.job.seat.slot.said(go.job.tokens[-1])
                if self._goes(go):
                    self._took(go.job, token)

    def _goes(self, go: Go) -> bool:
        """Whether it is wanted, and was not put off meanwhile."""
        return go.job.seat.active is go

    def _took(self, job: Job, token: int) -> None:
        """The model made a token for it."""
        if token == self._stop:
            job.whole = True
            self._finish(job)
            return
        job.made.put(token)
        job.tokens.append(token)
        if len(job.tokens) >= job.limit:
            job.whole = True
            self._finish(job)

    def _fail(self, goes: tuple[Go, ...], error: Exception) -> None:
        end_if_lost(error)
        if not isinstance(error, EngineError):
            log.error("voxtral failed", exc_info=error)
            error = EngineError(f"voxtral failed: {error}")
        with self._changed:
            for go in goes:
                go.job.seat.slot.spoil()
                if self._goes(go):
                    go.job.made.put(error)
                    self._finish(go.job)
