"""What a session may set of the turns."""

from dataclasses import FrozenInstanceError

import pytest

from agent.turn_rules import TurnRules

LEAST = TurnRules(0.4, 0.2, 10, 1, 300, 0.06)


def test_rules_are_replaced_and_never_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        LEAST.barge_in_s = 1.0


def test_what_is_not_set_is_the_plain_telephone() -> None:
    """No judging, no withdrawal, no resuming: each of them is asked for."""
    assert (LEAST.judges, LEAST.withdraw_s, LEAST.backchannel_s) == (False, 0.0, 0.0)
    assert LEAST.greets and LEAST.create_response and LEAST.interrupt_response
