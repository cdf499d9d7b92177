"""How long to wait before what was lost is started again."""

from agent.host.backoff import Backoff


def test_each_wait_is_twice_the_one_before_up_to_the_longest() -> None:
    backoff = Backoff(1.0, 5.0)
    assert [backoff.wait_s() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_who_lived_long_begins_anew_and_who_did_not_goes_on() -> None:
    """Killed: one that dies at once for ever, and is started again at once for ever."""
    backoff = Backoff(1.0, 5.0)
    assert [backoff.wait_s(lived_s) for lived_s in (0.1, 5.0, 5.1, 0.0)] == [1.0, 2.0, 1.0, 2.0]
