"""A process that is started, listened to, and ended by its own number."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys

import pytest

from agent.errors import ConfigError
from benchmarks import own_server
from benchmarks.own_server import ServerFailed, check, command, explained, running, tail

SERVES = """
import signal, sys, time
print("warming up", flush=True)
print("listening on http://127.0.0.1:4711", flush=True)
print(time.sleep(60))
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVES
CHATTY = SERVES.replace("print(time.sleep(60))", "print('x' * 10**6); time.sleep(60)")


def python(code):
    return [sys.executable, "-c", "import os; print(os.getpid(), flush=True)\n" + code]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_gives_the_address_that_the_server_prints():
    async def main():
        async with running(python(SERVES)) as url:
            assert url == "http://127.0.0.1:4711"

    asyncio.run(main())


@pytest.mark.parametrize("code", [SERVES, DEAF, CHATTY])
def test_it_ends_what_it_started(monkeypatch, tmp_path, code):
    monkeypatch.setattr(own_server, "_STOP_S", 0.3)
    note = tmp_path / "pid"
    noting = f"open({str(note)!r}, 'w').write(str(os.getpid()))\n"

    async def main():
        async with asyncio.timeout(30), running(python(noting + code)):
            assert alive(int(note.read_text()))

    asyncio.run(main())
    assert not alive(int(note.read_text()))


def test_it_ends_what_it_started_when_the_benchmark_fails(tmp_path):
    note = tmp_path / "pid"
    noting = f"open({str(note)!r}, 'w').write(str(os.getpid()))\n"

    async def main():
        async with running(python(noting + SERVES)):
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(main())
    assert not alive(int(note.read_text()))


BENCHMARK = """
import asyncio, signal, sys
from benchmarks.own_server import running

async def main():
    async with running([sys.executable, "-c", sys.argv[1]]):
        try:
            print("running", flush=True)
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)  # as a call is hung up
            print("closed", file=sys.stderr)

asyncio.run(main())
"""


@contextlib.contextmanager
def benchmarking(noting, before=""):
    """A benchmark with a server of its own, in a process of its own."""
    code = BENCHMARK.replace("asyncio.run(main())", f"{before}\nasyncio.run(main())")
    with subprocess.Popen(
        [sys.executable, "-c", code, noting + SERVES],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as benchmark:
        assert benchmark.stdout.readline() == b"running\n"
        yield benchmark


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_told_to_stop_ends_what_it_started(tmp_path, number):
    """As by `timeout 60 voxline bench ...`: its server would go on for ever, with no parent."""
    note = tmp_path / "pid"
    noting = f"import os; open({str(note)!r}, 'w').write(str(os.getpid()))\n"
    with benchmarking(noting) as benchmark:
        benchmark.send_signal(number)
        assert benchmark.stderr.read() == b"closed\n", (
            "no traceback, and what was open is closed"
        )
        assert benchmark.wait(30) == 128 + number
    assert not alive(int(note.read_text()))


def test_who_was_started_to_outlive_a_terminal_does(tmp_path):
    """As by nohup."""
    note = tmp_path / "pid"
    noting = f"import os; open({str(note)!r}, 'w').write(str(os.getpid()))\n"
    with benchmarking(
        noting, before="signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    ) as benchmark:
        benchmark.send_signal(signal.SIGHUP)
        assert alive(int(note.read_text()))
        benchmark.send_signal(signal.SIGTERM)
        assert benchmark.wait(30) == 128 + signal.SIGTERM, "and not by the first"


def test_afterwards_signals_do_what_they_did():
    async def main():
        async with running(python(SERVES)):
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL

    before = signal.getsignal(signal.SIGTERM)
    asyncio.run(main())
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_server_that_does_not_start_is_told_with_its_last_words():
    async def main():
        async with running(python("import sys; sys.exit('server.port: 8080 is taken')")):
            pytest.fail("it did not start")

    with pytest.raises(ServerFailed, match=r"server\.port: 8080 is taken"):
        asyncio.run(main())


def test_a_server_that_never_listens_is_given_up():
    async def main():
        async with running(python("import time; time.sleep(60)"), start_s=0.3):
            pytest.fail("it did not start")

    with pytest.raises(ServerFailed, match="said nothing"):
        asyncio.run(main())


def test_a_benchmark_that_fails_is_told_with_the_end_of_the_servers_log():
    """Not its beginning: a server that takes calls for an hour has said much by then."""
    said = (
        'import sys; sys.stderr.write("old\\n" * 90 + "KeyError: why\\n"); sys.stderr.flush()'
    )

    async def main():
        async with running(python(said + SERVES)):
            raise KeyError("refused")

    with pytest.raises(KeyError) as caught:
        asyncio.run(main())
    told, *log = explained(caught.value).splitlines()
    assert told == "'refused'"
    assert log[0] == "the end of the server's log:"
    assert log[-1] == "KeyError: why"
    assert 30 < len(log) < 60


def test_whoever_wants_the_servers_log_brings_a_file_for_it(tmp_path):
    async def main(log):
        async with running(
            python("import sys; sys.stderr.write('Hm.\\n' * 90)" + SERVES), log=log
        ):
            pass

    with (tmp_path / "log").open("w+b") as log:
        asyncio.run(main(log))
        assert tail(log) == "\n".join(["Hm."] * 40)


def test_what_the_server_would_refuse_is_told_before_there_is_one(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("limits: {calls: 3}")
    check("operator", ["turns.end_of_turn_ms=300"], str(mine))
    for asked in (
        ("hal", [], None),
        ("operator", ["nosuch=1"], None),
        ("operator", [], str(tmp_path / "absent.yaml")),
    ):
        with pytest.raises(ConfigError):
            check(*asked)


def test_the_command_is_voxlines_own_on_a_free_port_without_a_greeting():
    line = command("operator", ["turns.end_of_turn_ms=300"], "my.yaml")
    assert line[:4] == [sys.executable, "-m", "agent", "serve"]
    for pair in (
        ["--port", "0"],
        ["--engine", "operator"],
        ["--config", "my.yaml"],
        ["--set", 'agent.greeting=""'],
        ["--set", "turns.end_of_turn_ms=300"],
    ):
        assert any(line[i : i + 2] == pair for i in range(len(line))), pair
    assert "--config" not in command("operator", [], None)
