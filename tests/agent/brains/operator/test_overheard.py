"""A word over a reply: command, sign or neither, by the sound."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from spoken import say

from agent.audio.frame import HEAR_HZ
from agent.brains.operator.decoding import in_a_room
from agent.brains.operator.overheard import LONGEST, MARGIN, Interjection, Overhearing
from benchmarks.understanding_corpus import over_opus


@pytest.fixture(scope="module")
def overhearing():
    return Overhearing()


def heard(overhearing, text, name="en-us+m1"):
    """Said on a call, which is never without noise."""
    sound = say(text, name)[: -HEAR_HZ // 4] / 2
    noise = np.random.default_rng(1).standard_normal(len(sound)) / 1000
    return overhearing.listen(in_a_room(over_opus((sound + noise).astype(np.float32)), 0))


@pytest.mark.parametrize("name", ["en-us", "en-us+f2", "en-gb"])
@pytest.mark.parametrize("said", ["wait", "hold on", "excuse me", "never mind"])
def test_a_command_is_one(overhearing, said, name) -> None:
    found = heard(overhearing, said, name)
    assert found.is_command()
    assert found.command == said


@pytest.mark.parametrize("said", ["stop", "be quiet"])
def test_the_shortest_are_too(overhearing, said) -> None:
    assert heard(overhearing, said).is_command()


@pytest.mark.parametrize("name", ["en-us", "en-us+f2", "en-gb"])
@pytest.mark.parametrize("said", ["yeah", "okay", "right", "really", "alright", "yeah yeah"])
def test_a_sign_is_one(overhearing, said, name) -> None:
    found = heard(overhearing, said, name)
    assert found is None or (found.is_sign and found.sign)


@pytest.mark.parametrize("said", ["mm", "uh-huh", "mm-hm", "hmm", "oh"])
def test_a_sound_of_assent_is_no_command(overhearing, said) -> None:
    found = heard(overhearing, said)
    assert found is None or not found.is_command()


def test_noise_is_no_command(overhearing) -> None:
    noise = np.random.default_rng(1).standard_normal(8_000).astype(np.float32)
    for level in (0.001, 0.01, 0.1):
        found = overhearing.listen(noise * np.float32(level))
        assert found is None or not found.is_command()


@pytest.mark.parametrize("length", [0, LONGEST + 1])
def test_nothing_and_a_speech_are_no_interjections(overhearing, length) -> None:
    assert overhearing.listen(np.full(length, 0.1, np.float32)) is None


@pytest.mark.parametrize("length", [1, 159, 400, 1600])
def test_too_little_to_be_a_word_is_no_error(overhearing, length) -> None:
    overhearing.listen(np.full(length, 0.1, np.float32))


def test_what_was_heard_before_has_no_influence(overhearing) -> None:
    """Killed: pocketsphinx's running mean and noise."""
    fresh = heard(Overhearing(), "stop")
    overhearing.listen(np.random.default_rng(2).standard_normal(30_000).astype(np.float32))
    assert heard(overhearing, "stop") == fresh


def test_several_calls_may_ask_at_once(overhearing) -> None:
    said = ["stop", "yeah", "wait", "okay", "no", "right"]
    alone = [heard(overhearing, each) for each in said]
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(lambda each: heard(overhearing, each), said)) == alone


@pytest.mark.parametrize(
    ("better", "is_command", "is_sign"),
    [
        (MARGIN, True, False),
        (MARGIN - 1, False, False),
        (0.0, False, False),
        (-1.0, False, True),
    ],
)
def test_between_the_two_nothing_is_known(better, is_command, is_sign) -> None:
    found = Interjection("stop", "oh", better)
    assert (found.is_command(), found.is_sign) == (is_command, is_sign)
