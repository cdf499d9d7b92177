# ruff: noqa: RUF001 - phonemes are letters that look like others
"""Phrases become takes that the model bears, and every word keeps its place."""

from itertools import pairwise

import pytest
import tiny_kokoro
from hypothesis import given
from hypothesis import strategies as st

from agent.voices.kokoro.checkpoint import MOST_PHONEMES
from agent.voices.kokoro.script import takes

VOCAB = tiny_kokoro.VOCAB
LETTER = {token: phoneme for phoneme, token in VOCAB.items()} | {0: "$"}
LONG = "ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps.".split()


def text_of(take):
    return "".join(LETTER[token] for token in take.ids)


def test_a_phrase_is_one_take_between_silent_tokens():
    (take,) = takes(LONG, VOCAB)
    assert text_of(take) == f"${' '.join(LONG)}$"
    assert take.words == (0, 1, 2, 3, 4)
    assert [text_of(take)[start] for start in take.starts] == [word[0] for word in LONG]
    assert take.mark == "."
    assert text_of(take)[take.sounded - 1] == "s"
    assert take.again == len(take.ids) - 1
    assert take.phonemes == len(" ".join(LONG))


@pytest.mark.parametrize(
    ("word", "text", "mark"),
    [
        ("jˈɛs.", "$jˈɛs. jˈɛs. jˈɛs.$", "."),
        ("jˈɛs", "$jˈɛs, jˈɛs, jˈɛs$", ""),
        ("“jˈɛs,”", "$“jˈɛs,” “jˈɛs,”$", ","),
        ("həlˈO wˈɜɹld.", "$həlˈO wˈɜɹld. həlˈO wˈɜɹld.$", "."),
    ],
)
def test_a_short_phrase_is_said_again_and_heard_once(word, text, mark):
    (take,) = takes([word], VOCAB)
    assert text_of(take) == text
    assert take.mark == mark
    assert text[take.again :] == text[text.index(word[0]) :][-len(text[take.again :]) :]
    assert text[1 : take.again].startswith(word)
    assert text[take.sounded : take.again].strip(".,” ") == ""


def test_silent_words_begin_with_the_next():
    (take,) = takes(["", LONG[0], "", *LONG[1:], ""], VOCAB)
    assert take.words == tuple(range(8))
    assert take.starts[0] == take.starts[1] == 1
    assert take.starts[2] == take.starts[3] > 1
    assert take.starts[7] >= take.starts[6]


def test_a_long_phrase_is_cut_where_a_speaker_would_pause():
    words = ["ˈabc"] * 60 + ["ˈabc."] + ["ˈabc"] * 60
    first, second = takes(words, VOCAB)
    assert len(first.words) == 61
    assert second.words[0] == 61
    words[60] = "ˈabc,"
    assert takes(words, VOCAB)[0].mark == ","


def test_a_word_too_long_for_the_model_is_said_all_the_same():
    made = takes(["wˈʌn " * 200, "tˈu"], VOCAB)
    assert sum(text_of(take).count("wˈʌn") for take in made) == 200
    assert [take.words for take in made] == [(0,), (), (1,)]


def test_what_the_vocabulary_lacks_is_passed_over():
    (take,) = takes([f"¿{word}" for word in LONG], VOCAB)
    assert text_of(take) == f"${' '.join(LONG)}$"


@pytest.mark.parametrize("words", [[], [""], ["", ""], ["“"], ["ˈ."], ["¿"]])
def test_nothing_to_say_is_no_take(words):
    assert takes(words, VOCAB) == []


@given(st.lists(st.text(st.sampled_from("aˈɪ.,!? —“”\u0301"), max_size=150), max_size=60))
def test_any_words_become_takes_that_the_model_bears(words):
    made = takes(words, VOCAB)
    told = [word for take in made for word in take.words]
    assert told == sorted(set(told))
    for take in made:
        assert 1 <= take.phonemes <= MOST_PHONEMES
        assert len(take.starts) == len(take.words)
        assert all(a <= b for a, b in pairwise(take.starts))
        assert 1 < take.sounded <= take.again < len(take.ids)
        assert all(1 <= start <= take.again for start in take.starts)
