"""The watch over the event loop's punctuality."""

import asyncio
import time

from virtual_time import run

from agent.lag import watch


def watched(main, runner):
    """(late, held) of every timer while `main` runs."""
    seen = []

    async def both():
        task = asyncio.create_task(watch(lambda late, held: seen.append((late, held))))
        await main()
        task.cancel()

    runner(both())
    return seen


def test_a_punctual_loop_has_no_lag() -> None:
    seen = watched(lambda: asyncio.sleep(1.005), run)
    assert len(seen) == 100
    assert max(late for late, _ in seen) < 1e-6


def hold_up(block):
    async def main():
        await asyncio.sleep(0.05)
        block()
        await asyncio.sleep(0.05)

    return watched(main, asyncio.run)


def compute():
    until = time.thread_time() + 0.05
    while time.thread_time() < until:
        pass


def test_a_block_of_ours_is_seen_once_and_laid_at_our_door() -> None:
    assert sum(held > 0.035 for _, held in hold_up(compute)) == 1


def test_what_the_machine_takes_is_late_but_not_held() -> None:
    seen = hold_up(lambda: time.sleep(0.05))  # the thread is off the core, as if preempted
    assert sum(late > 0.035 for late, _ in seen) == 1
    assert max(held for _, held in seen) < 0.03
