"""The weights in the repository are those of what is encoded, and look as written."""

from pathlib import Path

import numpy as np

from agent.smart_turn import weights
from agent.smart_turn.model import ENCODED
from benchmarks.endpoint_probe import published_probe, source


def test_there_is_one_for_each_number() -> None:
    assert weights.WEIGHTS.shape == (ENCODED,)
    assert weights.WEIGHTS.dtype == np.float32


def test_the_file_is_what_the_fit_writes() -> None:
    assert Path(weights.__file__).read_text() == source(published_probe())
