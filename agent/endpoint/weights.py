"""The weights of odds.py: what `python -m benchmarks.endpoint_fit` wrote beside this file."""

from pathlib import Path
from typing import Any

import numpy as np

from agent.endpoint.odds import FEATURES, Weights
from agent.perceptron import Perceptron

FILE = Path(__file__).with_suffix(".npz")


def load(path: Path = FILE) -> Weights:
    """Read what was fitted."""
    with np.load(path) as kept:
        of = {name: float(kept[name]) for name in FEATURES}
        return Weights(float(kept["silence"]), of, Perceptron.of(kept), float(kept["without"]))


def save(weights: Weights, path: Path) -> None:
    """Write them, for `load`."""
    kept: dict[str, Any] = {"silence": weights.silence, "without": weights.without}
    np.savez(path, **kept | dict(weights.of) | weights.memory.arrays())


FITTED = load()
