"""The frontier: judged without what was fitted on, and counted as a caller would count."""

import json

import numpy as np
import pytest

from agent.endpoint.odds import Pause
from agent.endpoint.prosody import Cues
from benchmarks import endpoint
from benchmarks.endpoint import ENOUGH, FIXED_MS, frontier, plot, point, text
from benchmarks.endpoint_corpus import Observed


def turn(name, condition="clean"):
    """A pause of 300 ms with the voice up, and an end with it down."""
    rows = [
        (begin + silent, Pause(silent, Cues(fall_st=fall), 0.5, True, 180.0, 0.0))
        for begin, length, fall in ((400, 300, 4.0), (1000, 900, -8.0))
        for silent in range(80, length + 1, 20)
    ]
    return Observed(name, "a", condition, True, 1000.0, tuple(rows))


OBSERVED = [turn("a"), turn("b"), turn("c"), turn("a", "hall")]


@pytest.fixture(scope="module")
def points():
    return frontier(OBSERVED, rounds=150)


def test_a_cut_in_is_in_no_percentile() -> None:
    summed = point("fixed", 200, ("a", "b", "c"), np.array([-500.0, 200.0, 300.0]))
    assert (summed.p50_ms, summed.cut_into) == (250.0, ("a",))
    assert summed.share == pytest.approx(1 / 3)


def test_a_fixed_wait_costs_itself_and_cuts_into_longer_pauses(points) -> None:
    fixed = {each.setting: each for each in points["clean"] if each.way == "fixed"}
    assert set(fixed) == set(FIXED_MS)
    assert fixed[200].cut_into == ("a", "b", "c")
    assert fixed[400].cut_into == ()
    assert fixed[400].p50_ms == 406


def test_who_is_surer_waits_no_less_and_cuts_in_no_more(points) -> None:
    judged = [each for each in points["clean"] if each.way == "judged"]
    assert [each.setting for each in judged] == list(ENOUGH)
    assert [each.share for each in judged] == sorted((e.share for e in judged), reverse=True)
    assert any(each.share == 0 and each.p50_ms < 300 for each in judged)  # better than fixed


def test_every_condition_counts_in_the_second_curve(points) -> None:
    assert {each.turns for each in points["clean"]} == {3}
    assert {each.turns for each in points["all conditions"]} == {4}


def test_what_is_judged_was_not_fitted_on(monkeypatch) -> None:
    asked = []

    def noted(observed, name):
        asked.append(name)
        left = [each for each in observed if each.name != name]
        assert len(left) < len(observed)
        return left

    monkeypatch.setattr(endpoint, "without", noted)
    frontier(OBSERVED, rounds=2)
    assert asked == ["a", "b", "c"]


def test_it_is_told_drawn_and_written(points, tmp_path, monkeypatch) -> None:
    assert "judged" in text(points) and "cut into" in text(points)
    plot(points, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr(endpoint, "observe_all", lambda *_: OBSERVED)
    monkeypatch.setattr(endpoint, "frontier", lambda _: points)
    arguments = [
        "endpoint",
        "--json",
        str(tmp_path / "c.json"),
        "--plot",
        str(tmp_path / "c.png"),
    ]
    monkeypatch.setattr("sys.argv", arguments)
    endpoint.main()
    assert "clean" in json.dumps(json.loads((tmp_path / "c.json").read_text()))
