"""Text becomes phrases: the first one soon, none cut in the middle of a thing."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.phrases import MAX_CHARS, Phrases


def split(text):
    """The phrases of a text that came in one piece."""
    phrases = Phrases()
    return [*phrases.feed(text), *phrases.finish()]


def after_a_first(text):
    """The phrases of a text that follows a first phrase."""
    return split(f"Well. {text}")[1:]


# -- what a person would call a phrase


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("Hello.", ["Hello."]),
        ("Hello, this is Voxline.", ["Hello,", "this is Voxline."]),
        ("How can I help you? Just ask.", ["How can I help you?", "Just ask."]),
        ("Wait! I know.", ["Wait!", "I know."]),
        ("It is seven fifty two in the morning.", ["It is seven fifty two", "in the morning."]),
        ("Well... yes.", ["Well...", "yes."]),
        ("He said “no.” Then he left.", ["He said “no.”", "Then he left."]),
        ("**Sure.** Go on.", ["**Sure.**", "Go on."]),
        ("नमस्ते। आप कैसे हैं?", ["नमस्ते।", "आप कैसे हैं?"]),
        ("Nothing marks the end", ["Nothing marks the end"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_the_first_phrase_ends_at_the_first_mark_or_before_a_leaning_word(text, phrases):
    assert split(text) == phrases


def test_a_first_phrase_without_any_mark_is_about_seven_words():
    words = "one two three four five six seven eight nine ten eleven twelve"
    assert split(words)[0] == "one two three four five six seven"


def test_later_phrases_are_whole_sentences():
    text = "The chicken crossed the road. It got to the other side, of course. Did you laugh?"
    assert after_a_first(text) == [
        "The chicken crossed the road.",
        "It got to the other side, of course.",
        "Did you laugh?",
    ]


def test_a_long_later_sentence_is_cut_at_a_comma():
    text = "I can tell you the time and the date of today, and a joke if you like one."
    assert after_a_first(text) == [
        "I can tell you the time and the date of today,",
        "and a joke if you like one.",
    ]


def test_a_very_long_clause_is_cut_before_a_leaning_word():
    clause = "large " * 22 + "and small"
    assert after_a_first(clause) == [("large " * 22).strip(), "and small"]


def test_each_item_of_a_list_is_a_phrase():
    text = "I know:\n- the time\n- the date\n\nThat is all"
    assert split(text) == ["I know:", "- the time", "- the date", "That is all"]


@pytest.mark.parametrize(
    "whole",
    [
        "Pi is 3.14 exactly.",
        "It costs 12,500 dollars.",
        "It is 7:52 now.",
        "Dr. Smith is in.",
        "Ask Mrs. Jones now.",
        "In the U.S. it is so.",
        "Fruit, e.g. apples.",
        "At 7 a.m. it rains.",
        "J. R. Smith called.",
        "As Fig. 3 shows.",
        "It is No. 5 of them.",
        "Open Mon. Jan. 5 only.",
        "See http://x.org/a?b=1,2 now.",
        "Use voxline.example.org today.",
        "1. Open the door.",
    ],
)
def test_numbers_times_abbreviations_and_addresses_stay_whole(whole):
    assert after_a_first(f"{whole} Good.") == [whole, "Good."]


@pytest.mark.parametrize(
    "sentence",
    [
        "It takes 5 min.",
        "About 6 ft.",
        "At 3 PM EST.",
        "I ate a fig.",
        "Here comes the sun.",
        "He said no.",
    ],
)
def test_a_unit_and_a_word_that_only_looks_short_may_end_one(sentence):
    assert after_a_first(f"{sentence} Good.") == [sentence, "Good."]


def test_no_is_an_answer():
    assert split("No. I am not.") == ["No.", "I am not."]


def test_a_number_may_end_a_sentence():
    assert after_a_first("It was 1984. Then came more.") == ["It was 1984.", "Then came more."]


# -- nothing is held back longer than needed


def test_a_phrase_leaves_with_the_space_that_follows_it():
    phrases = Phrases()
    assert phrases.feed("It is noon.") == []  # the next letter might be a 5
    assert phrases.feed(" ") == ["It is noon."]


def test_a_leaning_word_lets_the_first_phrase_go_as_soon_as_it_is_complete():
    phrases = Phrases()
    assert phrases.feed("It is seven fifty two in") == []  # or "indeed"
    assert phrases.feed(" ") == ["It is seven fifty two"]


def test_what_was_held_back_comes_at_the_end_and_only_once():
    phrases = Phrases()
    phrases.feed("Good")
    assert phrases.finish() == ["Good"]
    assert phrases.finish() == []


# -- laws

tokens = st.one_of(
    st.sampled_from(
        "a and Dr. e.g. 3.14 12,500 7:52 end. stop! so, . ” … — http://x.y/z 😀".split()
    ),
    st.sampled_from([" ", "  ", "\n", "\t", "\u00a0", "\x1c", "x" * 60]),
    st.text(max_size=12),
)
texts = st.lists(tokens, max_size=80).map("".join)


@given(texts)
@example("word " * 300)
def test_joined_phrases_are_the_text(text):
    assert " ".join(split(text)) == " ".join(text.split())


@given(texts, st.data())
def test_how_the_text_was_cut_does_not_matter(text, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    phrases = Phrases()
    found = []
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        found += phrases.feed(text[begin:end])
    assert [*found, *phrases.finish()] == split(text)


@given(texts)
@example("word " * 300)
def test_phrases_are_bounded_and_never_empty(text):
    for phrase in split(text):
        assert phrase
        assert len(phrase) <= MAX_CHARS or " " not in phrase


@given(texts, texts)
def test_what_left_is_never_regretted(text, rest):
    phrases = Phrases()
    left = phrases.feed(text)
    assert split(text + rest)[: len(left)] == left
