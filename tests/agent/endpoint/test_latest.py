"""The latest values, in order of size: equal to sorting them each time."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.endpoint.latest import Latest

LEVELS = st.lists(st.sampled_from([-60.0, -50.5, -20.0]) | st.floats(-120, 0), min_size=1)


@given(LEVELS, st.integers(1, 12), st.floats(0, 100))
def test_a_percentile_is_that_of_the_last_ones(values, most, percent) -> None:
    """The slow twin sorts. Killed: the wrong one of two equal values leaves, or none does."""
    latest, twin = Latest(most), deque(maxlen=most)
    for value in values:
        latest.append(value)
        twin.append(value)
        assert len(latest) == len(twin)
        assert latest.percentile(percent) == sorted(twin)[int(percent / 100 * (len(twin) - 1))]


def test_of_none_there_is_no_percentile() -> None:
    with pytest.raises(IndexError):
        Latest(3).percentile(50)
