"""The weights in the repository are those of what is encoded."""

import numpy as np

from agent.smart_turn.model import ENCODED
from agent.smart_turn.weights import load, save


def test_there_are_some_for_each_number() -> None:
    assert load().inner.shape[0] == ENCODED


def test_what_is_written_is_read_again(tmp_path) -> None:
    save(load(), tmp_path / "again.npz")
    kept, written = load().arrays(), load(tmp_path / "again.npz").arrays()
    assert all(np.array_equal(kept[name], written[name]) for name in kept)
