"""The table of self-interruptions, and what the guard costs."""

import numpy as np
import pytest

from benchmarks.echo import LEVELS_DB, cost, plot, rooms, text
from benchmarks.echo_calls import Tally


def tallies(**named):
    return {level_db: Tally(**named) for level_db in (None, *LEVELS_DB)}


def test_each_level_has_as_many_rooms_and_no_two_rooms_are_the_same() -> None:
    found = list(rooms(40))
    for level_db in LEVELS_DB:
        assert sum(room.level_db == level_db for room in found) == 10
    assert len({(room.delay_ms, room.fall_s, room.seed) for room in found}) == 40
    assert all(50 <= room.delay_ms <= 400 and 0.2 <= room.fall_s <= 0.6 for room in found)
    assert list(rooms(40)) == found


def test_the_table_adds_up_what_had_an_echo() -> None:
    guarded = tallies(replies=5, false_turns=1, spoken_over=4, found=3, late_ms=7.0)
    for tally in guarded.values():
        tally.found_ms = [200.0, 300.0, 400.0]
    guarded[-6.0].self_interrupted = 2
    shown = text(guarded, tallies(replies=1, self_interrupted=1)).splitlines()
    assert shown[2].startswith("| none | 0 of 5 |")
    assert shown[3] == "| -6 dB | 2 of 5 | 1 | 3 of 4 | 300 / 390 ms | 1 of 1 |"
    assert shown[-2] == "| all with echo | 2 of 20 | 4 | 12 of 16 | 300 / 400 ms | 4 of 4 |"
    assert "7 ms" in shown[-1]


def test_a_level_without_interruptions_has_no_delay() -> None:
    shown = text(tallies(replies=1), tallies())
    assert "| 0 of 0 | - |" in shown
    assert "nan" not in shown


def test_tallies_add_up() -> None:
    first = Tally(1, 1, 0, 2, 1, 5.0, [100.0])
    first.add(Tally(2, 0, 3, 1, 1, 4.0, [200.0]))
    assert first == Tally(3, 1, 3, 3, 2, 5.0, [100.0, 200.0])


def test_the_plot_is_drawn(tmp_path) -> None:
    guarded = tallies(replies=5, spoken_over=4, found=3)
    plot(guarded, tallies(replies=1, self_interrupted=1), tmp_path / "echo.png")
    assert (tmp_path / "echo.png").stat().st_size > 5000


def test_the_guard_costs_least_when_there_is_nothing_to_do() -> None:
    shares = cost()
    assert list(shares) == ["idle", "playing, no echo", "playing, echo"]
    assert np.isfinite(list(shares.values())).all()
    # ratios of one run, and wide: these take work only where there is something to hear
    assert 3 * shares["idle"] < shares["playing, no echo"]
    assert 3 * shares["idle"] < shares["playing, echo"]
    assert shares["playing, echo"] == pytest.approx(1, abs=20)  # % of a core, not a share of 1
