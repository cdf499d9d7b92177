"""The frontier: judged without what was fitted on, and counted as a caller would count."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from agent.endpoint.odds import Pause
from agent.endpoint.prosody import Cues
from agent.engines import MEMORY
from agent.perceptron import Perceptron
from benchmarks import endpoint, endpoint_probe
from benchmarks.endpoint import BOTH, CONVINCED, ENOUGH, FIXED_MS, frontier, plot, point, text
from benchmarks.endpoint_corpus import Observed
from benchmarks.endpoint_fit import WAY, fit
from benchmarks.endpoint_probe import fit_probe
from benchmarks.endpoint_smart_turn import Answer

NOTHING = np.zeros(MEMORY, np.float32)  # is remembered


def pause(begin, length, low=0.0):
    """The packets of a silence."""
    return tuple(
        (begin + silent, Pause(silent, Cues(low_st=low), 0.0, True, 180.0, memory=NOTHING))
        for silent in range(80, length + 1, 20)
    )


def turn(name, condition="room", speaker="lj"):
    """A pause of 300 ms with the voice up, and an end with it down."""
    rows = pause(400, 300, 9.0) + pause(1000, 900)
    return Observed(name, speaker, condition, True, 1000.0, 2000.0, rows)


OWN = [turn("a"), turn("b", speaker="sb"), turn("c", speaker="jfk"), turn("a", "hall")]
OBSERVED = [*OWN, *(turn(f"m{n}", speaker=f"m{n}") for n in range(40))]


def answer(silent_ms, odds, heard):
    return Answer(silent_ms, odds, np.array([heard, 1.0], np.float32))


# sure at the end, unsure in the pause before; and what is heard tells them apart
SAID = {
    400: [answer(60, 0.2, -1), answer(140, 0.4, -1)],
    1000: [answer(60, 0.93, 1), answer(140, 0.97, 1)],
}
PROBED = replace(endpoint_probe.WAY, networks=1, epochs=200)
PROBE = Perceptron(*(np.zeros(shape, np.float32) for shape in ((2, 1), 1, 1)), 0.5)
ANSWERS = {(each.name, each.condition): SAID for each in OBSERVED}


@pytest.fixture(scope="module")
def points():
    with pytest.MonkeyPatch.context() as patched:
        # of so few rows an epoch is a step or two
        patched.setattr(endpoint, "fit", partial(fit, way=replace(WAY, networks=1, epochs=200)))
        patched.setattr(endpoint, "fit_probe", partial(fit_probe, way=PROBED))
        return frontier(OBSERVED, ANSWERS)


def test_a_cut_in_is_in_no_percentile() -> None:
    summed = point("fixed", 200, ("a", "b", "c"), np.array([-500.0, 200.0, 300.0]))
    assert (summed.p50_ms, summed.cut_into) == (250.0, ("a",))
    assert summed.share == pytest.approx(1 / 3)


def test_a_fixed_wait_costs_itself_and_cuts_into_longer_pauses(points) -> None:
    fixed = {each.setting: each for each in points["in their rooms"] if each.way == "fixed"}
    assert set(fixed) == set(FIXED_MS)
    assert fixed[200].cut_into == ("a", "b", "c")
    assert fixed[400].cut_into == ()
    assert fixed[400].p50_ms == 406


def test_who_is_surer_waits_no_less_and_cuts_in_no_more(points) -> None:
    judged = [each for each in points["in their rooms"] if each.way == "judged"]
    assert [each.setting for each in judged] == list(ENOUGH)
    assert [each.share for each in judged] == sorted((e.share for e in judged), reverse=True)
    assert any(each.share == 0 and each.p50_ms < 306 for each in judged)  # better than fixed


def test_every_condition_counts_in_the_second_curve(points) -> None:
    assert {each.turns for each in points["in their rooms"]} == {3}
    assert {each.turns for each in points["all conditions"]} == {4}
    assert {each.turns for each in points["more speech, in its rooms"]} == {40}


def test_turns_without_a_long_pause_are_a_curve_of_their_own() -> None:
    """They are told by the pause, not by what any judge makes of them."""
    long, short = (
        replace(turn(name, speaker=name), pauses=pause(200, ms) + pause(1000, 900))
        for name, ms in (("long", 520), ("short", 400))
    )
    curves = frontier([*OWN, *OBSERVED[-2:], long, short], unseen=True)
    of = {label: {each.turns for each in curve} for label, curve in curves.items()}
    assert of["more speech, in its rooms"] == {4}
    assert of["the same, no pause of 450 ms"] == {3}
    fixed = {
        e.setting: e.cut_into for e in curves["more speech, in its rooms"] if e.way == "fixed"
    }
    assert fixed[450] == ("long",)


def test_where_there_is_no_more_speech_there_is_no_curve_of_it() -> None:
    assert set(frontier(OWN)) == {"in their rooms", "all conditions"}


def test_another_model_is_answered_when_it_is_convinced_and_has_had_time_to_think(
    points,
) -> None:
    told = {each.setting: each for each in points["in their rooms"] if each.way == "smart turn"}
    assert set(told) == set(CONVINCED)
    assert not any(
        each.way == "smart turn" for each in frontier(OWN)["in their rooms"]
    )  # not asked
    assert (told[0.9].p50_ms, told[0.9].cut_into) == (160 + 6, ())
    assert told[0.95].p50_ms == 140 + 60 + 6
    assert told[0.99].p50_ms == 400 + 6


def test_beside_the_cues_another_model_is_heard(points) -> None:
    """A model that is right whenever it is asked makes the frontier better."""
    curves = {
        way: [each for each in points["in their rooms"] if each.way == way]
        for way in ("judged", BOTH)
    }
    assert [each.setting for each in curves[BOTH]] == list(ENOUGH)
    for alone, both in zip(curves["judged"], curves[BOTH], strict=True):
        assert both.share <= alone.share
    safe = {way: [e.setting for e in curve if not e.cut_into] for way, curve in curves.items()}
    assert safe[BOTH][0] < safe["judged"][0]  # more eagerness cuts into nobody
    assert not any(each.way == BOTH for each in frontier(OWN)["in their rooms"])  # not asked


def test_what_another_model_counts_was_not_fitted_on_who_is_judged(monkeypatch) -> None:
    asked = []

    def fitted(observed, answers, weights):
        asked.append({each.speaker for each in observed})
        return PROBE

    monkeypatch.setattr(endpoint, "fit_probe", fitted)
    frontier(OWN, ANSWERS)
    assert asked == [{"lj", "sb"}, {"jfk", "sb"}, {"jfk", "lj"}]


def test_what_is_judged_was_not_fitted_on(monkeypatch) -> None:
    asked = []

    def noted(observed, speakers):
        asked.append(speakers)
        left = [each for each in observed if each.speaker not in speakers]
        assert len(left) < len(observed)
        return left

    monkeypatch.setattr(endpoint, "without", noted)
    frontier(OWN)
    assert asked == [{"jfk"}, {"lj"}, {"sb"}]
    asked.clear()
    frontier(OBSERVED)
    assert len(asked) == 3 + 4  # of the forty others a quarter at a time
    assert sorted(name for each in asked for name in each) == sorted(
        {each.speaker for each in OBSERVED}
    )


def test_who_was_never_fitted_on_is_judged_by_what_is_published(monkeypatch) -> None:
    monkeypatch.setattr(endpoint.probe_weights, "load", lambda: PROBE)
    monkeypatch.setattr(endpoint, "fit", None)
    monkeypatch.setattr(endpoint, "fit_probe", None)
    frontier(OBSERVED, ANSWERS, unseen=True)
    with pytest.raises(TypeError):
        frontier(OBSERVED)


def test_it_is_told_drawn_and_written(points, tmp_path, monkeypatch) -> None:
    assert "judged" in text(points) and "cut into" in text(points)
    plot(points, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr(endpoint, "observe_all", lambda *_, **__: OWN)
    arguments = ["endpoint", "--json", str(tmp_path / "c.json")]
    monkeypatch.setattr("sys.argv", [*arguments, "--plot", str(tmp_path / "c.png")])
    endpoint.main()
    assert "in their rooms" in json.dumps(json.loads((tmp_path / "c.json").read_text()))


def test_nothing_is_unseen_without_a_folder(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["endpoint", "--unseen"])
    with pytest.raises(SystemExit):
        endpoint.main()
    assert "--more" in capsys.readouterr().err


def test_a_folder_without_an_index_is_refused(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["endpoint", "--more", str(tmp_path)])
    with pytest.raises(SystemExit):
        endpoint.main()
    assert "turns.csv" in capsys.readouterr().err


def test_answers_are_about_first_turns_only(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["endpoint", "--answers", "a", "--after", "1"])
    with pytest.raises(SystemExit):
        endpoint.main()
    assert "leave out --after" in capsys.readouterr().err


def test_answers_about_others_are_refused(monkeypatch, capsys) -> None:
    monkeypatch.setattr(endpoint, "observe_all", lambda *_, **__: OWN)
    monkeypatch.setattr(endpoint, "load_answers", lambda path: {})
    monkeypatch.setattr("sys.argv", ["endpoint", "--answers", "a"])
    with pytest.raises(SystemExit):
        endpoint.main()
    assert "no answers about" in capsys.readouterr().err
