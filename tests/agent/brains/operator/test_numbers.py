"""Numbers are said and understood as people say them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.operator.automaton import compile_expansion
from agent.brains.operator.numbers import SPOKEN, cardinal, ordinal, parse


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (7, "seven"),
        (13, "thirteen"),
        (20, "twenty"),
        (21, "twenty-one"),
        (99, "ninety-nine"),
        (100, "one hundred"),
    ],
)
def test_cardinals(number, words) -> None:
    assert cardinal(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "first"),
        (2, "second"),
        (3, "third"),
        (4, "fourth"),
        (5, "fifth"),
        (8, "eighth"),
        (9, "ninth"),
        (12, "twelfth"),
        (20, "twentieth"),
        (21, "twenty-first"),
        (30, "thirtieth"),
        (31, "thirty-first"),
        (100, "one hundredth"),
    ],
)
def test_ordinals(number, words) -> None:
    assert ordinal(number) == words


@given(st.integers(1, 100))
def test_what_is_said_is_understood(number) -> None:
    assert parse(cardinal(number).replace("-", " ")) == number


def test_a_hundred_is_one_hundred() -> None:
    assert parse("a hundred") == 100


@pytest.mark.parametrize("number", [-1, 101])
def test_other_numbers_have_no_words(number) -> None:
    with pytest.raises(ValueError, match="between"):
        cardinal(number)


def test_there_is_no_zeroth() -> None:
    with pytest.raises(ValueError, match="between 1"):
        ordinal(0)


@pytest.mark.parametrize("words", ["", "zero", "twenty ten", "twenty zero", "eleventy"])
def test_other_words_are_no_numbers(words) -> None:
    with pytest.raises(ValueError):
        parse(words)


def test_the_grammar_has_each_number_once_and_a_second_name_for_100() -> None:
    net = compile_expansion(SPOKEN, {})
    sentences = {()}
    said = []
    reached = {0: sentences}
    while reached:
        onward: dict[int, set] = {}
        for state, paths in reached.items():
            if state in net.finals:
                said += [parse(" ".join(path)) for path in paths]
            for start, word, to in net.arcs:
                if start == state:
                    onward.setdefault(to, set()).update((*path, word) for path in paths)
        reached = onward
    assert sorted(said) == [*range(1, 101), 100]
