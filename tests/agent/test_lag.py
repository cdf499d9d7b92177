"""The watch over the event loop's punctuality."""

import asyncio
import gc
import time

import pytest

from agent.lag import CountingLoop, watch
from agent.virtual_time import run


def watched(main):
    """How late every timer was while `main` ran, in virtual time: others may have the core."""
    seen = []

    async def both():
        task = asyncio.create_task(watch(seen.append))
        await main()
        task.cancel()

    run(both())
    return seen


def test_a_punctual_loop_has_no_lag() -> None:
    seen = watched(lambda: asyncio.sleep(1.005))
    assert len(seen) == 100
    assert max(seen) < 1e-6


def test_a_loop_that_was_held_up_is_late_once() -> None:
    async def main():
        await asyncio.sleep(0.05)
        asyncio.get_running_loop().now += 0.05
        await asyncio.sleep(0.05)

    assert sum(late > 0.035 for late in watched(main)) == 1


# -- a loop that counts ------------------------------------------------------------------------


def compute(seconds=0.02):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def counted(main):
    """[(CPU seconds, heaviest callback)] of the passes that took 10 ms and more."""
    seen = []

    async def observed():
        asyncio.get_running_loop().observers.append(lambda *held: seen.append(held))
        await main(asyncio.get_running_loop())
        await asyncio.sleep(0.001)

    gc.disable()  # of what other tests left it has a tenth of a second to do, and is counted
    try:
        with asyncio.Runner(loop_factory=CountingLoop) as runner:
            runner.run(observed())
    finally:
        gc.enable()
    return [(held_s, heaviest) for held_s, heaviest in seen if held_s > 0.01]


async def told(loop, schedule):
    """Schedule a long callback; return when it has run."""
    ran = asyncio.Event()

    def block():
        compute()
        ran.set()

    schedule(loop, block)
    await ran.wait()


WAYS = {
    "soon": lambda loop, block: loop.call_soon(block),
    "later": lambda loop, block: loop.call_later(0.001, block),
    "at": lambda loop, block: loop.call_at(loop.time() + 0.001, block),
    "from a thread": lambda loop, block: loop.run_in_executor(
        None, loop.call_soon_threadsafe, block
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_block_is_counted_once_however_it_was_scheduled(way) -> None:
    ((held_s, heaviest),) = counted(lambda loop: told(loop, WAYS[way]))
    assert held_s >= 0.02
    assert heaviest.__name__ == "block"


def test_a_task_is_counted_under_its_own_name() -> None:
    async def busy():
        await asyncio.sleep(0)
        compute()

    async def main(loop):
        await asyncio.create_task(busy(), name="busy")

    ((_, heaviest),) = counted(main)
    assert heaviest.__self__.get_name() == "busy"


def test_what_was_scheduled_together_holds_the_loop_together() -> None:
    async def main(loop):
        loop.call_soon(compute)
        loop.call_soon(compute)
        await asyncio.sleep(0.001)

    ((held_s, _),) = counted(main)
    assert held_s >= 0.04


def test_who_lets_others_go_first_holds_it_twice_for_half_as_long() -> None:
    async def main(loop):
        await asyncio.sleep(0)
        compute()
        await asyncio.sleep(0)
        compute()

    assert len(counted(main)) == 2


def test_what_the_machine_takes_is_not_held_by_us() -> None:
    async def main(loop):
        await asyncio.sleep(0)
        time.sleep(0.05)  # noqa: ASYNC251  the thread is off the core, as if preempted

    assert counted(main) == []


def test_a_callback_that_raises_is_counted_too() -> None:
    async def main(loop):
        failed = asyncio.Event()
        loop.set_exception_handler(lambda *_: failed.set())

        def fail():
            compute()
            raise ValueError

        loop.call_soon(fail)
        await failed.wait()

    assert len(counted(main)) == 1


def test_a_cancelled_callback_does_not_run() -> None:
    async def main(loop):
        loop.call_soon(compute).cancel()
        loop.call_later(0.001, compute).cancel()
        await asyncio.sleep(0.005)

    assert counted(main) == []
