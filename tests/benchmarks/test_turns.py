"""`voxline bench turns` as an operator meets it."""

import argparse
import json

import pytest
import yaml

from agent.errors import ConfigError
from benchmarks import speech, turns
from benchmarks.caller import CallFailed
from benchmarks.dialogue.live import LiveWorld
from benchmarks.dialogue.virtual import VirtualWorld

PAUSE = {
    "about": "A pause of 300 ms in mid-sentence.",
    "caller": [
        {
            "when": "start",
            "after_ms": 800,
            "sounds": [{"say": "I am looking for [300 ms] the train to Hamburg."}],
        }
    ],
    "listen_s": 2,
    "expect": [{"cut_ins": 0, "answered_ms": 900}],
}
NOBODY = {
    "about": "Nobody speaks, for a second.",
    "listen_s": 1,
    "expect": [{"utterances": 0, "state": "listening"}],
}


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "pause", PAUSE)
    write(tmp_path, "nobody", NOBODY)
    return tmp_path


def write(folder, name, tree):
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(tree))


def run(folder, *arguments):
    parser = argparse.ArgumentParser()
    turns.add_arguments(parser)
    return turns.run(parser.parse_args(["--dialogues", str(folder), *map(str, arguments)]))


def test_all_are_played_and_shown_in_order(folder, capsys) -> None:
    assert run(folder) == 0
    out = capsys.readouterr().out
    assert out.index("ok      nobody") < out.index("ok      pause") < out.index("dialogue")
    assert "line 1 cut_ins" in out
    assert "2 of 2 dialogues as expected" in out


def test_a_threshold_that_harms_a_dialogue_is_seen_at_once(folder, capsys) -> None:
    assert run(folder, "--only", "pause", "--set", "turns.end_of_turn_ms=150") == 1
    out = capsys.readouterr().out
    assert "FAILED  pause" in out
    assert "0 of 1 dialogues as expected, 1 not" in out
    assert run(folder, "--only", "pause", "--set", "turns.end_of_turn_ms=1000") == 1
    assert "line 1 answered_ms" in capsys.readouterr().out.splitlines()[0]


def test_some_are_chosen_by_name_or_pattern(folder, capsys) -> None:
    assert run(folder, "--only", "no*") == 0
    assert "pause" not in capsys.readouterr().out
    for both in (["nobody", "pause"], ["nobody,pause"]):
        assert run(folder, "--only", *both) == 0
        assert "2 of 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "nosuch"], "--only nosuch: matches none of nobody, pause"),
        (["--only", "pause", "nosuch"], "--only nosuch: matches none"),
        (["--set", "turns.least_wait_ms=20"], "turns.least_wait_ms: 20 .* between 60 and 2000"),
        (["--set", "nonsense"], "section.key=value"),
        (["--at-once", "0"], "--at-once 0: must be between 1 and 8"),
        (["--at-once", "9"], "--at-once 9: must be between 1 and 8"),
        (["--dialogues", "/no/where"], "--dialogues /no/where: there is no such folder"),
        (["--config", "/no/where.yaml"], "cannot read /no/where.yaml"),
        (["--json", "/no/where.json"], "--json /no/where.json: there is no folder /no"),
    ],
)
def test_a_mistake_is_told(folder, arguments, complaint) -> None:
    with pytest.raises(ConfigError, match=complaint):
        run(folder, *arguments)


def test_a_folder_without_dialogues_is_one_too(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"no \.yaml file in it"):
        run(tmp_path)


def test_a_bad_file_stops_the_run_before_anything_is_played(folder, capsys) -> None:
    write(folder, "bad", {**NOBODY, "expect": [{"cuts": 3}]})
    with pytest.raises(ConfigError, match=r"bad\.yaml: expect\[1\]\.cuts: .* did you mean cut"):
        run(folder)
    assert capsys.readouterr().out == ""


def test_a_sound_that_cannot_be_made_is_told_with_its_file(folder) -> None:
    line = {"when": "start", "sounds": [{"say": "Hello", "voice": "klingon"}]}
    write(folder, "bad", {**NOBODY, "caller": [line]})
    with pytest.raises(ConfigError, match=r"bad\.yaml: say: espeak-ng has no voice 'klingon'"):
        run(folder)


def test_the_config_file_is_heeded(folder, tmp_path, capsys) -> None:
    config = tmp_path / "mine.txt"
    config.write_text("turns: {end_of_turn_ms: 150}")
    assert run(folder, "--only", "pause", "--config", config) == 1


def test_what_has_no_recording_is_skipped_and_says_so(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(speech, "FOLDER", tmp_path)
    play = {**NOBODY, "caller": [{"when": "start", "sounds": [{"play": "gone"}]}]}
    write(folder, "recorded", play)
    assert run(folder) == 0
    out = capsys.readouterr().out
    assert "skipped recorded" in out and "no recording gone" in out
    assert "2 of 3 dialogues as expected, 1 skipped" in out
    assert run(folder, "--only", "recorded") == 1  # nothing was played


def test_json_to_standard_output_is_all_there_is(folder, capsys) -> None:
    assert run(folder, "--only", "nobody", "--json", "-") == 0
    shown = capsys.readouterr()
    [result] = json.loads(shown.out)
    assert (result["name"], result["outcome"], result["world"]) == ("nobody", "ok", "virtual")
    assert "ok      nobody" in shown.err


def test_json_to_a_file(folder, tmp_path, capsys) -> None:
    assert run(folder, "--only", "nobody", "--json", tmp_path / "out.json") == 0
    assert json.loads((tmp_path / "out.json").read_text())[0]["late_ms"] < 1
    assert "1 of 1" in capsys.readouterr().out


def test_virtual_is_the_default_and_live_is_asked_for(folder, monkeypatch) -> None:
    chosen = []

    def play(scenarios, world, settings, note):
        chosen.append(world)
        return []

    monkeypatch.setattr(turns, "play", play)
    assert run(folder) == run(folder, "--virtual") == run(folder, "--live") == 1
    assert [type(world) for world in chosen] == [VirtualWorld, VirtualWorld, LiveWorld]


def test_smart_turn_is_not_asked_in_virtual_time_and_must_not_be_wanted_there(folder) -> None:
    with pytest.raises(ConfigError, match=r"turns\.smart_turn: 'always' cannot .*; add --live"):
        run(folder, "--set", "turns.smart_turn=always")
    assert run(folder, "--only", "nobody", "--set", "turns.smart_turn=never") == 0


def test_a_call_that_cannot_be_placed_leaves_the_results_before_it(
    folder, monkeypatch, tmp_path, capsys
) -> None:
    real = turns.play

    def play(scenarios, world, settings, note):
        real({"nobody": scenarios["nobody"]}, VirtualWorld(), settings, note)
        raise CallFailed("http://x refused the call")

    monkeypatch.setattr(turns, "play", play)
    assert run(folder, "--live", "--json", tmp_path / "out.json") == 1
    told = capsys.readouterr()
    assert told.err == "voxline: http://x refused the call\n"
    assert "1 of 1 dialogues as expected" in told.out
    [result] = json.loads((tmp_path / "out.json").read_text())
    assert result["name"] == "nobody"


def test_no_call_at_all_is_one_line(folder, monkeypatch, capsys) -> None:
    def play(*args):
        raise CallFailed("http://x refused the call")

    monkeypatch.setattr(turns, "play", play)
    assert run(folder, "--live") == 1
    assert capsys.readouterr().err == "voxline: http://x refused the call\n"
