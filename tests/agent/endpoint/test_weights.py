"""The weights in the repository are those of the features there are, and plausible."""

import numpy as np

from agent.endpoint.odds import FEATURES
from agent.endpoint.weights import FITTED, load, save
from agent.engines import MEMORY


def test_there_is_one_for_each_feature_and_each_number_that_is_remembered() -> None:
    assert tuple(FITTED.of) == FEATURES
    assert FITTED.memory.inner.shape[0] == MEMORY


def test_what_is_written_is_read_again(tmp_path) -> None:
    save(FITTED, tmp_path / "again.npz")
    again = load(tmp_path / "again.npz")
    assert (again.of, again.silence, again.without) == (
        FITTED.of,
        FITTED.silence,
        FITTED.without,
    )
    kept, written = FITTED.memory.arrays(), again.memory.arrays()
    assert all(np.array_equal(kept[name], written[name]) for name in kept)


def test_no_cue_decides_alone() -> None:
    """Each is of the order of 1, and more of it is more of an end."""
    assert all(0 < weight < 2 for weight in FITTED.of.values())
    assert 0 < FITTED.silence < 1
