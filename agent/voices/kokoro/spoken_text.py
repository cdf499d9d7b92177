"""English as it is written, word by word, into English as it is said.

"$12.50" becomes four words, but they stay those of one written word: a voice must be able to
say when each word of the phrase begins. Knows context (the words before and after), no
phonemes and no markup; that is `agent.voices.speakable`'s. Pure.
"""

import re
from collections.abc import Sequence
from typing import Final

from agent.voices.kokoro import addresses, amounts, compounds, telephone, times
from agent.voices.kokoro.abbreviations import CALENDAR, HALF_DAYS
from agent.voices.kokoro.numerals import VULGAR
from agent.voices.kokoro.spot import DECIMAL, SIGN, English, Rule, Spot
from agent.voices.kokoro.words import has_dot, word
from agent.voices.speakable import speakables

_OPEN: Final = "\"'“‘([{"  # noqa: RUF001 - quotes as people type them
_CLOSE: Final = "\"'”’)]}.,;:!?…—"  # noqa: RUF001
_BRACKETS: Final = str.maketrans("", "", "()[]{}")
_SHELL: Final = re.compile(
    rf"(?P<open>[{re.escape(_OPEN)}]*)(?P<core>.*?)(?P<close>[{re.escape(_CLOSE)}]*)", re.DOTALL
)
_PAUSES: Final = re.compile(r"[-–—]+|\.{2,}|…+")  # noqa: RUF001 - a word of its own
_TO: Final = frozenset("-\u2013")
_INCHES: Final = re.compile(rf"(?:\d'\d\d?)|(?:\d+-)?\d/\d+|{DECIMAL}")
_AMOUNT: Final = re.compile(rf"{SIGN}?({DECIMAL}|\d\d?:\d\d)\D*")
# The first that matches a whole word and has something to say.
_RULES: Final[tuple[tuple[str, Rule], ...]] = (
    (addresses.EMAIL, lambda match, _: addresses.email(match[0])),
    (addresses.URL, lambda match, _: addresses.url(match[0])),
    (addresses.IP, lambda match, _: addresses.ip(match[0])),
    (addresses.FILE, lambda match, _: addresses.file(match[0])),
    *times.RULES,
    (telephone.NUMBER, lambda match, _: telephone.phone(match[0])),
    *amounts.RULES,
)


def marked(words: Sequence[str]) -> list[str]:
    """Each word without its markup; a dash or dots of their own are on the word before.

    All that is done for a language whose numbers and abbreviations espeak reads.
    """
    said: list[str] = []
    for written, text in zip(words, speakables(words), strict=True):
        if _PAUSES.fullmatch(written) and not text:
            _pause(said, written)
        said.append(text)
    return said


def spoken_text(words: Sequence[str], english: English) -> list[str]:
    """What is said for each of the words, "" for those that are silent; as many as given."""
    shells = [_shell(text) for text in speakables(words)]
    bare = [core for _, core, _ in shells]
    shells = _with_dots(_with_inches(shells))
    for i in range(1, len(words) - 1):
        if _joins(words, bare, i):
            shells[i] = ("", "\u2013", "")
    dialled = telephone.dialled(bare)
    said: list[str] = []
    for i, (opening, core, closing) in enumerate(shells):
        last = i + 1 == len(words)
        before = shells[i - 1][1] if i and not shells[i - 1][2] else ""
        after = shells[i + 1][1] if not last and not closing else ""
        if not core and _PAUSES.fullmatch(words[i]):
            _pause(said, words[i])
            said.append("")
            continue
        spot = Spot(core, before, after, last or bool(closing), english)
        text = telephone.phone(core) if i in dialled else _say(spot)
        if text and core.endswith(".") and not closing and last:
            # the dot of "etc." also ends the sentence; "U.S." becomes letters without any
            text, closing = text.rstrip(".").replace(".", " "), "."
        said.append(f"{opening}{text}{closing}" if text else "")
    return said


def _shell(text: str) -> tuple[str, str, str]:
    """The marks before a word, the word, the marks behind it."""
    match = _SHELL.fullmatch(text)
    assert match is not None
    opening, core, closing = match["open"], match["core"], match["close"]
    closing = re.sub(r"\.{2,}", "…", closing)
    return opening.translate(_BRACKETS), core, closing.translate(_BRACKETS)


def _with_inches(shells: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """The same, where the mark of inches is the number's: "12\\" wide"."""
    found: list[tuple[str, str, str]] = []
    quoted = False
    for opening, core, closing in shells:
        quoted = quoted or '"' in opening
        if closing.startswith('"') and not quoted and _INCHES.fullmatch(core):
            core, closing = f'{core}"', closing[1:]
        quoted = quoted and '"' not in closing
        found.append((opening, core, closing))
    return found


def _with_dots(shells: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """The same, where "etc." and "a.m." have their dot."""
    found: list[tuple[str, str, str]] = []
    for i, (opening, core, closing) in enumerate(shells):
        before = found[-1][1] if found and not found[-1][2] else ""
        after = shells[i + 1][1] if i + 1 < len(shells) else ""
        if core and closing.startswith(".") and has_dot(core, before, after):
            core, closing = f"{core}.", closing[1:]
        found.append((opening, core, closing))
    return found


def _pause(said: list[str], dash: str) -> None:
    """A dash between two words belongs to the one before it, if that has no mark yet."""
    mark = "…" if dash[0] in ".…" else "—"
    for i in reversed(range(len(said))):
        if said[i]:
            if said[i][-1] not in _CLOSE:
                said[i] += mark
            return


def _joins(words: Sequence[str], bare: Sequence[str], i: int) -> bool:
    """Whether a dash of its own means "to": "9 AM - 5 PM", "$10 - $20"."""
    low, high = bare[i - 1], bare[i + 1]
    if words[i] not in _TO or words[i - 1][-1:] in _CLOSE:
        return False
    if low.lower() in HALF_DAYS:
        return high[:1].isdigit()
    if low.lower() in CALENDAR or high.lower() in CALENDAR:
        from_name = low if not low.isdecimal() else bare[max(0, i - 2)]  # "Jan 1 - Feb 5"
        return from_name.lower() in CALENDAR and high.lower() in CALENDAR
    least, most = _AMOUNT.fullmatch(low), _AMOUNT.fullmatch(high)
    return least is not None and most is not None and _worth(least[1]) <= _worth(most[1])


def _worth(number: str) -> float:
    plain = number.replace(",", "").replace(":", ".")
    return float(plain) if plain[-1] not in VULGAR else float(plain[:-1] or "0")


def _say(spot: Spot) -> str:
    return (_by_rule(spot) or word(spot)) if spot.core else ""


def _by_rule(spot: Spot) -> str:
    for pattern, say in _RULES:
        if (match := re.fullmatch(pattern, spot.core)) and (text := say(match, spot)):
            return text
    for pattern, compose in compounds.RULES:
        if (match := re.fullmatch(pattern, spot.core)) and (
            text := compose(match, spot, _by_rule)
        ):
            return text
    return ""
