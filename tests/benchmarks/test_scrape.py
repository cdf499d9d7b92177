"""Two looks at /metrics, and what a server did between them."""

import re
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured_turns import text, turn

from agent.config import Targets
from agent.events import EndReason
from agent.metrics import Metrics
from benchmarks.scrape import ANSWER, Histogram, Target, Verdict, Window


def verdict_of(window, stage, quantile=0.95):
    [found] = [
        verdict
        for verdict in window.verdicts()
        if (verdict.target.stage, verdict.target.quantile) == (stage, quantile)
    ]
    return found


def test_what_was_before_the_first_look_does_not_count() -> None:
    metrics, window = Metrics(), Window()
    turn(metrics, 2.0)
    window.look(text(metrics))
    assert window.times(ANSWER).count == 0
    turn(metrics, 0.2)
    turn(metrics, 0.2)
    window.look(text(metrics))
    assert window.times(ANSWER).count == 2
    assert window.times(ANSWER).share_within(0.25) == 1


def test_the_whole_of_a_server_counts_where_it_is_asked_for() -> None:
    metrics, window = Metrics(), Window(whole=True)
    turn(metrics, 0.2)
    window.look(text(metrics))
    assert window.times(ANSWER).count == 1
    assert window.restarts == 0


def test_the_targets_are_the_servers_own_in_its_order() -> None:
    window = Window()
    window.look(text(Metrics(Targets(answer_p50_ms=222, voice_p95_ms=77))))
    assert [verdict.target for verdict in window.verdicts()] == [
        Target("answer", 0.5, 0.222),
        Target("answer", 0.95, 0.45),
        Target("brain", 0.95, 0.1),
        Target("voice", 0.95, 0.077),
        Target("playout", 0.95, 0.03),
    ]


@pytest.mark.parametrize(("slow", "kept"), [(1, True), (2, False)])
def test_a_target_is_kept_by_the_share_it_names(slow, kept) -> None:
    """19 of 20 are 95 in 100, exactly: 123 ms is none of the usual bounds."""
    metrics, window = Metrics(Targets(answer_p95_ms=400, brain_p95_ms=123)), Window(whole=True)
    for n in range(20):
        turn(metrics, 0.3, brain_s=0.122 if n >= slow else 0.124)
    window.look(text(metrics))
    assert verdict_of(window, "brain").kept is kept
    assert verdict_of(window, ANSWER).kept is True


def test_half_of_the_answers_are_not_95_in_100() -> None:
    metrics, window = Metrics(), Window(whole=True)
    for answer_s in (0.2, 0.5):
        turn(metrics, answer_s)
    window.look(text(metrics))
    assert verdict_of(window, ANSWER, 0.5).kept is True
    assert verdict_of(window, ANSWER, 0.95).kept is False


def test_without_a_turn_nothing_is_told() -> None:
    window = Window()
    window.look(text(Metrics()))
    assert [verdict.kept for verdict in window.verdicts()] == [None] * 5


def test_a_server_that_was_started_again_begins_at_nothing() -> None:
    """It would else take turns away, or count none until there are as many as before."""
    window, first, second = Window(), Metrics(), Metrics()
    window.look(text(first))
    for _ in range(5):
        turn(first, 0.2)
    first.call_ended(EndReason.CALLER)
    window.look(text(first))
    turn(second, 0.6)
    window.look(text(second))
    assert window.restarts == 1
    assert window.times(ANSWER).count == 6
    assert window.times(ANSWER).share_within(0.25) == 5 / 6
    assert window.counted("voxline_calls_ended") == {"caller": 1}


def born(metrics, at_s):
    """As a process that began then shows it."""
    return re.sub(r"(?m)^(process_start_time_seconds) .*", rf"\1 {at_s}", text(metrics))


def test_a_server_that_counts_more_than_the_one_before_is_another_all_the_same() -> None:
    window, first, second = Window(), Metrics(), Metrics()
    for _ in range(3):
        turn(first, 0.2)
    window.look(born(first, 1000.0))
    for _ in range(8):
        turn(second, 0.2)
    window.look(born(second, 2000.0))
    assert (window.restarts, window.times(ANSWER).count) == (1, 8)
    window.look(born(second, 2000.0))
    assert (window.restarts, window.times(ANSWER).count) == (1, 8)


