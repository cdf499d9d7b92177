"""The closed list of what turns.py can want, and that everybody knows it."""

import dataclasses
import inspect
from pathlib import Path
from typing import get_args

import pytest

from agent import commands, floor

KINDS = get_args(commands.Command)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_command_is_a_frozen_flat_value(kind) -> None:
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    assert "__slots__" in vars(kind)
    assert kind.__bases__ == (object,)


def test_every_value_is_in_the_list() -> None:
    defined = {
        kind
        for _, kind in inspect.getmembers(commands, inspect.isclass)
        if kind.__module__ == commands.__name__
    }
    assert defined == set(KINDS)


def test_there_is_none_that_the_turns_do_not_want() -> None:
    text = Path(floor.__file__).read_text()
    assert not [kind.__name__ for kind in KINDS if f"do.{kind.__name__}(" not in text]
