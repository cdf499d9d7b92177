"""The grammars of what is said over a reply are sound, and say what they are said to."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.backchannel import only_listens
from agent.brains.operator.automaton import TOKEN, compile_expansion
from agent.brains.operator.interjections import COMMANDS, RULES, SIGNS, SOUNDS
from agent.brains.operator.lexicon import words_known
from agent.brains.operator.overheard import vocabulary

EXPANSIONS = [*COMMANDS, *SIGNS, *RULES.values()]
PHONES = set(
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH "
    "UH UW V W Y Z ZH".split()
)


@st.composite
def sentences(draw, ways):
    """Anything that a grammar allows."""
    net = compile_expansion(" | ".join(ways), RULES)
    state, words = 0, []
    while True:
        arcs = [(word, to) for start, word, to in net.arcs if start == state]
        if state in net.finals and (not arcs or draw(st.booleans())):
            return " ".join(words)
        word, state = draw(st.sampled_from(arcs))
        words.append(word)


def test_every_word_is_in_the_dictionary_or_among_the_sounds() -> None:
    assert vocabulary() <= words_known() | SOUNDS.keys()
    assert SOUNDS.keys() <= vocabulary(), "none is there for nothing"


@pytest.mark.parametrize("expansion", EXPANSIONS)
def test_nothing_is_written_that_the_compiler_would_skip(expansion) -> None:
    assert TOKEN.sub("", expansion).strip() == ""
    assert compile_expansion(expansion, RULES).finals


def test_every_rule_is_used() -> None:
    assert set(re.findall(r"<(\w+)>", " ".join(EXPANSIONS))) == set(RULES)


@pytest.mark.parametrize("word", SOUNDS)
def test_a_sound_has_ways_to_be_made_each_once(word) -> None:
    ways = SOUNDS[word]
    assert len(set(ways)) == len(ways) > 0
    assert all(set(way.split()) <= PHONES for way in ways)


@given(sentences(COMMANDS))
def test_law_every_command_wants_an_answer_by_its_words_too(said) -> None:
    assert only_listens(said, "en") is False


@given(sentences(SIGNS))
def test_law_no_sign_does(said) -> None:
    assert only_listens(said, "en") is not False


def test_what_is_in_both_could_not_be_told_apart() -> None:
    nets = [compile_expansion(" | ".join(ways), RULES) for ways in (COMMANDS, SIGNS)]
    both = compile_expansion(" | ".join((*COMMANDS, *SIGNS)), RULES)
    assert both.finals
    states = [(0, 0)]
    for left, right in states:  # grows while we walk it
        assert not (left in nets[0].finals and right in nets[1].finals)
        for start, word, to in nets[0].arcs:
            if start == left:
                states += [
                    (to, other)
                    for begin, same, other in nets[1].arcs
                    if begin == right and same == word and (to, other) not in states
                ]
