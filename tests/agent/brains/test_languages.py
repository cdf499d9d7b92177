"""What a language is called, where a model is told of it and where it is asked for."""

import pytest

from agent.brains.languages import instructions, transcribed
from agent.engines import Conversation


@pytest.mark.parametrize(
    ("tag", "asked", "code"),
    [
        ("en-US", "", "en"),
        ("", "", ""),
        ("de-DE", "Always answer in German.", "de"),
        ("pt_BR", "Always answer in Portuguese.", "pt"),
        ("HI", "Always answer in Hindi.", "hi"),
        ("sv-SE", "Always answer in Swedish.", ""),
        ("tlh", "Always answer in the language tlh.", ""),
    ],
)
def test_a_language_reaches_the_model_in_words_it_knows(tag, asked, code) -> None:
    assert instructions(Conversation("", tag)) == asked
    assert instructions(Conversation("Be brief.", tag)) == f"Be brief. {asked}".strip()
    assert transcribed(tag) == code


@pytest.mark.parametrize("code", ["en", "fr", "de", "es", "it", "pt", "nl", "hi"])
def test_the_languages_of_its_transcripts(code) -> None:
    assert transcribed(f"{code}-XX") == code
