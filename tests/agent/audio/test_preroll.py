"""The latest moments of a stream, and no more."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.audio.preroll import Preroll


@given(st.lists(st.integers(0, 700), max_size=30), st.integers(-5, 3200))
def test_it_gives_the_end_of_the_stream(sizes, wanted) -> None:
    stream = np.arange(sum(sizes), dtype=np.float32)
    preroll, at = Preroll(1600), 0
    for size in sizes:
        preroll.feed(stream[at : at + size])
        at += size
    length = min(max(wanted, 0), 1600, len(stream))
    assert np.array_equal(preroll.latest(wanted), stream[len(stream) - length :])


def test_it_forgets_what_is_older() -> None:
    preroll = Preroll(1600)
    for _ in range(1000):
        preroll.feed(np.zeros(320, np.float32))
    assert len(preroll._pieces) <= 6


def test_no_preroll_is_no_samples() -> None:
    preroll = Preroll(0)
    preroll.feed(np.ones(320, np.float32))
    assert len(preroll.latest(300)) == 0


def test_it_may_be_told_to_keep_more_or_less() -> None:
    preroll = Preroll(640)
    preroll.feed(np.arange(640, dtype=np.float32))
    preroll.keep = 1280
    preroll.feed(np.arange(640, 1280, dtype=np.float32))
    assert np.array_equal(preroll.latest(1280), np.arange(1280))
    preroll.keep = 320
    assert np.array_equal(preroll.latest(1280), np.arange(960, 1280))
