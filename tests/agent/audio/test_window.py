"""Windows of exactly 512 samples, however the stream was cut."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.audio.window import WINDOW, WINDOW_MS, Windows


def test_a_window_is_what_silero_wants() -> None:
    assert (WINDOW, WINDOW_MS) == (512, 32)


@given(st.lists(st.integers(0, 1500), max_size=20))
def test_nothing_is_lost_or_repeated(sizes) -> None:
    stream = np.arange(sum(sizes), dtype=np.float32)
    windows, out, at = Windows(), [], 0
    for size in sizes:
        out += list(windows.feed(stream[at : at + size]))
        at += size
    assert all(window.shape == (512,) for window in out)
    joined = np.concatenate([*out, np.empty(0, np.float32)])
    assert np.array_equal(joined, stream[: len(stream) // 512 * 512])
