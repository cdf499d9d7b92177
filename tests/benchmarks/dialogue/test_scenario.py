"""Scenario files: what is wrong is refused by file, key and what is allowed."""

import pytest
import yaml

from agent.errors import ConfigError
from benchmarks.dialogue.scenario import FOLDER, Expectation, configured, keys, read, settings

GOOD = {
    "about": "A question.",
    "caller": [{"when": "start", "after_ms": 500, "sounds": [{"say": "Hello?"}]}],
    "expect": [{"answered_ms": 500}],
}


def write(folder, **changes):
    path = folder / "one.yaml"
    tree = {key: value for key, value in {**GOOD, **changes}.items() if value != "(none)"}
    path.write_text(yaml.safe_dump(tree))
    return path


def line(**changes):
    return [{"when": "start", "sounds": [{"say": "Hello?"}], **changes}]


def sound(**kinds):
    return line(sounds=[kinds])


def test_a_small_file_has_plain_defaults(tmp_path) -> None:
    scenario = read(write(tmp_path))
    assert scenario.agent.engine == "scripted"
    assert scenario.agent.answers[0].counts_to == 10
    [spoken] = scenario.caller
    assert (spoken.when, spoken.after_ms, spoken.sounds[0].say) == ("start", 500, "Hello?")
    assert scenario.listen_s == 4.0


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"about": "(none)"}, r"about is missing"),
        ({"expect": "(none)"}, r"expect is missing"),
        ({"expect": []}, r"expect: a scenario that expects nothing"),
        ({"expects": []}, r"expects: unknown key; did you mean expect\?"),
        ({"about": 3}, r"about: 3 is not text"),
        (
            {"expect": {"answered_ms": 5}},
            r"expect: expected a list, found \{'answ",
        ),
        ({"expect": [{}]}, r"expect\[1\]: expects nothing; known are answered_ms, cut_ins"),
        ({"expect": [{"line": 1}]}, r"expect\[1\]: expects nothing"),
        ({"expect": [{"anwered_ms": 5}]}, r"expect\[1\]\.anwered_ms: .* mean answered_ms"),
        ({"expect": [{"cut_ins": -1}]}, r"expect\[1\]\.cut_ins: -1 .* between 0 and 1000"),
        ({"expect": [{"line": 2, "cut_ins": 0}]}, r"expect\[1\]\.line: 2 .* there are 1 lines"),
        ({"expect": [{"ended_by": "me"}]}, r"ended_by: 'me' .* one of nothing, caller, agent"),
        ({"expect": [{"state": "asleep"}]}, r"state: 'asleep' .* one of listening, hearing"),
        ({"expect": [{"heard": "hello"}]}, r"heard: 'hello' is not a list"),
        (
            {"caller": [], "expect": [{"cut_ins": 0}]},
            r"cut_ins: is about a line, and the",
        ),
        (
            {"caller": line(when="later")},
            r"caller\[1\]\.when: 'later' .* start, previous",
        ),
        (
            {"caller": line(after_ms="1 s")},
            r"caller\[1\]\.after_ms: '1 s' is not a whole number",
        ),
        ({"caller": line(sounds=[])}, r"caller\[1\]\.sounds: a line has at least one sound"),
        ({"caller": [{"when": "start"}]}, r"caller\[1\]: sounds is missing"),
        ({"caller": ["hello"]}, r"caller\[1\]: expected keys with values, found 'hello'"),
        ({"caller": sound(voice="de")}, r"sounds\[1\]: needs one of say, play, .* found none"),
        ({"caller": sound(say="a", play="b")}, r"sounds\[1\]: .* found say and play"),
        ({"caller": sound(say="a", noise_ms=0)}, r"found say and noise_ms"),
        ({"caller": sound(play="b", from_s=3, to_s=2)}, r"to_s: 2 .* above from_s \(3\)"),
        ({"background": {}}, r"background: needs one of"),
        ({"agent": {"engine": "hal"}}, r"agent\.engine: 'hal' .* one of scripted, operator"),
        ({"agent": {"answers": []}}, r"agent\.answers: needs at least one"),
        ({"agent": {"answers": [{}]}}, r"agent\.answers\[1\]: needs a text of one line, or c"),
        ({"agent": {"answers": [{"text": "a\nb"}]}}, r"answers\[1\]: needs a text of one line"),
        (
            {"agent": {"answers": [{"text": "a", "counts_to": 2}]}},
            r"needs a text of one line, or",
        ),
        ({"set": {"turns.eager": 1}}, r"turns\.eager: unknown key; did you mean eagerness"),
        ({"set": {"turns.barge_in_ms": "soon"}}, r"turns\.barge_in_ms: 'soon' is not a whole"),
        ({"set": [1]}, r"set: expected keys with values, found \[1\]"),
        ({"set": {3: 1}}, r"set: expected keys with values"),
    ],
)
def test_what_cannot_be_is_refused_with_file_and_key(tmp_path, changes, complaint) -> None:
    with pytest.raises(ConfigError, match=complaint) as refused:
        read(write(tmp_path, **changes))
    assert str(refused.value).startswith("one.yaml: ")


@pytest.mark.parametrize("text", ["expect: [", "- a\n- b", "", "\xff"])
def test_what_is_no_scenario_at_all_is_named(tmp_path, text) -> None:
    path = tmp_path / "one.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"one\.yaml"):
        read(path)


def test_the_projects_own_are_read_and_say_what_they_are_about() -> None:
    paths = list(FOLDER.glob("*.yaml"))
    assert len(paths) >= 15
    for path in paths:
        assert len(read(path).about) > 20, path


def test_what_is_set_outside_wins_over_the_scenario_and_it_over_the_file(tmp_path) -> None:
    scenario = read(write(tmp_path, set={"turns.barge_in_ms": 300, "turns.withdraw_ms": 100}))
    config = tmp_path / "config.yaml"
    config.write_text(
        "turns: {barge_in_ms: 500, silence_prompt_s: 7}\nagent: {engine: voxtral}"
    )
    merged = configured(scenario, config, {"turns.withdraw_ms": 0})
    turns = merged.turns
    assert (turns.barge_in_ms, turns.withdraw_ms, turns.silence_prompt_s) == (300, 0, 7.0)
    assert merged.agent.engine == "scripted"  # an agent of the dialogue's own
    assert (merged.agent.greeting, merged.agent.voice) == ("", "tone")


def test_an_override_is_checked_like_all_others(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"turns\.least_wait_ms: 20 is not allowed"):
        configured(read(write(tmp_path)), None, {"turns.least_wait_ms": 20})
    assert settings(read(write(tmp_path)), {})["agent.engine"] == "scripted"


def test_the_keys_of_an_expectation_are_those_that_were_given() -> None:
    assert keys(Expectation(line=1, fails_because="x")) == ()
    assert keys(Expectation(cut_ins=0, heard=("a",), state="closed", cut=0)) == (
        "cut_ins",
        "cut",
        "heard",
        "state",
    )
