"""The clock that tests of the shell run on."""

import asyncio
import time

import pytest

from agent.virtual_time import VirtualTimeLoop, run


def test_an_hour_takes_no_time() -> None:
    async def wait() -> float:
        await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(10))
        return asyncio.get_running_loop().time()

    began = time.perf_counter()
    assert run(wait()) == 3600
    assert time.perf_counter() - began < 60


def test_timers_run_in_order_and_on_time() -> None:
    async def order() -> list[float]:
        loop, seen = asyncio.get_running_loop(), []
        for delay in (0.3, 0.1, 0.2):
            loop.call_later(delay, lambda: seen.append(round(loop.time(), 9)))
        await asyncio.sleep(1)
        return seen

    assert run(order()) == [0.1, 0.2, 0.3]


def test_waiting_for_nothing_is_an_error_not_a_hang() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="deadlock"):
        run(wait())


def test_who_is_told_that_nothing_is_left_to_do_may_find_something() -> None:
    class Helpful(VirtualTimeLoop):
        def idle(self) -> None:
            self.call_soon(self.help)

    async def wait() -> str:
        event = asyncio.Event()
        asyncio.get_running_loop().help = event.set
        await event.wait()
        return "helped"

    with asyncio.Runner(loop_factory=Helpful) as runner:
        assert runner.run(wait()) == "helped"
