"""What calls have in common is made once and cannot be changed by one of them."""

from dataclasses import FrozenInstanceError

import pytest
from fakes import FakeFunctions

from agent.canned import Canned
from agent.config_file import load
from agent.engines import Style
from agent.metrics import Metrics
from agent.shared import Shared


def test_no_call_can_change_it_for_the_others() -> None:
    shared = Shared(load(None), Canned(Style("")), Metrics(), FakeFunctions())
    assert shared.adviser is None  # Smart Turn is off until somebody wants it
    with pytest.raises(FrozenInstanceError):
        shared.functions = FakeFunctions()
