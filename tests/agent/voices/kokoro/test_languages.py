"""Tags become Kokoro's codes, and a voice is found for each."""

import pytest

from agent.errors import EngineError
from agent.voices.kokoro.languages import (
    ENGLISH,
    ESPEAK,
    EXTRAS,
    NEEDS,
    chosen,
    language_code,
    spoken,
    spoken_by,
    voice_for,
)

VOICES = ("af_heart", "am_adam", "bf_emma", "ff_siwis", "zf_xiaobei")


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        *(("en-US", "a"), ("en", "a"), ("en-GB", "b"), ("en_AU", "b"), ("en-CA", "a")),
        *(("es-MX", "e"), ("fr", "f"), ("hi-IN", "h"), ("it-IT", "i"), ("pt-BR", "p")),
        *(("ja-JP", "j"), ("zh-Hans-CN", "z"), ("cmn", "z")),
    ],
)
def test_a_tag_is_narrowed_until_it_is_known(tag, code):
    assert language_code(tag) == code
    assert code in {*ENGLISH, *ESPEAK, *EXTRAS}


@pytest.mark.parametrize("tag", ["de-DE", "xx", "", "-"])
def test_other_languages_are_refused_with_those_that_are_spoken(tag):
    with pytest.raises(EngineError, match="it speaks en-US, en-GB, es, fr"):
        language_code(tag)


@pytest.mark.parametrize(
    ("tag", "voice"),
    [
        ("en-US", "af_heart"),
        ("en-GB", "bf_emma"),
        ("fr-CA", "ff_siwis"),
        ("zh", "zf_xiaobei"),
    ],
)
def test_without_a_name_the_first_voice_of_the_language_speaks(tag, voice):
    assert voice_for(tag, VOICES) == voice


def test_english_of_one_kind_is_spoken_by_the_other_where_it_must():
    assert voice_for("en-GB", ("am_adam",)) == "am_adam"
    assert voice_for("en-US", ("ff_siwis", "bf_emma")) == "bf_emma"


@pytest.mark.parametrize(
    ("named", "tag", "voice", "code"),
    [
        ("", "fr", "ff_siwis", "f"),
        ("bf_emma", "en-US", "bf_emma", "b"),
        ("af_heart", "fr", "af_heart", "f"),
    ],
)
def test_a_named_voice_speaks_whatever_the_language(named, tag, voice, code):
    assert chosen(named, tag, VOICES) == (voice, code)


@pytest.mark.parametrize("named", ["alloy", "../voices/af_heart"])
def test_an_unknown_voice_is_refused_with_the_known_ones(named):
    """A session may name any."""
    with pytest.raises(EngineError, match=f"no voice '{named}'; it has af_heart, am_adam"):
        chosen(named, "en", VOICES)


def test_a_language_without_a_voice_is_refused_with_those_that_are_there():
    with pytest.raises(EngineError, match="it has af_heart, am_adam"):
        voice_for("hi", VOICES)


def test_a_voice_reads_the_language_but_its_own_english():
    assert spoken_by("bf_emma", "en-US") == "b"
    assert spoken_by("af_heart", "en-GB") == "a"
    assert spoken_by("af_heart", "fr") == "f"
    assert spoken_by("ff_siwis", "en-US") == "a"


@pytest.mark.parametrize(
    ("voices", "named", "unread", "tags"),
    [
        (VOICES, "", set(), ("en", "fr", "zh", "cmn")),
        (VOICES, "", {"j", "z"}, ("en", "fr")),
        (("bf_emma",), "", set(), ("en",)),
        # a voice that is named reads whatever can be read
        (("mine",), "mine", {"j", "z"}, ("en", "es", "fr", "hi", "it", "pt")),
        (("mine",), "", set(), ()),
    ],
)
def test_what_is_spoken_has_a_voice_and_can_be_read(voices, named, unread, tags):
    assert spoken(voices, named, unread) == tags


def test_what_is_spoken_gets_no_error_and_the_rest_does():
    """Killed: a language that a client may ask for, and of which every phrase is an apology."""
    told = spoken(VOICES, "", set(NEEDS))
    for tag in ("en", "es", "fr", "hi", "it", "pt", "de"):
        if tag in told:
            assert voice_for(tag, VOICES) in VOICES
        else:
            with pytest.raises(EngineError):
                voice_for(tag, VOICES)
