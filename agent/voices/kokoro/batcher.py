"""One thread owns the model; phrases that wait at the same moment go together.

None waits for a batch to fill: while the model works, others gather, and those are the next
batch. A job's `Future` carries its audio or its error; cancelled before its turn, it is never
made.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from agent.accelerator.lost import end_if_lost
from agent.errors import EngineError, first_line
from agent.voices.kokoro.synthesis import Job, Made

log = logging.getLogger(__name__)

Run = Callable[[Sequence[Job]], Iterator[tuple[int, Made]]]

_BROKEN = "Kokoro's thread broke down; start Voxline again"
# tokens: so long are the first phrases of replies, and their callers wait in silence
_SHORT = 64
_PATIENCE = 2  # batches that may overtake a long one


@dataclass(slots=True, eq=False)
class _Waiting:
    job: Job
    future: Future[Made] = field(default_factory=Future)
    overtaken: int = 0  # batches

    @property
    def rank(self) -> bool:
        """False goes first; among equals the older."""
        return len(self.job.ids) > _SHORT and self.overtaken < _PATIENCE


class Batcher:
    """Thread-safe. Its thread ends with the process, or breaks down; then nobody waits."""

    def __init__(self, run: Run, most: int) -> None:
        """`run` takes `most` jobs at once and may fail as a whole."""
        self._run, self._most = run, most
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []  # bounded by the calls: each waits for its phrase
        self._batch: list[_Waiting] = []  # under way
        self._broken = False
        threading.Thread(target=self._work, name="kokoro", daemon=True).start()

    def submit(self, job: Job) -> Future[Made]:
        """Have it made. The future gets an EngineError if this very job fails."""
        waiting = _Waiting(job)
        with self._changed:
            if self._broken:
                waiting.future.set_exception(EngineError(_BROKEN))
            else:
                self._waiting.append(waiting)
            self._changed.notify()
        return waiting.future

    # -- in the thread

    def _work(self) -> None:
        try:
            while True:
                batch = self._batch = self._next()
                if batch and not self._make(batch) and len(batch) > 1:
                    for one in batch:  # alone, so that the faulty one fails alone
                        if not one.future.done():
                            self._make([one])
        except Exception:  # our own bug: nobody may wait for a thread that is gone
            log.exception("Kokoro's thread broke down")
            self._break()

    def _break(self) -> None:
        with self._changed:
            self._broken = True
            unmade = [one for one in self._batch if not one.future.done()]
            unmade += [
                one for one in self._waiting if one.future.set_running_or_notify_cancel()
            ]
            self._waiting.clear()
        for one in unmade:
            one.future.set_exception(EngineError(_BROKEN))

    def _next(self) -> list[_Waiting]:
        """Take the next batch as soon as there is anything."""
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            batch = sorted(self._waiting, key=lambda one: one.rank)[: self._most]
            self._waiting = [one for one in self._waiting if one not in batch]
            for one in self._waiting:
                one.overtaken += 1
        return [one for one in batch if one.future.set_running_or_notify_cancel()]

    def _make(self, batch: Sequence[_Waiting]) -> bool:
        """Whether all went well; a job that failed alone has its error."""
        try:
            for index, made in self._run([one.job for one in batch]):
                batch[index].future.set_result(made)
            if not all(one.future.done() for one in batch):
                raise EngineError("it made fewer phrases than it was given")
        except Exception as error:  # whatever it is, this thread must go on
            end_if_lost(error)
            log.exception("Kokoro failed with %d phrases", len(batch))
            if len(batch) == 1 and not batch[0].future.done():
                failure = EngineError(f"Kokoro failed: {first_line(error)}")
                failure.__cause__ = error
                batch[0].future.set_exception(failure)
            return False
        return True
