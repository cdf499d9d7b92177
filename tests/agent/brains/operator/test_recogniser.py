"""Two opinions of one utterance, which nothing but its own sound decides."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recordings import recording
from spoken import say

from agent.audio.frame import HEAR_HZ
from agent.brains.operator import recogniser as subject
from agent.brains.operator.grammar import understand
from agent.brains.operator.opinions import words
from agent.brains.operator.recogniser import Knowledge, Recogniser


@pytest.fixture(scope="module")
def ear():
    return Recogniser(Knowledge())


def opinions(ear, samples, cuts=()):
    """Heard in pieces cut at `cuts`, with an opinion asked for at each of them."""
    ear.begin()
    for part in np.split(samples, sorted(cuts)):
        ear.hear(part)
        ear.opinions()
    return ear.opinions()


def test_a_request_is_recognised(ear) -> None:
    heard = opinions(ear, say("what time is it"))
    assert words(heard.request) == "what time is it"


def test_so_is_a_real_human(ear) -> None:
    heard = opinions(ear, recording("goforward"))
    assert words(heard.request) == "go forward ten meters"
    assert words(heard.anything).startswith("go forward")


def test_the_other_opinion_knows_other_words(ear) -> None:
    heard = opinions(ear, recording("sb-spk1_snt5"))
    assert len(set(words(heard.anything).split()) - subject.vocabulary()) > 1


def test_what_else_it_may_have_been_is_told_and_by_how_much_less_likely(ear) -> None:
    heard = opinions(ear, say("count to eighty"))
    accounts = [rival.words for rival in ear.rivals()]
    assert len(accounts) == len(set(accounts)) > 1
    assert min(rival.behind for rival in ear.rivals()) == 0
    assert words(heard.request) in accounts


def test_a_long_utterance_has_no_rivals(ear) -> None:
    opinions(ear, np.tile(say("goodbye"), 8))
    assert ear.rivals() == ()


def test_silence_has_no_rivals_that_are_requests(ear) -> None:
    opinions(ear, np.zeros(HEAR_HZ, np.float32))
    assert not any(understand(rival.words) for rival in ear.rivals())


@pytest.mark.parametrize("seconds", [0.5, 0.72, 0.95])
def test_nor_does_it_where_the_mean_is_that_of_less_than_a_second(ear, seconds) -> None:
    """Killed: a mean of all that came with the packet that was one too many."""
    samples = say("hello")[: int(seconds * HEAR_HZ)]
    whole = opinions(ear, samples)
    for cuts in ([1600], [subject.EARLY - 1], [8000, 11_210], range(320, len(samples), 320)):
        ear.begin()
        for part in np.split(samples, [cut for cut in cuts if cut < len(samples)]):
            ear.hear(part)
        assert ear.opinions() == whole


def test_to_ask_for_rivals_changes_nothing(ear) -> None:
    samples = say("could you tell me the date please")
    alone = opinions(ear, samples)
    ear.begin()
    for part in np.split(samples, [HEAR_HZ // 2, HEAR_HZ * 3 // 2]):
        ear.hear(part)
        ear.rivals()
    assert ear.opinions() == alone


@pytest.mark.parametrize("seconds", [0.5, 0.75, 1.5])
def test_most_of_the_work_is_done_before_the_opinion_is_asked_for(ear, seconds) -> None:
    """Of what is shorter than EARLY, there is no mean yet to decode by."""
    ear.begin()
    ear.hear(say("what time is it")[: int(seconds * HEAR_HZ)])
    fed = []
    feed, ear._feed = ear._feed, lambda samples, *decoders: fed.append(len(samples))
    try:
        ear.opinions()
    finally:
        ear._feed = feed
    assert bool(fed) == (seconds * HEAR_HZ < subject.EARLY)


def test_what_may_yet_become_a_request_is_told_as_far_as_it_goes(ear) -> None:
    assert words(opinions(ear, say("could you tell me")).so_far) == "could you tell me"
    assert words(opinions(ear, say("please repeat after")).so_far) == "please repeat after"
    heard = opinions(ear, say("what time is it"))
    assert words(heard.so_far) == words(heard.request)


def test_words_are_where_they_were_said(ear) -> None:
    samples = say("goodbye")
    (goodbye,) = (span for span in opinions(ear, samples).request if span.word)
    assert abs(goodbye.first - 30) < 10
    assert abs(goodbye.last - (len(samples) / 160 - 40)) < 15


def test_spans_follow_each_other_from_the_beginning(ear) -> None:
    for spans in (
        opinions(ear, say("count to ten")).request,
        opinions(ear, say("hi")).anything,
    ):
        assert spans[0].first == 0
        assert [span.first for span in spans[1:]] == [span.last + 1 for span in spans[:-1]]


@pytest.fixture(scope="module")
def in_one(ear):
    """An utterance, and what is thought of it when it comes in one piece."""
    samples = say("could you tell me the date please")
    return samples, opinions(ear, samples)


@pytest.mark.slow
@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.integers(1, 2 * HEAR_HZ), max_size=4))
def test_how_it_was_cut_and_asked_for_changes_nothing(ear, in_one, cuts) -> None:
    """Speculation: an opinion at each pause, then the utterance goes on."""
    samples, wanted = in_one
    assert opinions(ear, samples, cuts) == wanted


def test_nor_does_asking_in_the_middle_of_a_long_one(ear, monkeypatch) -> None:
    """Past SHORT nothing is decoded again."""
    monkeypatch.setattr(subject, "SHORT", HEAR_HZ * 3 // 2)
    samples = say("please repeat after me, the quick brown fox jumps over the lazy dog")
    cuts = [HEAR_HZ // 2, HEAR_HZ * 5 // 4, HEAR_HZ * 2, HEAR_HZ * 3]
    assert opinions(ear, samples, cuts) == opinions(ear, samples)


def test_what_was_said_before_changes_nothing(ear) -> None:
    rng = np.random.default_rng(1)
    alone = opinions(ear, say("hello"))
    for before in (rng.standard_normal(3 * HEAR_HZ).astype(np.float32), say("goodbye") / 30):
        opinions(ear, before)
        assert opinions(ear, say("hello")) == alone


def test_another_recogniser_is_of_the_same_opinion(ear) -> None:
    assert opinions(Recogniser(Knowledge()), say("hello")) == opinions(ear, say("hello"))


def test_a_quiet_caller_is_heard_as_well(ear) -> None:
    for gain in (1.0, 0.3, 0.1):
        heard = opinions(ear, say("what time is it") * np.float32(gain))
        assert words(heard.request) == "what time is it", gain


@pytest.mark.parametrize("samples", [0, 1, 160, 1600, HEAR_HZ - 1, HEAR_HZ, HEAR_HZ + 1])
def test_silence_of_any_length_has_no_words(ear, samples) -> None:
    heard = opinions(ear, np.zeros(samples, np.float32))
    assert words(heard.anything) == ""


def test_a_minute_is_listened_to_and_no_more(ear, monkeypatch) -> None:
    monkeypatch.setattr(subject, "LONGEST", 2 * HEAR_HZ)
    short = say("hello")
    babble = np.tile(short, 4)
    assert opinions(ear, babble) == opinions(ear, babble[: 2 * HEAR_HZ])
