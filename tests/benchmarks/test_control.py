"""What a machine adds to work that is always the same."""

import threading

from benchmarks import control
from benchmarks.control import fixed_work


def test_the_same_work_is_done_again_until_told_to_stop(monkeypatch):
    enough, real = threading.Event(), control._work
    rounds: list[int] = []

    def work(count: int) -> float:
        rounds.append(count)
        if len(rounds) > 120:
            enough.set()
        return real(count)

    monkeypatch.setattr(control, "_work", work)
    with fixed_work() as taken:
        assert enough.wait(20)
    done = len(taken)
    assert done >= 19  # of the 121, the first 101 said how long a round takes
    assert len(set(rounds[101:])) == 1
    assert all(each > 0 for each in taken)
    assert not any(thread.name == "control" for thread in threading.enumerate())


def test_it_is_as_long_as_it_says():
    asked = control._rounds()
    took = sorted(control._work(asked) for _ in range(101))[50]
    assert control.WORK_MS / 3 < took < control.WORK_MS * 3
