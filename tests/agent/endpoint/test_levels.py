"""Levels: what is loud enough to be speech, and the same however it is computed."""

import numpy as np
import pytest
from recordings import recording

from agent.audio.window import Windows
from agent.endpoint.levels import _FILTER, HOP, Levels, Loudness, Room


def tone(seconds, hz=300.0, level=0.1):
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * 16_000)) / 16_000)).astype(
        np.float32
    )


def stream(samples):
    levels = Levels()
    return [
        level_db for hop in Windows(HOP).feed(samples) for level_db in levels.feed(hop[None])
    ]


def offline(samples):
    """The twin: the whole recording at once."""
    padded = np.concatenate([np.zeros(len(_FILTER) - 1, np.float32), samples])
    voice = np.convolve(padded, _FILTER, "valid")
    power = (voice[: len(samples) // HOP * HOP].reshape(-1, HOP) ** 2).mean(axis=1)
    return 10 * np.log10(power + 1e-12)


def test_streaming_is_equal_to_the_whole() -> None:
    speech = recording("goforward")
    assert np.allclose(stream(speech), offline(speech), atol=0.01)


@pytest.mark.parametrize("size", [1, 159, 160, 161, 320, 1000])
def test_hops_lose_and_repeat_nothing(size) -> None:
    hops, sound = Windows(HOP), np.arange(3200, dtype=np.float32)
    cut = [hop for n in range(0, 3200, size) for hop in hops.feed(sound[n : n + size])]
    assert np.array_equal(np.concatenate(cut), sound[: len(cut) * HOP])
    assert len(cut) == 3200 // HOP


def test_rumble_is_not_voice() -> None:
    assert stream(tone(0.5, hz=40))[-1] < stream(tone(0.5, hz=400))[-1] - 15


def hear(*stretches):
    """Whether each hop is loud enough: stretches are (hops, dB, is the VAD sure)."""
    loudness = Loudness()
    said = [
        loudness.feed(level_db, probable)
        for hops, level_db, probable in stretches
        for _ in range(hops)
    ]
    return loudness, said


def test_speech_is_loud_and_the_room_is_not() -> None:
    loudness, said = hear((100, -60.0, False), (100, -20.0, True), (30, -60.0, True))
    assert loudness.clear
    assert all(said[103:200])
    assert not any(said[203:])


def test_where_noise_is_as_loud_as_speech_only_the_vad_knows() -> None:
    loudness, said = hear((100, -32.0, False), (100, -20.0, True), (50, -32.0, False))
    assert not loudness.clear
    assert all(said)


@pytest.mark.parametrize(
    ("loud_db", "heard_db"),
    [(-10.0, -10.0), (-26.0, -26.0), (-32.0, -26.0), (-44.0, -26.0), (-60.0, -40.0)],
)
def test_a_soft_caller_is_made_louder_and_no_other(loud_db, heard_db) -> None:
    """Killed: a gain for all, which cut into loud callers more; one without a bound."""
    unknown, _ = hear((100, -80.0, False), (19, loud_db, True))
    assert unknown.gain == 1.0
    known, _ = hear((100, -80.0, False), (100, loud_db, True))
    assert 20 * np.log10(known.gain) == pytest.approx(heard_db - loud_db, abs=0.1)


def test_a_silent_line_is_no_room() -> None:
    """Digital silence before a call's first word must not make its noise loud."""
    loudness, said = hear((200, -120.0, False), (100, -20.0, True), (200, -50.0, False))
    assert loudness.floor_db > -60
    assert not any(said[320:])


def test_a_click_within_silence_is_none() -> None:
    _, said = hear((100, -60.0, False), (100, -20.0, True), (30, -60.0, False))
    loudness, _ = hear((100, -60.0, False), (100, -20.0, True), (30, -60.0, False))
    assert not said[-1]
    assert not loudness.feed(-43.0, False)  # -48 dB with its neighbours


def test_who_has_not_spoken_yet_is_not_judged_by_level() -> None:
    loudness, said = hear((50, -40.0, False))
    assert not loudness.clear
    assert all(said)


def room(*stretches):
    """The room after (hops, dB, has speech been over for long); a pause begins at each True."""
    heard, before = Room(), False
    for hops, level_db, silent in stretches:
        if silent and not before:
            heard.settle()
        before = silent
        for _ in range(hops):
            heard.feed(level_db, silent)
    return heard


def test_a_breath_is_above_the_room_and_the_room_is_not() -> None:
    spoken = ((100, -60.0, True), (100, -20.0, False))
    assert room(*spoken, (10, -60.0, True)).above_db == pytest.approx(0, abs=0.1)
    assert room(*spoken, (10, -48.0, True)).above_db == pytest.approx(12, abs=0.1)


def test_one_hop_of_noise_is_a_quarter_of_a_breath() -> None:
    before = ((100, -60.0, True), (100, -20.0, False), (9, -60.0, True))
    assert room(*before, (1, -48.0, True)).above_db == pytest.approx(7, abs=0.5)


def test_a_line_without_sound_is_no_quieter_than_its_room() -> None:
    """A muted microphone after the last word is not taken for a quieter room."""
    muted = room((100, -60.0, True), (100, -20.0, False), (50, -120.0, True))
    assert muted.above_db == 0
    for _ in range(100):
        muted.feed(-20.0, silent=False)
    muted.settle()
    for _ in range(10):
        muted.feed(-60.0, silent=True)
    assert muted.above_db == pytest.approx(0, abs=0.1)


def test_before_any_pause_the_quietest_moment_must_do() -> None:
    """A recording that begins with speech, after digital silence."""
    heard = room((100, -120.0, True), (90, -20.0, False), (10, -50.0, False))
    heard.settle()
    for _ in range(4):
        heard.feed(-44.0, silent=True)
    assert 5 < heard.above_db < 8


def test_a_pause_does_not_change_the_room_it_is_measured_by() -> None:
    long = room((20, -60.0, True), (100, -20.0, False), (400, -50.0, True))
    assert long.above_db == pytest.approx(10, abs=0.1)


def test_a_first_pause_that_is_one_breath_is_not_taken_for_the_room() -> None:
    """Its quietest moment is; of a second of room, a tenth may be quieter."""
    first = room((20, -120.0, True), (100, -20.0, False), (30, -50.0, True), (1, -60.0, True))
    first.feed(-20.0, silent=False)
    first.settle()
    for _ in range(4):
        first.feed(-50.0, silent=True)
    assert first.above_db == pytest.approx(10, abs=0.1)
    known = room((1, -60.0, True), (150, -50.0, True))
    known.settle()
    assert known.above_db == pytest.approx(0, abs=0.1)


def test_a_muted_line_before_the_first_word_is_no_room() -> None:
    """What a caller's encoder makes of digital silence, here -83 dB."""
    heard = room((100, -83.0, True), (100, -20.0, False), (30, -70.0, True))
    heard.feed(-20.0, silent=False)
    heard.settle()
    for _ in range(4):
        heard.feed(-70.0, silent=True)
    assert heard.above_db == pytest.approx(0, abs=0.1)
