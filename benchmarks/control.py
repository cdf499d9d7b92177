"""What a machine adds to a piece of work that is always the same.

On a shared machine even CPU time has outliers: what a hypervisor takes is in it, and so are
cold caches. Beside such a row one sees which outliers are a program's own.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

WORK_MS = 0.6  # what the media loop needs to speak
_PAUSE_S = 0.005
_ONE_ROUND = 1000


def _work(rounds: int) -> float:
    """Compute; return the CPU time of this thread that it took, in ms."""
    begun_s = time.thread_time()
    for each in range(rounds):
        _ = each * each
    return (time.thread_time() - begun_s) * 1000


def _rounds() -> int:
    """How many of them take WORK_MS here."""
    tried = sorted(_work(_ONE_ROUND) for _ in range(101))
    return max(1, round(_ONE_ROUND * WORK_MS / tried[50]))


@contextmanager
def fixed_work() -> Iterator[list[float]]:
    """Do it in a thread of its own, a few milliseconds apart; yield what each took, in ms."""
    taken: list[float] = []
    over = threading.Event()

    def repeat(rounds: int) -> None:
        while not over.wait(_PAUSE_S):
            taken.append(_work(rounds))

    thread = threading.Thread(target=repeat, args=(_rounds(),), name="control")
    thread.start()
    try:
        yield taken
    finally:
        over.set()
        thread.join()
