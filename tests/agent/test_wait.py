"""When to decide, and for which sound that is put off."""

from hypothesis import given
from hypothesis import strategies as st

from agent.wait import Wait


def waiting(deadline):
    wait = Wait()
    wait.begin(deadline)
    return wait


def test_nobody_waits_for_nothing() -> None:
    wait = waiting(None)
    wait.see(1.0, 0.06)
    assert wait.deadline is None


def test_a_sound_long_before_changes_nothing() -> None:
    wait = waiting(2.0)
    wait.see(1.0, 0.06)
    assert wait.deadline == 2.0


def test_a_sound_at_the_last_moment_is_understood_first() -> None:
    wait = waiting(2.0)
    wait.see(1.99, 0.06)
    assert wait.deadline == 1.99 + 0.06


def test_a_new_decision_does_not_forget_the_sound() -> None:
    wait = waiting(3.0)
    wait.see(1.99, 0.06)
    wait.until(1.5)
    assert wait.deadline == 1.99 + 0.06
    wait.until(2.5)
    assert wait.deadline == 2.5


def test_a_wait_that_begins_anew_forgets_it() -> None:
    wait = waiting(2.0)
    wait.see(1.99, 0.06)
    wait.begin(2.0)
    wait.until(1.0)
    assert wait.deadline == 1.0


@given(st.lists(st.floats(0, 5), min_size=1, max_size=20))
def test_law_sounds_that_keep_coming_put_it_off_by_one_confirmation_at_most(sounds) -> None:
    """Killed: a sound after the deadline that counts from its own time."""
    wait = waiting(2.0)
    for now in sorted(sounds):
        wait.see(now, 0.06)
    assert 2.0 <= wait.deadline <= 2.0 + 0.06
