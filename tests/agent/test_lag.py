"""The watch over the event loop's punctuality."""

import asyncio
import time

from virtual_time import run

from agent.lag import watch


def test_a_punctual_loop_has_no_lag() -> None:
    async def main():
        seen = []
        task = asyncio.create_task(watch(seen.append))
        await asyncio.sleep(1.005)
        task.cancel()
        assert len(seen) == 100
        assert max(seen) < 1e-6

    run(main())


def test_a_block_is_seen_and_not_counted_twice() -> None:
    """On the real clock: 50 ms of blocking are one late timer, not five."""

    async def main():
        seen = []
        task = asyncio.create_task(watch(seen.append))
        await asyncio.sleep(0.05)
        until = time.perf_counter() + 0.05
        while time.perf_counter() < until:
            pass
        await asyncio.sleep(0.05)
        task.cancel()
        assert sum(lag > 0.035 for lag in seen) == 1

    asyncio.run(main())
