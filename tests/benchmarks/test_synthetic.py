"""What is said where there are no recordings."""

import numpy as np
import pytest

from agent.audio.frame import SPEAK_HZ
from agent.errors import ConfigError
from benchmarks import synthetic


@pytest.fixture(scope="module")
def spoken():
    return synthetic.turns("")


def test_they_are_turns_as_recordings_are(spoken):
    """Long and short, each heard well and to its end."""
    assert len({each.name for each in spoken}) == len(spoken) == 9
    lasts_s = [(each.last + 1) / SPEAK_HZ for each in spoken]
    assert min(lasts_s) < 1 and max(lasts_s) > 3
    for each in spoken:
        assert each.samples.dtype == np.float32
        assert 0.2 < np.abs(each.samples).max() <= 1
        assert 0 < len(each.samples) - each.last < 0.5 * SPEAK_HZ


def test_they_are_the_same_each_time(spoken):
    for first, second in zip(spoken, synthetic.turns(""), strict=True):
        assert first.name == second.name and first.last == second.last
        assert np.array_equal(first.samples, second.samples)


def test_some_can_be_chosen():
    assert [each.name for each in synthetic.turns("t*, date")] == ["time", "train", "date"]
    with pytest.raises(ConfigError, match=r"--only lj-\*: matches none of time, train, joke"):
        synthetic.turns("lj-*")
