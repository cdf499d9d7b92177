"""What a decoder said, as values."""

from dataclasses import FrozenInstanceError

import pytest

from agent.brains.operator.opinions import Opinions, Span, words


def test_opinions_are_values() -> None:
    span = Span("hello", 30, 70, -400.0, 0.0)
    assert Opinions((span,), ()) == Opinions((Span("hello", 30, 70, -400.0, 0.0),), ())
    assert len({Opinions((span,), ()), Opinions((), (span,)), Opinions((span,), ())}) == 2


def test_they_stay_as_they_are() -> None:
    with pytest.raises(FrozenInstanceError):
        Span("hello", 30, 70, -400.0, 0.0).word = "goodbye"


def test_silence_is_no_word() -> None:
    spans = [Span(word, 0, 1, 0.0, 0.0) for word in ("", "count", "", "to", "")]
    assert words(spans) == "count to"
    assert words([]) == ""
