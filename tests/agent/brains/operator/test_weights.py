"""The fitted numbers are whole."""

from math import isfinite

from agent.brains.operator.weights import BIAS, THRESHOLD, WEIGHTS


def test_bounds_are_in_order() -> None:
    assert all(low < high for low, high, _ in WEIGHTS)


def test_all_are_numbers() -> None:
    assert all(isfinite(value) for row in (*WEIGHTS, (BIAS, THRESHOLD)) for value in row)


def test_a_request_must_be_likelier_than_not() -> None:
    assert THRESHOLD >= 0
