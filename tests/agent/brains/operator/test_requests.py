"""The tables of requests and foils are sound."""

import pytest

from agent.brains.operator.automaton import TOKEN, compile_expansion
from agent.brains.operator.grammar import understand, vocabulary
from agent.brains.operator.lexicon import words_known
from agent.brains.operator.requests import FOILS, REPEATABLE, RULES, WAYS, Intent, same

EXPANSIONS = [*RULES.values(), *FOILS, *(way for ways in WAYS.values() for way in ways)]


def test_every_word_is_in_the_recognisers_dictionary() -> None:
    assert vocabulary() <= words_known()


@pytest.mark.parametrize("expansion", EXPANSIONS)
def test_every_expansion_compiles(expansion) -> None:
    assert compile_expansion(expansion, RULES).finals


@pytest.mark.parametrize("expansion", EXPANSIONS)
def test_nothing_is_written_that_the_compiler_would_skip(expansion) -> None:
    assert TOKEN.sub("", expansion).strip() == ""


def test_every_intent_can_be_asked_for() -> None:
    assert set(WAYS) == set(Intent)


def test_no_request_may_be_silent() -> None:
    for ways in WAYS.values():
        for way in ways:
            assert 0 not in compile_expansion(way, RULES).finals, way


def test_every_rule_is_used() -> None:
    text = " ".join(EXPANSIONS)
    assert {name for name in RULES if f"<{name}>" in text} | {"opening", "closing"} == set(
        RULES
    )


def test_a_foil_is_no_request() -> None:
    net = compile_expansion(" | ".join(FOILS), RULES)
    for start, word, to in net.arcs:
        if start == 0 and to in net.finals:
            assert understand(word) is None, word


def test_requests_are_the_same_whatever_the_words() -> None:
    ten, again, nine = map(understand, ("count to ten", "please count to ten", "count to nine"))
    assert same(ten, again)
    assert not same(ten, nine)
    assert not same(understand("better late than never"), understand("i have a dream"))
    assert not same(ten, None)
    assert same(None, None)


@pytest.mark.parametrize("phrase", REPEATABLE)
def test_every_phrase_can_be_repeated(phrase) -> None:
    request = understand(f"repeat after me {phrase}")
    assert request is not None
    assert (request.intent, request.phrase) == (Intent.REPEAT, phrase)
