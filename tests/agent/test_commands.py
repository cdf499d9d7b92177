"""The closed list of what turns.py can want, and that everybody knows it."""

from pathlib import Path
from typing import get_args

import pytest
from closed_list import check_value, defined_in

from agent import commands, floor

KINDS = get_args(commands.Command)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_command_is_a_frozen_flat_value(kind) -> None:
    check_value(kind)


def test_every_value_is_in_the_list() -> None:
    assert defined_in(commands) == set(KINDS)


def test_there_is_none_that_the_turns_do_not_want() -> None:
    text = Path(floor.__file__).read_text()
    assert not [kind.__name__ for kind in KINDS if f"do.{kind.__name__}(" not in text]
