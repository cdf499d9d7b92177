"""The names of the states, for a client."""

from agent.state import OVERLAP, WEIGHING, YIELDED, State


def test_an_overlap_is_one_for_a_client_until_it_is_a_turn() -> None:
    assert {state.told for state in (OVERLAP, YIELDED, WEIGHING)} == {"overlap"}


def test_every_other_state_is_told_by_its_own_name() -> None:
    others = [state for state in State if state not in (YIELDED, WEIGHING)]
    assert [state.told for state in others] == [state.name.lower() for state in others]
