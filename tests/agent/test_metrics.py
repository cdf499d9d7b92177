"""The stages of a turn, and what a scrape shows."""

import sys
from dataclasses import asdict

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.config import Targets
from agent.events import EndReason
from agent.media.receiver import Stats
from agent.metrics import Marks, Metrics


def marks(**later):
    return Marks(silent=10.0, noticed=10.064, prepared=10.064, **later)


def scrape(metrics):
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (s.name, *sorted(s.labels.values())): s.value
        for family in families
        for s in family.samples
    }


def test_stages_are_told_from_the_last_speech_sample() -> None:
    turn = marks(text=10.1, audio=10.15, released=10.42, left=10.43)
    assert turn.stages() == (
        ("vad", 0.0, 64.0),
        ("wait", 64.0, 420.0),
        ("brain", 64.0, 100.0),
        ("voice", 100.0, 150.0),
        ("playout", 420.0, 430.0),
    )
    assert turn.latency_ms() == 430.0


def test_a_slow_voice_is_what_playout_waited_for() -> None:
    turn = marks(text=10.1, audio=10.8, released=10.42, left=10.81)
    assert turn.stages()[-1] == ("playout", 800.0, 810.0)


def test_what_did_not_happen_has_no_stage() -> None:
    assert [name for name, _, _ in marks().stages()] == ["vad"]


def test_a_measured_turn_shows_in_the_scrape() -> None:
    metrics = Metrics()
    metrics.turn_measured(marks(text=10.1, audio=10.15, released=10.42, left=10.43))
    metrics.call_ended(EndReason.CALLER)
    shown = scrape(metrics)
    assert shown["voxline_turn_latency_seconds_count",] == 1
    assert round(shown["voxline_turn_latency_seconds_sum",], 3) == 0.43
    assert shown["voxline_stage_seconds_count", "brain"] == 1
    assert shown["voxline_calls_ended_total", "caller"] == 1


def test_the_targets_stand_beside_what_is_measured_against_them() -> None:
    shown = scrape(Metrics(Targets(answer_p50_ms=222, brain_p95_ms=77)))
    assert {key[1:]: value for key, value in shown.items() if "target" in key[0]} == {
        ("0.5", "answer"): 0.222,
        ("0.95", "answer"): 0.45,
        ("0.95", "brain"): 0.077,
        ("0.95", "voice"): 0.15,
        ("0.95", "playout"): 0.03,
    }


def test_every_target_is_of_a_stage_that_is_measured() -> None:
    stages = {
        name for name, _, _ in marks(text=10.1, audio=10.2, released=10.4, left=10.5).stages()
    }
    for key in asdict(Targets()):
        assert key.split("_")[0] in {"answer", *stages}, key


def test_how_many_turns_kept_a_target_is_counted_exactly() -> None:
    """Between two buckets it could only be guessed."""
    metrics = Metrics(Targets(answer_p95_ms=431, brain_p95_ms=37))
    metrics.turn_measured(marks(text=10.1, audio=10.15, released=10.42, left=10.43))
    shown = scrape(metrics)
    assert shown["voxline_turn_latency_seconds_bucket", "0.431"] == 1
    assert shown["voxline_turn_latency_seconds_bucket", "0.4"] == 0
    assert shown["voxline_stage_seconds_bucket", "0.037", "brain"] == 1
    assert shown["voxline_stage_seconds_bucket", "0.02", "brain"] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_the_process_shows_what_it_takes() -> None:
    shown = scrape(Metrics())
    assert shown["process_cpu_seconds_total",] > 0
    assert shown["process_resident_memory_bytes",] > 1e6
    assert shown["process_open_fds",] > 0


def test_refused_calls_are_counted_by_code() -> None:
    metrics = Metrics()
    for code in ("server_full", "server_full", "opus_missing"):
        metrics.call_refused(code)
    shown = scrape(metrics)
    assert shown["voxline_calls_refused_total", "server_full"] == 2
    assert shown["voxline_calls_refused_total", "opus_missing"] == 1


def test_packets_and_underruns_of_a_call_are_added() -> None:
    metrics = Metrics()
    stats = asdict(Stats(packets=100, lost=3, recovered=2, concealed_ms=20))
    for _ in range(2):
        metrics.line_closed(stats, underruns=1)
    shown = scrape(metrics)
    assert shown["voxline_packets_received_total",] == 200
    assert shown["voxline_packets_amiss_total", "lost"] == 6
    assert shown["voxline_packets_amiss_total", "recovered"] == 4
    assert shown["voxline_concealed_seconds_total",] == 0.04
    assert shown["voxline_playout_underruns_total",] == 2


def test_a_late_timer_shows_and_whose_fault_it_was() -> None:
    metrics = Metrics()
    metrics.timer_ran(0.03)
    metrics.loop_passed(0.001)
    shown = scrape(metrics)
    assert shown["voxline_loop_lag_seconds_bucket", "0.02"] == 0
    assert shown["voxline_loop_held_seconds_bucket", "0.002"] == 1


def test_two_servers_do_not_share_counts() -> None:
    one, other = Metrics(), Metrics()
    one.call_ended(EndReason.LOST)
    assert 'reason="lost"' not in other.text().decode()


def test_the_ways_that_engines_run_are_those_of_the_latest_start() -> None:
    metrics = Metrics()
    metrics.engines_run([("decode step", "CUDA graphs"), ("prefill", "eager")])
    metrics.engines_run([("decode step", "eager")])
    ways = [line for line in metrics.text().decode().splitlines() if "engine_way{" in line]
    assert ways == ['voxline_engine_way{step="decode step",way="eager"} 1.0']


def test_answers_of_smart_turn_are_counted_by_what_became_of_them() -> None:
    metrics = Metrics()
    for fate in ("asked", "asked", "late"):
        metrics.opinion(fate)
    found = scrape(metrics)
    assert found["voxline_smart_turn_answers_total", "asked"] == 2
    assert found["voxline_smart_turn_answers_total", "late"] == 1
