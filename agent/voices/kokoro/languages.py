"""Which of Kokoro's languages a BCP 47 tag means. Pure.

A code is one letter, and the first of a voice's name: "af_heart" is an American woman. English
("a", "b") is read by our rules, the others by espeak, Japanese and Chinese by packages that
misaki wants and that are not ours to demand.
"""

from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import Final

from agent.errors import EngineError
from agent.language import narrowed, primary

ENGLISH: Final = ("a", "b")
# espeak's name of those that espeak reads.
ESPEAK: Final[Mapping[str, str]] = MappingProxyType(
    {"e": "es", "f": "fr-fr", "h": "hi", "i": "it", "p": "pt-br"}
)
EXTRAS: Final[Mapping[str, str]] = MappingProxyType({"j": "ja", "z": "zh"})
# What misaki imports to read them.
NEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"j": ("pyopenjtalk",), "z": ("cn2an", "jieba", "pypinyin")}
)
_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{"en": "a", "en-gb": "b", "en-au": "b", "en-nz": "b", "en-ie": "b", "en-za": "b"},
        **{"en-in": "b", "es": "e", "fr": "f", "hi": "h", "it": "i", "pt": "p"},
        **{"ja": "j", "zh": "z", "cmn": "z"},
    }
)
_SPOKEN: Final = "en-US, en-GB, es, fr, hi, it, pt-BR, ja, zh"


def language_code(tag: str) -> str:
    """ "fr-CA" -> "f". Raises EngineError for a language that Kokoro does not speak."""
    if known := narrowed(tag, _CODES):
        return _CODES[known]
    raise EngineError(f"Kokoro does not speak {tag!r}; it speaks {_SPOKEN}")


def spoken_by(voice: str, tag: str) -> str:
    """The code a voice reads by: the language's, but a British voice's English is British."""
    code = language_code(tag)
    return voice[0] if code in ENGLISH and voice[:1] in ENGLISH else code


def voice_for(tag: str, voices: tuple[str, ...]) -> str:
    """The first of the voices that speaks the language, else EngineError naming all."""
    code = language_code(tag)
    for wanted in (code, *(ENGLISH if code in ENGLISH else ())):
        for voice in voices:
            if voice.startswith(wanted):
                return voice
    raise EngineError(f"Kokoro has no voice for {tag!r} here; it has {', '.join(voices)}")


def chosen(named: str, tag: str, voices: tuple[str, ...]) -> tuple[str, str]:
    """Which of the voices says it, the `named` one if any, and the code it reads by.

    Raises EngineError for a voice that is not there and a language that Kokoro does not speak.
    """
    voice = named or voice_for(tag, voices)
    if voice not in voices:
        raise EngineError(f"Kokoro has no voice {voice!r}; it has {', '.join(voices)}")
    return voice, spoken_by(voice, tag)


def spoken(voices: tuple[str, ...], named: str, unread: Set[str]) -> tuple[str, ...]:
    """Primary subtags of what can be spoken: all that is read, by the `named` voice, or, where
    none is, what one of the voices speaks. `unread` are codes that cannot be read here.
    """
    codes = {name[:1] for name in (_CODES.values() if named else voices)} - unread
    return tuple(dict.fromkeys(primary(tag) for tag, code in _CODES.items() if code in codes))
