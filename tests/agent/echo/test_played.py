"""What was played, on the caller's media time."""

import numpy as np
import pytest

from agent.audio.frame import SPEAK_FRAME, SPEAK_HZ
from agent.echo.bands import Bands
from agent.echo.played import DECAYS, ROOMS, Played

NOISE = np.random.default_rng(0).standard_normal((200, SPEAK_FRAME)).astype(np.float32) * 0.1


def slow_tails(rows):
    """The twin: each tail is the sum of all that was, by definition."""
    tails = np.zeros((ROOMS, *rows.shape))
    for room in range(ROOMS):
        decay = float(DECAYS[room, 0])
        for n in range(len(rows)):
            for k in range(n + 1):
                tails[room, n] += (1 - decay) * decay ** (n - k) * rows[k]
    return tails


def placed(frames, begin=0):
    played = Played()
    for n, frame in enumerate(frames):
        played.place(frame, begin + 2 * n)
    return played


def test_tails_are_what_rooms_make_of_it() -> None:
    expected = slow_tails(Bands(SPEAK_HZ).feed(NOISE[:10].ravel()))
    assert placed(NOISE[:10]).tails(0, 20) == pytest.approx(expected, rel=1e-3)


def test_after_the_last_frame_it_dies_away() -> None:
    rows = np.concatenate([Bands(SPEAK_HZ).feed(NOISE[:10].ravel()), np.zeros((30, 20))])
    assert placed(NOISE[:10]).tails(0, 50) == pytest.approx(slow_tails(rows), rel=1e-3)


def test_a_silence_between_replies_dies_away_too() -> None:
    played = placed(NOISE[:10])
    played.place(NOISE[10], 60)
    rows = np.zeros((62, 20))
    rows[:20] = Bands(SPEAK_HZ).feed(NOISE[:10].ravel())
    rows[60:62] = Bands(SPEAK_HZ).feed(NOISE[10])
    assert played.tails(0, 62) == pytest.approx(slow_tails(rows), rel=1e-3, abs=1e-12)


@pytest.mark.parametrize("silence", [155, 1000, 1_000_000])
def test_a_long_silence_leaves_nothing(silence) -> None:
    played = placed(NOISE[:10])
    played.place(NOISE[10], 20 + silence)
    before = played.tails(20 + silence - 20, 20 + silence)
    assert 0 <= before.max() < 1e-9
    assert played.tails(20 + silence, 22 + silence).max() > 1e-5


def test_what_is_a_hop_off_follows_on_the_one_before() -> None:
    steady, jittery = placed(NOISE[:40]), Played()
    for n, frame in enumerate(NOISE[:40]):
        jittery.place(frame, 2 * n + (-0.9, 0.4, 0.9)[n % 3])
    assert np.array_equal(steady.tails(0, 80), jittery.tails(0, 80))


def test_what_is_forgotten_is_silence() -> None:
    tails = placed(NOISE[:200]).tails(100, 400)
    assert not tails[:, : 240 - 100].any()
    assert (tails[:, 240 - 100 : 400 - 100].max(axis=(0, 2)) > 1e-5).all()


def test_it_knows_where_it_was_loud_enough_to_come_back() -> None:
    played = Played()
    assert played.audible_end < -100
    played.place(NOISE[0], 10)
    assert played.audible_end == 12
    played.place(NOISE[1] * 1e-4, 12)
    assert played.audible_end == 12 + 1  # its first window holds the end of the frame before
