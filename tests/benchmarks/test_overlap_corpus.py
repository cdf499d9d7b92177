"""What is said over the agent begins where it is said to."""

import numpy as np
import pytest
from recordings import recording

from agent.audio.frame import HEAR_HZ, SPEAK_HZ
from benchmarks import speech
from benchmarks.overlap_corpus import (
    COMMANDS,
    SIGNS,
    VOICES,
    Kind,
    click,
    cough,
    interruptions,
    laughter,
    overlaps,
    phrases_ms,
    trimmed,
)


def voiced(length_s):
    t = np.arange(int(length_s * HEAR_HZ)) / HEAR_HZ
    return 0.3 * np.sin(2 * np.pi * 400 * t)


def test_phrases_begin_after_pauses_and_not_after_closures() -> None:
    room = 1e-4 * np.random.default_rng(1).standard_normal(4 * HEAR_HZ)
    for begin_s, length_s in ((0.5, 0.5), (1.08, 0.5), (2.0, 1.0)):
        at = int(begin_s * HEAR_HZ)
        room[at : at + int(length_s * HEAR_HZ)] += voiced(length_s)
    begins = phrases_ms(room.astype(np.float32))
    assert begins == pytest.approx([500, 2000], abs=20)


def test_a_click_begins_no_phrase() -> None:
    room = (1e-4 * np.random.default_rng(1).standard_normal(2 * HEAR_HZ)).astype(np.float32)
    room[8000:8100] += 0.5
    room[16_000:24_000] += voiced(0.5)
    assert phrases_ms(room) == pytest.approx([1000], abs=20)


def test_edges_without_sound_are_cut_off() -> None:
    sound = np.zeros(1000, np.float32)
    sound[300:500] = 0.5
    assert len(trimmed(sound)) == 200


def test_every_kind_is_said_in_every_voice(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(speech, "FOLDER", tmp_path)  # without recordings
    said = list(overlaps())
    kinds = [each.kind for each in said]
    assert kinds.count(Kind.SIGN) == len(SIGNS) * len(VOICES)
    assert kinds.count(Kind.COMMAND) == len(COMMANDS) * len(VOICES)
    assert Kind.SOUND in kinds and Kind.INTERRUPTION not in kinds
    for each in said:
        assert each.samples.dtype == np.float32
        assert 0.05 < np.abs(each.samples).max() <= 1
    signs = [len(each.samples) / SPEAK_HZ for each in said if each.kind is Kind.SIGN]
    assert 0.2 < min(signs) and max(signs) < 0.55  # as people say them


def test_what_is_no_speech_is_as_short_as_it_is() -> None:
    random = np.random.default_rng(1)
    lengths_s = [len(make(random)) / SPEAK_HZ for make in (click, cough, laughter)]
    assert lengths_s == pytest.approx([0.01, 0.38, 0.8], abs=0.01)


def test_interruptions_begin_with_their_first_sound() -> None:
    recording("goforward")  # skips where there are none
    said = list(interruptions())
    assert len(said) > 20
    for each in said:
        begin = np.abs(each.samples[: SPEAK_HZ // 5])
        assert begin.max() > 0.01, each.name
