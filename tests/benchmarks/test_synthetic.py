"""What is said where there are no recordings."""

import numpy as np
import pytest
import soxr
from listener_laws import answer, hear

from agent.audio.frame import HEAR_HZ, SPEAK_HZ
from agent.brains.operator.brain import Operator
from agent.engines import Heard
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


def test_every_second_is_a_request_that_the_operator_understands(spoken):
    operator = Operator()
    understood = []
    for turn in spoken:
        listener = operator.listen()
        hear(listener, soxr.resample(turn.samples, SPEAK_HZ, HEAR_HZ).astype(np.float32))
        if any(isinstance(piece, Heard) for piece in answer(listener)):
            understood.append(turn.name)
        listener.close()
    assert understood == [turn.name for turn in spoken[::2]]


def test_some_can_be_chosen():
    assert [each.name for each in synthetic.turns("t*, date")] == ["time", "train", "date"]
    with pytest.raises(ConfigError, match=r"--only lj-\*: matches none of time, train, joke"):
        synthetic.turns("lj-*")
