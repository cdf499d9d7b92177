"""`voxline bench latency` against a small real server, whose latency is known."""

import argparse
import asyncio
import contextlib
import json
import sys

import numpy as np
import pytest
import soundfile
from answering_machine import AnsweringMachine, answering, tone

from agent.audio.frame import SPEAK_HZ
from agent.errors import ConfigError
from benchmarks import latency, speech
from benchmarks.caller import CallFailed, Loss
from benchmarks.latency import Plan, measure
from benchmarks.turn import Outcome


def silence(seconds):
    return np.zeros(int(seconds * SPEAK_HZ), np.float32)


def recorded(folder, name, *parts):
    path = folder / f"{name}.wav"
    soundfile.write(path, np.concatenate(parts), SPEAK_HZ)
    return speech.load(path)


def measured(machine, *speeches, patience_s=2.0, repeat=1, loss=None):
    noted = []

    async def main():
        async with answering(machine):
            plan = Plan(speeches, repeat, patience_s, loss or Loss())
            return await measure(machine.url, plan, noted.append)

    result = asyncio.run(main())
    assert list(result.turns) == noted
    return result


@pytest.mark.slow
def test_the_answer_is_timed_from_the_last_speech_sample_not_from_the_files_end(tmp_path):
    spoken = recorded(tmp_path, "a", tone(0.5), silence(0.3))
    result = measured(AnsweringMachine(wait_ms=200), spoken)
    (turn,) = result.turns
    assert turn.outcome is Outcome.ANSWERED
    # counted from the file's end it would be negative; what follows a late packet is on time
    assert 190 - turn.caller_late_ms <= turn.latency_ms < 300 + 190
    assert turn.connect_ms > 0
    assert turn.explanation.latency_ms == 200
    assert turn.ear_ms == turn.latency_ms - 200
    assert result.silence_ms == 200


@pytest.mark.slow
def test_an_agent_that_answers_a_pause_has_cut_in(tmp_path):
    spoken = recorded(tmp_path, "a", tone(0.3), silence(0.6), tone(0.3))
    (turn,) = measured(AnsweringMachine(wait_ms=200), spoken).turns
    assert turn.outcome is Outcome.CUT_INTO
    assert 0 < turn.cut_in_ms < 900


@pytest.mark.slow
def test_an_agent_that_waits_longer_than_the_pause_has_not(tmp_path):
    spoken = recorded(tmp_path, "a", tone(0.3), silence(0.2), tone(0.3))
    (turn,) = measured(AnsweringMachine(wait_ms=600), spoken).turns
    assert turn.outcome is Outcome.ANSWERED
    assert turn.latency_ms >= 590 - turn.caller_late_ms


@pytest.mark.slow
def test_no_answer_is_waited_for_no_longer_than_asked(tmp_path):
    spoken = recorded(tmp_path, "a", tone(0.3))
    (turn,) = measured(AnsweringMachine(wait_ms=60_000), spoken, patience_s=0.3).turns
    assert (turn.outcome, turn.latency_ms) == (Outcome.UNANSWERED, None)


@pytest.mark.slow
def test_a_greeting_is_heard_out_and_is_no_cut_in(tmp_path):
    spoken = recorded(tmp_path, "a", tone(0.3))
    (turn,) = measured(AnsweringMachine(greeting=tone(1.5)), spoken).turns
    assert turn.outcome is Outcome.ANSWERED


@pytest.mark.slow
def test_each_turn_is_a_call_of_its_own_with_losses_of_its_own(tmp_path):
    machine = AnsweringMachine(seats=1)  # the one before must be over
    a, b = recorded(tmp_path, "a", tone(0.2)), recorded(tmp_path, "b", tone(0.2))
    result = measured(machine, a, b, repeat=2, loss=Loss(up=0.1, down=0.1, seed=3))
    assert [turn.recording for turn in result.turns] == ["a", "b", "a", "b"]
    assert machine.deleted == 4


