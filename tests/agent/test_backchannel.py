"""Which words only show that somebody listens."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.backchannel import SIGNS, only_listens
from agent.brains.languages import transcribed

ENGLISH = [
    *("mm-hm", "Mm hmm.", "mhm", "hmm", "mmm", "uh-huh", "uh huh", "Yeah.", "yes yes", "Okay!"),
    *("ok", "right", "that's right", "all right", "sure", "I see.", "oh, I see", "got it"),
    *(
        "Oh really?",
        "very good",
        "aha",
        "ah",
        "go on",
        "um, yeah",
        "Haha.",
        "That\u2019s great",
    ),
]
LISTENING = {
    "en": ENGLISH,
    "de": ["Ja, genau.", "Ach so!", "verstehe", "Na klar", "sehr schön", "Mhm, ja", "Okay."],
    "fr": ["Oui.", "D\u2019accord.", "ah bon ?", "C'est ça, oui", "Très bien", "euh, ouais"],
    "es": ["Sí, sí.", "vale", "¡Claro que sí!", "Ajá", "ya, ya veo", "de acuerdo", "Así es"],
    "pt": ["Sim.", "tá bom", "Pois é...", "É, é verdade", "uhum", "Está bem", "certo, certo"],
    "it": ["Sì.", "Va bene.", "ah, ecco", "È vero!", "d'accordo", "già, già", "ho capito"],
    "nl": ["Oké.", "Precies!", "ja ja", "dat klopt", "ik snap het", "mm, goed", "jazeker"],
    "hi": ["हाँ", "हां जी", "अच्छा, ठीक है।", "बिल्कुल!", "हम्म", "समझ गया", "haan ji", "theek hai"],
}
ASKING = {
    "en": [
        *("stop", "no", "wait", "yes but", "okay stop", "what time is it", "right now"),
        *("I see him", "go on holiday", "oh no", "mmm stop", "hold on", "louder", "yesterday"),
        *("he said so", "excuse me", "thank you, stop", "you are wrong", "Goodbye."),
    ],
    "de": ["Stopp!", "nein", "Moment mal", "ja aber", "warte", "ist ja gut jetzt", "Tschüss"],
    "fr": ["Stop.", "non", "attendez", "oui mais", "arrête", "un instant", "bien sûr que non"],
    "es": [
        "Para.",
        "no",
        "espera",
        "sí pero",
        "ya basta",
        "un momento",
        "¡Alto!",
        "claro que no",
    ],
    "pt": ["Pare!", "não", "espera aí", "sim, mas", "chega", "um momento", "pois não quero"],
    "it": ["Basta.", "no", "aspetta", "sì ma", "fermati", "un attimo", "va bene basta"],
    "nl": ["Stop!", "nee", "wacht even", "ja maar", "hou op", "één moment", "dat klopt niet"],
    "hi": ["रुको", "नहीं", "बस", "एक मिनट", "हाँ लेकिन", "ruko", "हाल", "ठीक नहीं है"],
}
NOBODY = [
    *("", "  ", "(laughter)", "[Music]", "[noise] (not listened to)", "...", "\u2026", "42"),
    *("*coughs*", "<noise>", "\u266a", "Thank you.", "you", "Thanks for watching!", "Bye."),
    "Thank you for watching this video.",
    *("Thank you. Thank you.", "Merci.", "Gracias por ver el vídeo", "धन्यवाद", "Danke schön"),
    *(
        "Untertitel der Amara.org-Community",
        "Sous-titres réalisés par la communauté d'Amara.org",
    ),
    *("Subtítulos por la comunidad de Amara.org", "Copyright WDR 2021", "Dank je wel."),
]
EACH = [(code, said) for code, signs in LISTENING.items() for said in signs]
signs_of = st.sampled_from(sorted(SIGNS)).flatmap(
    lambda code: st.tuples(
        st.just(code), st.lists(st.sampled_from(LISTENING[code]), min_size=1, max_size=30)
    )
)


@pytest.mark.parametrize(("code", "said"), EACH)
def test_a_sign_is_one(code, said) -> None:
    assert only_listens(said, code) is True


@pytest.mark.parametrize(
    ("code", "said"), [(code, said) for code, turns in ASKING.items() for said in turns]
)
def test_what_wants_an_answer_is_none(code, said) -> None:
    assert only_listens(said, code) is False


@pytest.mark.parametrize("code", [*SIGNS, "ja", ""])
@pytest.mark.parametrize("said", NOBODY)
def test_where_nobody_may_have_spoken_nothing_is_said_of_them(code, said) -> None:
    """Coughs and noise come back from models of speech as thanks, goodbyes and credits."""
    assert only_listens(said, code) is None


def test_every_language_that_is_transcribed_by_name_has_its_signs() -> None:
    assert set(SIGNS) == {code for code in SIGNS if transcribed(code) == code}
    assert {"en", "es", "fr", "pt", "hi", "de", "nl", "it"} == set(SIGNS)


@pytest.mark.parametrize("tag", ["de-AT", "de_DE", "DE", "de"])
def test_a_region_is_no_language(tag) -> None:
    assert only_listens("genau", tag) is True
    assert only_listens("nein", tag) is False


@pytest.mark.parametrize("tag", ["ja-JP", "xx", ""])
def test_of_a_language_without_signs_duration_decides(tag) -> None:
    """Killed: taking every word of such a language for a turn."""
    assert only_listens("Mm-hm, okay", tag) is True
    assert only_listens("ちょっと待って", tag) is None
    assert only_listens("stop", tag) is None


def test_a_sign_of_one_language_is_none_of_another_but_english_is_said_everywhere() -> None:
    assert only_listens("genau", "en") is False
    assert only_listens("vale", "de") is False
    assert all(only_listens(said, code) is True for said in ENGLISH for code in (*SIGNS, "ja"))


@given(signs_of)
def test_law_signs_in_a_row_are_one(signs) -> None:
    """Killed: a pattern that takes only one."""
    code, said = signs
    assert only_listens(", ".join(said), code) is True


@given(signs_of, st.data())
def test_law_one_word_that_is_none_makes_it_a_turn(signs, data) -> None:
    """Killed: a search where all must match."""
    code, said = signs
    at = data.draw(st.integers(0, len(said)))
    turn = data.draw(st.sampled_from(ASKING[code]))
    assert only_listens(" ".join([*said[:at], turn, *said[at:]]), code) is False


@given(signs_of, st.data())
def test_law_what_nobody_said_makes_no_turn_of_signs(signs, data) -> None:
    code, said = signs
    ghost = data.draw(st.sampled_from(["Thank you.", "you", "Bye.", "Gracias.", "(coughs)"]))
    assert only_listens(" ".join([ghost, *said]), code) is not False


@given(
    st.sampled_from([*EACH, *((code, said) for code in ASKING for said in ASKING[code])]),
    st.sampled_from(["NFC", "NFD", "NFKC"]),
    st.sampled_from([str.upper, str.lower, str.title]),
)
def test_law_case_and_the_way_accents_are_written_change_nothing(sample, form, cased) -> None:
    """Killed: words of letters only, which loses the vowels of हाँ and half of a split é."""
    code, said = sample
    assert only_listens(unicodedata.normalize(form, cased(said)), code) == only_listens(
        said, code
    )


@given(st.text(max_size=200), st.sampled_from(["en", "hi", "ja"]))
def test_law_nothing_that_can_be_written_is_an_error(said, code) -> None:
    verdict = only_listens(said, code)
    assert verdict in (True, False, None)
    assert code != "ja" or verdict is not False


def test_a_transcript_that_runs_on_takes_no_time_to_speak_of() -> None:
    """Ways to part "mm hm mm hm ..." into signs double with each: none is tried twice."""
    assert only_listens("mm hm " * 2000 + "stop", "en") is False
