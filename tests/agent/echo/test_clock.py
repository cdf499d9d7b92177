"""Media time by arrivals: jitter does not move it, clocks that part do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.echo.clock import MediaClock

PACKET = 320


def test_before_anything_arrived_there_is_no_media_time() -> None:
    assert MediaClock().media_ms(5.0) is None


def test_media_time_counts_from_what_arrived() -> None:
    clock = MediaClock()
    for n in range(10):
        clock.arrived(PACKET, 100 + (n + 1) * 0.02)
    assert clock.media_ms(100.2) == pytest.approx(200)
    assert clock.media_ms(100.0) == pytest.approx(0)
    assert clock.media_ms(101.0) == pytest.approx(1000)


@given(st.lists(st.floats(0, 0.05), min_size=20, max_size=60))
def test_jitter_moves_it_by_no_more_than_the_least_of_it(late_s) -> None:
    """Killed: the latest packet says what time it is."""
    clock = MediaClock()
    for n, late in enumerate(late_s):
        clock.arrived(PACKET, 7 + (n + 1) * 0.02 + late)
    off_ms = clock.media_ms(7 + len(late_s) * 0.02) - len(late_s) * 20
    assert -min(late_s) * 1000 - 0.3 <= off_ms <= 1e-6  # 200 ppm of 1.2 s


@pytest.mark.parametrize("ppm", [-100, 100])
def test_it_follows_a_sound_card_that_is_not_our_clock(ppm) -> None:
    clock, jitter = MediaClock(), np.random.default_rng(0).uniform(0, 0.005, 30_000)
    for n in range(30_000):  # ten minutes
        clock.arrived(PACKET, (n + 1) * 0.02 * (1 + ppm * 1e-6) + jitter[n])
    now = 600 * (1 + ppm * 1e-6)
    assert clock.media_ms(now) == pytest.approx(600_000, abs=2)


@pytest.mark.parametrize("hole_s", [0.06, 0.3, 10.0])
def test_time_that_nothing_filled_is_left_out_after_some_seconds(hole_s) -> None:
    """Another stream that follows, or a jitter buffer's patience, fills no time."""
    clock = MediaClock()
    for n in range(1000):
        clock.arrived(PACKET, (n + 1) * 0.02 + hole_s * (n >= 500))
    assert clock.media_ms(20 + hole_s) == pytest.approx(20_000)


def test_time_that_was_filled_and_then_came_all_the_same_counts_at_once() -> None:
    """A stalled network: silence stood for what then arrives in one burst."""
    clock = MediaClock()
    for n in range(1000):
        clock.arrived(PACKET, (n + 1) * 0.02)
    clock.arrived(50 * PACKET, 20.02)
    assert clock.media_ms(20.02) == pytest.approx(21_000)
