"""What stands before a word: a number, and of how many."""

import pytest

from agent.voices.kokoro.spot import Spot


def spot(before):
    return Spot("kg", before, "", ends=False)


@pytest.mark.parametrize(
    "before",
    [
        *("5", "-5", "\u22125", "1,000", "2.5", "$5", "≈20", "10-20", "1.5\u20132"),
        *("1/2", "1-1/2", "½", "2½", "sq", "fl", "million"),
    ],
)
def test_a_number_stands_before(before):
    assert spot(before).counted


@pytest.mark.parametrize("before", ["", "five", "v5", "5kg", "--5", "-"])
def test_no_number_stands_before(before):
    assert not spot(before).counted


@pytest.mark.parametrize(
    ("before", "many"),
    [("1", False), ("-1", False), ("½", False), ("1/4", False), ("1½", True), ("0", True)],
)
def test_of_one_or_a_part_of_it_there_is_one(before, many):
    assert spot(before).many is many
