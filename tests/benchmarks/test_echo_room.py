"""The simulated loudspeaker, room and microphone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.audio.frame import HEAR_FRAME, HEAR_HZ, SPEAK_FRAME
from benchmarks.echo_room import Echo, Loudspeaker, Room

ROOM = Room(-12.0, 100.0, 0.3, seed=3)


def noise(frames, level=0.05, seed=0):
    random = np.random.default_rng(seed)
    return (random.standard_normal((frames, HEAR_FRAME)) * level).astype(np.float32)


def db(sound):
    return 10 * np.log10(np.mean(np.asarray(sound) ** 2) + 1e-20)


def test_the_response_has_its_level_and_falls_by_60_db_in_time() -> None:
    response = ROOM.response()
    assert 10 * np.log10(np.sum(response**2)) == pytest.approx(-12, abs=0.01)
    first, last = response[: HEAR_HZ // 50], response[int(0.29 * HEAR_HZ) : int(0.31 * HEAR_HZ)]
    assert db(first) - db(last) == pytest.approx(58, abs=5)


def test_a_direct_sound_stands_out() -> None:
    response = np.abs(Room(-6.0, 100.0, 0.3, direct_db=6.0).response())
    assert np.argmax(response) == 0
    assert response[0] > 4 * response[1:].max()


def test_small_loudspeakers_have_no_bass() -> None:
    spectrum = np.abs(np.fft.rfft(ROOM.response(), HEAR_HZ))
    assert spectrum[20:80].mean() < 0.2 * spectrum[1000:2000].mean()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100), st.integers(2, 40), st.floats(0, 200))
def test_frame_by_frame_is_the_whole_at_once(seed, count, delay_ms) -> None:
    room = Room(-12.0, delay_ms, 0.25, seed=seed)
    sound = noise(count, seed=seed)
    echo = Echo(room)
    streamed = np.concatenate([echo.feed(frame) for frame in sound])
    bent = np.tanh(2 * sound.ravel().astype(float)) / 2
    whole = np.convolve(bent, room.response())[: len(bent)]
    late = round(delay_ms * HEAR_HZ / 1000)
    whole = np.pad(whole, (late, 0))[: len(bent)]
    assert streamed == pytest.approx(whole, abs=1e-5)


def test_the_same_seed_is_the_same_room() -> None:
    assert np.array_equal(ROOM.response(), Room(-12.0, 100.0, 0.3, seed=3).response())
    assert not np.array_equal(ROOM.response(), Room(-12.0, 100.0, 0.3, seed=4).response())


def test_what_is_played_comes_back_late_and_softer() -> None:
    speaker, sound = Loudspeaker(ROOM), noise(100)
    back = []
    for frame in sound:
        speaker.play(frame)
        back.append(speaker.frame())
    heard = np.concatenate(back)
    assert heard.shape == (100 * SPEAK_FRAME,)
    assert heard.dtype == np.float32
    first_ms = np.flatnonzero(np.abs(heard) > 1e-4)[0] / 24
    assert 140 <= first_ms <= 170  # 100 of the room, 40 of a browser's buffer, the resampler
    assert db(heard[24_000:]) - db(sound) == pytest.approx(-12, abs=2)


def test_a_device_that_is_given_nothing_is_silent() -> None:
    speaker = Loudspeaker(ROOM)
    assert not np.concatenate([speaker.frame() for _ in range(10)]).any()


def test_silence_that_piles_up_does_not_make_it_later() -> None:
    """The receive path fills a stall with silence at once; a browser does not play it later."""
    speaker = Loudspeaker(ROOM)
    for _ in range(20):
        speaker.play(np.zeros(HEAR_FRAME, np.float32))
    back = []
    for frame in noise(50):
        speaker.play(frame)
        back.append(speaker.frame())
    first_ms = np.flatnonzero(np.abs(np.concatenate(back)) > 1e-4)[0] / 24
    assert first_ms <= 170
