"""What is shown of the turns that were measured."""

import io
import json

import pytest
from matplotlib.axes import Axes

from benchmarks.latency_report import Progress, Report
from benchmarks.turn import DEFINITION, Explanation, Outcome, Stage, Turn

EXPLAINED = Explanation(424.0, (Stage("vad", 0, 64), Stage("wait", 64, 420)))


def answered(recording, latency_ms, late_ms=0.0):
    return Turn(
        recording, Outcome.ANSWERED, 40.0, latency_ms, None, EXPLAINED, caller_late_ms=late_ms
    )


CUT = Turn("long", Outcome.CUT_INTO, 44.0, 12.0, cut_in_ms=2000.0)
UNANSWERED = Turn("noise", Outcome.UNANSWERED, 41.0)
LOST = Turn("noise", Outcome.LOST, 42.0)
TURNS = (answered("short", 480.0), answered("short", 500.0), answered("long", 520.0), CUT)


def report(*turns, silence_ms=420.0, eagerness=None):
    return Report(turns, silence_ms, {"engine": "scripted"}, eagerness)


def test_latency_never_comes_without_the_cut_in_rate():
    text = report(*TURNS).text()
    assert "voice to voice               3   500   520   520" in text
    assert "cut in: 1 of 4 turns" in text
    assert "connect (POST to connected)  4  40.0  44.0  44.0" in text
    assert "waits 420 ms" in text


def test_where_pauses_are_judged_the_waits_are_those_of_the_turns():
    text = report(*TURNS, silence_ms=None, eagerness="auto").text()
    assert "waits p50 356, p95 356 ms for more: it judges each pause (eagerness auto)" in text
    assert "judges" not in report(UNANSWERED, silence_ms=None, eagerness="auto").text()


def test_turns_that_were_not_answered_are_not_hidden():
    text = report(*TURNS, UNANSWERED, LOST).text()
    assert "not answered: 1 of 6 turns" in text
    assert "call ended during the turn: 1 of 6" in text
    assert "cut in: 1 of 5 turns" in text  # a lost turn had no end to be judged by


def test_each_recording_and_each_stage_has_its_row():
    lines = [" ".join(line.split()) for line in report(*TURNS).text().splitlines()]
    assert "short 2 480 500 0" in lines
    assert "long 2 520 520 1" in lines
    assert any(line.startswith("ear 3 76.0 96.0") for line in lines)
    assert any(line.startswith("wait 3 356 356") for line in lines)


def test_a_server_that_explains_nothing_is_measured_all_the_same():
    bare = Turn("short", Outcome.ANSWERED, 40.0, 480.0)
    text = report(bare, silence_ms=None).text()
    assert "voice to voice" in text
    assert "stage" not in text and "waits" not in text


def test_a_caller_that_was_late_itself_says_so():
    assert "up to 37 ms late" in report(answered("a", 500.0, late_ms=37.2)).text()
    assert "ms late" not in report(answered("a", 500.0, late_ms=1.0)).text()


def test_synthetic_speech_is_called_so_wherever_it_is_shown(tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(Axes, "set_title", lambda axes, title: titles.append(title))
    synthetic = Report(TURNS, None, {}, "auto", made_by="espeak-ng")
    lines = synthetic.text().splitlines()
    assert any(line.startswith("synthetic speech: said by espeak-ng") for line in lines)
    assert any(line.startswith("synthetic  turns") for line in lines)
    synthetic.write_json(tmp_path / "a.json")
    figures = json.loads((tmp_path / "a.json").read_text())["figures"]
    assert figures["speech"] == "synthetic, by espeak-ng"
    synthetic.plot(tmp_path / "a.png")
    assert titles[0].endswith("cut into 1 of 4 (synthetic, by espeak-ng)")

    recorded = report(*TURNS)
    assert "synthetic" not in recorded.text()
    recorded.write_json(tmp_path / "b.json")
    assert json.loads((tmp_path / "b.json").read_text())["figures"]["speech"] == "recorded"
    recorded.plot(tmp_path / "b.png")
    assert titles[1].endswith("cut into 1 of 4")


def test_nothing_answered_is_a_report_too():
    failed = report(UNANSWERED)
    assert failed.answered == 0
    assert "not answered: 1 of 1" in failed.text()
    assert "voice to voice" not in failed.text()


def test_json_holds_the_definition_and_every_turn(tmp_path):
    report(*TURNS, LOST).write_json(tmp_path / "latency.json")
    content = json.loads((tmp_path / "latency.json").read_text())
    figures = content["figures"]
    assert content["settings"] == {"engine": "scripted"}
    assert figures["definition"] == DEFINITION
    assert figures["voice_to_voice_ms"]["p50"] == 500.0
    assert (figures["cut_into"], figures["heard_out"], figures["lost"]) == (1, 4, 1)
    assert figures["stages_ms"]["wait"]["p50"] == 356
    assert [turn["outcome"] for turn in figures["turns"]] == [
        *["answered"] * 3,
        "cut_into",
        "lost",
    ]
    assert figures["turns"][0]["explanation"]["stages"][0]["name"] == "vad"


def test_json_can_go_to_a_pipe(capsys):
    report(UNANSWERED).write_json(None)
    figures = json.loads(capsys.readouterr().out)["figures"]
    assert figures["voice_to_voice_ms"] is None and figures["unanswered"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("silence_ms", [420.0, None])
def test_every_turn_is_drawn(tmp_path, silence_ms):
    path = tmp_path / "plots" / "latency.png"
    report(*TURNS, UNANSWERED, silence_ms=silence_ms).plot(path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_progress_is_a_line_a_turn():
    out = io.StringIO()
    progress = Progress(12, out)
    for turn in (answered("short", 480.4), CUT, UNANSWERED, LOST):
        progress.note(turn)
    assert out.getvalue().splitlines() == [
        "[ 1/12] short            answered after 480 ms",
        "[ 2/12] long             cut into, 2000 ms before the end",
        "[ 3/12] noise            not answered",
        "[ 4/12] noise            the call ended during the turn",
    ]
