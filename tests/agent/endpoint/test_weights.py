"""The weights in the repository are those of the features there are, and look as written."""

from pathlib import Path

from agent.endpoint import weights
from agent.endpoint.odds import Pause, features
from agent.endpoint.prosody import Cues
from benchmarks.endpoint_fit import source


def test_there_is_one_for_each_feature() -> None:
    assert set(weights.FITTED.of) == set(features(Pause(0, Cues(), 0, True, 1)))


def test_the_file_is_what_the_fit_writes() -> None:
    assert Path(weights.__file__).read_text() == source(weights.FITTED)


def test_no_cue_decides_alone() -> None:
    """Each is of the order of 1, and more of it is more of an end."""
    assert all(0 < weight < 2 for weight in weights.FITTED.of.values())
    assert 0 < weights.FITTED.silence < 1
