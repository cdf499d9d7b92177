"""What changes what was told: that it is frozen and flat stands in test_events.py."""

from typing import get_args

from agent import events, revisions


def test_each_is_a_notice_of_a_reply() -> None:
    for kind in (revisions.ReplyCut, revisions.CutRefused, revisions.TurnWithdrawn):
        assert kind in get_args(events.Notice)
        assert "turn" in kind.__slots__
