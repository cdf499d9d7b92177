"""What is judged: conditions change the sound, and not where its end is known to be."""

import numpy as np
import pytest
from recordings import recording

from benchmarks.endpoint_corpus import (
    CLEAN,
    CONDITIONS,
    KIN,
    LEAD_MS,
    SPEAKERS,
    TAIL_MS,
    Condition,
    Recording,
    heard,
    observe,
    observe_all,
)


@pytest.fixture
def spoken():
    samples = recording("goforward")
    return Recording("goforward", "goforward", samples, 2100.0, complete=True)


def test_names_of_conditions_and_recordings_are_given_once() -> None:
    names = [name for each in SPEAKERS.values() for name in each]
    assert len(names) == len(set(names))
    assert len({condition.name for condition in CONDITIONS}) == len(CONDITIONS)
    assert {name for family in KIN for name in family} <= set(names)


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda c: c.name)
def test_what_is_heard_is_whole_packets_of_bounded_sound(spoken, condition) -> None:
    samples, last_ms = heard(spoken, condition)
    length_ms = (len(spoken.samples) / 16 + LEAD_MS + TAIL_MS) / condition.pace
    assert len(samples) % 320 == 0
    assert abs(len(samples) / 16 - length_ms) <= 20
    assert last_ms == pytest.approx((2100 + LEAD_MS) / condition.pace)
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1.5


def test_the_same_seed_loses_the_same_packets(spoken) -> None:
    lossy = Condition("lossy", loss=0.2, seed=3)
    assert np.array_equal(heard(spoken, lossy)[0], heard(spoken, lossy)[0])
    assert not np.array_equal(heard(spoken, lossy)[0], heard(spoken, CLEAN)[0])


def test_the_room_goes_on_after_the_last_word(spoken) -> None:
    room, _ = heard(spoken, Condition("room"))
    clean, _ = heard(spoken, CLEAN)
    assert np.abs(room[-3200:]).max() > 0
    assert np.sqrt(np.mean(room[-8000:] ** 2)) < 0.1 * np.sqrt(
        np.mean(clean[17_000:50_000] ** 2)
    )


def test_noise_is_as_far_below_speech_as_asked_for(spoken) -> None:
    noisy, _ = heard(spoken, Condition("noisy", snr_db=10, room=False))
    clean, _ = heard(spoken, CLEAN)
    assert np.sqrt(np.mean(noisy[-8000:] ** 2)) > 10 * np.sqrt(np.mean(clean[-8000:] ** 2))


def test_pauses_are_observed_up_to_the_end(spoken, tmp_path) -> None:
    observed = observe(spoken, CLEAN)
    assert observed.ended_ms == 3120
    final = [pause for at, pause in observed.pauses if at > observed.ended_ms + 400]
    assert final
    assert all(abs(pause.silent_ms) > 300 for pause in final)
    cache = tmp_path / "observed"
    assert observe_all((), cache) == observe_all((), cache) == []
