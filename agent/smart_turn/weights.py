"""The weights of model.py's probe: what `python -m benchmarks.endpoint_probe` wrote here."""

from pathlib import Path

import numpy as np

from agent.network import Network

FILE = Path(__file__).with_suffix(".npz")


def load(path: Path = FILE) -> Network:
    """Read what was fitted: a network over [..., ENCODED]."""
    with np.load(path) as kept:
        return Network.of(kept)


def save(probe: Network, path: Path) -> None:
    """Write it, for `load`."""
    np.savez(path, **probe.arrays())
