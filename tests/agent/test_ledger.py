"""What was heard of a reply, word by word."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.audio.frame import SPEAK_HZ
from agent.engines import Speech, Style, Word
from agent.ledger import Departures, Ledger
from agent.phrases import Phrases
from agent.voices.espeak import EspeakVoice


def speech(length, *words):
    return Speech(np.zeros(length, np.float32), words)


def ledger_of(*phrases):
    """A ledger with phrases whose every word is 100 samples long."""
    ledger = Ledger()
    for phrase in phrases:
        ledger.promise(phrase)
    for phrase in phrases:
        ledger.begin()
        words = phrase.split()
        ledger.add(speech(100 * len(words), *(Word(w, 100 * n) for n, w in enumerate(words))))
        ledger.finish()
    return ledger


def test_nothing_left_is_nothing_heard() -> None:
    assert ledger_of("one two").split(0) == ("", "one two")


def test_a_word_counts_once_half_of_it_was_heard() -> None:
    ledger = ledger_of("one two three", "four.")
    assert ledger.split(149) == ("one", " two three four.")
    assert ledger.split(150) == ("one two", " three four.")
    assert ledger.split(349) == ("one two three", " four.")
    assert ledger.split(400) == ("one two three four.", "")


def sounding(*stretches):
    """A stretch of a phrase's audio: samples of sound and of silence, in turns."""
    parts = [np.full(n, 0.3 * (k % 2 == 0), np.float32) for k, n in enumerate(stretches)]
    return np.concatenate(parts)


def test_the_pause_behind_a_word_is_no_part_of_it() -> None:
    """Kills half a word that is half of the time until the next one."""
    ledger = Ledger()
    ledger.promise("one, two.")
    ledger.begin()
    ledger.add(Speech(sounding(1000, 2000, 1000, 3000), (Word("one,", 0), Word("two.", 2900))))
    ledger.finish()
    assert ledger.split(499)[0] == ""
    assert ledger.split(500)[0] == "one"
    assert ledger.split(3449)[0] == "one"
    assert ledger.split(3450)[0] == "one, two."


def test_a_pause_inside_a_word_is() -> None:
    ledger = Ledger()
    ledger.promise("one two")
    ledger.begin()
    ledger.add(Speech(sounding(500, 600, 900, 0, 1000), (Word("one", 0), Word("two", 2000))))
    ledger.finish()
    assert ledger.split(999)[0] == ""
    assert ledger.split(1000)[0] == "one"


