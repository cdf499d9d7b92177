"""Numbers and titles of other languages, so that espeak says the number that is meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from agent.voices.kokoro.figures import readable
from agent.voices.kokoro.g2p import reader
from agent.voices.kokoro.languages import ESPEAK, EXTRAS

NUM2WORDS = {"e": "es", "f": "fr", "i": "it", "p": "pt_BR"}


def said(text, code):
    return " ".join(filter(None, readable(text.split(), code)))


@pytest.mark.parametrize(
    ("code", "text", "as_said"),
    [
        ("e", "Cuesta 1.500 euros.", "Cuesta 1500 euros."),
        ("e", "Son 1,500 pesos, no más.", "Son 1500 pesos, no más."),
        ("e", "3,5 metros o 3.5 metros", "3 coma 5 metros o 3 punto 5 metros"),
        ("e", "1.234.567,89 €", "1234567 coma 89 €"),
        ("e", "1,234,567.89", "1234567 punto 89"),
        ("e", "0,125 y 0.500", "0 coma 125 y 0 punto 500"),
        ("e", "El 26.11.2026, versión 2.13.0", "El 26.11.2026, versión 2.13.0"),
        ("e", "(1.500)", "(1500)"),
        ("e", "A las 14:30, www.a1.500.es", "A las 14:30, www.a1.500.es"),
        ("e", "La Sra. García y el Dr. Ruiz", "La señora García y el doctor Ruiz"),
        ("e", "No lo sé, Sr.", "No lo sé, Sr."),  # the end of a sentence, for all we know
        ("f", "À 14h30, ou à 9h.", "À 14 heures 30, ou à 9 heures."),
        ("f", "M. Dupont a 3,5 ans", "monsieur Dupont a 3 virgule 5 ans"),
        ("i", "Il Sig. Rossi: 1.500 €!", "Il signor Rossi: 1500 €!"),
        ("i", "Alle 14.30 fa 14,30 €", "Alle 14.30 fa 14 virgola 30 €"),
        ("p", "Custa R$ 12,50.", "Custa 12 vírgula 50 reais."),
        ("p", "R$1.500, às 14h30 ou 15h", "1500 reais, às 14 horas e 30 ou 15 horas"),
        ("h", "कीमत 1,25,000 रुपये है। 3.5 मीटर।", "कीमत 125000 रुपये है. 3 दशमलव 5 मीटर."),
    ],
)
def test_a_figure_is_one_number(code, text, as_said):
    assert said(text, code) == as_said


def test_each_word_keeps_its_place():
    words = ["Custa", "R$", "12,50", "ou", "R$1.500."]
    assert readable(words, "p") == ["Custa", "", "12 vírgula 50 reais", "ou", "1500 reais."]


@pytest.mark.parametrize("code", sorted(NUM2WORDS))
@pytest.mark.parametrize("number", [1500, 21_000, 1_234_567])
def test_espeak_says_a_grouped_number_as_the_plain_one(code, number):
    """And that is the number in words, in which no mark can be."""
    read = reader(code).read
    mark = "," if code == "h" else "."
    plain, grouped = read([str(number)]), read([f"{number:,}".replace(",", mark)])
    assert grouped == plain
    assert not set(".,") & set(plain[0])
    words = read(num2words(number, lang=NUM2WORDS[code]).split())
    assert len("".join(plain)) > 0.6 * len("".join(words))


@pytest.mark.parametrize("code", [*EXTRAS, "a"])
def test_other_readers_get_what_is_written(code):
    words = ["1.500", "14h30", "R$", "12,50", "है।"]
    assert readable(words, code) == words


@given(st.lists(st.text("0123456789.,hR$ab।", min_size=1)), st.sampled_from(sorted(ESPEAK)))
def test_no_digit_is_lost_and_no_word_is_added(words, code):
    found = readable(words, code)
    assert len(found) == len(words)
    digits = ["".join(filter(str.isdigit, " ".join(each))) for each in (words, found)]
    assert digits[0] == digits[1]
