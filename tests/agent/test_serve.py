"""A whole server in this process: it starts, answers HTTP and a call, and leaves nothing."""

import asyncio
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from functools import partial

import aiohttp
import psutil
import pytest
from chat_server import MODEL, chat_server
from smart_turn_fakes import load_length, load_wrong

from agent import serve
from agent.config_file import load
from agent.errors import ConfigError, EngineError
from agent.serve import running

QUIET = {"agent.engine": "scripted", "server.port": 0}


async def get(url):
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        return response.status, await response.text()


def test_a_server_shows_its_page_health_and_metrics() -> None:
    async def main():
        async with running(load(None, QUIET)) as url:
            assert url.startswith("http://127.0.0.1:")
            status, page = await get(f"{url}/")
            assert status == 200
            assert "<html" in page
            status, health = await get(f"{url}/healthz")
            assert '"engine": "scripted+tone"' in health
            status, metrics = await get(f"{url}/metrics")
            assert "voxline_loop_lag_seconds_count" in metrics

    asyncio.run(main())


def test_nothing_is_left_of_a_server() -> None:
    async def main():
        before = asyncio.all_tasks()
        async with running(load(None, QUIET)):
            pass
        assert asyncio.all_tasks() == before

    asyncio.run(main())  # the first imports what is imported lazily
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    asyncio.run(main())
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) <= files


@pytest.mark.parametrize("path", ["/v1/realtime/calls", "/"], ids=["read", "unread"])
def test_a_body_that_does_not_come_does_not_hold_up_the_stop(path) -> None:
    """Killed: anybody's half an offer, and a server that stopped 10 s later."""

    async def main():
        async with running(load(None, QUIET)) as url:
            host, port = url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/sdp\r\n"
            writer.write(f"{head}Content-Length: 100\r\nExpect: 100-continue\r\n\r\n".encode())
            await reader.readline()
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 3
        writer.close()

    asyncio.run(main())


def test_a_taken_port_stops_the_start_with_a_remedy() -> None:
    async def main(port):
        async with running(load(None, {**QUIET, "server.port": port})):
            pass

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        cause = "another program listens there"
        with pytest.raises(ConfigError, match=rf"on 127.0.0.1:\d+: {cause}; .*--port"):
            asyncio.run(main(taken.getsockname()[1]))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (  # nobody's address
            {"server.host": "192.0.2.1"},
            "cannot listen on 192.0.2.1:[0-9]+: Cannot assign requested address; choose",
        ),
        (
            {"server.host": "a..b"},
            "cannot listen on a..b:[0-9]+: that is no name of a host",
        ),
        ({"server.cors_origins": ["shop.example"]}, r"server\.cors_origins: 'shop\.example'"),
    ],
)
def test_what_is_known_before_the_engines_are_loaded_is_said_before(
    settings, complaint, monkeypatch
) -> None:
    monkeypatch.setattr(serve, "EngineHost", None)  # what would load them

    async def main():
        async with running(load(None, {**QUIET, **settings})):
            pass

    with pytest.raises(ConfigError, match=complaint):
        asyncio.run(main())


def chat_settings(server, **more):
    settings = {"agent.engine": "vllm", "agent.voice": "tone", "server.port": 0}
    return load(
        None,
        {**settings, "openai_chat.url": server.url, "openai_chat.model": MODEL, **more},
    )


def test_a_chat_server_answers_from_the_engines_process() -> None:
    async def main():
        with chat_server() as chat:
            async with running(chat_settings(chat)) as url:
                _, health = await get(f"{url}/healthz")
                assert '"engine": "openai_chat+tone"' in health
            assert [path for _, path, _, _ in chat.requests] == ["/v1/models"]

    asyncio.run(main())


def test_a_model_that_is_not_served_stops_the_start_with_those_that_are() -> None:
    async def main():
        with chat_server() as chat:
            async with running(chat_settings(chat, **{"openai_chat.model": "typo"})):
                pass

    with pytest.raises(ConfigError, match=r"openai_chat\.model: .*'typo' but test/voice"):
        asyncio.run(main())


def test_somebodys_own_engine_that_lacks_a_method_stops_the_start() -> None:
    async def main():
        async with running(load(None, {**QUIET, "agent.brain": "agent.voices.tone:ToneVoice"})):
            pass

    with pytest.raises(ConfigError, match=r"agent\.brain: .*ToneVoice has no method capacity"):
        asyncio.run(main())


