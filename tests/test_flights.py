"""Every record in tests/flights decides today as it did. To add a test, copy a file there."""

from pathlib import Path

import pytest

from agent import commands as do
from agent.flight.entries import decisions
from agent.flight.record import read
from agent.flight.replay import replay

FOLDER = Path(__file__).parent / "flights"
FLIGHTS = sorted(FOLDER.glob("*.flight"))


@pytest.mark.parametrize("path", FLIGHTS, ids=lambda path: path.stem)
def test_a_flight_is_repeated(path) -> None:
    flight = read(path)
    assert flight.damage is None
    difference = replay(flight).difference
    assert difference.identical, (
        f"recorded {difference.recorded}, now {difference.now}; see it with "
        f"voxline replay {path} --picture flight.png, or accept it with --save {path}"
    )


@pytest.mark.parametrize("path", FLIGHTS, ids=lambda path: path.stem)
def test_flights_are_small(path) -> None:
    assert path.stat().st_size < 1_000_000, "cut the call short: half a minute is enough"


def test_the_synthetic_one_holds_what_it_is_for() -> None:
    kinds = {type(d.command) for d in decisions(read(FOLDER / "weather.flight").entries)}
    assert {do.TryReply, do.SettleReply, do.WithdrawReply, do.CancelReply} <= kinds


def test_a_flight_with_a_decision_taken_out_would_be_seen(tmp_path) -> None:
    """The mutant: the test above can fail."""
    flight = read(FOLDER / "weather.flight")
    assert not replay(flight, {"turns.end_of_turn_ms": 900}).difference.identical
