"""The closed list of what can happen in a call: frozen, flat values."""

from enum import Enum
from typing import get_args

import pytest
from closed_list import check_value, defined_in

from agent import events

KINDS = get_args(events.Event)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_event_is_a_frozen_flat_value(kind) -> None:
    check_value(kind)


def test_every_value_is_in_the_list() -> None:
    defined = {kind for kind in defined_in(events) if not issubclass(kind, Enum)}
    assert defined == set(KINDS)