@given(st.lists(st.integers(0, 1500), min_size=1, max_size=9), st.lists(st.integers(1, 3000)))
def test_pauses_are_the_same_however_the_sound_was_cut_into_stretches(lengths, cuts) -> None:
    """Killed: a sound that is taken to last as long as the stretch that ends with it."""
    sound = sounding(*lengths)
    words = (Word("one", 0), Word("two", sum(lengths) // 3), Word("three", sum(lengths) // 2))
    whole, stretched = Ledger(), Ledger()
    for ledger in (whole, stretched):
        ledger.promise("one two three")
        ledger.begin()
    whole.add(Speech(sound, words))
    bounds = sorted({0, len(sound), *(cut for cut in cuts if cut < len(sound))})
    for begin, end in pairwise(bounds):
        stretched.add(Speech(sound[begin:end], words if begin == 0 else ()))
    if bounds == [0]:
        stretched.add(Speech(sound, words))
    for ledger in (whole, stretched):
        ledger.finish()
    for left in range(0, len(sound) + 1, 97):
        assert whole.split(left) == stretched.split(left)


def test_phrases_without_audio_are_unheard() -> None:
    ledger = ledger_of("one")
    ledger.promise("two three")
    assert ledger.split(100) == ("one", " two three")


def test_a_phrase_in_the_making_counts_as_far_as_it_has_come() -> None:
    ledger = Ledger()
    ledger.promise("one two three")
    ledger.begin()
    ledger.add(speech(150, Word("one", 0), Word("two", 100)))
    assert ledger.split(150) == ("one two", " three")
    ledger.add(speech(150, Word("three", 200)))
    assert ledger.split(150) == ("one two", " three")
    assert ledger.split(300) == ("one two three", "")


def test_a_voice_without_word_times_is_heard_by_the_phrase() -> None:
    ledger = Ledger()
    ledger.promise("one two")
    ledger.begin()
    ledger.add(speech(200))
    ledger.finish()
    assert ledger.split(99) == ("", "one two")
    assert ledger.split(100) == ("one two", "")


def test_words_that_a_voice_gave_no_time_are_heard_with_the_one_before_them() -> None:
    """Killed: "three five four", where the rest began with its phrase."""
    ledger = ledger_of("one two")
    ledger.promise("three four five")
    ledger.begin()
    ledger.add(speech(300, Word("three", 0), Word("four", 100)))
    ledger.finish()
    assert ledger.split(260) == ("one two three", " four five")
    assert ledger.split(400) == ("one two three four five", "")


def test_what_a_dead_voice_owed_was_never_said() -> None:
    ledger = Ledger()
    ledger.promise("one two")
    ledger.promise("three")
    ledger.begin()
    ledger.add(speech(100, Word("one", 0)))
    ledger.abandon()
    ledger.promise("Sorry.")
    ledger.begin()
    ledger.add(speech(100, Word("Sorry.", 0)))
    ledger.finish()
    assert ledger.split(200) == ("one Sorry.", "")


@pytest.mark.parametrize("joint", [",", ";", ":", " -", " –", " —", ",  —"])  # noqa: RUF001
def test_what_joins_two_words_is_heard_with_the_second(joint) -> None:
    """Killed: a transcript that ends in a comma, and a comma that is lost."""
    ledger = ledger_of(f"one{joint} two.")
    words = len(f"one{joint} two.".split())
    for left in range(50, 100 * words - 50):
        assert ledger.split(left)[0] == "one"
    whole = " ".join(f"one{joint} two.".split())
    assert ledger.split(100) == ("one", whole.removeprefix("one"))
    assert ledger.split(100 * words) == (whole, "")


def test_a_mark_at_the_end_of_a_text_joins_nothing_once_that_is_whole() -> None:
    ledger = ledger_of("Yes, sir:")
    assert ledger.split(200) == ("Yes, sir", ":")  # more may come
    ledger.end()
    assert ledger.split(200) == ("Yes, sir:", "")
    assert ledger.split(100) == ("Yes", ", sir:")


@pytest.mark.parametrize("word", ["one.", "one?", "one…", '"one,"', "(one)", "one's"])
def test_other_marks_are_a_part_of_their_word(word) -> None:
    assert ledger_of(f"{word} two").split(100) == (word, " two")


PHRASES = st.lists(st.lists(st.sampled_from(["a", "bb,", "-", "c."]), min_size=1), max_size=6)


@given(PHRASES, st.integers(0, 5000))
def test_heard_and_unheard_are_the_whole_text(phrases, left) -> None:
    """Killed: words that are joined without the spaces between them."""
    texts = [" ".join(words) for words in phrases]
    heard, unheard = ledger_of(*texts).split(left)
    assert heard + unheard == " ".join(texts)
    assert not heard.endswith((" ", ",", "-"))


@given(PHRASES)
def test_more_audio_is_never_fewer_words(phrases) -> None:
    """Killed: the words that were not heard are counted."""
    ledger = ledger_of(*(" ".join(words) for words in phrases))
    counts = [len(ledger.split(left)[0].split()) for left in range(0, 3000, 50)]
    assert counts == sorted(counts)


def departures(*packets):
    left = Departures()
    for now, samples in packets:
        left.note(now, samples)
    return left


def test_by_a_time_so_much_was_heard_as_the_packets_until_then_had_lasted() -> None:
    left = departures((1.0, 480), (1.02, 960), (1.5, 1440))  # a gap: the voice was late
    assert left.by(0.999) == 0
    assert left.by(1.0) == 0  # it begins to sound now
    assert left.by(1.01) == 240
    assert left.by(1.03) == 720
    assert left.by(1.4) == 960
    assert left.by(9) == 1440


def test_a_reply_of_which_nothing_left_was_not_heard() -> None:
    assert Departures().by(5) == 0


def test_a_long_reply_costs_no_more_than_its_last_seconds() -> None:
    left = departures(*((n * 0.02, (n + 1) * 480) for n in range(2000)))
    assert left.by(41) == 2000 * 480
    assert abs(left.by(38.5) - 38.5 * SPEAK_HZ) <= 1
    assert left.by(1) == (2000 - 511) * 480  # older than is kept: the oldest that is known


PACKETS = st.lists(st.tuples(st.floats(0.001, 0.1), st.integers(1, 480)), max_size=30)


@example([(0.0625, 1), (0.0625, 480)], 0.0, 0.0)  # 0.125 + 0.02 - 0.125 is less than 0.02
@given(PACKETS, st.floats(0, 4), st.floats(0, 4))
def test_more_time_is_never_less_heard_and_never_more_than_left(packets, one, other) -> None:
    """Killed: a packet that is heard beyond its own samples."""
    now = total = 0
    left = Departures()
    for gap_s, samples in packets:
        now, total = now + gap_s, total + samples
        left.note(now, total)
    first, second = sorted((one, other))
    assert 0 <= left.by(first) <= left.by(second) <= total
    assert left.by(now + 0.021) == total  # at 0.02 floating point may lack a sample


@pytest.fixture(scope="module")
def espeak():
    return EspeakVoice()


ENGLISH = st.lists(
    st.sampled_from(
        "forty two, is the answer. 1984 Dr. Smith's \U0001f600 in the well-known".split()
    ),
    min_size=1,
    max_size=8,
)


def voiced(voice, text):
    """The ledger of a text as a real voice speaks it, and how many samples it has."""
    phrases = Phrases()
    ledger, samples = Ledger(), 0
    texts = [*phrases.feed(text), *phrases.finish()]
    for phrase in texts:
        ledger.promise(phrase)
    for phrase in texts:
        ledger.begin()
        for stretch in voice.speak(phrase, Style("en-us")):
            ledger.add(stretch)
            samples += len(stretch.samples)
        ledger.finish()
    ledger.end()
    return ledger, samples


@settings(max_examples=25, deadline=None)
@given(words=ENGLISH, share=st.floats(0, 1))
def test_a_real_voice_accounts_for_each_word_once(espeak, words, share) -> None:
    """Killed: a word that was placed stays in the rest of its phrase, and comes twice."""
    text = " ".join(words)
    ledger, samples = voiced(espeak, text)
    heard, unheard = ledger.split(round(samples * share))
    assert heard + unheard == text
    counts = [len(ledger.split(n)[0]) for n in range(0, samples + 1, 1200)]
    assert counts == sorted(counts)
    if samples:
        assert ledger.split(samples) == (text, "")


def test_of_words_of_like_length_a_share_of_the_time_is_a_share_of_the_words(espeak) -> None:
    """Kills word times that are counted from the reply and not from the phrase."""
    text = " ".join(["seven, nine, seven, nine, seven, nine, seven, nine."] * 3)
    ledger, samples = voiced(espeak, text)
    for tenth in range(1, 10):
        heard = len(ledger.split(samples * tenth // 10)[0].split())
        assert abs(heard - 24 * tenth / 10) <= 1.5
