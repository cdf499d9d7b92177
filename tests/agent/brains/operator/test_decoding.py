"""Decoders of our own words, and the mean by which each utterance is judged."""

from itertools import pairwise

import numpy as np
import pytest
from spoken import say

from agent.brains.operator.automaton import compile_expansion
from agent.brains.operator.decoding import (
    add_front,
    add_grammar,
    begin,
    decoder_of,
    in_a_room,
    mean_of,
    pcm,
    spans,
)
from agent.brains.operator.lexicon import pronunciations
from agent.brains.operator.opinions import words


@pytest.fixture(scope="module")
def decoder():
    decoder = decoder_of(pronunciations(frozenset({"yes", "no", "stop", "please"})))
    add_front(decoder)
    add_grammar(decoder, "few", compile_expansion("(yes | no | stop) [please]", {}))
    return decoder


def heard(decoder, samples):
    mean = mean_of(decoder, samples)
    decoder.activate_search("few")
    begin(decoder, mean)
    decoder.process_raw(pcm(samples))
    decoder.end_utt()
    return spans(decoder)


@pytest.mark.parametrize("said", ["yes", "no", "stop", "stop please"])
def test_a_grammar_finds_its_words(decoder, said) -> None:
    assert words(heard(decoder, in_a_room(say(said), 0))) == said


def test_spans_follow_each_other_without_a_hole(decoder) -> None:
    found = heard(decoder, in_a_room(say("stop please"), 0))
    assert [span.word for span in found if span.word] == ["stop", "please"]
    for before, after in pairwise(found):
        assert after.first == before.last + 1
    assert all(span.acoustic <= 0 for span in found)


def test_where_nothing_fits_nothing_is_found(decoder) -> None:
    assert heard(decoder, np.zeros(200, np.float32)) == ()


def test_the_mean_is_of_the_sound_and_of_nothing_before_it(decoder) -> None:
    soft, loud = in_a_room(say("yes") * 0.1, 0), in_a_room(say("yes"), 0)
    first = mean_of(decoder, soft)
    assert mean_of(decoder, loud) != first
    assert mean_of(decoder, soft) == first
    energy = [float(mean.split(",")[0]) for mean in (first, mean_of(decoder, loud))]
    assert energy[0] < energy[1]


def test_a_room_is_the_same_however_an_utterance_is_cut() -> None:
    sound = say("stop")
    whole = in_a_room(sound, 0)
    parts = [in_a_room(part, at) for part, at in ((sound[:777], 0), (sound[777:], 777))]
    assert np.array_equal(np.concatenate(parts), whole)
    assert whole.dtype == np.float32
    assert 20 < 20 * np.log10(1 / np.std(in_a_room(np.zeros(16_000, np.float32), 0))) < 70


def test_samples_are_clipped_and_not_wrapped() -> None:
    assert np.array_equal(
        np.frombuffer(pcm(np.array([2.0, -2.0, 0.0], np.float32)), np.int16), [32767, -32767, 0]
    )
