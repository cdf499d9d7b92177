import pytest

from agent.brains.voxtral.languages import request, transcribed


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
    assert request(tag) == asked
    assert transcribed(tag) == code


@pytest.mark.parametrize("code", ["en", "fr", "de", "es", "it", "pt", "nl", "hi"])
def test_the_languages_of_its_transcripts(code) -> None:
    assert transcribed(f"{code}-XX") == code
