"""The weights of model.py's probe, as `python -m benchmarks.endpoint_probe` wrote them."""

from pathlib import Path

import numpy as np

from agent.perceptron import Perceptron

FILE = Path(__file__).with_suffix(".npz")


def load(path: Path = FILE) -> Perceptron:
    """Read what was fitted: a network over [..., ENCODED]."""
    with np.load(path) as kept:
        return Perceptron.of(kept)


def save(probe: Perceptron, path: Path) -> None:
    """Write it, for `load`."""
    np.savez(path, **probe.arrays())
