"""Silence goes, sounds stay, seams are smooth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.audio.frame import SPEAK_HZ
from agent.voices.kokoro.edges import FRAME, cut, smooth
from agent.voices.kokoro.script import takes

MS = SPEAK_HZ // 1000
VOCAB = {letter: i for i, letter in enumerate("abcdefghijklmnopqrstuvwxyz .,", 1)}
(LONG,) = takes(["abcdefghij", "klmnopqrst."], VOCAB)
(SHORT,) = takes(["ab."], VOCAB)


def noise(count):
    return np.random.default_rng(1).normal(0, 0.1, count).astype(np.float32)


def speech(take, frames, silent=()):
    """Noise where a token sounds, silence for `silent` ones."""
    parts = [
        noise(FRAME * n) if i not in silent else np.zeros(FRAME * n, np.float32)
        for i, n in enumerate(frames)
    ]
    return np.concatenate(parts), np.array(frames)


def test_silence_at_both_ends_goes():
    frames = [20, *[2] * LONG.phonemes, 30]
    mark = LONG.phonemes
    samples, counts = speech(LONG, frames, {0, mark, mark + 1})
    part = cut(samples, LONG, counts)
    assert 0 <= 20 * FRAME - part.start <= 10 * MS
    assert 0 <= part.stop - (20 + 2 * 21) * FRAME <= 30 * MS
    assert part.words[0] <= 10 * MS
    assert part.words[1] == (20 + 2 * 11) * FRAME - part.start


def test_a_soft_sound_is_no_silence():
    frames = [4, *[2] * LONG.phonemes, 4]
    samples, counts = speech(LONG, frames, {0, LONG.phonemes + 1})
    samples[4 * FRAME : 6 * FRAME] *= 10 ** (-30 / 20)
    assert cut(samples, LONG, counts).start < 4 * FRAME


def test_what_the_model_meant_is_never_cut_whatever_its_level():
    """The first and the last sound each keep something, even where all of it is silent."""
    frames = [4, *[2] * LONG.phonemes, 4]
    samples, counts = speech(LONG, frames, {0, 1, 2, 20, 21, 22, 23})
    part = cut(samples, LONG, counts)
    assert part.start < 6 * FRAME
    assert part.stop > (4 + 2 * 20) * FRAME


def test_of_a_repeated_phrase_the_first_saying_is_heard():
    """a b . _ a b . _ a b . : cut in the pause behind the first."""
    frames = [4, *[3] * SHORT.phonemes, 4]
    samples, counts = speech(SHORT, frames, {0, len(frames) - 1})
    pause = slice((4 + 3 * 3) * FRAME + 100, (4 + 3 * 3) * FRAME + 500)
    samples[pause] = 0
    part = cut(samples, SHORT, counts)
    assert pause.start <= part.stop <= pause.stop
    assert part.start < 4 * FRAME


@given(
    st.lists(st.integers(1, 4), min_size=LONG.phonemes + 2, max_size=LONG.phonemes + 2),
    st.sets(st.integers(0, LONG.phonemes + 1)),
)
def test_words_ascend_and_lie_in_what_is_heard(frames, silent):
    samples, counts = speech(LONG, frames, silent)
    part = cut(samples, LONG, counts)
    assert 0 <= part.start < part.stop <= len(samples)
    assert all(0 <= word <= part.stop - part.start for word in part.words)
    assert sorted(part.words) == list(part.words)


@pytest.mark.parametrize("count", [0, 1, 50, 5000])
def test_a_smooth_phrase_begins_and_ends_at_zero_and_is_a_copy(count):
    samples = np.ones(count, np.float32)
    soft = smooth(samples)
    assert len(soft) == count
    assert samples.all()
    if count:
        assert soft[0] == soft[-1] == 0
        assert np.abs(np.diff(soft, prepend=0, append=0)).max(initial=0) < 0.1
    if count == 5000:
        assert (soft[3 * MS : -10 * MS] == 1).all()
