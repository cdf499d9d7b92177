"""Where a recording ends, found in the voice's own sound after a codec, and by a recogniser."""

import numpy as np
import pytest
import soxr

from agent.audio.frame import HEAR_HZ, SPEAK_FRAME, SPEAK_HZ
from agent.config import Send
from agent.engines import Style
from agent.media.opus import Decoder, Encoder
from agent.voices.espeak import EspeakVoice
from benchmarks.ledger_truth import Counter, place, script

TEXT = (
    "One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, "
    "fourteen, fifteen, sixteen, seventeen, eighteen, nineteen, twenty, twenty-one, twenty-two."
)


@pytest.fixture(scope="module")
def voice():
    return EspeakVoice()


@pytest.fixture(scope="module")
def known(voice):
    return script(voice, TEXT, Style(""))


@pytest.fixture(scope="module")
def sound(known):
    """The reply at SPEAK_HZ: the same rendering, for espeak says nothing twice alike."""
    return soxr.resample(known.samples, HEAR_HZ, SPEAK_HZ).astype(np.float32)


def recorded(sound, end_ms, before_ms=0):
    """What a caller hears of a reply that is cut off there: a fade, and Opus."""
    cut = end_ms * SPEAK_HZ // 1000
    heard = sound[:cut].copy()
    heard[-240:] *= np.linspace(1, 0, 240, dtype=np.float32)
    padded = np.zeros((cut // SPEAK_FRAME + 4) * SPEAK_FRAME, np.float32)
    padded[:cut] = heard
    encoder, decoder = Encoder(Send()), Decoder()
    frames = padded.reshape(-1, SPEAK_FRAME)
    out = np.concatenate([decoder.decode(encoder.encode(frame)) for frame in frames])
    return np.concatenate((np.zeros(before_ms * HEAR_HZ // 1000, np.float32), out))


def test_a_script_has_all_words_in_order_where_they_sound(known, sound):
    assert " ".join(word for word, _, _ in known.words) == TEXT
    assert len(known.samples) == pytest.approx(len(sound) * HEAR_HZ / SPEAK_HZ, rel=0.01)
    bounds = [place for _, first, last in known.words for place in (first, last)]
    assert bounds == sorted(bounds)
    for _, _, last in known.words[:-1]:  # each is followed by a pause, which is no part of it
        assert np.abs(known.samples[last + 1 : last + 800]).max() < 0.01


def test_a_word_counts_when_half_of_it_sounded(known):
    _, first, last = known.words[4]
    assert known.said_by((first + last) // 2 - 1) == 4
    assert known.said_by((first + last) // 2 + 1) == 5


@pytest.mark.parametrize("before_ms", [0, 730])
@pytest.mark.parametrize("word", [0, 1, 6, 13, 21])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_the_end_of_a_recording_is_found(known, sound, word, share, before_ms):
    _, first, last = known.words[word]
    end_ms = round((first + share * (last - first)) * 1000 / HEAR_HZ)
    found = place(known, recorded(sound, end_ms, before_ms))
    assert found.end_ms == pytest.approx(end_ms, abs=40)
    assert found.words == word + (share > 0.5)
    assert found.likeness > 0.3


def test_the_beginning_is_not_taken_for_a_like_word_much_later(known):
    """Killed: a lone "one" found in "twenty-one"."""
    _, first, last = known.words[20]
    one = known.words[20][0].partition("-")[2]
    assert one == "one,"
    sounds = known.samples[(first + last) // 2 : last]
    assert place(known, sounds).end_ms < 1000


def test_a_recording_that_ends_in_a_pause_ends_with_the_last_sound(known, sound):
    _, _, last = known.words[9]
    following = known.words[10][1]
    found = place(known, recorded(sound, (last + following) * 1000 // 2 // HEAR_HZ))
    assert found.end_ms == pytest.approx(last * 1000 / HEAR_HZ, abs=15)
    assert found.words == 10


def test_another_sound_is_not_like_it(known):
    noise = np.random.default_rng(1).normal(0, 0.1, 2 * HEAR_HZ).astype(np.float32)
    assert place(known, noise).likeness < 0.2


def test_of_silence_nothing_is_known(known):
    assert place(known, np.zeros(HEAR_HZ, np.float32)) is None


@pytest.mark.parametrize("word", [1, 7, 14, 20])
def test_a_recogniser_that_knows_no_times_counts_the_same(known, sound, word):
    counter = Counter(TEXT.split())
    _, _, last = known.words[word]
    heard = recorded(sound, last * 1000 // HEAR_HZ + 30)
    assert abs(counter.count(heard) - (word + 1)) <= 1
    assert counter.count(heard) == counter.count(heard)  # nothing is left of the time before


def test_a_recogniser_hears_nothing_in_silence():
    assert Counter(["one,", "two."]).count(np.zeros(HEAR_HZ, np.float32)) == 0


def test_other_sampling_does_not_move_the_end(known, sound):
    """A recording is at HEAR_HZ whatever the codec made it of."""
    whole = soxr.resample(sound[: 3 * SPEAK_HZ], SPEAK_HZ, HEAR_HZ).astype(np.float32)
    last = int(np.flatnonzero(np.abs(whole) >= 0.01)[-1])
    assert place(known, whole).end_ms == pytest.approx(last * 1000 / HEAR_HZ, abs=1)
