"""What is shown of a server that is watched."""

import json
from dataclasses import replace

from measured_turns import text, turn

from agent.metrics import Metrics
from benchmarks.monitor_report import Report
from benchmarks.scrape import Window


def report(*answers_s, seconds=75.0, unanswered=0, change=lambda metrics: None):
    """Of a server that answered so, after its first look."""
    metrics, window = Metrics(), Window()
    window.look(text(metrics))
    for answer_s in answers_s:
        turn(metrics, answer_s)
    change(metrics)
    window.look(text(metrics))
    return Report("http://here", "scripted+tone", seconds, window, unanswered)


def cells(told, stage):
    return [line.split() for line in told.splitlines() if line.startswith(f"{stage} ")]


def test_each_target_has_a_line_with_its_verdict() -> None:
    told = report(0.2, 0.2, 0.5).text()
    assert told.startswith("http://here  scripted+tone  for 1:15 min, calls now: 0")
    half, most = cells(told, "answer")
    assert half[1:8] == ["p50", "<=", "300", "ms", "3", "66", "%"]
    assert half[-1] == "kept"
    assert most[1:8] == ["p95", "<=", "450", "ms", "3", "66", "%"]
    assert most[-1] == "MISSED"
    assert [line[-1] for line in cells(told, "brain")] == ["kept"]


def test_how_many_were_cut_into_stands_beside_the_times() -> None:
    assert report(0.2).text().endswith("cut into, and taken back: 0 (not among the turns)")
    told = report(0.2, change=lambda m: m.replies.labels("withdrawn").inc(2)).text()
    assert "cut into, and taken back: 2 (not among the turns)\n" in told


def test_what_is_not_quite_enough_does_not_look_so() -> None:
    """18 of 19 are 94.7 %."""
    _, most = cells(report(*[0.2] * 18, 0.5).text(), "answer")
    assert most[5:8] == ["19", "94", "%"] and most[-1] == "MISSED"
    _, most = cells(report(*[0.2] * 19, 0.5).text(), "answer")
    assert most[5:8] == ["20", "95", "%"] and most[-1] == "kept"


def test_a_time_beyond_the_last_bucket_is_no_number() -> None:
    told = report(9.0).text()
    assert cells(told, "answer")[0][-3:] == [">4000", ">4000", "MISSED"]


def test_a_server_without_turns_has_kept_nothing() -> None:
    quiet = report()
    assert not quiet.kept
    assert all(line[-2:] == ["no", "turns"] for line in cells(quiet.text(), "answer"))
    assert quiet.line() == ""


def test_all_targets_kept() -> None:
    assert report(0.2, 0.25).kept
    assert not report(0.2, 0.5).kept
    assert report(0.2, 0.5).line() == "turns: 2, missed: answer p95 <= 450 ms"


def test_what_went_wrong_meanwhile_is_told() -> None:
    def change(metrics):
        metrics.engine_deaths.inc()
        metrics.call_refused("server_full")
        for held_s in (0.001, 0.001, 0.03):
            metrics.loop_passed(held_s)

    told = report(0.2, unanswered=3, change=change).text()
    assert "engines lost: 1\n" in told
    assert "calls refused: 1 server_full\n" in told
    assert "media loop held for over 2 ms: 1 of 3 passes\n" in told
    assert told.endswith("looks without an answer: 3")
    assert "packets amiss" not in told


def test_what_goes_wrong_is_news_before_there_is_a_turn() -> None:
    refused = report(change=lambda metrics: metrics.call_refused("server_full"))
    assert refused.line() == "calls refused: 1 server_full"
    lost = replace(report(0.2, unanswered=1), away=True)
    assert lost.line() == "turns: 1, no target missed; looks without an answer: 1"
    assert "calls now: ?" in lost.text()


def test_the_file_holds_every_bucket(tmp_path) -> None:
    path = tmp_path / "report.json"
    report(0.2, 9.0).write_json(path, {"url": "http://here"})
    figures = json.loads(path.read_text())["figures"]
    assert figures["kept"] is False
    half = figures["targets"][0]
    assert (half["stage"], half["quantile"], half["target_ms"]) == ("answer", 0.5, 300)
    assert (half["turns"], half["share_within"], half["kept"]) == (2, 0.5, True)
    assert half["turns_within_ms"]["200"] == 1
    assert half["turns_within_ms"]["inf"] == 2


def test_it_can_be_printed_for_a_script(capsys) -> None:
    report(0.2).write_json(None, {"url": "http://here"})
    assert json.loads(capsys.readouterr().out)["figures"]["kept"] is True


def test_it_can_be_drawn(tmp_path) -> None:
    path = tmp_path / "stages.png"
    report(0.2, 9.0).plot(path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_since_its_start() -> None:
    assert "since its start" in report(0.2, seconds=None).text()
