"""What is written for the eye is not said to the ear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.voices.speakable import speakable, speakables


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
        ("<https://x.org/a>", "https://x.org/a"),
        ("<jo@x.org>.", "jo@x.org."),
        ("#tag", "tag"),
    ],
)
def test_markup_and_pictures_around_a_word_are_not_said(word, said):
    assert speakable(word) == said


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("5*3=15", "5\u00d73=15"),
        ("**5*3**", "5\u00d73"),
        ("(2+3)*4", "2+3)\u00d74"),
        ("2**3", "2^3"),
        ("**5**", "5"),
        ("x=-5", "x=\u22125"),
        ("well=-known", "well=-known"),
        ("x**2", "x^2"),
        ("2*x", "2\u00d7x"),
        ("**2**x", "2x"),
        ("3\u20114", "3-4"),
        ("1\u20442", "1/2"),
        ("~20", "≈20"),
        ("~~20~~", "20"),
        ("~/docs", "/docs"),
        ("#1", "#1"),
        (">5", ">5"),
        (">quoted", "quoted"),
        ("\u00d7", "\u00d7"),
        ("≤", "≤"),
    ],
)
def test_a_sign_that_belongs_to_a_number_is_no_markup(word, meant):
    assert speakable(word) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2 * 3", ["2", "\u00d7", "3"]),
        ("**2** * **3**", ["2", "\u00d7", "3"]),
        ("7 · 6", ["7", "\u00d7", "6"]),
        ("x > 3, 5 < y", ["x", ">", "3,", "5", "<", "y"]),
        ("10 / 2", ["10", "÷", "2"]),
        ("5 - 3 = 2", ["5", "\u2212", "3", "=", "2"]),
        ("pages 5 - 7", ["pages", "5", "", "7"]),
        ("> 3 apples", ["", "3", "apples"]),
        ("* 3 apples * 4 pears", ["", "3", "apples", "", "4", "pears"]),
        ("Settings > Privacy", ["Settings", "", "Privacy"]),
    ],
)
def test_a_sign_of_its_own_is_said_between_numbers(text, said):
    assert speakables(text.split()) == said


@given(st.lists(st.text(max_size=6) | st.sampled_from("* - = 5 x > /".split())))
def test_each_word_keeps_its_place(words):
    assert len(speakables(words)) == len(words)


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
def test_nothing_is_ever_added_but_a_sign_for_a_sign(word):
    signs = {
        "\u00d7": "*",
        "^": "*^",
        "≈": "~≈",
        "\u2212": "-",
        "-": "\u2010\u2011",
        "/": "\u2044",
    }
    rest = iter(word)
    for letter in speakable(word):
        assert any(left in signs.get(letter, "") + letter for left in rest)


@given(st.text(st.characters(categories=["L", "Nd"], max_codepoint=0x2FF), max_size=20))
def test_plain_letters_and_digits_are_never_lost(word):
    assert speakable(word) == word
