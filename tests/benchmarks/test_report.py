"""What the benchmarks' reports say."""

import json
import math
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import report


def test_percentiles_are_values_that_were_measured():
    summary = report.summarize([30.0, 10.0, 20.0])
    assert (summary.p50, summary.p95, summary.worst) == (20.0, 30.0, 30.0)


def test_the_rank_of_a_percentile_is_rounded_up():
    summary = report.summarize(range(1, 101))
    assert (summary.p50, summary.p95, summary.p99, summary.worst) == (50, 95, 99, 100)
    assert report.summarize(range(1, 21)).p95 == 19


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_percentiles_rise_and_cover_their_share(values):
    summary = report.summarize(values)
    assert summary.p50 <= summary.p95 <= summary.p99 <= summary.worst == max(values)
    for percent, value in ((50, summary.p50), (95, summary.p95), (99, summary.p99)):
        assert sum(v <= value for v in values) * 100 >= percent * len(values)
        assert value in values


def test_a_benchmark_that_measured_nothing_has_failed():
    with pytest.raises(ValueError, match="nothing was measured"):
        report.summarize([])


def test_a_table_aligns_numbers_to_the_right_and_text_to_the_left():
    text = report.table(["path", "ms"], [["ours", 1.234], ["stock", 124.4]])
    assert text.splitlines() == [
        "path     ms",
        "-----  ----",
        "ours   1.23",
        "stock   124",
    ]


def test_a_table_shows_what_is_missing_as_a_dash():
    assert report.table(["n", "ms"], [[1, None], [20, 12.5]]).splitlines()[2:] == [
        " 1     -",
        "20  12.5",
    ]


def test_a_table_refuses_a_row_of_another_length():
    with pytest.raises(ValueError):
        report.table(["a", "b"], [[1]])


def test_a_json_report_names_machine_commit_and_settings(tmp_path):
    path = tmp_path / "new" / "folder" / "media.json"
    report.write_json(path, {"calls": 8}, {"echo_ms": report.summarize([1.0, 2.0])})
    content = json.loads(path.read_text())
    assert content["settings"] == {"calls": 8}
    assert content["figures"]["echo_ms"] == {
        "count": 2,
        "p50": 1.0,
        "p95": 2.0,
        "p99": 2.0,
        "worst": 2.0,
    }
    assert content["machine"]["cores"] >= 1
    assert content["machine"]["packages"]["aiortc"]
    assert content["commit"]
    assert content["when"].endswith("+00:00")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_is_none_is_not_reported_and_leaves_no_file(tmp_path, value):
    path = tmp_path / "media.json"
    with pytest.raises(ValueError):
        report.write_json(path, {}, {"echo_ms": value})
    assert not path.exists()


def test_what_has_no_place_in_json_is_refused(tmp_path):
    with pytest.raises(TypeError, match="set has no place in a report"):
        report.write_json(tmp_path / "x.json", {}, {"calls": {1, 2}})


def test_outside_a_checkout_the_commit_is_unknown(monkeypatch):
    def no_git(*_, **__):
        raise subprocess.CalledProcessError(128, "git")

    monkeypatch.setattr(subprocess, "run", no_git)
    assert report.commit() == "unknown"


def test_plots_are_written_as_png(tmp_path):
    lines, bars = tmp_path / "out" / "lines.png", tmp_path / "out" / "bars.png"
    spans = tmp_path / "out" / "spans.png"
    report.plot_lines(
        lines,
        {"ours": [(1, 2.0), (2, 3.0)], "stock": [(1, 80.0)]},
        title="Echo",
        x_label="calls",
        y_label="ms",
        limit=10,
    )
    report.plot_bars(bars, {"ours": 3.0, "stock": 12.0}, title="CPU", y_label="%", limit=4)
    steps = {"token": (2.2, 1.8, 20.0), "first audio": (61.0, None, None)}
    report.plot_spans(spans, steps, title="Steps")
    for path in (lines, bars, spans):
        assert path.read_bytes().startswith(b"\x89PNG")
