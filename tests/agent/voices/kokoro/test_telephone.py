"""Telephone numbers, and what only looks like one."""

import re

import pytest

from agent.voices.kokoro.telephone import NUMBER, dialled, phone


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("555-1234", "five five five, one two three four"),
        ("+1-555-0199", "plus one, five five five, zero one nine nine"),
        ("800-555-0199", "eight zero zero, five five five, zero one nine nine"),
    ],
)
def test_a_number_is_said_digit_by_digit(written, said):
    assert re.fullmatch(NUMBER, written)
    assert phone(written) == said


@pytest.mark.parametrize("written", ["500-1000", "250-1500", "100-1000"])
def test_two_round_numbers_are_a_range(written):
    assert phone(written) == ""


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("call +1 555 123 4567 now", {1, 2, 3, 4}),
        ("(555) 123-4567", set()),  # its brackets are not the core's
        ("555 123-4567", {0, 1}),
        ("call 800 555 0199", {1, 2, 3}),
        ("800 555 people", set()),
        ("in 2024 300 people", set()),
    ],
)
def test_groups_of_their_own(text, groups):
    assert dialled(text.split()) == groups
