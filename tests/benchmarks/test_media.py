"""What benchmarks.media makes of its measurements."""

import json

import pytest

from benchmarks import media, report


def a_run(path="voip", calls=8, cpu=28.0, p50=1.5, missed=0) -> media.Run:
    echo = report.summarize([p50] * 9 + [p50 * 3])
    return media.Run(path, calls, cpu, 15.0, echo, missed, 0, 0)


def test_cpu_is_shared_by_the_calls():
    assert a_run(calls=8, cpu=28.0).cpu_per_call_percent == 3.5


@pytest.mark.parametrize(
    ("run", "holds"),
    [
        (a_run(p50=9.9), True),
        (a_run(p50=10.0), False),
        (a_run(p50=1.0, missed=1), False),
    ],
)
def test_so_many_calls_hold_when_echoes_are_quick_and_none_is_missed(run, holds):
    assert run.holds is holds


def test_the_verdict_names_the_most_calls_that_hold_and_judges_only_our_paths():
    runs = [a_run(calls=10), a_run(calls=30), a_run(calls=35, p50=40.0), a_run("stock aiortc")]
    (line,) = media.verdicts(runs)
    assert line.startswith("voip: 2.8 % of a core per two-way call at 10 calls (target 4)")
    assert "up to 30 calls tried (target 30)" in line


def test_the_table_has_a_line_for_each_run():
    lines = media.table([a_run(), a_run("stock aiortc", p50=83.0)]).splitlines()
    assert len(lines) == 4
    assert lines[2].split()[:4] == ["voip", "8", "28.0", "3.50"]
    assert "83.0" in lines[3]


def test_a_sweep_stops_at_the_first_number_that_does_not_hold(monkeypatch):
    async def fake(path, mode, calls, seconds, core):
        return a_run(path, calls, p50=calls / 4)

    monkeypatch.setattr(media, "measure", fake)
    runs = media.asyncio.run(media.sweep("voip", "voip", 1.0, 0))
    assert [run.calls for run in runs] == [10, 20, 30, 35, 40]
    assert [run.holds for run in runs] == [True, True, True, True, False]


@pytest.mark.parametrize("arguments", [["--calls", "0"], ["--seconds", "0.5"]])
def test_what_cannot_be_measured_is_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        media._parse(arguments)
    assert "at least one call" in capsys.readouterr().err


@pytest.mark.slow
def test_a_whole_benchmark_leaves_a_table_json_and_a_plot(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report, "OUT", tmp_path)
    affinity = media.os.sched_getaffinity(0)
    try:
        media.main(["--calls", "1", "--seconds", "2"])
    finally:
        media.os.sched_setaffinity(0, affinity)
    assert "voip" in capsys.readouterr().out
    content = json.loads((tmp_path / "media.json").read_text())
    (run,) = content["figures"]["runs"]
    assert run["calls"] == 1
    assert run["echo_ms"]["count"] >= 1
    assert content["settings"]["seconds"] == 2
    assert (tmp_path / "media.png").read_bytes().startswith(b"\x89PNG")
