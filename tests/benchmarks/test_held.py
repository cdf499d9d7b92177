"""Whose work a callback is, and what the counted server leaves behind."""

import asyncio
import json
import sys

import aiohttp
import pytest

from benchmarks.held import Holds, main, phase_of
from benchmarks.own_server import running


class RTCSctpTransport:
    async def start(self):
        await asyncio.sleep(10)


class CallRoutes:
    async def place(self):
        await RTCSctpTransport().start()


def phase_while(coroutine):
    """The phase of a task's callback while it waits."""

    async def main():
        task = asyncio.create_task(coroutine)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        wakeup = next(iter(vars_of(task)))
        task.cancel()
        return phase_of(wakeup)

    return asyncio.run(main())


def vars_of(task):
    """The callback by which what a task waits for wakes it."""
    return [callback for callback, _ in task._fut_waiter._callbacks]


@pytest.mark.parametrize(
    ("coroutine", "phase"),
    [
        (RTCSctpTransport().start, "data channel"),
        (CallRoutes().place, "answering the offer"),  # wherever it waits
        (lambda: asyncio.sleep(10), "all else"),
    ],
)
def test_the_outermost_name_that_is_known_says_what_it_is_about(coroutine, phase):
    assert phase_while(coroutine()) == phase


class InTurn:
    def _next(self):
        pass


def test_what_is_no_task_has_its_own_name():
    assert phase_of(InTurn()._next) == "judging what was heard"
    assert phase_of(lambda: None) == "all else"


def test_passes_and_collections_are_kept_in_milliseconds():
    holds = Holds()
    holds.passed(0.002, print)
    holds.collection("start", {})
    holds.collection("stop", {})
    assert holds.by_phase["all else"] == [2.0]
    (collected_ms,) = holds.by_phase["garbage collection"]
    assert 0 <= collected_ms < 1000


@pytest.mark.parametrize("argument", ["--help", "--port"])
def test_what_is_no_file_starts_no_server(argument, capsys):
    with pytest.raises(SystemExit):
        main([argument])
    told = capsys.readouterr()
    assert "FILE" in told.out + told.err


@pytest.mark.slow
def test_a_server_that_is_told_to_stop_writes_what_held_it(tmp_path):
    out = tmp_path / "held.json"
    settings = ["server.port=0", "agent.engine=scripted"]
    command = [sys.executable, "-m", "benchmarks.held", str(out), *settings]

    async def main():
        async with running(command) as url, aiohttp.ClientSession() as http:
            async with http.get(f"{url}/healthz") as response:
                assert response.status == 200

    asyncio.run(main())
    held = json.loads(out.read_text())
    assert any(ms for ms in held.values())
