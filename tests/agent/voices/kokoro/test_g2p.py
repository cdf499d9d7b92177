# ruff: noqa: RUF001 - phonemes are letters that look like others
"""Phonemes, word by word: in Kokoro's alphabet, with the marks, without markup or downloads."""

import importlib.util
import logging
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import tiny_kokoro
from hypothesis import given
from hypothesis import strategies as st
from misaki import espeak

from agent.engines import Style
from agent.errors import EngineError
from agent.voices.espeak import EspeakVoice
from agent.voices.kokoro.g2p import reader
from agent.voices.kokoro.spot import English

american, french = reader("a"), reader("f")
without_model = pytest.mark.skipif(
    importlib.util.find_spec("en_core_web_sm") is not None, reason="spaCy's model is better"
)


def read(text, by=american):
    words = text.split()
    phonemes = by.read(words)
    assert len(phonemes) == len(words)
    return phonemes


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("Hello world.", ["həlˈO", "wˈɜɹld."]),
        ("Wait... what — no?", ["wˈAt…", "wˌʌt—", "", "nˈO?"]),
        ("“Go,” she said.", ["“ɡˌO,”", "ʃi", "sˈɛd."]),
        ("state-of-the-art", ["stˈAtʌvðiˈɑɹt"]),
        ("Voxtral", ["vˈɑkstɹᵊl"]),  # in no lexicon: by espeak
        ("😀 hi", ["", "hˈI"]),
        ("", []),
    ],
)
@without_model
def test_words_keep_their_marks_and_their_number(text, phonemes):
    assert read(text) == phonemes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It costs $12.50, or so.", "It costs twelve dollars and fifty cents, or so."),
        ("Dr. Who at 10:30 am.", "Doctor Who at ten thirty AM."),
        ("**Really** _sure_", "Really sure"),
        ("See [the page](https://x.org/a).", "See the page."),
        ("5% of 3kg", "five percent of three kilograms"),
    ],
)
def test_what_is_written_sounds_as_what_is_said(text, said):
    assert " ".join(read(text)) == " ".join(read(said))


@pytest.mark.parametrize(
    ("text", "word", "phonemes"),
    [
        ("He records it.", 1, "ɹəkˈɔɹdz"),
        ("I want to record it.", 3, "ɹəkˈɔɹd"),
        ("The record.", 1, "ɹˈɛkəɹd."),
        ("I will read it.", 2, "ɹˈid"),
        ("I have read it.", 2, "ɹˈɛd"),
        ("Use it.", 0, "jˈuz"),
        ("The use.", 1, "jˈus."),
        ("They live here.", 1, "lˈɪv"),
        ("live music", 0, "lˈIv"),
        ("Close the door.", 0, "klˈOz"),
        ("I am here.", 1, "ɐm"),
        ("A dog.", 0, "ɐ"),
        ("Plan A works.", 1, "ˈA"),
    ],
)
@without_model
def test_words_with_two_sounds_get_the_one_that_is_meant(text, word, phonemes):
    assert read(text)[word] == phonemes


def test_british_is_another_english():
    assert read("the car park", reader("b")) == ["ðə", "kˈɑː", "pˈɑːk"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("f", "Bonjour, le monde! Il est 10 heures – les amis."),
        ("e", "Hola, ¿qué tal? Cuesta 5 euros."),
        ("h", "नमस्ते दुनिया, आप कैसे हैं?"),
        ("h", "मैं ठीक हूँ।"),
        ("i", "Ciao, come stai?"),
        ("p", "Olá, tudo bem?"),
    ],
)
def test_other_languages_are_read_by_espeak_in_kokoros_alphabet(code, text):
    phonemes = read(text, reader(code))
    assert "".join(phonemes)[-1] in ".?"
    assert set("".join(phonemes)) - set(tiny_kokoro.VOCAB) <= set(" ¿")
    assert sum(map(bool, phonemes)) > len(phonemes) / 2


def test_words_that_espeak_merges_are_shared_out_in_order():
    phonemes = read("Il y a des amis dans les îles.", french)
    assert (
        " ".join(filter(None, phonemes))
        == (espeak.EspeakG2P("fr-fr")("Il y a des amis dans les îles.")[0])
    )


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("f", "Qu'est-ce que c'est ? Il y en a."),  # other words than are written
        ("f", "J'aime le software engineering."),  # foreign ones
        ("i", "Costa 5 euro, cioè 12.5 volte."),
        ("a", "zyxwv4kq b2b-xq"),
    ],
)
def test_how_a_phrase_is_read_is_nothing_to_tell_the_operator(code, text, caplog):
    read(text, reader(code))
    assert caplog.records == []


def test_errors_of_phonemizer_are_still_told(caplog):
    reader("f")
    logging.getLogger("phonemizer").error("no espeak")
    assert caplog.messages == ["no espeak"]


@pytest.mark.parametrize(("code", "extra"), [("j", "ja"), ("z", "zh")])
def test_a_language_without_its_packages_is_refused_with_the_remedy(code, extra):
    if importlib.util.find_spec("pyopenjtalk" if code == "j" else "ordered_set"):
        pytest.skip("they are installed")
    with pytest.raises(EngineError, match=rf"pip install 'misaki\[{extra}\]'"):
        reader(code)


def test_nothing_is_downloaded(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("somebody wants the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert read("Nothing new, Zyxwvian.", reader("a"))


# -- laws


@given(st.text(max_size=60))
def test_any_text_is_survived_and_each_word_has_its_place(text):
    read(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], max_codepoint=0x2FFF)))
def test_markup_and_pictures_are_never_in_the_phonemes(text):
    assert not set("".join(read(text))) & set("*_`#~|\\<>[]{}^=$€£%@&")


@given(
    st.lists(st.sampled_from("I have read 12 of the $5 books; a.m. “go” — and use it!".split()))
)
def test_a_word_with_letters_is_never_lost(words):
    for word, phonemes in zip(words, american.read(words), strict=True):
        assert bool(phonemes) == any(letter.isalnum() for letter in word)


# -- beside the espeak voice


def test_our_own_espeak_and_phonemizers_live_in_one_process():
    """Each has its own copy of the library's globals: neither changes what the other says."""
    voice = EspeakVoice()

    def spoken(language):
        return sum(len(s.samples) for s in voice.speak("vingt et un", Style(language)))

    wanted = {by: by.read(["zyxwvian", "kwijibo"]) for by in (american, french)}
    lengths = {language: spoken(language) for language in ("fr", "en-us")}
    with ThreadPoolExecutor(4) as threads:
        reading = [
            threads.submit(by.read, ["zyxwvian", "kwijibo"])
            for _ in range(40)
            for by in (american, french)
        ]
        speaking = {
            language: [threads.submit(spoken, language) for _ in range(8)]
            for language in lengths
        }
    for i, future in enumerate(reading):
        assert future.result() == wanted[(american, french)[i % 2]]
    for language, futures in speaking.items():
        for future in futures:
            assert future.result() == pytest.approx(lengths[language], abs=500)


def test_the_codes_of_english_are_its_kinds():
    assert {*English} == {"a", "b"}
