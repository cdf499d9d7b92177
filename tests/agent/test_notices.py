"""The closed list of what a client is told: frozen, flat values."""

from typing import get_args

import pytest
from closed_list import check_value, defined_in

from agent import notices

KINDS = get_args(notices.Notice)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_notice_is_a_frozen_flat_value(kind) -> None:
    check_value(kind)


def test_every_value_is_in_the_list() -> None:
    assert defined_in(notices) == set(KINDS)
