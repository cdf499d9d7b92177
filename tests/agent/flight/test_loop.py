"""The clock of a replay moves at the script's word only."""

import asyncio
from functools import partial

import agent.flight.entries as en
from agent import commands as do
from agent.flight.loop import ReplayLoop
from agent.flight.script import Script

TICK = en.Ticked(1.004, 1.0, (do.TryReply(1),))


def packet(at):
    return en.Packet(at, 1, 0, 0, b"x")


def fly(entries, prepare, late_s=0.1):
    """What `prepare(loop, log)` sees: (what, when), in order, until the script is over."""
    log = []

    async def main():
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        loop.kind = lambda callback: en.Ticked if callback.__name__ == "ticked" else None
        loop.give = lambda cause: log.append((type(cause).__name__, loop.time()))
        loop.finish = over.set
        prepare(loop, log)
        await over.wait()

    with asyncio.Runner(loop_factory=partial(ReplayLoop, Script(entries, late_s))) as runner:
        runner.run(main())
    return log


def ticking(loop, log):
    def ticked():
        log.append(("tick", loop.time()))
        loop.happened(TICK)

    loop.call_at(1.0, ticked)


def test_a_timer_runs_when_the_record_says_that_it_ran() -> None:
    log = fly([packet(1.003), TICK, packet(1.02)], ticking)
    assert log == [("Packet", 1.003), ("tick", 1.004), ("Packet", 1.02)]


def test_freely_it_runs_when_it_is_due() -> None:
    log = fly([packet(1.003), TICK, packet(1.02)], ticking, late_s=0.0)
    assert log == [("tick", 1.0), ("Packet", 1.003), ("Packet", 1.02)]


def test_a_cancelled_timer_does_not_run() -> None:
    def prepare(loop, log):
        loop.kind = lambda callback: None
        loop.call_at(1.0, log.append, ("never", 0)).cancel()
        late = loop.call_at(1.0, log.append, ("nor this", 0))
        loop.call_at(0.5, late.cancel)

    log = fly([en.Sent(0.5), en.Sent(1.0), packet(1.02)], prepare)
    assert log == [("Packet", 1.02)]


def test_what_is_ready_comes_before_the_next_cause() -> None:
    def prepare(loop, log):
        async def work():
            for _ in range(3):
                await asyncio.sleep(0)
                log.append(("work", loop.time()))

        def give(cause):
            log.append((type(cause).__name__, loop.time()))
            log.append(loop.create_task(work()))

        loop.give = give

    log = fly([packet(1.0), packet(1.001)], prepare)
    names = [each[0] for each in log if isinstance(each, tuple)]
    assert names == ["Packet", "work", "work", "work"] * 2


def test_time_never_goes_back() -> None:
    log = fly([packet(2.0), packet(1.0), packet(3.0)], lambda loop, log: None)
    assert [at for _, at in log] == [2.0, 2.0, 3.0]


def test_sleep_and_timeout_are_timers_like_any_other() -> None:
    def prepare(loop, log):
        async def patient():
            try:
                async with asyncio.timeout(0.5):
                    await asyncio.sleep(10)
            except TimeoutError:
                log.append(("timeout", loop.time()))

        log.append(loop.create_task(patient()))

    assert ("timeout", 0.5) in fly([en.Sent(0.5), packet(1.02)], prepare)
