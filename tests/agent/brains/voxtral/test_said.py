"""What was heard of a reply, as tokens where they are known."""

import codecs

import pytest
from fake_runner import SPECIALS, ids
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.voxtral.said import Said


def said_of(text):
    """Said a byte a token, as the tiny tokenizer has it."""
    said, decoder = Said(), codecs.getincrementaldecoder("utf-8")("replace")
    for token in ids(text):
        said.add(token, decoder.decode(bytes([token - SPECIALS])))
    return said


def words_of(*words):
    said = Said()
    for number, word in enumerate(words):
        said.add(number, word)
    return said


def test_all_of_it_was_heard() -> None:
    said = said_of(" Hello,\n\nhow are  you? ")
    assert said.heard("Hello, how are you?") == (said.tokens, "")


@pytest.mark.parametrize(
    ("heard", "tokens", "rest"),
    [
        ("", [], ""),
        ("One,", [0, 1], ""),
        ("One, two", [0, 1, 2], ""),
        ("One, two, th", [0, 1, 2, 3], " th"),
        ("One, two, three.", [0, 1, 2, 3, 4, 5], ""),
        ("One, two, three. Sorry.", [0, 1, 2, 3, 4, 5], " Sorry."),
        ("Two", [], "Two"),
        ("One, so", [0, 1], " so"),
    ],
)
def test_it_is_cut_where_the_voice_was(heard, tokens, rest) -> None:
    said = words_of("One", ",", " two", ",", " three", ".")
    assert said.heard(heard) == (tokens, rest)


def test_a_cut_takes_no_half_letter() -> None:
    said = said_of("caf\u00e9 noir")
    tokens, rest = said.heard("caf")
    assert (tokens, rest) == (ids("caf"), "")


def test_nothing_was_said() -> None:
    assert Said().heard("") == ([], "")
    assert Said().heard("Sorry.") == ([], "Sorry.")


texts = st.lists(st.sampled_from(["Yes", " no", ".", "  ", "\n", "\u00e9", "\U0001f389", "x"]))


@given(texts.map("".join), st.data())
def test_tokens_and_rest_are_what_was_heard(text, data) -> None:
    said = said_of(text)
    words = " ".join(text.split())
    heard = words[: data.draw(st.integers(0, len(words)))]
    tokens, rest = said.heard(heard)
    assert said.tokens[: len(tokens)] == tokens
    told = bytes(token - SPECIALS for token in tokens).decode()
    assert "".join((told + rest).split()) == "".join(heard.split())
    assert rest == "", "every letter is a token's"


@given(texts, st.text(alphabet="ab .", max_size=6))
def test_what_was_never_said_is_the_rest(pieces, other) -> None:
    said = words_of(*pieces)
    heard = " ".join([*"".join(pieces).split(), other]).strip()
    tokens, rest = said.heard(heard)
    told = "".join(pieces[token] for token in tokens)
    assert "".join((told + rest).split()) == "".join(heard.split())
