"""What of a long result is told: its beginning and a mark, and no more than there is room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.voxtral.excerpt import _MARK, excerpt, level
from agent.brains.voxtral.tekken import Tekken


@pytest.fixture(scope="module")
def tekken(checkpoint) -> Tekken:
    return Tekken(checkpoint / "tekken.json")


def test_what_fits_is_told_whole(tekken) -> None:
    assert excerpt(tekken, "ten o'clock", 11) == "ten o'clock"
    assert excerpt(tekken, "", 0) == ""


def test_what_does_not_is_its_beginning_and_a_mark(tekken) -> None:
    told = excerpt(tekken, "ab" * 100, 50)
    assert told == ("ab" * 100)[: 50 - len(_MARK)] + _MARK
    assert excerpt(tekken, "ab" * 100, 3) == _MARK


@given(st.text("aé\U0001f600 {", max_size=60), st.integers(len(_MARK), 120))
def test_it_is_text_and_fits(tekken, output, most) -> None:
    told = excerpt(tekken, output, most)
    assert len(tekken.encode(told)) <= most
    assert told == output or output.startswith(told.removesuffix(_MARK))
    assert "�" not in told


class Merging:
    """A tokenizer that writes a text and the mark with more tokens than each alone."""

    def encode(self, text):
        return tuple(range(len(text) // 2 + 3 * (text.find(_MARK) > 0)))

    def spell(self, token):
        return b"xx"


def test_it_fits_where_a_tokenizer_writes_it_otherwise() -> None:
    merging = Merging()
    told = excerpt(merging, "x" * 400, 60)
    assert len(merging.encode(told)) == 60
    assert told.startswith("xx")


@pytest.mark.parametrize(
    ("sizes", "most", "each"),
    [
        ([], 100, 100),
        ([40, 60], 100, 100),
        ([500], 100, 100),
        ([500, 500], 100, 50),
        ([10, 500, 500], 100, 45),
        ([500], -20, 0),
    ],
)
def test_what_is_short_stays_whole_and_the_long_share_the_rest(sizes, most, each) -> None:
    assert level(sizes, most) == each


@given(st.lists(st.integers(0, 1000)), st.integers(0, 3000))
def test_together_they_have_no_more_than_there_is(sizes, most) -> None:
    each = level(sizes, most)
    assert sum(min(size, each) for size in sizes) <= most
