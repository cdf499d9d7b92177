"""Did the caller only show that they listen? By the words alone, in the languages of SIGNS.

Knows no sound and no call; how long such words may be is a rule of the turns. Words are
compared without case and accents, which transcripts set as they like. English signs count in
every language: they are said in most, and the operator hears English whatever is spoken.
"""

import re
import unicodedata
from typing import Final

from agent.language import primary

# Regular expressions of whole signs.
_ANYWHERE: Final = (
    "a+h?a|a+h|a+ha+m?|o+h?|h+m+|m+|m+ ?h+m+|uh ?h[uh]+|u+h ?u+m|u+h|u+m|eh+m*",
    "(ha+)+|(he+){2,}|ok|okay|okey|oke|yes|yeah|हम्+म?|ओके|ओह|हूँ|हूं|आहा|वाह",
)
SIGNS: Final = {
    "en": (
        "yep|yup|yea|ya|sure|exactly|indeed|true|absolutely|definitely|correct|understood",
        "(that is|that's|all) right|right|alright|i see|got it|gotcha|of course|really|wow",
        "((that is|that's|very|sounds) )?(good|great|nice|fine|cool|interesting|perfect)",
        "go on|carry on|continue|makes sense|fair enough",
    ),
    "de": (
        "ja|jo|jep|jawohl|genau|klar|na klar|alles klar|stimmt|das stimmt|richtig|perfekt",
        "ach|ach so|achso|ach ja|verstehe|ich verstehe|weiter|super|prima|toll|eben|gerne",
        "natürlich|sicher|wirklich|echt|in ordnung|(sehr )?(gut|schön|interessant)",
    ),
    "fr": (
        "oui|ouais|d'accord|bien|très bien|bien sûr|voilà|exactement|exact|c'est ça|c'est vrai",
        "je vois|je comprends|compris|j'ai compris|entendu|ah bon|bon|parfait|super|génial|euh",
        "tout à fait|vraiment|évidemment|effectivement|absolument|continue|continuez|allez y",
    ),
    "es": (
        "sí|claro|claro que sí|vale|bien|muy bien|qué bien|bueno|de acuerdo|exacto|exactamente",
        "correcto|cierto|ya|ya veo|ya entiendo|entiendo|entendido|por supuesto|ajá|perfecto",
        "genial|vaya|verdad|es verdad|eso|eso es|así es|dale|sigue|siga|continúa|continúe",
    ),
    "pt": (
        "sim|claro|certo|tá|tá bom|tá bem|está bom|está bem|pois|pois é|pois sim|isso",
        "isso mesmo|exato|exatamente|exacto|entendi|entendo|percebi|percebo|sei|é|verdade",
        "é verdade|bom|bem|muito bom|muito bem|ótimo|legal|beleza|com certeza|perfeito|uhum",
        "continua|continue",
    ),
    "it": (
        "sì|già|certo|certamente|va bene|bene|molto bene|d'accordo|esatto|giusto|capito",
        "ho capito|capisco|vedo|perfetto|ottimo|ecco|davvero|vero|è vero|infatti|chiaro",
        "appunto|ovvio|ovviamente|naturalmente|sicuro|bello|continua|continui|vai avanti",
    ),
    "nl": (
        "ja|jawel|jazeker|precies|goed|heel goed|klopt|dat klopt|juist|inderdaad|zeker|prima",
        "natuurlijk|tuurlijk|duidelijk|helder|begrepen|ik begrijp het|begrijp ik|ik snap het",
        "snap ik|ga door|ga verder|mooi|leuk|top|echt|echt waar|perfect|interessant",
    ),
    "hi": (
        "हाँ|हां|जी|जी हाँ|जी हां|हाँ जी|हां जी|अच्छा|बहुत अच्छा|ठीक|ठीक है|सही|सही है|सच|सच में",
        "बिल्कुल|बिलकुल|समझा|समझी|समझ गया|समझ गई|मैं समझ गया|मैं समझ गई|बढ़िया|ज़रूर|जरूर|आगे बोलिए",
        "haan?|ji|ji haan?|haan? ji|acc?hh?a|th?eek|th?eek hai|sahi|sahi hai|bilkul",
        "samajh gay[ai]",
    ),
}
# What models of speech write down where nobody spoke: of a cough, of breath, of noise.
_PHANTOMS: Final = (
    "you|huh|bye|bye bye|the end|music|applause|laughter|silence|thanks|thank you",
    "thank you (so|very) much|(thanks|thank you) for (watching|listening)( this video)?",
    "please subscribe|danke|danke schön|vielen dank|vielen dank fürs zuschauen",
    "merci|merci beaucoup|merci d'avoir regardé( cette vidéo)?",
    "gracias|muchas gracias|gracias por ver( el vídeo)?",
    "obrigad[oa]|muito obrigad[oa]|obrigad[oa] por assistir|grazie|grazie mille",
    "grazie per la visione|bedankt|bedankt voor het kijken|dank (je|u)|dank (je|u) wel",
    "धन्यवाद|शुक्रिया|dhanyavaa?d|shukriya",
)
_CREDITS: Final = re.compile(
    r".*\bamara\b.*|(untertitel\w*|sous titr\w*|subtitulos?|sottotitoli|legendas?"
    r"|ondertitel\w*|subtitl\w*|copyright)\b.*"
)
_NO_WORDS: Final = re.compile(r"\(.*?\)|\[.*?\]|\*.*?\*|<.*?>")  # "(laughter)"
_LONGEST: Final = 6  # words of a sign or a phantom


def only_listens(transcript: str, language: str) -> bool | None:
    """Whether all of it is "mm-hm", "okay" and the like, in a BCP 47 `language`.

    None: there is no word in it, or none that says that anybody spoke; or it is in a language
    whose signs are not known.
    """
    words = _folded(_NO_WORDS.sub(" ", transcript)).split()
    if not words or _CREDITS.fullmatch(" ".join(words)):
        return None
    code = primary(language)
    signs = _PATTERNS.get(code, _PATTERNS["en"])
    if _consist(words, signs):
        return True
    if code not in SIGNS or _consist(words, signs, _NOBODY):
        return None
    return False


def _folded(text: str) -> str:
    """Letters, their marks and apostrophes, lower case; Latin ones without their accents."""
    kept = []
    for sign in _without_accents(text.casefold()).replace("\u2019", "'"):
        kind = unicodedata.category(sign)
        if kind != "Cf":  # joiners stand within words
            kept.append(sign if kind[0] in "LM" or sign == "'" else " ")
    return " ".join(word for piece in "".join(kept).split() if (word := piece.strip("'")))


def _consist(words: list[str], *patterns: re.Pattern[str]) -> bool:
    """Whether the words are, one behind the other, what the patterns match."""
    ends = {0}
    for end in range(1, len(words) + 1):
        for begin in range(max(0, end - _LONGEST), end):
            text = " ".join(words[begin:end])
            if begin in ends and any(pattern.fullmatch(text) for pattern in patterns):
                ends.add(end)
                break
    return len(words) in ends


def _pattern(*signs: str) -> re.Pattern[str]:
    """Of folded words."""
    return re.compile(_without_accents("|".join(signs)))


def _without_accents(text: str) -> str:
    """Those of Latin letters; the vowel signs of Hindi are no accents."""
    bare = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare)


_PATTERNS: Final = {
    code: _pattern(*_ANYWHERE, *SIGNS["en"], *signs) for code, signs in SIGNS.items()
}
_NOBODY: Final = _pattern(*_PHANTOMS)
