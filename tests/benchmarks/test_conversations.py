"""How many conversations a core carries: what is made of it, and a small one of its own."""

import json

import numpy as np
import pytest
import soundfile

from agent.audio.frame import SPEAK_HZ
from benchmarks import conversations
from benchmarks.conversations import HEADERS, Run, carried, exported_cpu_s, main, rows
from benchmarks.report import summarize


def run_of(calls, p50, unanswered=0):
    answer_ms = summarize([p50, p50 + 100])
    return Run(calls, answer_ms, 9, 2, unanswered, 3.0 * calls, 20.0, over_law=5, passes=900)


def test_the_most_that_wait_hardly_longer_than_a_few_are_carried():
    runs = [run_of(1, 200), run_of(5, 210), run_of(10, 249), run_of(15, 251)]
    assert carried(runs) == 10
    assert carried(runs[::-1]) == 10


def test_whoever_is_not_answered_is_not_carried():
    assert carried([run_of(1, 200), run_of(5, 200, unanswered=1)]) == 1
    assert carried([run_of(1, 200, unanswered=1)]) == 0


def test_each_run_is_a_row_with_its_cost_for_one_call():
    (row,) = rows([run_of(5, 200)])
    told = dict(zip(HEADERS, row, strict=True))
    assert (told["calls"], told["CPU %"], told["%/call"]) == (5, 15.0, 3.0)
    assert (told["answer p50 ms"], told["p95"]) == (200, 300)
    assert (told["cut into"], told["unanswered"]) == (2, 0)
    assert (told["passes over 2 ms"], told["of"]) == (5, 900)


@pytest.mark.parametrize("wrong", [["--calls", "-1"], ["--seconds", "0"]])
def test_nothing_to_measure_is_refused(wrong, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(wrong)
    assert "at least one" in capsys.readouterr().err


def test_without_a_recording_the_remedy_is_told(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--recordings", str(tmp_path)])
    assert "no .wav and no .flac file in it" in capsys.readouterr().err


@pytest.fixture
def spoken(tmp_path):
    """A folder with something that a VAD takes for speech: a hum whose vowel changes."""
    at_s = np.arange(SPEAK_HZ) / SPEAK_HZ
    voice = sum(np.sin(2 * np.pi * hz * at_s) / hz for hz in range(120, 3600, 120))
    sound = (voice * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * at_s)) * 20).astype(np.float32)
    soundfile.write(tmp_path / "hum.wav", sound / np.abs(sound).max() * 0.3, SPEAK_HZ)
    return tmp_path


@pytest.mark.slow
def test_callers_talk_at_once_and_the_server_says_what_they_cost(
    spoken, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(conversations, "_SETTLE_S", 0.5)
    out = tmp_path / "out"
    main(["--calls", "2", "--seconds", "2", "--recordings", str(spoken), "--out", str(out)])
    said = capsys.readouterr().out
    assert "2 at once, on one core" in said
    figures = json.loads((out / "conversations.json").read_text())["figures"]
    (run,) = figures["runs"]
    assert run["calls"] == 2
    assert run["turns"] >= 2
    assert run["unanswered"] == 0
    assert run["cpu_percent"] > 0
    assert run["passes"] > run["over_law"] >= 0
    assert (out / "conversations.png").is_file()


def test_a_server_that_does_not_tell_its_cpu_time_cannot_be_measured():
    assert exported_cpu_s("process_cpu_seconds_total 12.5\n") == 12.5
    with pytest.raises(ValueError, match="Linux"):
        exported_cpu_s("# HELP process_cpu_seconds_total x\n")
