"""`voxline replay` as its user meets it: what it prints, and its exit status."""

import json

import numpy as np
import pytest
from flown import flown, silence, spoken

import agent.flight.entries as en
from agent import notices as nt
from agent.__main__ import main
from agent.flight.record import read, write
from benchmarks.replay import play


@pytest.fixture(scope="module")
def call():
    speech = np.concatenate([spoken("What time is it?"), silence(1.5)])
    return flown(["It is nine."], speech=speech)


@pytest.fixture
def path(call, tmp_path):
    path = tmp_path / "a.flight"
    write(path, call.header, call.entries)
    return path


def test_the_same_decisions_are_status_0(path, capsys) -> None:
    assert main(["replay", str(path)]) == 0
    about, verdict = capsys.readouterr().out.splitlines()
    assert "'rtc_flown', " in about
    assert verdict == "identical: decisions 3, at most 0.0 ms apart"


def test_other_decisions_are_status_1_and_the_first_is_printed(path, capsys) -> None:
    assert main(["replay", str(path), "--set", "turns.end_of_turn_ms=900"]) == 1
    verdict = capsys.readouterr().out.splitlines()[-1]
    assert verdict.startswith("differs at ")
    assert "recorded TryReply(turn=1) at " in verdict
    assert "now TryReply(turn=1) at " in verdict


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["/no/where.flight"], "cannot be read: No such file"),
        (["pyproject.toml"], "pyproject.toml is no flight record"),
        (["FILE", "--set", "turns.patience=1"], "turns.patience: unknown key"),
        (["FILE", "--set", "nonsense"], "section.key=value"),
        (["FILE", "--speed", "0"], "--speed 0: it must be above 0"),
        (["FILE", "--speed", "nan"], "--speed nan: it must be above 0"),
        (["FILE", "--picture", "/no/where.png"], "--picture /no/where.png: there is no folder"),
        (["FILE", "--picture", "a.weird"], "--picture a.weird: must end in .png"),
        (["FILE", "--save", "/no/where.flight"], "--save /no/where.flight: there is no folder"),
    ],
)
def test_what_cannot_be_replayed_is_status_2_and_one_line(
    arguments, complaint, path, capsys
) -> None:
    given = [str(path) if each == "FILE" else each for each in arguments]
    assert main(["replay", *given]) == 2
    shown = capsys.readouterr()
    assert complaint in shown.err
    assert len(shown.err.splitlines()) == 1
    assert shown.out == ""


def test_scripts_get_json(path, capsys) -> None:
    assert main(["replay", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["identical"] is True
    assert told["first_difference"] is None
    assert told["damage"] is None
    kinds = [decision["kind"] for decision in told["recorded"]]
    assert kinds == ["PrepareReply", "TryReply", "SettleReply"]
    assert told["recorded"] == told["now"]


def test_scripts_get_the_first_difference(path, capsys) -> None:
    assert main(["replay", str(path), "--json", "--set", "turns.end_of_turn_ms=900"]) == 1
    difference = json.loads(capsys.readouterr().out)["first_difference"]
    assert difference["recorded"]["kind"] == difference["now"]["kind"] == "TryReply"
    assert difference["recorded"]["at_s"] < difference["now"]["at_s"]


def test_a_file_that_was_cut_off_is_told_and_replayed_as_far_as_it_goes(path, capsys) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    assert main(["replay", str(path)]) == 0
    shown = capsys.readouterr()
    assert "it was cut off; its first " in shown.err
    assert "identical" in shown.out


def test_what_is_decided_now_can_be_kept_as_the_record(path, tmp_path, capsys) -> None:
    """How a mended bug becomes a test."""
    kept = tmp_path / "kept.flight"
    change = ["--set", "turns.end_of_turn_ms=900"]
    assert main(["replay", str(path), *change, "--save", str(kept)]) == 1
    assert main(["replay", str(kept), *change]) == 0
    packets = [e for e in read(kept).entries if isinstance(e, en.Packet)]
    assert packets == [e for e in read(path).entries if isinstance(e, en.Packet)]


def test_a_record_may_be_kept_over_itself(path) -> None:
    assert main(["replay", str(path), "--save", str(path)]) == 0
    assert main(["replay", str(path)]) == 0


def test_a_picture_is_drawn(path, tmp_path) -> None:
    picture = tmp_path / "a.png"
    assert main(["replay", str(path), "--picture", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_what_happens_is_printed_when_it_did(call, capsys) -> None:
    slept = []
    play(call.entries, 2.0, slept.append)
    shown = capsys.readouterr().out
    last = max(entry.at for entry in call.entries)
    assert sum(slept) == pytest.approx(last / 2)
    for what in ("Joined", "SpeechStarted(", "-> TryReply(turn=1)", "deadline of ", "speak 2"):
        assert what in shown
    assert "Packet" not in shown


def test_at_the_speed_of_the_call_it_takes_as_long(path, capsys, monkeypatch) -> None:
    slept = []
    monkeypatch.setattr("benchmarks.replay.play.__defaults__", (slept.append,))
    assert main(["replay", str(path), "--speed", "1"]) == 0
    assert sum(slept) > 1.5


def test_a_strangers_text_does_not_reach_the_terminal_raw(capsys) -> None:
    evil = "\x1b[2J\x07"
    play(
        [
            en.Told(0.0, nt.ReplyText(1, evil)),
            en.Stepped(0.0, en.Foreign(evil), (en.Foreign(evil),)),
            en.Wanted(0.0, 1, "speak", evil),
            en.Got(0.0, 1, evil),
            en.Ended(0.0, 1, evil),
            en.Asked(0.0, ()),
        ],
        1000.0,
        lambda seconds: None,
    )
    assert not {"\x1b", "\x07"} & set(capsys.readouterr().out)
