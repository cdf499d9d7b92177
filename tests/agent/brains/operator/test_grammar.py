"""Words become requests, and only whole requests."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.operator.automaton import compile_expansion
from agent.brains.operator.grammar import automaton, may_follow, understand, vocabulary
from agent.brains.operator.requests import FOILS, RULES, WAYS, Intent


@pytest.mark.parametrize(
    ("words", "intent"),
    [
        ("hello", Intent.GREETING),
        ("what time is it", Intent.TIME),
        ("hello operator could you please tell me the time", Intent.TIME),
        ("excuse me do you have the time please", Intent.TIME),
        ("what's the date", Intent.DATE),
        ("what day is it today", Intent.DAY),
        ("can you tell me another joke please", Intent.JOKE),
        ("who are you", Intent.WHO),
        ("what can you do", Intent.ABILITIES),
        ("help", Intent.ABILITIES),
        ("speak louder please", Intent.LOUDER),
        ("could you speak a little more quietly", None),
        ("could you speak more quietly", Intent.QUIETER),
        ("slower please", Intent.SLOWER),
        ("please talk a bit faster", Intent.FASTER),
        ("hold on", Intent.HOLD),
        ("please hold", Intent.HOLD),
        ("one moment please", Intent.HOLD),
        ("i'm back", Intent.RESUME),
        ("resume", Intent.RESUME),
        ("thank you very much", Intent.THANKS),
        ("goodbye", Intent.GOODBYE),
        ("okay goodbye operator", Intent.GOODBYE),
        ("", None),
        ("please", None),
        ("operator", None),
        ("what time is", None),
        ("time is it", None),
        ("what time is it what time is it", None),
        ("happy birthday", None),
    ],
)
def test_what_words_ask_for(words, intent) -> None:
    request = understand(words)
    assert (request and request.intent) == intent


def test_a_count_knows_how_far() -> None:
    request = understand("could you count to twenty one please")
    assert request is not None
    assert (request.intent, request.number) == (Intent.COUNT, 21)


def test_a_phrase_to_repeat_is_found_with_and_without_the_preamble() -> None:
    for words in ("please repeat after me go forward ten meters", "go forward ten meters"):
        request = understand(words)
        assert request is not None
        assert (request.phrase, request.words) == ("go forward ten meters", words)


def test_repeat_after_me_may_stop_there() -> None:
    request = understand("repeat after me")
    assert request is not None
    assert (request.intent, request.phrase) == (Intent.REPEAT, "")


@pytest.mark.parametrize("intent", Intent)
def test_both_readings_agree_on_the_intent(intent) -> None:
    """Whatever the automaton of one intent allows is understood, and as that intent."""
    net = compile_expansion(f"[<opening>] ({' | '.join(WAYS[intent])}) [<closing>]", RULES)
    drawn = random.Random(intent)
    for _ in range(200):
        words = " ".join(walk(net, drawn))
        request = understand(words)
        assert request is not None, words
        assert request.intent is intent, words


@pytest.mark.parametrize(
    "opening", ["stop", "no stop", "please stop", "no please stop", "okay", "hello"]
)
def test_a_request_is_heard_behind_what_ends_the_reply(opening) -> None:
    request = understand(f"{opening} tell me a joke")
    assert request is not None and request.intent is Intent.JOKE


@pytest.mark.parametrize("words", ["no stop", "please stop", "no please stop", "stop it"])
def test_what_only_ends_the_reply_is_no_more_than_that(words) -> None:
    request = understand(words)
    assert request is not None and request.intent is Intent.STOP


@given(st.integers(0, 2**32))
def test_the_recogniser_says_nothing_but_requests_and_foils(seed) -> None:
    words = " ".join(walk(automaton(), random.Random(seed)))
    foils = compile_expansion(" | ".join(FOILS), RULES)
    assert set(words.split()) <= vocabulary()
    assert understand(words) is not None or allowed(foils, words.split())


def allowed(net, words):
    state = 0
    for word in words:
        onward = [to for start, name, to in net.arcs if (start, name) == (state, word)]
        if not onward:
            return False
        state = onward[0]
    return state in net.finals


def walk(net, drawn):
    """One random sentence."""
    state = 0
    while True:
        arcs = [(word, to) for start, word, to in net.arcs if start == state]
        if not arcs or (state in net.finals and drawn.random() < 0.4):
            return
        word, state = drawn.choice(arcs)
        yield word


@pytest.mark.parametrize(
    ("words", "word", "may"),
    [
        ("", "what", True),
        ("what time", "is", True),
        ("what time", "it", False),
        ("count to twenty", "three", True),
        ("count to twenty", "twenty", False),
        ("hello operator", "what", True),
        ("goodbye", "please", True),
    ],
)
def test_what_may_come_next_in_a_request(words, word, may) -> None:
    assert (word in may_follow(words)) is may


@pytest.mark.parametrize("words", ["happy birthday", "is what", "bye please please", "zebra"])
def test_nothing_follows_where_no_request_begins_so(words) -> None:
    """Foils among them: whatever begins like one may end anywhere."""
    assert may_follow(words) is None


def test_every_request_can_be_said_word_by_word() -> None:
    for words in (
        "could you please tell me what day of the week it is",
        "count to ninety nine",
    ):
        said = words.split()
        for count, word in enumerate(said):
            assert word in may_follow(" ".join(said[:count]))
        assert understand(words) is not None
