"""Sound files, and where the speaking in them ends."""

import numpy as np
import pytest
import recordings
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from agent.audio.frame import SPEAK_HZ
from agent.errors import ConfigError
from benchmarks import speech
from benchmarks.speech import choose, last_speech_sample, load

RNG = np.random.default_rng(1)


def voice(seconds, level=0.1):
    """Something with the pitch and the overtones of a voice."""
    t = np.arange(int(seconds * SPEAK_HZ)) / SPEAK_HZ
    return (level * sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 12))).astype("f4")


def noise(seconds, level):
    return RNG.normal(0, level, int(seconds * SPEAK_HZ)).astype(np.float32)


def end_ms(*parts):
    return last_speech_sample(np.concatenate(parts)) * 1000 / SPEAK_HZ


# -- the last sample of speech -----------------------------------------------------------------


def test_speech_that_goes_to_the_end_ends_there():
    assert end_ms(noise(0.2, 1e-4), voice(1.0)) == pytest.approx(1200, abs=10)


@pytest.mark.parametrize("room_level", [0.0, 1e-4, 1e-3])
def test_room_after_speech_is_not_speech(room_level):
    assert end_ms(voice(1.0), noise(0.7, room_level)) == pytest.approx(1000, abs=20)


def test_a_pause_is_not_the_end():
    parts = voice(0.5), noise(0.6, 1e-4), voice(0.5), noise(0.5, 1e-4)
    assert end_ms(*parts) == pytest.approx(1600, abs=20)


def test_a_weak_last_sound_belongs_to_speech():
    weak = noise(0.1, 0.02)  # an "s", 20 dB below the vowel
    assert end_ms(voice(1.0), weak, noise(0.5, 1e-4)) == pytest.approx(1100, abs=20)


def test_rumble_is_not_speech():
    t = np.arange(SPEAK_HZ // 2) / SPEAK_HZ
    rumble = (0.05 * np.sin(2 * np.pi * 60 * t)).astype(np.float32)
    assert end_ms(voice(1.0), rumble) == pytest.approx(1000, abs=20)


def test_speech_without_any_pause_has_an_end():
    assert end_ms(voice(1.0)) == pytest.approx(1000, abs=10)


def test_noise_near_the_voice_is_told_from_it_by_the_floor():
    assert end_ms(noise(0.5, 0.03), voice(1.0, 0.3), noise(0.5, 0.03)) == pytest.approx(
        1500, abs=20
    )


@pytest.mark.parametrize("count", [0, 10, SPEAK_HZ])
def test_silence_has_no_speech(count):
    assert last_speech_sample(np.zeros(count, np.float32)) is None


@given(st.floats(0.01, 1.0), st.integers(2, 8))
def test_the_end_does_not_depend_on_loudness(gain, tenths):
    sound = np.concatenate([voice(tenths / 10), np.zeros(SPEAK_HZ // 2, np.float32)])
    assert last_speech_sample(sound * np.float32(gain)) == last_speech_sample(sound)


@pytest.mark.parametrize(
    ("name", "before_end_ms"),  # read off spectrograms
    [
        ("lj-sentence-a", 40),
        ("lj-sentence-b", 50),
        ("austen-0870", 340),
        ("austen-0890", 230),
        ("goforward", 690),
        ("sb-spk1_snt4", 80),
        ("sb-spk1_snt5", 90),
        ("sb-spk1_snt6", 80),
        ("jfk", 0),
    ],
)
def test_the_end_of_real_speech_is_where_the_eye_sees_it(name, before_end_ms):
    recordings.recording(name)
    spoken = load(recordings.FOLDER / f"{name}.flac")
    found_ms = (len(spoken.samples) - 1 - spoken.last) * 1000 / SPEAK_HZ
    assert found_ms == pytest.approx(before_end_ms, abs=35)


# -- files -------------------------------------------------------------------------------------


def write(path, samples, rate=SPEAK_HZ):
    soundfile.write(path, samples, rate)
    return path


@pytest.mark.parametrize("rate", [8000, 16_000, 24_000, 44_100])
def test_any_rate_is_read_and_keeps_its_length(tmp_path, rate):
    t = np.arange(rate) / rate
    spoken = load(write(tmp_path / "a.wav", 0.3 * np.sin(2 * np.pi * 440 * t), rate))
    assert spoken.name == "a"
    assert spoken.samples.dtype == np.float32
    assert len(spoken.samples) == pytest.approx(SPEAK_HZ, abs=2)
    assert np.abs(spoken.samples).max() == pytest.approx(0.3, abs=0.02)


def test_channels_are_mixed(tmp_path):
    stereo = np.stack([voice(0.3), np.zeros_like(voice(0.3))], axis=1)
    spoken = load(write(tmp_path / "a.wav", stereo))
    assert spoken.samples == pytest.approx(voice(0.3) / 2, abs=1e-3)


@pytest.mark.parametrize("sample", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(tmp_path, sample):
    samples = np.append(voice(0.3), np.float32(sample))
    soundfile.write(tmp_path / "a.wav", samples, SPEAK_HZ, subtype="FLOAT")
    with pytest.raises(ConfigError, match=r"a\.wav: some of its samples are no numbers"):
        load(tmp_path / "a.wav")


def test_what_cannot_be_said_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match=r"a\.wav: there is no such file"):
        load(tmp_path / "a.wav")
    with pytest.raises(ConfigError, match="is a folder; name a sound file in it"):
        load(tmp_path)
    (tmp_path / "b.wav").write_text("hello")
    with pytest.raises(ConfigError, match=r"b\.wav: no sound file"):
        load(tmp_path / "b.wav")
    with pytest.raises(ConfigError, match=r"c\.wav: there is nothing but silence"):
        load(write(tmp_path / "c.wav", np.zeros(SPEAK_HZ)))


# -- which are said ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for name in ("b.wav", "a.flac", "lj-1.wav", "notes.txt"):
        (tmp_path / name).touch()
    return tmp_path


def names(paths):
    return [path.stem for path in paths]


def test_a_folder_is_said_in_order_without_what_is_no_sound(folder):
    assert names(choose(folder, "")) == ["a", "b", "lj-1"]


def test_patterns_choose(folder):
    assert names(choose(folder, "lj-*, a")) == ["a", "lj-1"]


def test_the_default_are_complete_turns_only(tmp_path, monkeypatch):
    monkeypatch.setattr(speech, "FOLDER", tmp_path)
    for name in ("goforward", "LJ001-0001", "noise1"):
        (tmp_path / f"{name}.flac").touch()
    assert names(choose(None, "")) == ["goforward"]


def test_nothing_to_say_is_an_operators_mistake(folder, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="--only x: matches none of a, b, lj-1"):
        choose(folder, "a,x")
    with pytest.raises(ConfigError, match="there is no such folder"):
        choose(folder / "missing", "")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"no \.wav and no \.flac"):
        choose(tmp_path / "empty", "")
    monkeypatch.setattr(speech, "FOLDER", tmp_path / "empty")
    with pytest.raises(ConfigError, match="--recordings DIR"):
        choose(None, "")
