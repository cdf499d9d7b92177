"""Which words only show that somebody listens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.backchannel import only_listens

SIGNS = [
    *("mm-hm", "Mm hmm.", "mhm", "hmm", "mmm", "uh-huh", "uh huh", "Yeah.", "yes yes", "Okay!"),
    *("ok", "right", "that's right", "all right", "sure", "I see.", "oh, I see", "got it"),
    *("Oh really?", "very good", "aha", "ah", "go on", "um, yeah", "Ja, genau", "ach so"),
]
TURNS = [
    *(
        "stop",
        "no",
        "wait",
        "yes but",
        "okay stop",
        "what time is it",
        "right now",
        "I see him",
    ),
    *("go on holiday", "oh no", "mmm stop", "nein", "hold on", "louder", "yesterday"),
]


@pytest.mark.parametrize("said", SIGNS)
def test_a_sign_is_one(said) -> None:
    assert only_listens(said) is True


@pytest.mark.parametrize("said", TURNS)
def test_what_wants_an_answer_is_none(said) -> None:
    assert only_listens(said) is False


@pytest.mark.parametrize(
    "said", ["", "  ", "(laughter)", "[noise] (not listened to)", "...", "42"]
)
def test_where_there_is_no_word_nothing_is_said_of_them(said) -> None:
    assert only_listens(said) is None


@given(st.lists(st.sampled_from(SIGNS), min_size=1, max_size=5))
def test_law_signs_in_a_row_are_one(signs) -> None:
    """Killed: a pattern that takes only one."""
    assert only_listens(", ".join(signs)) is True


@given(st.lists(st.sampled_from(SIGNS), max_size=3), st.sampled_from(TURNS))
def test_law_one_word_that_is_none_makes_it_a_turn(signs, turn) -> None:
    """Killed: a search where all must match."""
    assert only_listens(" ".join([*signs, turn, *signs])) is False
