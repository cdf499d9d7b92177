"""What a scenario's caller makes heard."""

import numpy as np
import pytest
import soundfile

from agent.audio.frame import SPEAK_HZ
from agent.errors import ConfigError
from benchmarks import speech
from benchmarks.dialogue.scenario import Expectation, Line, Scenario, Sound
from benchmarks.dialogue.sound import missing, render


def scenario(*lines, background=None):
    return Scenario(
        "a test",
        (Expectation(cut=0),),
        background=background,
        caller=tuple(Line(tuple(sounds)) for sounds in lines),
    )


def made(*sounds):
    [line] = render(scenario(sounds)).lines
    return line


def ms(samples):
    return round(samples * 1000 / SPEAK_HZ)


def level_db(samples):
    return 20 * np.log10(np.sqrt(np.mean(samples**2)))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Recordings of our own: two seconds, a tone from 0.5 to 1.5 s."""
    t = np.arange(2 * SPEAK_HZ) / SPEAK_HZ
    tone = np.where((t > 0.5) & (t < 1.5), 0.3 * np.sin(2 * np.pi * 400 * t), 0)
    soundfile.write(tmp_path / "tone.flac", tone, SPEAK_HZ)
    monkeypatch.setattr(speech, "FOLDER", tmp_path)
    return tmp_path


def test_silence_and_noise_are_as_long_and_as_loud_as_they_say() -> None:
    line = made(Sound(silence_ms=100), Sound(noise_ms=200), Sound(noise_ms=50, gain_db=-20))
    assert ms(len(line.samples)) == 350
    at = [SPEAK_HZ * n // 1000 for n in (100, 300, 350)]
    assert not line.samples[: at[0]].any()
    assert level_db(line.samples[at[0] : at[1]]) == pytest.approx(-20, abs=0.5)
    assert level_db(line.samples[at[1] : at[2]]) == pytest.approx(-40, abs=1)


def test_a_line_without_speech_is_all_sound() -> None:
    line = made(Sound(silence_ms=100), Sound(noise_ms=200), Sound(silence_ms=40))
    assert (ms(line.first), ms(line.last)) == (100, 300)
    silent = made(Sound(silence_ms=100))
    assert (silent.first, silent.last) == (0, len(silent.samples) - 1)


def test_speech_lies_where_it_is_heard() -> None:
    line = made(Sound(silence_ms=300), Sound(say="Yes, I do."), Sound(silence_ms=500))
    assert ms(line.first) == pytest.approx(300, abs=30)
    assert ms(len(line.samples) - line.last) == pytest.approx(500, abs=60)


def test_noise_after_speech_is_not_speech() -> None:
    line = made(Sound(say="Yes."), Sound(silence_ms=500), Sound(noise_ms=100, gain_db=6))
    assert ms(len(line.samples) - line.last) > 550


def test_the_same_words_make_the_same_samples() -> None:
    one = render(scenario([Sound(say="Hello [100 ms breath] there.")], [Sound(noise_ms=10)]))
    two = render(scenario([Sound(say="Hello [100 ms breath] there.")], [Sound(noise_ms=10)]))
    for a, b in zip(one.lines, two.lines, strict=True):
        assert np.array_equal(a.samples, b.samples)


def silences(samples):
    """The inner stretches of digital silence of at least 50 ms, in ms."""
    loud = np.flatnonzero(samples)
    gaps = np.diff(loud)
    return [ms(gap - 1) for gap in gaps if gap > SPEAK_HZ // 20]


def test_a_pause_is_put_before_the_word_that_follows_it() -> None:
    plain = made(Sound(say="I am looking for the train to Hamburg."))
    line = made(Sound(say="I am looking for [400 ms] the train to Hamburg."))
    assert silences(line.samples) == [400]
    assert ms(len(line.samples) - len(plain.samples)) == pytest.approx(400, abs=60)


def test_a_comma_before_a_pause_adds_none_of_its_own() -> None:
    line = made(Sound(say="apples, [200 ms] pears, [300 ms] and plums."))
    assert silences(line.samples) == [200, 300]


def test_what_is_cut_does_not_click() -> None:
    line = made(Sound(say="I am looking for [400 ms] the train."))
    last = np.flatnonzero(line.samples[: line.last])
    pause = next(i for i in range(len(last) - 1) if last[i + 1] - last[i] > SPEAK_HZ // 5)
    assert abs(line.samples[last[pause]]) < 0.01


def test_a_breath_is_soft_noise() -> None:
    line = made(Sound(say="Well, [300 ms breath] I think so."))
    assert silences(line.samples) == []
    steps = line.samples[: len(line.samples) // 480 * 480].reshape(-1, 480)
    soft = [step for step in steps if -50 < level_db(step + 1e-9) < -42]
    assert len(soft) >= 10


def test_a_pause_at_the_end_or_the_beginning_is_one_too() -> None:
    line = made(Sound(say="[200 ms] Hello. [300 ms]"))
    assert ms(line.first) == pytest.approx(200, abs=40)
    assert ms(len(line.samples) - line.last) == pytest.approx(300, abs=60)


def test_a_recording_is_played_in_part_and_at_its_level(folder) -> None:
    whole = made(Sound(play="tone"))
    assert (ms(whole.first), ms(whole.last)) == pytest.approx((500, 1500), abs=25)
    part = made(Sound(play="tone", from_s=0.6, to_s=1.0, gain_db=-6))
    assert ms(len(part.samples)) == 400
    assert np.abs(part.samples).max() == pytest.approx(0.15, abs=0.01)
    with pytest.raises(ConfigError, match=r"tone\.flac: is shorter than from_s \(3\)"):
        made(Sound(play="tone", from_s=3))


def test_a_background_comes_beside_the_lines(folder) -> None:
    track = render(scenario([Sound(say="Hello.")], background=Sound(say="Psst.")))
    assert len(track.lines) == 1 and len(track.background) < len(track.lines[0].samples)
    assert render(scenario([Sound(noise_ms=9)])).background is None


def test_recordings_that_are_not_there_are_named_once(folder) -> None:
    played = scenario(
        [Sound(play="tone"), Sound(play="gone")],
        [Sound(play="gone")],
        background=Sound(play="x"),
    )
    assert missing(played) == ("x", "gone")


def test_nothing_to_be_heard_is_the_operators_mistake() -> None:
    with pytest.raises(ConfigError, match=r"nothing to be heard in '\.\.\.'"):
        made(Sound(say="..."))