@pytest.mark.parametrize("wrong", [{"agent.voice_name": "hal"}, {"agent.language": "xx-YY"}])
def test_what_the_voice_cannot_speak_stops_the_start_with_both_keys_and_what_it_can(
    wrong,
) -> None:
    async def main():
        async with running(load(None, {**QUIET, "agent.voice": "espeak", **wrong})):
            pass

    with pytest.raises(ConfigError) as caught:
        asyncio.run(main())
    (value,) = wrong.values()
    keys = "agent.voice_name=.* and agent.language=.*"
    assert re.fullmatch(
        rf"{keys}: .*'{value}'; .*en-us.*; change one of the two", str(caught.value)
    )


@pytest.mark.parametrize("named", [{}, {"agent.voice_name": "tone"}])
def test_a_voice_that_cannot_speak_at_all_blames_no_setting(named) -> None:
    """Killed: a lost device, and "change agent.voice_name or agent.language"."""

    async def main():
        async with running(
            load(None, {**QUIET, "agent.voice": "host_fakes:LostVoice", **named})
        ):
            pass

    with pytest.raises(EngineError, match=r"^the device is lost; start it again$"):
        asyncio.run(main())


def test_engines_that_die_of_their_first_word_stop_the_start_and_it_is_told_of_what() -> None:
    """Killed: "they are being started again", and the server ended."""

    async def main():
        async with running(load(None, {**QUIET, "agent.voice": "host_fakes:MortalVoice"})):
            pass

    died = r"^the engines died of their first word: exit status 3$"
    with pytest.raises(EngineError, match=died):
        asyncio.run(main())
    assert not psutil.Process().children()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_listens_and_stops_when_told(how) -> None:
    command = [sys.executable, "-m", "agent", "serve", "--engine", "scripted", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout.readline().startswith("listening on http://127.0.0.1:")
        server.send_signal(how)
        _, log = server.communicate(timeout=20)
    assert server.returncode == 0
    assert "Traceback" not in log
    assert "brain scripted, voice tone" in log


# -- Smart Turn


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr(serve.smart_turn, "model_path", lambda: None)
    monkeypatch.setattr(serve.smart_turn, "load", load_length)


@pytest.mark.parametrize("wanted", ["auto", "always"])
def test_a_server_asks_smart_turn_where_it_is_installed(installed, wanted) -> None:
    async def main():
        async with running(load(None, {**QUIET, "turns.smart_turn": wanted})) as url:
            (worker,) = workers()
            _, metrics = await get(f"{url}/metrics")
            assert "voxline_smart_turn_answers" in metrics
        assert not worker.is_running()

    asyncio.run(main())


def test_a_server_that_must_not_ask_it_has_no_process_for_it(installed) -> None:
    async def main():
        async with running(load(None, {**QUIET, "turns.smart_turn": "never"})):
            assert not workers()

    asyncio.run(main())


@pytest.mark.parametrize(("wanted", "asked"), [("auto", 0), ("always", 1)])
def test_a_machine_too_slow_for_it_does_not_ask_unless_it_must(
    installed, monkeypatch, caplog, wanted, asked
) -> None:
    monkeypatch.setattr("agent.smart_turn.opinion.LATE_S", -1.0)

    async def main():
        async with running(load(None, {**QUIET, "turns.smart_turn": wanted})):
            assert len(workers()) == asked

    asyncio.run(main())
    told = "an answer takes 0 ms here, too long for most pauses: it is not asked"
    assert (told in caplog.text) == (wanted == "auto")


@pytest.mark.parametrize(
    ("lacks", "level"), [("the package", logging.INFO), ("its weights", logging.WARNING)]
)
def test_a_server_does_without_it_where_it_cannot_be_had(
    monkeypatch, caplog, lacks, level
) -> None:
    if lacks == "its weights":
        monkeypatch.setattr(serve.smart_turn, "model_path", lambda: None)
        monkeypatch.setattr(serve.smart_turn, "load", partial(load_wrong, "config"))

    async def main():
        async with running(load(None, QUIET)):
            assert not workers()

    caplog.set_level(logging.INFO)
    asyncio.run(main())
    (said,) = [r for r in caplog.records if "Smart Turn is not asked" in r.getMessage()]
    assert said.levelno == level


def workers():
    return [c for c in psutil.Process().children() if "agent.smart_turn" in c.cmdline()]


def test_smart_turn_that_must_be_had_and_cannot_stops_the_start(installed, monkeypatch) -> None:
    monkeypatch.setattr(serve.smart_turn, "load", partial(load_wrong, "config"))

    async def main():
        async with running(load(None, {**QUIET, "turns.smart_turn": "always"})):
            pass

    with pytest.raises(ConfigError, match=r"turns\.smart_turn: no weights; fetch them"):
        asyncio.run(main())
    assert not workers()
