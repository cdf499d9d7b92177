"""`voxline monitor` against a small server, whose counts are those of a real one."""

import argparse
import asyncio
import contextlib
import json
import os
import signal

import pytest
from aiohttp import web
from in_thread import in_thread
from measured_turns import text, turn

from agent.errors import ConfigError
from agent.metrics import Metrics
from benchmarks import monitor


@pytest.fixture(autouse=True)
def heeded():
    """Ctrl-C, also where a shell has it ignored, as of what runs in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Watched:
    """A server: at each look at its metrics the next of `steps` happens; Ctrl-C after all."""

    def __init__(self, *steps):
        self.metrics, self.steps, self.status, self.url = Metrics(), list(steps), 200, ""
        self.health = {"engine": "scripted+tone"}

    async def tell(self, request):
        (self.steps.pop(0) if self.steps else ctrl_c)(self)
        return web.Response(status=self.status, text=text(self.metrics))

    async def say_health(self, request):
        return web.json_response(self.health, status=503)  # as while engines are restarted


def answers(*seconds):
    def step(watched):
        watched.status = 200
        for each in seconds:
            turn(watched.metrics, each)

    return step


def breaks(watched):
    watched.status = 500


def begins_anew(watched):
    watched.metrics, watched.status = Metrics(), 200


def ctrl_c(watched):
    os.kill(os.getpid(), signal.SIGINT)


@contextlib.asynccontextmanager
async def serving(watched, prefix=""):
    app = web.Application()
    app.router.add_get(f"{prefix}/metrics", watched.tell)
    app.router.add_get(f"{prefix}/healthz", watched.say_health)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        watched.url = f"http://127.0.0.1:{runner.addresses[0][1]}{prefix}"
        yield watched
    finally:
        await runner.cleanup()


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    monitor.add_arguments(parser)
    return parser.parse_args([str(each) for each in arguments])


def watch(*steps, options=(), prefix="", health=None):
    """Run the command against a server that does so; its exit status."""
    watched = Watched(*steps)
    watched.health = health or watched.health
    with in_thread(serving(watched, prefix)):
        return monitor.run(parsed(watched.url, "--every", 0.01, *options))


def test_it_watches_until_ctrl_c_and_reports(capsys) -> None:
    assert watch(answers(3.0), answers(0.2), answers(0.25, 0.2)) == 0
    told = capsys.readouterr().out
    assert "turns: 1, no target missed\n" in told, "as it happened"
    report = told[told.index("http://") :]
    assert "scripted+tone" in report
    rows = [line.split() for line in report.splitlines() if "<=" in line]
    assert [(row[0], row[5], row[-1]) for row in rows] == [
        (stage, "3", "kept") for stage in ("answer", "answer", "brain", "voice", "playout")
    ], "the turn before the first look is not one of them"


def test_a_missed_target_is_exit_status_1(capsys) -> None:
    assert watch(answers(), answers(0.2, 0.9)) == 1
    told = capsys.readouterr().out
    assert "turns: 2, missed: answer p95 <= 450 ms\n" in told
    assert "MISSED" in told


def test_no_turn_is_no_pass(capsys) -> None:
    assert watch(answers()) == 1
    assert "no turns" in capsys.readouterr().out


def test_once_judges_what_was_before_and_exits(capsys) -> None:
    assert watch(answers(0.2), options=["--once"]) == 0
    assert "since its start" in capsys.readouterr().out


class Busy(Watched):
    """It answers a turn between two looks, and takes its time with each."""

    delay_s = 0.0

    async def tell(self, request):
        await asyncio.sleep(self.delay_s)
        turn(self.metrics, 0.2)
        return web.Response(text=text(self.metrics))


@pytest.mark.parametrize("delay_s", [0.0, 0.3], ids=["at once", "slowly"])
def test_it_ends_by_itself_after_so_many_seconds(delay_s) -> None:
    """They begin with the first look: before it there is nothing to compare with."""
    watched = Busy()
    watched.delay_s = delay_s
    with in_thread(serving(watched)):
        assert monitor.run(parsed(watched.url, "--every", 0.01, "--seconds", 0.1)) == 0


class Silent(Watched):
    """It does not answer from some look on, and has Ctrl-C pressed meanwhile."""

    looks = 0

    async def tell(self, request):
        self.looks += 1
        if self.looks > self.answers:
            ctrl_c(self)
            await asyncio.sleep(60)
        return web.Response(text=text(self.metrics))


def test_ctrl_c_waits_for_no_server(monkeypatch, capsys) -> None:
    watched = Silent()
    watched.answers = 1
    with in_thread(serving(watched)):
        assert monitor.run(parsed(watched.url, "--every", 0.01)) == 1
    assert "no turns" in capsys.readouterr().out


def test_ctrl_c_before_there_is_anything_to_tell_is_an_interruption(capsys) -> None:
    watched = Silent()
    watched.answers = 0
    with in_thread(serving(watched)), pytest.raises(KeyboardInterrupt):
        monitor.run(parsed(watched.url))
    assert capsys.readouterr().out == ""


def test_a_server_that_comes_back_with_another_engine_is_called_so(capsys) -> None:
    def other(watched):
        watched.metrics, watched.health = Metrics(), {"engine": "operator+espeak"}

    assert watch(answers(), answers(0.2), other, answers(0.2)) == 0
    assert "  operator+espeak  for " in capsys.readouterr().out


def test_a_server_that_breaks_and_comes_back_is_watched_on(capsys) -> None:
    assert watch(answers(), answers(0.2), breaks, breaks, begins_anew, answers(0.2)) == 0
    told = capsys.readouterr().out
    assert "looks without an answer: 2\n" in told
    assert "server started again: 1\n" in told
    assert "turns: 1," in told
    assert "turns: 2," in told


def test_the_report_is_written_and_drawn(tmp_path) -> None:
    written, drawn = tmp_path / "report.json", tmp_path / "stages.png"
    assert watch(answers(0.2), options=["--once", "--json", written, "--plot", drawn]) == 0
    assert json.loads(written.read_text())["settings"]["once"] is True
    assert drawn.read_bytes().startswith(b"\x89PNG")


def test_json_on_standard_output_is_nothing_else(capsys) -> None:
    assert watch(answers(), answers(0.2), options=["--json", "-"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["figures"]["kept"] is True
    assert "turns: 1," in told.err


def test_a_prefix_of_a_proxy_is_kept() -> None:
    assert watch(answers(0.2), options=["--once"], prefix="/voice") == 0


# -- what is no server to watch ----------------------------------------------------------------


@pytest.mark.parametrize("health", [{"status": "UP"}, ["ok"], "fine"], ids=str)
def test_another_kind_of_server_is_named(health, capsys) -> None:
    assert watch(health=health) == 1
    assert "is no server of Voxline's" in capsys.readouterr().err


def test_metrics_that_a_proxy_denies(capsys) -> None:
    def denied(watched):
        watched.status = 403

    assert watch(denied) == 1
    assert "/metrics answered 403 Forbidden" in capsys.readouterr().err


def test_nobody_there(capsys) -> None:
    watched = Watched()
    with in_thread(serving(watched)):
        pass
    assert monitor.run(parsed(watched.url)) == 1
    said = capsys.readouterr().err
    assert "cannot be reached" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["127.0.0.1:8080"], "an address such as"),
        (["--every", "0"], "--every 0: must be more than 0"),
        (["--seconds", "-1"], "--seconds -1: must be more than 0"),
        (["--once", "--seconds", "3"], "--once looks once"),
        (["--json", "/no/where.json"], "there is no folder /no"),
        (["--plot", "stages.svg"], r"must end in \.png"),
    ],
)
def test_an_operators_mistake_is_told_before_the_first_look(arguments, complaint) -> None:
    with pytest.raises(ConfigError, match=complaint):
        monitor.run(parsed(*arguments))


def test_a_strangers_words_do_not_move_the_terminal(capsys) -> None:
    def named(watched):
        watched.metrics.call_refused("\x1b[2Jfull")

    options = ["--once"]
    watch(named, options=options, health={"engine": "scripted\x1b]0;title\x07"})
    told = capsys.readouterr().out
    assert "scripted\\x1b]0;title\\x07" in told
    assert "calls refused: 1 \\x1b[2Jfull" in told
    assert "\x1b" not in told


def test_nor_do_those_of_a_refusal(capsys) -> None:
    class Rude(Watched):
        async def tell(self, request):
            return web.Response(status=403, reason="\x9b2J")

    watched = Rude()
    with in_thread(serving(watched)):
        assert monitor.run(parsed(watched.url, "--once")) == 1
    assert "answered 403 \\x9b2J\n" in capsys.readouterr().err
