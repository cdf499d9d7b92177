"""What whoever asked the model holds: tokens that come, a weighing that comes once."""

import threading
from queue import SimpleQueue

import pytest

from agent.brains.voxtral.agenda import Rank
from agent.brains.voxtral.jobs import Go, Job, Seat, Tokens, Weighing
from agent.errors import EngineError


def job(*made):
    """One that the scheduler is done with when all of that was taken."""
    queue = SimpleQueue()
    for each in made:
        queue.put(each)
    return Job(Seat(None), Rank.ANSWER, lambda _: None, made=queue)


def ended(job):
    """How the scheduler ends a job."""
    job.over = True
    job.made.put(None)


def test_tokens_come_in_order_and_end_once() -> None:
    tokens = Tokens(job(7, 8, None), ended)
    assert list(tokens) == [7, 8]
    assert list(tokens) == []


def test_a_failure_comes_after_what_was_made_before_it() -> None:
    tokens = Tokens(job(7, EngineError("no memory"), None), ended)
    assert next(tokens) == 7
    with pytest.raises(EngineError, match="no memory"):
        next(tokens)
    assert list(tokens) == []


def test_cancelling_ends_the_wait_of_another_thread() -> None:
    asked = job()
    tokens, found = Tokens(asked, ended), []
    waiting = threading.Thread(target=lambda: found.append(list(tokens)))
    waiting.start()
    tokens.cancel()
    waiting.join(20)
    assert found == [[]]
    assert tokens.over and not tokens.whole


def test_a_weighing_is_there_once_it_is_over() -> None:
    asked = job()
    weighing = Weighing(asked, ended)
    assert not weighing.over
    asked.made.put((0.5, 0.25))
    ended(asked)
    assert weighing.over
    assert weighing.take() == (0.5, 0.25)


def test_a_weighing_that_was_cancelled_or_failed_tells_nothing() -> None:
    weighing = Weighing(job(), ended)
    weighing.cancel()
    assert weighing.over and weighing.take() is None
    with pytest.raises(EngineError, match="no memory"):
        Weighing(job(EngineError("no memory"), None), ended).take()


def test_a_seat_lists_the_job_at_work_first() -> None:
    seat, first, second = Seat(None), job(), job()
    seat.waiting.append(second)
    assert seat.jobs == [second]
    seat.active = Go(first, None)
    assert seat.jobs == [first, second]
