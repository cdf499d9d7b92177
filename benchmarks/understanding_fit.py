"""Find the weights of agent/brains/operator/certainty.py: logistic regression, by Newton.

Knows measures and labels; knows no sound.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]

_RIDGE = 0.1
_ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Fitted:
    """As certainty.py wants it: weights of clipped measures, in their own units."""

    bias: float
    bounds: tuple[tuple[float, float], ...]
    weights: tuple[float, ...]

    def scores(self, measures: Table) -> NDArray[np.float64]:
        """Log odds of [n, measures]."""
        low, high = np.array(self.bounds).T
        scores: NDArray[np.float64] = np.clip(measures, low, high) @ np.array(self.weights)
        return scores + self.bias


def fit(measures: Table, request: NDArray[np.bool_]) -> Fitted:
    """Tell rows of requests from the others, both kinds weighing the same.

    Measures are clipped to their 1st and 99th percentile: an outlier must not decide.
    """
    low, high = np.percentile(measures, [1, 99], axis=0)
    clipped = np.clip(measures, low, high)
    centre, scale = clipped.mean(axis=0), clipped.std(axis=0) + 1e-9
    x = np.column_stack(((clipped - centre) / scale, np.ones(len(measures))))
    y = request.astype(float)
    share = np.where(request, 1 / request.sum(), 1 / (~request).sum()) * 1000
    ridge = np.diag([_RIDGE] * measures.shape[1] + [1e-9])
    weights = np.zeros(x.shape[1])
    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-x @ weights))
        slope = x.T @ (share * (p - y)) + ridge @ weights
        curve = (x * (share * p * (1 - p))[:, None]).T @ x + ridge
        weights -= np.linalg.solve(curve, slope)
    own = weights[:-1] / scale
    return Fitted(
        bias=float(weights[-1] - own @ centre),
        bounds=tuple(zip(low.tolist(), high.tolist(), strict=True)),
        weights=tuple(own.tolist()),
    )


def source(fitted: Fitted, threshold: float, doubt: float) -> str:
    """The text of agent/brains/operator/weights.py."""
    rows = "".join(
        f"    ({low:.4g}, {high:.4g}, {weight:.4g}),\n"
        for (low, high), weight in zip(fitted.bounds, fitted.weights, strict=True)
    )
    return (
        '"""Fitted numbers of certainty.py: `python -m benchmarks.understanding --fit`."""\n\n'
        "from typing import Final\n\n"
        f"BIAS: Final = {fitted.bias:.4g}\n"
        f"THRESHOLD: Final = {threshold:.4g}\n"
        f"DOUBT: Final = {doubt:.4g}\n"
        "# low and high bound of a measure, and its weight, in the order of "
        "`certainty.Measures`\n"
        f"WEIGHTS: Final = (\n{rows})\n"
    )
