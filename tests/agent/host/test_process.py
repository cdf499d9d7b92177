"""A child process is born, says what it is, and never outlives us."""

import asyncio
import errno
import gc
import logging
import os
import signal
import subprocess
import sys
from functools import partial

import psutil
import pytest
import uvloop
from host_fakes import ask, build, build_wrong

from agent.engines import Text
from agent.errors import ConfigError, EngineError
from agent.host import wire
from agent.host.process import EngineProcess


def child_of(process):
    (child,) = [
        c for c in psutil.Process(process).children() if "agent.host.server" in c.cmdline()
    ]
    return child


async def started(build=build):
    """A process, and the queue of what it says."""
    said = asyncio.Queue()
    process = EngineProcess(said.put_nowait)
    await process.start(build)
    return process, said


async def reply(process, said, instructions):
    process.send(wire.OpenCall(1))
    process.send(wire.StartReply(1, 5, 1, ask(instructions)))
    return await asyncio.wait_for(said.get(), 20)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_it_names_its_voices_and_answers_on_either_loop(new_loop):
    async def main():
        process, said = await started()
        assert process.ready == wire.Ready(("tone",), 3)
        process.send(wire.OpenCall(1))
        process.send(wire.StartReply(1, 5, 1, ask("told")))
        assert await asyncio.wait_for(said.get(), 20) == wire.Said(5, Text(""))
        await process.end()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("config", ConfigError, "agent.brain: there is no such file"),
        ("engine", EngineError, "no weights here"),
        ("bug", EngineError, "the engines cannot be built: ZeroDivisionError"),
        ("death", EngineError, "died as it started: it was killed, perhaps .* memory"),
        ("exit", EngineError, "died as it started: exit status 3"),
    ],
)
def test_what_cannot_be_built_is_raised_as_the_engine_said_it(kind, error, message):
    async def main():
        with pytest.raises(error, match=message):
            await started(partial(build_wrong, kind))

    asyncio.run(main())
    assert not psutil.Process().children()


@pytest.mark.parametrize("part", ["socket.socketpair", "subprocess.Popen"])
def test_a_machine_without_room_for_it_is_an_engine_error(monkeypatch, part):
    def full(*args, **named):
        raise OSError(errno.EMFILE, "Too many open files")

    async def main():
        monkeypatch.setattr(f"agent.host.process.{part}", full)
        with pytest.raises(EngineError, match=r"cannot start: .*Too many open files"):
            await EngineProcess(print).start(build)

    asyncio.run(main())


def test_a_start_that_takes_too_long_can_be_given_up(caplog):
    """Killed: Ctrl-C while engines load, and "Future exception was never retrieved"."""

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(started(partial(build_wrong, "never")), 0.5)
        gc.collect()

    asyncio.run(main())
    assert not psutil.Process().children()
    assert "never retrieved" not in caplog.text


def test_a_start_that_takes_its_time_says_so(monkeypatch, caplog):
    """Killed: an engine that blocks for ever, and a log that ends with its name."""
    monkeypatch.setattr("agent.host.process.LOADING_S", 0.05)
    caplog.set_level(logging.INFO)

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(started(partial(build_wrong, "never")), 2)

    asyncio.run(main())
    assert "the engines have been loading for" in caplog.text


def test_its_log_is_our_log_tracebacks_included(caplog):
    async def main():
        process, said = await started()
        await reply(process, said, "log hello")
        process.send(wire.StartReply(1, 6, 1, ask("bug")))
        while not isinstance(await asyncio.wait_for(said.get(), 20), wire.Failed):
            pass
        await process.end()

    with caplog.at_level(logging.INFO):
        asyncio.run(main())
    said = "call 1, mind: the brain says hello"
    assert ("fake.brain", logging.WARNING, said) in caplog.record_tuples
    assert "engines ready after" in caplog.text
    assert "ZeroDivisionError: a bug" in caplog.text


def test_an_address_that_is_signed_is_not_in_our_log(caplog):
    """As the hub's files have them; the client that fetches them would tell each at info."""
    with caplog.at_level(logging.INFO), pytest.raises(EngineError):
        asyncio.run(started(partial(build_wrong, "unsaid")))
    assert "fetched" in caplog.text
    assert "secret" not in caplog.text


def test_what_its_libraries_print_does_not_reach_our_stdout(capfd):
    async def main():
        process, said = await started()
        await reply(process, said, "print")
        await process.end()

    asyncio.run(main())
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "a native library prints" in printed.err


def test_ctrl_c_is_not_for_it():
    async def main():
        process, _ = await started()
        assert os.getsid(child_of(os.getpid()).pid) != os.getsid(0)
        await process.end()

    asyncio.run(main())


def test_a_collection_of_rubbish_does_not_go_through_what_was_loaded():
    async def main():
        process, said = await started()
        assert await reply(process, said, "collected") == wire.Said(5, Text("False"))
        await process.end()

    asyncio.run(main())


def test_its_death_is_noticed():
    async def main():
        process, _ = await started()
        child_of(os.getpid()).kill()
        await asyncio.wait_for(process.gone.wait(), 10)  # sooner than for its silence
        process.send(wire.OpenCall(1))  # to nobody
        await process.end()
        await process.end()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (signal.SIGKILL, "it was killed, perhaps by the system for lack of memory"),
        (signal.SIGSEGV, "by SIGSEGV"),
    ],
)
def test_it_is_known_what_became_of_it(sent, told):
    async def main():
        process, _ = await started()
        child_of(os.getpid()).send_signal(sent)
        await asyncio.wait_for(process.gone.wait(), 10)
        assert await process.fate() == told
        await process.end()

    asyncio.run(main())


def test_one_that_does_not_answer_any_more_is_given_up(monkeypatch, caplog):
    async def main():
        process, _ = await started()
        os.kill(child_of(os.getpid()).pid, signal.SIGSTOP)
        await asyncio.wait_for(process.gone.wait(), 10)
        assert await process.fate() == "it does not answer"
        await process.end()

    monkeypatch.setattr("agent.host.process.DEAF_S", 0.2)
    asyncio.run(main())
    assert "the engines have not answered for 0.2 s" in caplog.text
    assert not psutil.Process().children()


def test_one_that_answers_is_asked_again_and_kept(monkeypatch):
    answers = asyncio.Queue()

    class Watched(EngineProcess):
        def received(self, message):
            super().received(message)
            if message == wire.Pong():
                answers.put_nowait(message)

    async def main():
        process = Watched(print)
        await process.start(build)
        for _ in range(2):
            await asyncio.wait_for(answers.get(), 20)
        assert not process.gone.is_set()
        await process.end()

    monkeypatch.setattr("agent.host.process.DEAF_S", 1.0)
    asyncio.run(main())


PARENT = """
import asyncio, logging, sys
from functools import partial
from host_fakes import build, build_wrong
from agent.host.process import EngineProcess

async def main():
    await EngineProcess(print).start({build})
    await asyncio.Event().wait()

logging.basicConfig(level="INFO", stream=sys.stdout)
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("what", "awaited"),
    [("build", b"engines ready"), ("partial(build_wrong, 'never')", b"loading")],
)
def test_it_ends_when_its_parent_is_killed_even_while_it_builds(what, awaited):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.replace("{build}", what)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
    )
    with parent:
        assert awaited in parent.stdout.readline()
        child = child_of(parent.pid)
        parent.kill()
    gone, alive = psutil.wait_procs([child], timeout=20)
    assert gone
    assert not alive
