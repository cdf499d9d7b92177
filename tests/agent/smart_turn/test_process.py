"""A worker's process is born, answers, and its end is told, however it ends."""

import asyncio
import errno
import os
from functools import partial

import numpy as np
import psutil
import pytest
import uvloop
from smart_turn_fakes import load_fatal, load_length, load_wrong

from agent.audio.frame import HEAR_HZ
from agent.audio.pcm16 import to_pcm16
from agent.errors import ConfigError
from agent.smart_turn import process
from agent.smart_turn.process import Worker

SOUND = to_pcm16(np.full(HEAR_HZ, 0.25, np.float32))


async def asked(worker, sound=SOUND):
    """What it says; it must be served."""
    answer = asyncio.get_running_loop().create_future()
    worker.ask(sound, answer.set_result)
    return await asyncio.wait_for(answer, 30)


async def started(load=load_length):
    worker = await Worker.start(load)
    return worker, asyncio.create_task(worker.serve())


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_it_answers_one_question_after_the_other_on_either_loop(new_loop) -> None:
    async def main():
        worker, serving = await started()
        assert not worker.busy
        assert worker.takes_s >= 0
        assert await asked(worker) == pytest.approx(0.1)
        eight_s = SOUND * 8  # more than a socket holds
        assert await asked(worker, eight_s) == pytest.approx(0.8)
        assert not worker.busy
        await worker.end()
        assert "died" in await serving

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())


def test_it_leaves_the_computing_to_the_media() -> None:
    """Killed: with the server's own priority packets came 35 ms late; and threads that are
    started by an import kept it.
    """

    async def main():
        worker, serving = await started()
        threads = psutil.Process(worker.pid).threads()
        nices = {os.getpriority(os.PRIO_PROCESS, thread.id) for thread in threads}
        assert nices == {min(19, psutil.Process().nice() + 5)}
        await worker.end()
        await serving

    asyncio.run(main())


def test_it_is_busy_until_it_has_answered() -> None:
    async def main():
        worker, serving = await started()
        answer = asyncio.get_running_loop().create_future()
        worker.ask(SOUND, answer.set_result)
        assert worker.busy
        with pytest.raises(AssertionError):
            worker.ask(SOUND, answer.set_result)
        await asyncio.wait_for(answer, 30)
        assert not worker.busy
        await worker.end()
        await serving

    asyncio.run(main())


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("config", "turns.smart_turn: no weights; fetch them"),
        ("bug", "a bug in the loader"),
        ("death", "its process died"),
    ],
)
def test_one_that_cannot_load_says_why_and_leaves_no_process(kind, message) -> None:
    async def main():
        with pytest.raises(ConfigError, match=message):
            await Worker.start(partial(load_wrong, kind))
        assert not children()

    asyncio.run(main())


def children():
    return [c for c in psutil.Process().children() if "agent.smart_turn" in c.cmdline()]


def test_one_that_never_loads_is_given_up(monkeypatch) -> None:
    monkeypatch.setattr(process, "_START_S", 0.2)

    async def main():
        with pytest.raises(ConfigError, match=r"not ready after 0\.2 s; set it to never"):
            await Worker.start(partial(load_wrong, "never"))
        assert not children()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("how", "why"), [("killed", "its process died"), ("raises", "a bug in the model")]
)
def test_its_end_is_told(how, why) -> None:
    async def main():
        worker, serving = await started(partial(load_fatal, how))
        worker.ask(SOUND, lambda odds: None)
        assert why in await asyncio.wait_for(serving, 30)
        await worker.end()
        assert not children()

    asyncio.run(main())


def test_one_that_hangs_is_killed(monkeypatch) -> None:
    monkeypatch.setattr(process, "STUCK_S", 0.1)

    async def main():
        worker, serving = await started(partial(load_fatal, "hangs"))
        worker.ask(SOUND, lambda odds: None)
        assert "died" in await asyncio.wait_for(serving, 30)
        await worker.end()

    asyncio.run(main())


def test_a_machine_without_room_for_it_is_named(monkeypatch) -> None:
    def spawn(module, theirs, env):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(process, "spawn", spawn)
    with pytest.raises(ConfigError, match=r"turns.smart_turn: no process.*Too many"):
        asyncio.run(Worker.start(load_length))


def test_a_start_that_is_given_up_leaves_no_process() -> None:
    async def main():
        starting = asyncio.create_task(Worker.start(partial(load_wrong, "never")))
        async with asyncio.timeout(30):
            while not children():  # noqa: ASYNC110 - another process cannot set an Event
                await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert not children()

    asyncio.run(main())
