"""Phrases that wait together go together; whoever fails, fails alone."""

import queue
import threading

import numpy as np
import pytest
import torch

from agent.errors import EngineError
from agent.voices.kokoro.batcher import Batcher
from agent.voices.kokoro.synthesis import Job, Made

PATIENCE_S = 20


def job(number, tokens=10):
    return Job((number,) * tokens, torch.zeros(256), 1.0)


class Model:
    """Makes a batch when it is let, and notes which jobs were in it."""

    def __init__(self):
        self.entered = queue.SimpleQueue()
        self.go = threading.Semaphore(0)
        self.faulty = set()

    def run(self, jobs):
        numbers = [job.ids[0] for job in jobs]
        self.entered.put(numbers)
        assert self.go.acquire(timeout=PATIENCE_S)
        for index, number in enumerate(numbers):
            if number in self.faulty:
                raise RuntimeError(f"fault of {number}\nand its stack")
            yield index, Made(np.array([number]), np.zeros(0, np.float32))

    def next_batch(self):
        return self.entered.get(timeout=PATIENCE_S)


@pytest.fixture
def model():
    return Model()


def numbers(futures):
    return [int(future.result(timeout=PATIENCE_S).frames[0]) for future in futures]


def test_the_first_does_not_wait_and_the_others_gather_meanwhile(model):
    batcher = Batcher(model.run, 4)
    first = batcher.submit(job(1))
    assert model.next_batch() == [1]
    rest = [batcher.submit(job(number)) for number in range(2, 8)]
    model.go.release(3)
    assert model.next_batch() == [2, 3, 4, 5]
    assert model.next_batch() == [6, 7]
    assert numbers([first, *rest]) == [1, 2, 3, 4, 5, 6, 7]


def test_short_phrases_go_before_long_ones_but_not_for_ever(model):
    batcher = Batcher(model.run, 1)
    futures = [batcher.submit(job(0))]
    assert model.next_batch() == [0]
    futures.append(batcher.submit(job(9, tokens=200)))
    futures += [batcher.submit(job(number)) for number in (1, 2, 3, 4)]
    model.go.release(6)
    assert [model.next_batch()[0] for _ in range(5)] == [1, 2, 9, 3, 4]
    assert sorted(numbers(futures)) == [0, 1, 2, 3, 4, 9]


def test_what_is_cancelled_before_its_turn_is_never_made(model):
    batcher = Batcher(model.run, 4)
    futures = [batcher.submit(job(0))]
    assert model.next_batch() == [0]
    unwanted = batcher.submit(job(1))
    futures.append(batcher.submit(job(2)))
    assert unwanted.cancel()
    assert not futures[0].cancel()  # under way
    model.go.release(2)
    assert model.next_batch() == [2]
    assert numbers(futures) == [0, 2]


def test_a_batch_of_cancelled_phrases_does_not_stop_the_thread(model):
    batcher = Batcher(model.run, 4)
    busy = batcher.submit(job(0))
    assert model.next_batch() == [0]
    assert batcher.submit(job(1)).cancel()
    model.go.release(2)
    assert numbers([busy, batcher.submit(job(2))]) == [0, 2]


def test_an_error_reaches_only_its_own_phrase(model):
    batcher = Batcher(model.run, 4)
    busy = batcher.submit(job(0))
    assert model.next_batch() == [0]
    model.faulty = {2}
    futures = [batcher.submit(job(number)) for number in (1, 2, 3)]
    model.go.release(10)
    assert numbers([busy, futures[0], futures[2]]) == [0, 1, 3]
    with pytest.raises(EngineError, match=r"^Kokoro failed: fault of 2$"):
        futures[1].result(timeout=PATIENCE_S)
    assert model.next_batch() == [1, 2, 3]
    assert model.next_batch() == [2]  # 1 was made before the fault
    assert model.next_batch() == [3]
    assert numbers([batcher.submit(job(5))]) == [5]


def test_an_error_after_a_phrase_was_made_concerns_nobody(model, caplog):
    def run(jobs):
        yield 0, Made(np.array([jobs[0].ids[0]]), np.zeros(0, np.float32))
        raise RuntimeError("the stream cannot be waited for")

    batcher = Batcher(run, 1)
    assert numbers([batcher.submit(job(1))]) == [1]
    assert numbers([batcher.submit(job(2))]) == [2], "its thread lives on"
    assert "broke down" not in caplog.text


def test_a_phrase_that_was_not_made_fails():
    batcher = Batcher(lambda jobs: iter(()), 2)
    for number in (1, 2):
        with pytest.raises(EngineError, match="fewer phrases"):
            batcher.submit(job(number)).result(timeout=PATIENCE_S)


def test_nobody_waits_for_a_thread_that_broke_down(model, monkeypatch, caplog):
    batcher = Batcher(model.run, 1)
    busy = batcher.submit(job(1))
    assert model.next_batch() == [1]
    waits = batcher.submit(job(2))

    def make(batch):
        raise AssertionError("a bug of ours")

    monkeypatch.setattr(batcher, "_make", make)
    model.go.release()
    assert numbers([busy]) == [1]
    for future in (waits, batcher.submit(job(3))):
        with pytest.raises(EngineError, match="broke down"):
            future.result(timeout=PATIENCE_S)
    assert "a bug of ours" in caplog.text
