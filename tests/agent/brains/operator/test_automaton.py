"""The automaton allows what the JSGF says, and nothing else, in as few states as can be."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.operator.automaton import compile_expansion, words_in


def sentences(net, longest=8):
    """All that the automaton allows, up to a length."""
    paths = [((), 0)]
    for _ in range(longest + 1):
        yield from (words for words, state in paths if state in net.finals)
        paths = [
            ((*words, word), to)
            for words, state in paths
            for start, word, to in net.arcs
            if start == state
        ]


@pytest.mark.parametrize(
    ("expansion", "allowed"),
    [
        ("go", ["go"]),
        ("go on", ["go on"]),
        ("[please] go", ["go", "please go"]),
        ("a | b c", ["a", "b c"]),
        ("(a | b) c", ["a c", "b c"]),
        ("a [b [c]]", ["a", "a b", "a b c"]),
        ("<x> c", ["a c", "b c"]),
        ("what's [the] time", ["what's time", "what's the time"]),
    ],
)
def test_expansions(expansion, allowed) -> None:
    net = compile_expansion(expansion, {"x": "a | b"})
    assert sorted(" ".join(words) for words in sentences(net)) == sorted(allowed)


def test_equal_endings_are_shared() -> None:
    net = compile_expansion("a (x | y) z | b (x | y) z | c z", {})
    assert net.states == 4


def test_equal_beginnings_are_shared() -> None:
    net = compile_expansion("tell me this | tell me that", {})
    assert [word for start, word, _ in net.arcs if start == 0] == ["tell"]


@pytest.mark.parametrize("expansion", ["(a", "a)", "[a", "a]", "(a]"])
def test_brackets_must_match(expansion) -> None:
    with pytest.raises(ValueError, match=r"unbalanced|not closed"):
        compile_expansion(expansion, {})


def test_a_rule_must_exist() -> None:
    with pytest.raises(KeyError):
        compile_expansion("<nothing>", {})


TREES = st.recursive(
    st.sampled_from("abc").map(lambda word: ("word", word)),
    lambda inner: st.one_of(
        st.tuples(st.just("and"), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.just("or"), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.just("maybe"), inner),
    ),
    max_leaves=6,
)


def written(tree) -> str:
    match tree:
        case ("word", word):
            return word
        case ("and", parts):
            return "(" + " ".join(written(part) for part in parts) + ")"
        case ("or", parts):
            return "(" + " | ".join(written(part) for part in parts) + ")"
        case ("maybe", part):
            return f"[{written(part)}]"


def meant(tree) -> set:
    match tree:
        case ("word", word):
            return {(word,)}
        case ("and", parts):
            products = itertools.product(*(meant(part) for part in parts))
            return {tuple(itertools.chain(*product)) for product in products}
        case ("or", parts):
            return set().union(*(meant(part) for part in parts))
        case ("maybe", part):
            return meant(part) | {()}


@given(TREES)
def test_it_allows_exactly_what_is_written(tree) -> None:
    net = compile_expansion(written(tree), {})
    assert set(sentences(net)) == meant(tree)


@given(TREES)
def test_it_is_deterministic_and_each_state_leads_somewhere(tree) -> None:
    net = compile_expansion(written(tree), {})
    choices = [(start, word) for start, word, _ in net.arcs]
    assert len(choices) == len(set(choices))
    left = {start for start, _, _ in net.arcs} | net.finals
    assert left == set(range(net.states))


def test_the_words_of_expansions_are_neither_rules_nor_brackets():
    assert words_in(["[that's | <sign>] right", "(go) on"]) == {"that's", "right", "go", "on"}
