"""What is judged: conditions change the sound, and not where its end is known to be."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from recordings import recording

from agent.errors import ConfigError
from benchmarks import endpoint_corpus
from benchmarks.endpoint_corpus import (
    CLEAN,
    CONDITIONS,
    LEAD_MS,
    MORE_CONDITIONS,
    SPEAKERS,
    TAIL_MS,
    Condition,
    Recording,
    heard,
    more_recordings,
    observe,
    observe_all,
    turns_before,
)


@pytest.fixture
def spoken():
    samples = recording("goforward")
    return Recording("goforward", "goforward", samples, 2100.0, complete=True)


def test_names_of_conditions_and_recordings_are_given_once() -> None:
    names = [name for each in SPEAKERS.values() for name in each]
    assert len(names) == len(set(names))
    assert len({condition.name for condition in CONDITIONS}) == len(CONDITIONS)
    assert len(MORE_CONDITIONS) == 4


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


def test_nothing_passes_a_gate_in_pauses_and_words_pass_whole(spoken) -> None:
    gated, _ = heard(spoken, Condition("gated", room=False, gated=True))
    clean, _ = heard(spoken, CLEAN)
    assert np.abs(gated[-3200:]).max() < 1e-4  # as much as a codec makes of nothing
    loud = np.abs(clean) > 0.1
    assert np.abs(gated - clean)[loud].max() < 0.05
    assert (np.abs(gated) < 1e-4).mean() > (np.abs(clean) < 1e-4).mean() + 0.03


def test_noise_is_as_far_below_speech_as_asked_for(spoken) -> None:
    noisy, _ = heard(spoken, Condition("noisy", snr_db=10, room=False))
    clean, _ = heard(spoken, CLEAN)
    assert np.sqrt(np.mean(noisy[-8000:] ** 2)) > 10 * np.sqrt(np.mean(clean[-8000:] ** 2))


def test_pauses_are_observed_up_to_the_end(spoken) -> None:
    observed = observe(spoken, CLEAN)
    assert observed.ended_ms == 3120
    final = [pause for at, pause in observed.pauses if at > observed.ended_ms + 400]
    assert final
    assert all(abs(pause.silent_ms) > 300 for pause in final)


def test_a_later_turn_is_told_by_its_own_time_and_what_went_before_is_known(spoken) -> None:
    """Killed: pauses of the turns before, or a judge that is made anew for each turn."""
    first, second = observe(spoken, CLEAN), observe(spoken, CLEAN, [spoken])
    assert second.ended_ms == first.ended_ms
    assert [at for at, _ in second.pauses] == [at for at, _ in first.pauses]
    assert second.pauses[0][1].usual_ms < first.pauses[0][1].usual_ms  # they speak fluently


def test_who_spoke_before_is_the_same_speaker(spoken) -> None:
    a, b, c = (replace(spoken, name=name, speaker="s") for name in "abc")
    alone = replace(spoken, speaker="t")
    assert turns_before([a, b, alone, c], 1) == [[b], [a], [alone], [a]]
    assert turns_before([a, b], 3) == [[b, b, b], [a, a, a]]
    assert turns_before([a], 0) == [[]]


@pytest.fixture
def folder(tmp_path, spoken):
    soundfile.write(tmp_path / "said.flac", spoken.samples, 16_000)
    (tmp_path / "turns.csv").write_text("name,speaker,end\nsaid,somebody,unknown\n")
    return tmp_path


def test_more_speech_is_what_its_index_says(folder, spoken) -> None:
    [found] = more_recordings(folder)
    assert (found.name, found.speaker, found.complete) == ("said", "somebody", None)
    assert abs(found.last_ms - 2100) <= 20
    assert len(found.samples) == len(spoken.samples)


def test_an_index_that_is_wrong_is_refused(folder) -> None:
    (folder / "turns.csv").write_text("name,speaker,end\nsaid,somebody,maybe\n")
    with pytest.raises(ConfigError, match="said"):
        list(more_recordings(folder))
    (folder / "turns.csv").unlink()
    with pytest.raises(ConfigError, match=r"turns\.csv"):
        list(more_recordings(folder))


def test_what_was_observed_once_is_kept(folder, monkeypatch) -> None:
    monkeypatch.setattr(endpoint_corpus, "recordings", lambda: iter(()))
    monkeypatch.setattr(endpoint_corpus, "MORE_CONDITIONS", (CLEAN,))
    cache = folder / "observed"
    [observed] = observe_all(cache, folder)
    assert (observed.name, observed.condition) == ("said", "clean")
    assert observe_all(cache) == [observed]


def test_nothing_to_observe_is_nothing(monkeypatch) -> None:
    monkeypatch.setattr(endpoint_corpus, "recordings", lambda: iter(()))
    assert observe_all() == []
