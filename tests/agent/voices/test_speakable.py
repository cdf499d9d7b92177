"""What is written for the eye is not said to the ear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.voices.speakable import speakable


@pytest.mark.parametrize(
    "word",
    [
        *("hello", "don't", "state-of-the-art", "3.14", "12,500", "7:52", "$12.50", "50%"),
        *("naïve", "“quoted”", "Hello,", "you?", "U.S.", "C#", "snake_case", "@home", "&", "+"),
        *("http://x.org/a?b=1", "20°C", "こんにちは", "नमस्ते", "(perhaps"),
    ],
)
def test_words_are_said_as_they_are(word):
    assert speakable(word).strip("(") == word.strip("(")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("**Sure.**", "Sure."),
        ("*bold*", "bold"),
        ("_really_,", "really,"),
        ("`code`", "code"),
        ("~~gone~~", "gone"),
        ("##Title", "Title"),
        ("[here](http://x.org/a)", "here"),
        ("[the", "the"),
        ("page](http://x.org/a).", "page."),
        ("<b>loud</b>", "loud"),
        ("great!👍🏽", "great!"),
        ("I❤️you", "Iyou"),
    ],
)
def test_markup_and_pictures_around_a_word_are_not_said(word, said):
    assert speakable(word) == said


@pytest.mark.parametrize(
    "word",
    [
        "",
        "-",
        "–",  # noqa: RUF001 - an en dash is meant
        "—",
        "#",
        "###",
        "*",
        "***",
        "|",
        ">",
        "😀",
        "👩‍👩‍👧",
        "🇩🇪",
        "→",
        "```",
        "...",
    ],
)
def test_a_word_of_nothing_but_marks_is_silent(word):
    assert speakable(word) == ""


@given(st.text(max_size=40))
def test_nothing_is_ever_added(word):
    rest = iter(word)
    assert all(letter in rest for letter in speakable(word))


@given(st.text(st.characters(categories=["L", "Nd"], max_codepoint=0x2FF), max_size=20))
def test_plain_letters_and_digits_are_never_lost(word):
    assert speakable(word) == word
