"""The closed list of what a client is told: frozen, flat values."""

import dataclasses
import inspect
from typing import get_args

import pytest

from agent import notices

KINDS = get_args(notices.Notice)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_notice_is_a_frozen_flat_value(kind) -> None:
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    assert "__slots__" in vars(kind)
    assert kind.__bases__ == (object,)


def test_every_value_is_in_the_list() -> None:
    defined = {
        kind
        for _, kind in inspect.getmembers(notices, inspect.isclass)
        if kind.__module__ == notices.__name__
    }
    assert defined == set(KINDS)