@pytest.mark.slow
def test_a_call_that_cannot_be_placed_leaves_the_turns_before_it(
    folder, monkeypatch, tmp_path, capsys
):
    machine = AnsweringMachine()

    @contextlib.asynccontextmanager
    async def running(command, log):
        log.write(b"why it is as it is\n")
        async with answering(machine):
            yield machine.url

    def full(progress, turn, note=latency.latency_report.Progress.note):
        machine.seats = 0
        note(progress, turn)

    monkeypatch.setattr(latency.own_server, "running", running)
    monkeypatch.setattr(latency.latency_report.Progress, "note", full)
    out = tmp_path / "out.json"
    assert latency.run(parsed("--recordings", folder, "--json", out)) == 1
    told = capsys.readouterr()
    assert "only 1 of 2 turns were taken: http://" in told.err and "server_full" in told.err
    assert "the end of the server's log:\nwhy it is as it is" in told.err
    assert "voice to voice" in told.out
    assert len(json.loads(out.read_text())["figures"]["turns"]) == 1


def test_a_server_that_takes_no_calls_ends_the_benchmark(tmp_path):
    with pytest.raises(CallFailed, match="server_full"):
        measured(AnsweringMachine(seats=0), recorded(tmp_path, "a", tone(0.2)))


# -- the command -------------------------------------------------------------------------------


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    latency.add_arguments(parser)
    return parser.parse_args([str(each) for each in arguments])


@pytest.fixture
def folder(tmp_path):
    recorded(tmp_path, "a", tone(0.2))
    recorded(tmp_path, "b", tone(0.2))
    return tmp_path


@pytest.fixture
def own_machine(monkeypatch):
    """`bench latency` without --url, with an answering machine for its own server."""
    asked = []

    @contextlib.asynccontextmanager
    async def running(command, log):
        asked.append(command)
        log.write(b"why it is as it is\n")
        async with answering() as machine:
            yield machine.url

    monkeypatch.setattr(latency.own_server, "running", running)
    return asked


@pytest.mark.slow
def test_the_command_prints_and_writes_and_draws(folder, own_machine, tmp_path, capsys):
    out, plot = tmp_path / "out.json", tmp_path / "out.png"
    arguments = ["--recordings", folder, "--only", "a", "--json", out, "--plot", plot]
    assert latency.run(parsed(*arguments, "--set", "turns.end_of_turn_ms=300")) == 0
    told = capsys.readouterr().out
    assert "[1/1] a " in told and "voice to voice" in told and "cut in: 0 of 1" in told
    assert "turns.end_of_turn_ms=300" in own_machine[0]
    settings = json.loads(out.read_text())["settings"]
    assert settings["recordings"] == ["a"] and settings["engine"] == "scripted"
    assert "synthetic" not in told
    assert plot.stat().st_size > 10_000


@pytest.fixture
def newcomer(monkeypatch, tmp_path):
    """Who has cloned the repository and nothing else."""
    monkeypatch.setattr(speech, "FOLDER", tmp_path / "shared" / "recordings")
    monkeypatch.delenv("VOXLINE_RECORDINGS", raising=False)


@pytest.mark.slow
def test_without_recordings_espeak_speaks_and_the_result_says_so(
    newcomer, own_machine, tmp_path, capsys
):
    out, plot = tmp_path / "out.json", tmp_path / "out.png"
    arguments = ["--only", "who", "--json", out, "--plot", plot]
    assert latency.run(parsed(*arguments)) == 0
    told = capsys.readouterr().out
    assert "[1/1] who " in told and "voice to voice" in told
    assert "synthetic speech: said by espeak-ng, for want of recordings" in told
    result = json.loads(out.read_text())
    assert result["figures"]["speech"] == "synthetic, by espeak-ng"
    assert result["settings"]["recordings"] == ["who"]
    assert plot.stat().st_size > 10_000


def test_recordings_that_were_named_and_are_not_there_are_a_mistake(newcomer, monkeypatch):
    with pytest.raises(ConfigError, match="--recordings /nowhere: there is no such folder"):
        latency.run(parsed("--recordings", "/nowhere"))
    monkeypatch.setenv("VOXLINE_RECORDINGS", "/nowhere")
    with pytest.raises(ConfigError, match="there are no recordings to say"):
        latency.run(parsed())


@pytest.mark.slow
def test_for_a_script_it_prints_json_and_nothing_else(folder, own_machine, capsys):
    assert latency.run(parsed("--recordings", folder, "--only", "a", "--json", "-")) == 0
    streams = capsys.readouterr()
    assert json.loads(streams.out)["figures"]["heard_out"] == 1
    assert "[1/1]" in streams.err


