"""Spans: what is shared, what it takes, how it is cut."""

import numpy as np
import pytest
from fake_runner import FakeSound
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.voxtral.span import (
    CHUNK_POSITIONS,
    CHUNK_SAMPLES,
    Holding,
    Utterance,
    pieces,
    positions,
)

UTTERANCES = [Utterance(np.zeros(n, np.float32)) for n in (1, CHUNK_SAMPLES, CHUNK_SAMPLES + 1)]
spans = st.lists(st.sampled_from([1, 2, 3, *UTTERANCES]), max_size=8)


@pytest.mark.parametrize(("samples", "chunks"), [(1, 1), (480_000, 1), (480_001, 2)])
def test_each_30_s_begun_take_375_positions_and_the_utterance_one(samples, chunks) -> None:
    utterance = Utterance(np.zeros(samples, np.float32))
    assert utterance.chunks == chunks
    assert utterance.positions == 1 + chunks * CHUNK_POSITIONS


def test_an_utterance_lets_go_of_its_samples_when_it_was_heard() -> None:
    utterance = Utterance(np.zeros(5, np.float32))
    assert len(utterance.samples) == 5
    sound = FakeSound("x", 375)
    utterance.embedded(sound)
    assert utterance.sound is sound
    with pytest.raises(AssertionError, match="already"):
        _ = utterance.samples


def test_a_sound_of_another_size_is_refused() -> None:
    with pytest.raises(AssertionError, match="750 of 376"):
        Utterance(np.zeros(5, np.float32)).embedded(FakeSound("x", 750))


def test_two_utterances_alike_are_two() -> None:
    one, other = (Utterance(np.zeros(5, np.float32)) for _ in range(2))
    holding = Holding()
    holding.add([1, one])
    assert holding.common([1, one]) == 2
    assert holding.common([1, other]) == 1


@given(spans, spans)
def test_common_is_the_longest_shared_beginning(held, wanted) -> None:
    holding = Holding()
    holding.add(held)
    common = holding.common(wanted)
    assert held[:common] == wanted[:common]
    assert common == min(len(held), len(wanted)) or held[common] != wanted[common]


@given(spans, spans, st.data())
def test_a_holding_knows_its_positions(first, second, data) -> None:
    holding = Holding()
    holding.add(first)
    kept = data.draw(st.integers(0, len(first)))
    holding.cut(kept)
    holding.add(second)
    assert holding.positions == positions([*first[:kept], *second])
    assert holding.common([*first[:kept], *second]) == kept + len(second)


@given(spans, st.integers(1, 1000))
def test_pieces_are_the_span_and_small(span, at_most) -> None:
    cut = list(pieces(span, at_most))
    assert [item for piece in cut for item in piece] == span
    for piece in cut:
        assert len(piece) == 1 or positions(piece) <= at_most
