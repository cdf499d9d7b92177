"""The closed list of what can happen in a call: frozen, flat values."""

import dataclasses
import inspect
from enum import Enum
from typing import get_args

import pytest

from agent import events

KINDS = get_args(events.Event)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_event_is_a_frozen_flat_value(kind) -> None:
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    assert "__slots__" in vars(kind)
    assert kind.__bases__ == (object,)


def test_every_value_is_in_the_list() -> None:
    defined = {
        kind
        for _, kind in inspect.getmembers(events, inspect.isclass)
        if kind.__module__ == events.__name__ and not issubclass(kind, Enum)
    }
    assert defined == set(KINDS)
