"""The caller's sound on its way to the worker."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from agent.audio.frame import HEAR_HZ
from agent.smart_turn.sound import Latest, packed, unpacked

SAMPLES = hnp.arrays(np.float32, st.integers(0, 400), elements=st.floats(-1, 1, width=32))


@given(SAMPLES)
def test_samples_come_through_to_16_bits(samples) -> None:
    assert np.abs(unpacked(packed(samples)) - samples).max(initial=0) <= 1 / 32767


def test_what_is_too_loud_is_clipped_and_does_not_wrap() -> None:
    assert unpacked(packed(np.array([2.0, -2.0], np.float32))).tolist() == [1.0, -1.0]


@given(st.lists(SAMPLES))
def test_packed_as_it_comes_it_is_what_it_would_be_at_once(pieces) -> None:
    latest = Latest()
    for piece in pieces:
        latest.feed(piece)
    assert latest.packed() == packed(np.concatenate([np.empty(0, np.float32), *pieces]))


@given(st.lists(st.integers(0, 5 * HEAR_HZ), max_size=6))
def test_only_the_last_8_s_are_kept(lengths) -> None:
    whole = np.linspace(-1, 1, sum(lengths), dtype=np.float32)
    latest = Latest()
    for piece in np.split(whole, np.cumsum(lengths)[:-1]) if lengths else []:
        latest.feed(piece)
    assert latest.packed() == packed(whole[-8 * HEAR_HZ :])


def test_what_was_handed_out_does_not_change() -> None:
    latest = Latest()
    latest.feed(np.ones(4, np.float32))
    before = latest.packed()
    latest.feed(np.zeros(4, np.float32))
    assert before == packed(np.ones(4, np.float32))
