"""`voxline call` against a small real server."""

import argparse
import json

import numpy as np
import pytest
import soundfile
from answering_machine import AnsweringMachine, answering, tone
from in_thread import in_thread

from agent.audio.frame import HEAR_HZ, SPEAK_HZ
from agent.errors import ConfigError
from benchmarks import call
from benchmarks.caller import CallFailed
from benchmarks.turn import Outcome


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    call.add_arguments(parser)
    return parser.parse_args([str(each) for each in arguments])


@pytest.fixture
def question(tmp_path):
    path = tmp_path / "question.wav"
    soundfile.write(path, tone(0.4), SPEAK_HZ)
    return path


@pytest.fixture
def url():
    """An answering machine that greets."""
    with in_thread(answering(AnsweringMachine(greeting=tone(0.3)))) as machine:
        yield machine.url


@pytest.mark.slow
def test_a_question_is_said_and_its_answer_saved(url, question, tmp_path, capsys):
    saved = tmp_path / "heard.wav"
    assert call.run(parsed(url, "--say", question, "--save", saved)) == 0
    lines = capsys.readouterr().out
    assert "connected after" in lines and "answered after" in lines and "hung up" in lines
    sound, rate = soundfile.read(saved)
    assert rate == HEAR_HZ
    loud_s = (np.abs(sound) > 0.1).sum() / HEAR_HZ
    assert loud_s == pytest.approx(
        0.6 * 0.78, abs=0.1
    )  # greeting and answer, less zero crossings


@pytest.mark.slow
def test_a_script_gets_json_and_nothing_else(url, question, capsys):
    assert call.run(parsed(url, "--say", question, "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["connect_ms"] > 0
    (turn,) = told["turns"]
    assert turn["said"] == "question"
    assert turn["latency_ms"] > 100  # 200, less what the question's last packet was late


@pytest.mark.slow
def test_it_listens_for_so_long(url, capsys):
    assert call.run(parsed(url, "--seconds", "0.5", "--json")) == 0
    assert json.loads(capsys.readouterr().out)["turns"] == []


@pytest.mark.slow
def test_time_that_is_up_before_the_answer_is_no_answer(url, question, capsys):
    assert call.run(parsed(url, "--say", question, "--seconds", "0.4")) == 1


def test_nobody_there_is_told_and_is_a_failure(capsys):
    assert call.run(parsed("http://127.0.0.1:1", "--seconds", "1")) == 1
    assert "voxline: http://127.0.0.1:1 cannot be reached" in capsys.readouterr().err


def test_a_refusal_is_told_with_status_code_and_message(capsys):
    with in_thread(answering(AnsweringMachine(seats=0))) as machine:
        assert call.run(parsed(machine.url)) == 1
    refused = "refused the call: server_full: all lines are busy (HTTP 503 Service Unavailable)"
    assert capsys.readouterr().err == f"voxline: {machine.url} {refused}\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--say", "/missing.wav"], "no such file"),
        (["--save", "/missing/heard.wav"], "no folder /missing"),
        (["--seconds", "0"], "more than 0"),
    ],
)
def test_mistakes_are_named_before_anybody_is_called(arguments, complaint):
    with pytest.raises(ConfigError, match=complaint):
        call.run(parsed("http://127.0.0.1:1", *arguments))


@pytest.mark.slow
def test_a_script_is_told_of_a_call_that_ended_in_mid_sentence(
    url, question, capsys, monkeypatch
):
    """Killed: no JSON at all, and the answers before were lost."""

    async def talk(call, speeches, record):
        record.said("question", Outcome.ANSWERED, 200.0)
        raise CallFailed("the call ended while the caller was speaking")

    monkeypatch.setattr(call, "_talk", talk)
    assert call.run(parsed(url, "--say", question, "--json")) == 1
    told = capsys.readouterr()
    assert told.err == "voxline: the call ended while the caller was speaking\n"
    assert json.loads(told.out)["turns"][0]["latency_ms"] == 200.0


def test_of_no_call_there_is_no_json(capsys):
    assert call.run(parsed("http://127.0.0.1:1", "--json")) == 1
    assert capsys.readouterr().out == ""
