"""The caller's sound on its way to the worker."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from agent.audio.frame import HEAR_HZ
from agent.audio.pcm16 import to_pcm16
from agent.smart_turn.sound import Latest

SAMPLES = hnp.arrays(np.float32, st.integers(0, 400), elements=st.floats(-1, 1, width=32))


@given(st.lists(SAMPLES))
def test_packed_as_it_comes_it_is_what_it_would_be_at_once(pieces) -> None:
    latest = Latest()
    for piece in pieces:
        latest.feed(piece)
    assert latest.packed() == to_pcm16(np.concatenate([np.empty(0, np.float32), *pieces]))


@given(st.lists(st.integers(0, 5 * HEAR_HZ), max_size=6))
def test_only_the_last_8_s_are_kept(lengths) -> None:
    whole = np.linspace(-1, 1, sum(lengths), dtype=np.float32)
    latest = Latest()
    for piece in np.split(whole, np.cumsum(lengths)[:-1]) if lengths else []:
        latest.feed(piece)
    assert latest.packed() == to_pcm16(whole[-8 * HEAR_HZ :])


def test_what_was_handed_out_does_not_change() -> None:
    latest = Latest()
    latest.feed(np.ones(4, np.float32))
    before = latest.packed()
    latest.feed(np.zeros(4, np.float32))
    assert before == to_pcm16(np.ones(4, np.float32))
