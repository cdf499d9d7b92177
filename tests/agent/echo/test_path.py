"""A known path: what it covers, what exceeds it, and what it learns."""

import numpy as np
import pytest

from agent.audio.frame import SPEAK_FRAME
from agent.echo.bands import BANDS
from agent.echo.path import EchoPath
from agent.echo.played import Played
from agent.echo.search import Fit

FLOOR = np.full(BANDS, 1e-9, np.float32)
LAG, ROOM, GAIN_DB = 12, 1, -12.0


def speech(hops, seed=0):
    """[n, SPEAK_FRAME] of noise whose loudness moves as that of speech."""
    random = np.random.default_rng(seed)
    loud = np.repeat(10 ** random.uniform(-2, -0.5, hops // 8 + 1), 4)[: hops // 2]
    return (random.standard_normal((hops // 2, SPEAK_FRAME)) * loud[:, None]).astype(np.float32)


@pytest.fixture(scope="module")
def played():
    placed = Played()
    for n, frame in enumerate(speech(120)):
        placed.place(frame, 2 * n)
    return placed


def echo(played, end, hops=25, gain_db=GAIN_DB):
    rows = played.tails(end - hops - LAG, end - LAG)[ROOM]
    return rows * np.float32(10 ** (gain_db / 10))


def path(gain_db=GAIN_DB):
    return EchoPath(Fit(LAG, ROOM, gain_db, 4.0))


def test_an_echo_as_loud_as_it_was_is_covered(played) -> None:
    known = path()
    for end in range(60, 100, 3):
        heard = echo(played, end)
        assert known.covers(heard, end, played, FLOOR)
        assert known.misfit_db(heard, end, played, FLOOR) < 2


@pytest.mark.parametrize("voice_db", [6, 12])
def test_a_voice_over_it_exceeds_it_within_100_ms(played, voice_db) -> None:
    """It has a third of the bands, as formants do."""
    known = path()
    assert known.covers(echo(played, 80), 80, played, FLOOR)
    heard = echo(played, 90)
    heard[-10:, ::3] += 3 * heard[-10:].mean() * 10 ** (voice_db / 10)
    assert not known.covers(heard, 90, played, FLOOR)


def test_a_second_echo_later_than_the_first_is_not_covered(played) -> None:
    heard = echo(played, 80) + played.tails(80 - 25 - 40, 80 - 40)[ROOM] * np.float32(0.5)
    assert path().misfit_db(heard, 80, played, FLOOR) > path().misfit_db(
        echo(played, 80), 80, played, FLOOR
    )


def test_it_learns_the_colour_of_the_room(played) -> None:
    colour_db = np.linspace(-5, 5, BANDS).astype(np.float32)
    known = path()
    for end in range(60, 115, 3):
        heard = echo(played, end) * 10 ** (colour_db / 10)
        assert known.covers(heard, end, played, FLOOR)
    first = path().misfit_db(heard, end, played, FLOOR)
    assert known.misfit_db(heard, end, played, FLOOR) < 0.6 * first


def test_it_does_not_learn_from_what_exceeds_it(played) -> None:
    known = path()
    for end in range(60, 115, 3):
        loud = echo(played, end) * np.float32(100)
        assert not known.covers(loud, end, played, FLOOR)
    assert known.misfit_db(echo(played, 115), 115, played, FLOOR) < 2


def test_a_hop_teaches_it_once(played) -> None:
    often, once = path(), path()
    softer = echo(played, 80) * np.float32(0.5)
    for _ in range(50):
        often.covers(softer, 80, played, FLOOR)
    once.covers(softer, 80, played, FLOOR)
    assert often.misfit_db(softer, 80, played, FLOOR) == pytest.approx(
        once.misfit_db(softer, 80, played, FLOOR)
    )


def test_under_the_floor_nothing_exceeds(played) -> None:
    heard = np.full((25, BANDS), 1e-10, np.float32)
    assert path().covers(heard, 20, played, FLOOR)
