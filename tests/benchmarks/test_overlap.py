"""What arrived, and what that says of the reply."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.counting_voice import sound_of
from benchmarks.overlap import coverage, first_softer_ms, steepness, stop

REPLY = np.concatenate([sound_of(str(n))[::2] for n in range(1, 21)])  # as if at 16 kHz, 4 s
FADE = 160


def packets(*levels, gap_after=None, gap_s=0.4):
    """A packet each 20 ms; `gap_after` so many there is none for a while."""
    at_s, made = 10.0, []
    for n, level in enumerate(levels):
        made.append((at_s, level))
        at_s += gap_s if n + 1 == gap_after else 0.02
    return made


def test_the_first_softer_packet_counts_from_the_onset() -> None:
    heard = packets(0.1, 0.05, 0.1, 0.066, 0.025)
    assert first_softer_ms(heard, [0.1] * 5, 10.03) == pytest.approx(30)
    assert first_softer_ms(heard[:3], [0.1] * 5, 10.03) is None


def test_a_packet_that_is_soft_by_itself_is_not_softer() -> None:
    heard = packets(0.1, 0.001, 0.03)
    assert first_softer_ms(heard, [0.1, 0.002, 0.1], 10.0) == pytest.approx(40)


def test_it_stopped_where_the_last_sound_ended_and_not_where_its_tail_did() -> None:
    heard = packets(0.1, 0.1, 0.1, 0.0, 0.0, 0.1, 0.1, gap_after=5)
    silent_ms, again_ms = stop(heard, 10.03, 11.0)
    assert (silent_ms, again_ms) == (pytest.approx(30), pytest.approx(450))


def test_a_pause_between_words_is_no_stop() -> None:
    assert stop(packets(0.1, 0.0, 0.0, 0.1, 0.1), 10.0, 10.09) is None


def test_who_listened_no_longer_does_not_know() -> None:
    heard = packets(0.1, 0.1, 0.0, 0.0)
    assert stop(heard, 10.0, 10.1) is None
    assert stop(heard, 10.0, 10.5) == (pytest.approx(40), None)


def held(at: int, silent: int) -> np.ndarray:
    """The reply as it is heard when it is held, with the fade of the reel."""
    rise = np.linspace(0, 1, FADE)
    fall, rest = REPLY[at : at + FADE] * rise[::-1], REPLY[at:].copy()
    rest[:FADE] *= rise
    return np.concatenate([REPLY[:at], fall, np.zeros(silent), rest]).astype(np.float32)


def test_a_reply_that_stops_twice_within_a_word_was_heard_once() -> None:
    """Killed: whatever comes more than a second late in all is lost."""
    twice = held(20_000, 8640)  # then a twentieth of a second, which is less than a stretch
    at = 20_000 + FADE + 8640 + 800
    rise = np.linspace(0, 1, FADE)
    rest = twice[at:].copy()
    rest[:FADE] *= rise
    fall = twice[at : at + FADE] * rise[::-1]
    heard = np.concatenate([twice[:at], fall, np.zeros(8640, np.float32), rest])
    assert coverage(heard.astype(np.float32), REPLY) == (0, 0)


@settings(max_examples=15)
@given(at=st.integers(8000, 30_000), silent=st.integers(1600, 14_000))
def test_law_a_reply_that_goes_on_was_heard_once(at, silent) -> None:
    assert coverage(held(at, silent), REPLY) == (0, 0)


@settings(max_examples=15)
@given(at=st.integers(8000, 24_000))
def test_law_a_lost_word_is_found_missing(at) -> None:
    """Killed: a likeness that anything has."""
    lost, _ = coverage(np.concatenate([REPLY[:at], REPLY[at + 6000 :]]), REPLY)
    assert lost > 0


@settings(max_examples=15)
@given(at=st.integers(10_000, 24_000))
def test_law_a_word_said_twice_is_found_twice(at) -> None:
    _, repeated = coverage(np.concatenate([REPLY[:at], REPLY[at - 6000 :]]), REPLY)
    assert repeated > 0


def test_a_click_is_steeper_than_speech() -> None:
    clicked = REPLY.copy()
    clicked[20_000:] = 0
    clicked[19_999] = 0.5
    assert steepness(REPLY * np.float32(0.25), REPLY) == pytest.approx(0.25, rel=1e-3)
    assert steepness(clicked, REPLY) > 1.2
