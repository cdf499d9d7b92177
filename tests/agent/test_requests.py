"""What a client may ask: frozen values, as flat as the other lists."""

import dataclasses
from typing import get_args

import pytest
from closed_list import check_value, defined_in

from agent import requests as rq

KINDS = get_args(rq.Request)


@pytest.mark.parametrize("kind", [*KINDS, rq.CallSettings], ids=lambda kind: kind.__name__)
def test_a_request_is_a_frozen_value(kind) -> None:
    check_value(kind)


def test_every_value_is_in_the_list() -> None:
    assert defined_in(rq) == {*KINDS, rq.CallSettings}


def test_settings_left_out_change_nothing() -> None:
    assert set(dataclasses.asdict(rq.CallSettings()).values()) == {None}
