"""One worker process for all calls: real processes, models that do as the test needs."""

import asyncio
import logging
import os
import signal
from contextlib import asynccontextmanager
from functools import partial

import numpy as np
import psutil
import pytest
from pausing import QUIET, Scene
from smart_turn_fakes import load_fatal, load_held, load_length, load_unless
from stage import VOICE

from agent.audio.frame import HEAR_HZ
from agent.audio.pcm16 import to_pcm16
from agent.errors import ConfigError
from agent.smart_turn import adviser as room
from agent.smart_turn import model
from agent.smart_turn.adviser import Adviser
from agent.smart_turn.opinion import SecondOpinion

SOUND = to_pcm16(np.full(HEAR_HZ, 0.25, np.float32))


@asynccontextmanager
async def advised(load):
    adviser = Adviser(load)
    await adviser.start()
    try:
        yield adviser
    finally:
        await adviser.close()


async def until(there):
    """Wait for something that comes with the loop's passes."""
    async with asyncio.timeout(30):
        while not there():  # noqa: ASYNC110 - another process cannot set an Event
            await asyncio.sleep(0.005)


async def odds(adviser):
    answer = asyncio.get_running_loop().create_future()
    adviser.ask(SOUND, answer.set_result)
    return await asyncio.wait_for(answer, 30)


class Calling(Scene):
    """A call that asks `adviser`; somebody speaks, and falls silent."""

    def __init__(self, adviser) -> None:
        super().__init__()
        self.second = SecondOpinion(
            self.ear, adviser, lambda *opinion: self.opinions.append(opinion), self.metrics
        )
        self.feed(1)
        self.second.begin(QUIET)
        self.feed(1, VOICE)
        self.feed(0.12)


@pytest.fixture
def gate(tmp_path):
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


def opened(gate):
    """Let a held model answer."""
    return asyncio.to_thread(gate.write_bytes, b"go")


def test_an_answer_comes_while_the_pause_lasts() -> None:
    async def main():
        async with advised(load_length) as adviser:
            call = Calling(adviser)
            await until(lambda: call.opinions)
            ((who, said),) = call.opinions
            assert who == "smart_turn"
            assert said == pytest.approx(0.11, abs=0.015)  # 1.1 s were heard
            assert call.fates == [1, 1, 0]

    asyncio.run(main())


def test_an_answer_that_comes_after_the_pause_is_not_taken(gate) -> None:
    async def main():
        async with advised(partial(load_held, gate)) as adviser:
            call = Calling(adviser)
            call.feed(0.2, VOICE)
            await opened(gate)
            await until(lambda: call.fates == [1, 0, 1])
            assert call.opinions == []

    asyncio.run(main())


def test_of_two_calls_one_is_asked_for_and_the_other_goes_on(gate) -> None:
    async def main():
        async with advised(partial(load_held, gate)) as adviser:
            one, other = Calling(adviser), Calling(adviser)
            assert not adviser.free
            assert (one.fates, other.fates) == ([1, 0, 0], [0, 0, 0])
            await opened(gate)
            await until(lambda: one.opinions)
            other.feed(0.02)  # its pause still lasts, and somebody is free
            assert other.fates == [1, 0, 0]
            await opened(gate)
            await until(lambda: other.opinions)
            assert one.opinions == other.opinions == [("smart_turn", 0.9)]

    asyncio.run(main())


@pytest.mark.parametrize("how", ["killed", "raises"])
def test_a_model_that_dies_harms_no_call_and_is_started_again(how, monkeypatch, caplog) -> None:
    monkeypatch.setattr(room, "_RESTART_S", 0.01)

    async def main():
        async with advised(partial(load_fatal, how)) as adviser:
            before = adviser.pid
            call = Calling(adviser)
            await until(lambda: adviser.pid not in (None, before))
            assert adviser.free
            assert call.fates == [1, 0, 0]
            call.feed(0.5)
            assert call.opinions == []

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert [r.getMessage() for r in caplog.records if "started again in 0.01 s" in r.message]


def test_one_that_is_killed_in_idleness_is_started_again(monkeypatch) -> None:
    monkeypatch.setattr(room, "_RESTART_S", 0.01)

    async def main():
        async with advised(load_length) as adviser:
            assert adviser.pid is not None
            os.kill(adviser.pid, signal.SIGKILL)
            await until(lambda: not adviser.free)
            Calling(adviser)  # nobody to ask
            await until(lambda: adviser.free)
            assert await odds(adviser) == pytest.approx(0.1)

    asyncio.run(main())


def test_it_is_tried_again_until_it_can_be_loaded(tmp_path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(room, "_RESTART_S", 0.01)
    marker = tmp_path / "marker"

    async def main():
        async with advised(partial(load_unless, marker)) as adviser:
            marker.touch()
            os.kill(adviser.pid, signal.SIGKILL)
            await until(lambda: "not again; started again in 0.02 s" in caplog.text)
            marker.unlink()
            await until(lambda: adviser.free)
            assert await odds(adviser) == pytest.approx(0.1)

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())


def test_a_listener_that_breaks_down_does_not_end_it(monkeypatch, caplog) -> None:
    monkeypatch.setattr(room, "_RESTART_S", 0.01)

    def broken(said):
        raise ZeroDivisionError("a bug of ours")

    async def main():
        async with advised(load_length) as adviser:
            before = adviser.pid
            adviser.ask(SOUND, broken)
            await until(lambda: adviser.pid not in (None, before))
            assert await odds(adviser) == pytest.approx(0.1)

    asyncio.run(main())
    assert "a bug of ours" in caplog.text


def test_one_that_cannot_be_loaded_stops_the_start(tmp_path) -> None:
    marker = tmp_path / "marker"
    marker.touch()

    async def main():
        async with advised(partial(load_unless, marker)):
            pass

    with pytest.raises(ConfigError, match="not again"):
        asyncio.run(main())


def test_closed_it_leaves_nothing_and_answers_nobody(gate) -> None:
    async def main():
        tasks = asyncio.all_tasks()
        async with advised(partial(load_held, gate)) as adviser:
            pid = adviser.pid
            call = Calling(adviser)
        assert asyncio.all_tasks() == tasks
        assert not psutil.pid_exists(pid)
        assert not adviser.free
        assert call.opinions == []

    asyncio.run(main())


@pytest.mark.slow
def test_the_published_model_answers_in_a_call(published) -> None:
    async def main():
        async with advised(model.load) as adviser:
            call = Calling(adviser)
            await until(lambda: call.opinions)
            ((who, said),) = call.opinions
            assert who == "smart_turn"
            assert 0 <= said <= 1

    asyncio.run(main())
