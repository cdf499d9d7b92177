"""When a call asks, of what sound, and which answers still count."""

import numpy as np
import pytest
from pausing import Scene
from stage import VOICE

from agent.audio.frame import HEAR_HZ
from agent.smart_turn.opinion import ASKED_MS, LATE_S, is_asked


@pytest.fixture
def scene():
    """Somebody has begun to speak, and speaks."""
    scene = Scene()
    scene.feed(1)
    scene.feed(0.4, VOICE)
    scene.second.begin(np.tile(VOICE, 20))
    scene.feed(0.6, VOICE)
    return scene


def test_a_pause_is_asked_about_at_a_few_lengths(scene) -> None:
    assert scene.asked == []
    scene.feed(1)
    assert len(scene.asked) == len(ASKED_MS)
    for (silent_ms, _), planned_ms in zip(scene.asked, ASKED_MS, strict=True):
        assert planned_ms <= silent_ms < planned_ms + 20


def test_it_is_asked_about_the_utterance_so_far(scene) -> None:
    scene.feed(0.2)
    _, sound = scene.asked[0]
    spoken_s = 0.4 + 0.6
    assert len(sound) == pytest.approx((spoken_s + 0.08) * HEAR_HZ, abs=400)
    assert np.allclose(sound[: len(VOICE)], VOICE, atol=1e-4)
    assert not sound[-600:].any()


def test_of_a_long_utterance_it_is_asked_about_the_last_8_s(scene) -> None:
    scene.feed(9, VOICE)
    scene.feed(0.1)
    assert len(scene.asked[0][1]) == 8 * HEAR_HZ


def test_a_new_utterance_has_nothing_of_the_one_before(scene) -> None:
    scene.feed(0.6)
    scene.second.rest()
    scene.second.begin(np.tile(VOICE, 5))
    scene.feed(0.1, VOICE)
    scene.feed(0.12)
    assert len(scene.asked) == 5  # four times in the first pause
    assert len(scene.asked[-1][1]) <= 0.32 * HEAR_HZ


def test_an_answer_in_the_same_pause_counts(scene) -> None:
    scene.feed(0.1)
    scene.feed(0.1)
    scene.answers[0](0.8)
    assert scene.opinions == [("smart_turn", 0.8)]
    assert scene.fates == [2, 1, 0]


def test_an_answer_after_the_pause_is_late(scene) -> None:
    scene.feed(0.1)
    scene.feed(0.1, VOICE)
    scene.answers[0](0.8)
    assert scene.opinions == []
    assert scene.fates == [1, 0, 1]


def test_an_answer_in_the_next_pause_is_late_too(scene) -> None:
    scene.feed(0.1)
    scene.feed(0.3, VOICE)
    scene.feed(0.1)
    first, second = scene.answers
    first(0.8)
    assert scene.opinions == []
    second(0.7)
    assert scene.opinions == [("smart_turn", 0.7)]
    assert scene.fates == [2, 1, 1]


def test_an_answer_after_the_turn_was_answered_is_late(scene) -> None:
    scene.feed(0.1)
    scene.second.rest()
    scene.answers[0](0.8)
    scene.feed(1)
    assert (len(scene.asked), scene.opinions, scene.fates) == (1, [], [1, 0, 1])


def test_who_goes_on_after_all_is_listened_to_again(scene) -> None:
    scene.feed(0.1)
    scene.second.rest()
    scene.feed(0.3, VOICE)
    scene.second.resume()
    scene.feed(0.1)
    (_, before), (_, joined) = scene.asked
    assert len(joined) == len(before) + 0.4 * HEAR_HZ  # it is one utterance


def test_nobody_waits_for_who_is_busy(scene) -> None:
    scene.free = False
    scene.feed(0.2)
    assert scene.asked == []
    scene.free = True
    scene.feed(0.02)
    assert [silent_ms for silent_ms, _ in scene.asked] == [pytest.approx(195, abs=25)]
    scene.feed(0.1)
    assert len(scene.asked) == 2  # at 260 as planned; what was missed is not made up for


def test_long_after_it_there_is_nothing_to_change(scene) -> None:
    scene.free = False
    scene.feed(0.5)
    scene.free = True
    scene.feed(1)
    assert scene.asked == []


def test_where_the_wait_is_fixed_nobody_is_asked(scene) -> None:
    scene.second.wanted = False
    scene.feed(1)
    assert scene.asked == []


def test_before_the_first_utterance_nobody_is_asked() -> None:
    scene = Scene()
    scene.feed(0.5, VOICE)
    scene.feed(0.5)
    assert scene.asked == []


@pytest.mark.parametrize(
    ("wanted", "quick", "slow"),
    [("auto", True, False), ("always", True, True), ("never", False, False)],
)
def test_how_long_an_answer_takes_decides_where_nobody_else_has(wanted, quick, slow) -> None:
    assert is_asked(wanted, LATE_S) is quick
    assert is_asked(wanted, LATE_S + 0.01) is slow
