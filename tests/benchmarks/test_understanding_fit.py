"""The fit finds what tells requests from the rest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.understanding_fit import fit, source


def cloud(seed=0, count=200, apart=3.0):
    """Two kinds that differ in the first measure only."""
    drawn = np.random.default_rng(seed)
    measures = drawn.standard_normal((2 * count, 3)) * (1.0, 100.0, 0.01)
    request = np.arange(2 * count) < count
    measures[request, 0] += apart
    return measures, request


def test_requests_score_higher() -> None:
    measures, request = cloud()
    scores = fit(measures, request).scores(measures)
    assert (scores[request] > 0).mean() > 0.9
    assert (scores[~request] < 0).mean() > 0.9


def test_what_tells_nothing_weighs_nothing() -> None:
    measures, request = cloud()
    fitted = fit(measures, request)
    effect = np.array(fitted.weights) * measures.std(axis=0)
    assert abs(effect[0]) > 5 * abs(effect[1:]).max()


@settings(max_examples=20)
@given(st.floats(-1e6, 1e6))
def test_an_outlier_counts_no_more_than_its_bound(value) -> None:
    measures, request = cloud()
    fitted = fit(measures, request)
    (low, high), *_ = fitted.bounds
    row = np.array([[value, 0.0, 0.0]])
    bound = np.array([[np.clip(value, low, high), 0.0, 0.0]])
    assert fitted.scores(row) == pytest.approx(fitted.scores(bound))


def test_few_of_one_kind_weigh_as_much_as_many_of_the_other() -> None:
    measures, request = cloud(count=300)
    few = np.r_[np.flatnonzero(request), np.flatnonzero(~request)[:20]]
    fitted = fit(measures[few], request[few])
    assert (fitted.scores(measures[~request]) < 0).mean() > 0.85


def test_the_module_says_what_was_fitted() -> None:
    fitted = fit(*cloud())
    module: dict = {}
    exec(source(fitted, threshold=1.5, doubt=300.0), module)  # the text is ours
    assert module["THRESHOLD"] == 1.5
    assert module["BIAS"] == pytest.approx(fitted.bias, rel=1e-3)
    assert [row[2] for row in module["WEIGHTS"]] == pytest.approx(fitted.weights, rel=1e-3)
