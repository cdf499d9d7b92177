"""What a client may ask: frozen values, as flat as the other lists."""

import dataclasses
import inspect
from typing import get_args

import pytest

from agent import requests as rq

KINDS = get_args(rq.Request)


@pytest.mark.parametrize("kind", [*KINDS, rq.CallSettings], ids=lambda kind: kind.__name__)
def test_a_request_is_a_frozen_value(kind) -> None:
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    assert "__slots__" in vars(kind)
    assert kind.__bases__ == (object,)


def test_every_value_is_in_the_list() -> None:
    defined = {
        kind
        for _, kind in inspect.getmembers(rq, inspect.isclass)
        if kind.__module__ == rq.__name__
    }
    assert defined == {*KINDS, rq.CallSettings}


def test_settings_left_out_change_nothing() -> None:
    assert set(dataclasses.asdict(rq.CallSettings()).values()) == {None}