def test_what_was_before_other_targets_is_not_judged_by_them() -> None:
    """Killed: 20 turns of 60 ms that have missed 90, which was no bucket's bound then."""
    window, first = Window(), Metrics(Targets(brain_p95_ms=100))
    window.look(text(first))
    for _ in range(20):
        turn(first, 0.2, brain_s=0.06)
    window.look(text(first))
    second = Metrics(Targets(brain_p95_ms=90))
    turn(second, 0.2, brain_s=0.06)
    window.look(text(second))
    assert window.restarts == 1 and window.changed
    verdict = verdict_of(window, "brain")
    assert (verdict.target.seconds, verdict.times.count, verdict.kept) == (0.09, 1, True)


def test_counters_are_told_by_their_label_where_they_grew() -> None:
    metrics, window = Metrics(), Window()
    metrics.call_refused("opus_missing")
    window.look(text(metrics))
    for code in ("server_full", "server_full"):
        metrics.call_refused(code)
    metrics.engine_deaths.inc()
    window.look(text(metrics))
    assert window.counted("voxline_calls_refused") == {"server_full": 2}
    assert window.counted("voxline_engine_deaths") == {"": 1}
    assert window.counted("voxline_playout_underruns") == {}


def test_a_gauge_is_as_it_is() -> None:
    metrics, window = Metrics(), Window()
    metrics.calls_active.set(3)
    window.look(text(metrics))
    assert window.gauge("voxline_calls_active") == 3
    assert window.gauge("voxline_nothing") is None


@pytest.mark.parametrize(
    "words",
    [
        *("", "<html>", "up 1\n", "# TYPE a counter\na_total 1\n"),
        "voxline_target_seconds 1\n",
        'voxline_target_seconds{stage="brain"} 1\n',
        'voxline_target_seconds{stage="brain",quantile="most"} 1\n',
    ],
)
def test_another_kind_of_server_is_told(words) -> None:
    with pytest.raises(ValueError):  # the parser's own, or ours
        Window().look(words)


# -- times -------------------------------------------------------------------------------------

TIMES = Histogram((0.1, 0.2, 0.4, inf), (10, 30, 40, 40))


def test_a_percentile_lies_on_the_line_between_two_bounds() -> None:
    assert TIMES.quantile(0.25) == pytest.approx(0.1)
    assert TIMES.quantile(0.5) == pytest.approx(0.15)
    assert TIMES.quantile(0.95) == pytest.approx(0.36)
    assert TIMES.quantile(1) == pytest.approx(0.4)


def test_beyond_the_last_bound_nothing_is_known() -> None:
    assert Histogram((0.1, inf), (1, 2)).quantile(0.95) == inf


def test_who_lies_in_the_targets_own_bucket_may_have_missed_it() -> None:
    assert TIMES.share_within(0.2) == 0.75
    assert TIMES.share_within(0.3) == 0.75
    assert TIMES.share_within(0.05) == 0


@given(
    st.lists(st.floats(0.001, 3.9), min_size=1, max_size=40),
    st.integers(50, 3900),
    st.sampled_from([0.5, 0.95]),
)
def test_the_verdict_is_that_of_the_times_themselves(seconds, target_ms, quantile) -> None:
    """Whatever the buckets: a target is one of their bounds."""
    key = {0.5: "answer_p50_ms", 0.95: "answer_p95_ms"}[quantile]
    metrics, window = Metrics(Targets(**{key: target_ms})), Window(whole=True)
    for each in seconds:
        metrics.turn_latency.observe(each)
    window.look(text(metrics))
    within = sum(each <= target_ms / 1000 for each in seconds)
    verdict = verdict_of(window, ANSWER, quantile)
    assert verdict.kept is (within / len(seconds) >= quantile)
    guessed = verdict.times.quantile(quantile) <= target_ms / 1000
    assert guessed is verdict.kept, "what is shown beside it agrees"


def test_a_verdict_needs_turns() -> None:
    assert Verdict(Target("brain", 0.95, 0.1), Histogram((), ())).kept is None