def test_losses_go_the_way_that_is_asked_for(monkeypatch, folder):
    plans = []

    async def take(args, plan, note):
        plans.append(plan)
        raise CallFailed("no call")

    monkeypatch.setattr(latency, "_measure_all", take)
    for way, wanted in (("both", (0.05, 0.05)), ("up", (0.05, 0.0)), ("down", (0.0, 0.05))):
        arguments = ["--recordings", folder, "--loss", "0.05", "--loss-way", way, "--seed", 7]
        assert latency.run(parsed(*arguments)) == 1
        loss = plans[-1].loss
        assert (loss.up, loss.down) == wanted and loss.seed == 7


def test_a_server_that_does_not_start_is_a_failure(folder, monkeypatch, capsys):
    broken = [sys.executable, "-c", "import sys; sys.exit('server.host: no such address')"]
    monkeypatch.setattr(latency.own_server, "command", lambda *asked: broken)
    assert latency.run(parsed("--recordings", folder)) == 1
    assert "server.host: no such address" in capsys.readouterr().err


# `voxline serve` whose headers break, as with an aiohttp that lacked one header's name
BROKEN = """
import sys
from agent.__main__ import main
from signaling import guard
guard.SAFE = None
sys.exit(main())
"""


@pytest.mark.slow
def test_a_call_that_its_own_server_refuses_is_told_with_the_servers_log(
    folder, monkeypatch, capsys
):
    command = latency.own_server.command

    def broken(*asked):
        python, _, _, *arguments = command(*asked)
        return [python, "-c", BROKEN, *arguments]

    monkeypatch.setattr(latency.own_server, "command", broken)
    assert latency.run(parsed("--recordings", folder)) == 1
    told = capsys.readouterr().err
    refused = "refused the call: offer_failed: the offer could not be answered (HTTP 422"
    assert refused in told
    assert "ERROR   POST /v1/realtime/calls failed" in told
    assert "Traceback" in told and "TypeError: " in told


@pytest.mark.slow
def test_a_turn_that_its_own_server_does_not_answer_is_told_with_the_servers_log(
    folder, own_machine, capsys
):
    asked = ["--recordings", folder, "--only", "a"]
    assert latency.run(parsed(*asked, "--patience", "0.01")) == 1
    told = capsys.readouterr().err
    assert "not every turn was answered; the end of the server's log:\nwhy it is as it" in told
    assert latency.run(parsed(*asked)) == 0
    assert "log" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "own", [("--set", "turns.end_of_turn_ms=300"), ("--engine", "operator"), ("--config", "a")]
)
def test_what_is_for_its_own_server_is_refused_for_another(folder, own):
    """Killed: a report that credits a server's times to a setting that it never had."""
    with pytest.raises(ConfigError, match=f"^{own[0]}: .*--url measures another as it is"):
        latency.run(parsed("--recordings", folder, "--url", "http://127.0.0.1:1", *own))


@pytest.mark.parametrize(
    ("own", "complaint"),
    [
        (("--set", "nosuch=1"), "nosuch: unknown key"),
        (("--set", "turns.end_of_turn_ms=-5"), "turns.end_of_turn_ms: -5 is not allowed"),
        (("--engine", "hal"), "agent.engine: 'hal' is not allowed"),
        (("--config", "/no/where.yaml"), "cannot read /no/where.yaml"),
    ],
)
def test_what_its_own_server_would_refuse_is_the_operators_mistake(folder, own, complaint):
    with pytest.raises(ConfigError, match=complaint):
        latency.run(parsed("--recordings", folder, *own))


def test_nothing_to_say_is_an_operators_mistake(tmp_path):
    with pytest.raises(ConfigError, match="--recordings"):
        latency.run(parsed("--recordings", tmp_path))


@pytest.mark.parametrize(
    "wrong",
    [["--json", "/no/where.json"], ["--plot", "/no/where.png"], ["--plot", "plot.weird"]],
)
def test_a_place_that_cannot_be_written_is_told_before_anything_is_measured(folder, wrong):
    with pytest.raises(ConfigError, match=" ".join(wrong)):
        latency.run(parsed("--recordings", folder, *wrong))


@pytest.mark.parametrize(
    "wrong", [["--loss", "1.5"], ["--loss", "-0.1"], ["--repeat", "0"], ["--patience", "0"]]
)
def test_numbers_that_make_no_sense_are_refused(folder, wrong):
    with pytest.raises(ConfigError, match=wrong[0]):
        latency.run(parsed("--recordings", folder, *wrong))
