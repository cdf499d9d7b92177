"""Tags from neighbouring words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.voices.kokoro.tagger import tags


def tag(text):
    """Tags of tokens separated by spaces; "_" before a token joins it to the one before."""
    tokens = text.split()
    spaced = [not after.startswith("_") for after in [*tokens[1:], ""]]
    return tags([token.removeprefix("_") for token in tokens], spaced)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("the record", "DT NN"),
        ("to record", "TO VB"),
        ("I record", "PRP VBP"),
        ("he records", "PRP VBZ"),
        ("she recorded", "PRP VBD"),
        ("I also record", "PRP RB VBP"),
        ("do n't record", "MD RB VB"),
        ("my use", "PRP$ NN"),
        ("have read", "VBP VBN"),
        ("people use it", "NN VBP PRP"),
        ("Smith lives on", "NN VBZ IN"),
        ("the lives of", "DT NN IN"),
        ("use the app", "VB DT NN"),
        ("is close", "VBP JJ"),
        ("slowly , use the app", "RB , VB DT NN"),
        ("in 12 days", "IN CD NN"),
    ],
)
def test_a_word_is_what_its_neighbours_make_it(text, wanted):
    assert tag(text) == wanted.split()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("state _- _of", "NN HYPH IN"),
        ("wait - what", "NN : NN"),
        ("yes _.", "NN ."),
        ('" _go _" _!', "`` NN '' ."),
        ("“ _go _”", "`` NN ''"),
        ("well _… so _;", "NN . RB :"),
    ],
)
def test_marks(text, wanted):
    assert tag(text) == wanted.split()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A dog", "DT NN"),
        ("plan A works", "NN NNP NN"),
        ("yes . A dog", "NN . DT NN"),
        ("A T and T", "NNP NN CC NN"),
        ("at ten AM", "IN NN NNP"),
        ("I am", "PRP VBP"),
        ("that it is", "IN PRP VBP"),
        ("that dog", "DT NN"),
    ],
)
def test_letters_and_little_words(text, wanted):
    assert tag(text) == wanted.split()


@given(st.lists(st.text(min_size=1, max_size=8)), st.randoms())
def test_every_token_gets_a_tag(tokens, random):
    spaced = [random.random() < 0.5 for _ in tokens]
    found = tags(tokens, spaced)
    assert len(found) == len(tokens)
    assert all(found)
