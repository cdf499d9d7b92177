"""What benchmarks.setup makes of what it measured."""

import json

import pytest

from benchmarks import setup as subject
from benchmarks.setup import exported_passes, main, rows

HELD = {"speaking": [0.1, 0.2, 3.0], "hearing": [1.5], "garbage collection": [2.5]}
METRICS = """\
# TYPE voxline_loop_held_seconds histogram
voxline_loop_held_seconds_bucket{le="0.002"} 98.0
voxline_loop_held_seconds_bucket{le="+Inf"} 100.0
voxline_loop_lag_seconds_bucket{le="+Inf"} 7.0
"""


def test_the_longest_hold_comes_first_and_the_law_is_counted():
    found = {row[0]: row[1:] for row in rows(HELD)}
    assert [row[0] for row in rows(HELD)][1:] == ["speaking", "garbage collection", "hearing"]
    assert found["speaking"] == (3, 0.2, 3.0, 3.0, 1, 1)
    assert found["hearing"][-2:] == (1, 0)


def test_a_collection_is_part_of_the_pass_that_it_befell():
    assert rows(HELD)[0] == ("the loop", 4, 0.2, 3.0, 3.0, 2, 1)


def test_the_control_is_no_part_of_the_loop():
    found = {row[0]: row[1:] for row in rows({"speaking": [0.1], "control": [9.0]})}
    assert found["the loop"] == (1, 0.1, 0.1, 0.1, 0, 0)
    assert found["control"] == (1, 9.0, 9.0, 9.0, 1, 1)


def test_the_exported_figure_is_read():
    assert exported_passes(METRICS) == {0.002: 98.0, float("inf"): 100.0}


@pytest.mark.slow
def test_calls_are_placed_and_what_they_cost_is_told(tmp_path, capsys):
    main(["--calls", "2", "--out", str(tmp_path)])
    said = capsys.readouterr().out
    assert "answering the offer" in said
    figures = json.loads((tmp_path / "setup.json").read_text())["figures"]
    phases = {row["phase"]: row for row in figures["rows"]}
    assert {"hearing", "speaking", "connecting: ICE, DTLS", "control"} <= phases.keys()
    assert phases["answering the offer"]["passes"] >= 10
    assert figures["connect_ms"]["count"] == 2


def test_no_call_is_nothing_measured():
    with pytest.raises(ValueError, match="nothing"):
        rows({})
    assert subject.LAW_MS == 2.0
