"""The picture of a call: what is drawn, and that it is drawn."""

import numpy as np
import pytest

import agent.flight.entries as en
from agent import commands as do
from agent import events as ev
from agent import notices as nt
from agent.flight.replay import Replayed
from benchmarks.flight_picture import Span, draw, envelope, labels, spans


def told(at, state):
    return en.Told(at, nt.StateChanged(state))


def tick(due, *commands):
    return en.Ticked(due, due, commands)


def test_states_follow_one_another_without_a_gap() -> None:
    entries = [told(1.0, "hearing"), en.Sent(1.5), told(2.0, "paused")]
    assert list(spans(entries, 3.0)) == [
        Span(0.0, 1.0, "listening"),
        Span(1.0, 2.0, "hearing"),
        Span(2.0, 3.0, "paused"),
    ]


def test_a_call_in_which_nothing_happens_listens() -> None:
    assert list(spans([], 2.0)) == [Span(0.0, 2.0, "listening")]


def test_a_wave_keeps_its_highest_and_lowest() -> None:
    sound = np.array([0.1, -0.9, 0.7, 0.0], np.float32)
    wave = envelope([(0.5, sound)], rate_hz=16_000, ends_s=1.0, columns=10)
    assert wave.low[5] == np.float32(-0.9)
    assert wave.high[5] == np.float32(0.7)
    assert np.abs(np.delete(wave.high, 5)).max() == 0
    assert wave.at_s[5] == pytest.approx(0.55)


def test_sound_behind_the_end_is_left_out() -> None:
    late = np.ones(16_000, np.float32)
    wave = envelope([(0.9, late)], rate_hz=16_000, ends_s=1.0, columns=10)
    assert list(wave.high) == [0.0] * 9 + [1.0]


def test_decisions_close_together_share_a_label() -> None:
    entries = [
        tick(1.0, do.TryReply(1)),
        tick(1.001, do.CommitUtterance()),
        tick(1.5, do.SettleReply(1)),
    ]
    assert list(labels(entries, 0.1)) == [
        (1.0, "TryReply 1, CommitUtterance"),
        (1.5, "SettleReply 1"),
    ]
    assert list(labels([], 0.1)) == []


def size(path):
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    return int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")


def test_everything_is_drawn(tmp_path) -> None:
    entries = [
        *(en.Voiced(n * 0.032, n % 2) for n in range(90)),
        en.Stepped(1.0, ev.PauseJudged(70, 400, 0.3), ()),
        en.Stepped(1.1, en.Foreign("$x^2$"), (en.Foreign("$y_"),)),
        told(0.5, "hearing"),
        told(1.0, "a state of tomorrow"),
        tick(1.4, do.TryReply(1)),
        en.Told(1.5, nt.TurnMeasured(1, 250.0, ())),
    ]
    sound = np.sin(np.arange(16_000, dtype=np.float32) / 10)
    replayed = Replayed(entries, caller=[(0.0, sound)], agent=[(1.5, sound)])
    draw(tmp_path / "a.png", replayed, title="$not maths_")
    assert size(tmp_path / "a.png") == (800, 800)


def test_an_empty_call_has_a_picture(tmp_path) -> None:
    draw(tmp_path / "a.png", Replayed(), title="nothing")
    assert size(tmp_path / "a.png")[0] == 800


def test_a_long_call_has_a_wide_picture_and_no_wider(tmp_path) -> None:
    draw(tmp_path / "a.png", Replayed([en.Sent(20.0)]), title="")
    assert size(tmp_path / "a.png")[0] == 1600
    draw(tmp_path / "b.png", Replayed([en.Sent(3600.0)]), title="")
    assert size(tmp_path / "b.png")[0] == 6000
