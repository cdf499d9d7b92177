"""What a hop sounds like is the same alone and among others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import recording

from agent.endpoint.levels import HOP
from agent.endpoint.sound import Sounds

HOPS = recording("goforward")[: 200 * HOP].reshape(-1, HOP)


def one_by_one(hops):
    """The slow twin."""
    sounds = Sounds()
    return [sound for hop in hops for sound in sounds.feed(hop[None])]


ALONE = one_by_one(HOPS)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 12), max_size=40))
def test_hops_of_a_packet_at_once_are_each_by_itself(sizes) -> None:
    """Killed: a window that begins where the packet does; a filter that forgets."""
    sounds, together = Sounds(), []
    for size in sizes:
        together += sounds.feed(HOPS[len(together) : len(together) + size])
    for one, alone in zip(together, ALONE, strict=False):
        assert one.level_db == pytest.approx(alone.level_db, abs=1e-3)
        assert one.tone.clarity == pytest.approx(alone.tone.clarity, abs=1e-5)
        assert one.tone.semitones == pytest.approx(alone.tone.semitones, abs=1e-4)


def test_no_hop_says_nothing() -> None:
    assert Sounds().feed(HOPS[:0]) == []


def test_silence_sounds_like_nothing() -> None:
    *_, last = Sounds().feed(np.zeros((5, HOP), np.float32))
    assert (last.level_db, last.tone.clarity) == (pytest.approx(-120.0), 0.0)
