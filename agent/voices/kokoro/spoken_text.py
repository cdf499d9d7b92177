"""English as it is written, word by word, into English as it is said.

"$12.50" becomes four words, but they stay those of one written word: a voice must be able to
say when each word of the phrase begins. Knows context (the words before and after), no
phonemes and no markup; that is `agent.voices.speakable`'s. Pure.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.voices.kokoro import addresses, numerals
from agent.voices.kokoro.abbreviations import (
    BARE,
    DOTTED,
    HALF_DAYS,
    MONTHS,
    NUMBERED,
    SCALES,
    UNITS,
)
from agent.voices.speakable import speakable


class English(StrEnum):
    """Whose. They differ in dates: 3/4 is March the fourth or the third of April."""

    AMERICAN = "a"
    BRITISH = "b"


_OPEN: Final = "\"'“‘([{"  # noqa: RUF001 - quotes as people type them
_CLOSE: Final = "\"'”’)]}.,;:!?…—"  # noqa: RUF001
_BRACKETS: Final = str.maketrans("", "", "()[]{}")
_SHELL: Final = re.compile(
    rf"(?P<open>[{re.escape(_OPEN)}]*)(?P<core>.*?)(?P<close>[{re.escape(_CLOSE)}]*)", re.DOTALL
)
_PAUSES: Final = re.compile(r"[-–—]+|\.{2,}|…+")  # noqa: RUF001 - a word of its own
_PLAIN: Final = r"\d{1,3}(?:,\d{3})+|\d+"
_DECIMAL: Final = rf"(?:(?:{_PLAIN})(?:\.\d+)?|\.\d+)"
_SIGN: Final = f"[{numerals.MONEY_SIGNS}]"
_HALF: Final = r"(?i:[ap]\.?m\.?)"


@dataclass(frozen=True, slots=True)
class _Spot:
    """A word's core and what stands around it."""

    core: str
    before: str  # the core of the word before, "" at the beginning
    after: str
    close: str  # the marks behind the core
    english: English
    dialled: bool  # it is a group of a telephone number

    @property
    def counted(self) -> bool:
        """A number stands before."""
        return bool(re.fullmatch(rf"[-+]?{_SIGN}?{_DECIMAL}", self.before))


def marked(words: Sequence[str]) -> list[str]:
    """Each word without its markup; a dash or dots of their own are on the word before.

    All that is done for a language whose numbers and abbreviations espeak reads.
    """
    said: list[str] = []
    for word in words:
        if _PAUSES.fullmatch(word):
            _pause(said, word)
        said.append(speakable(word))
    return said


def spoken_text(words: Sequence[str], english: English) -> list[str]:
    """What is said for each of the words, "" for those that are silent; as many as given."""
    shells = [_shell(word) for word in words]
    cores = ["", *(core for _, core, _ in shells), ""]
    dialled = _dialled(cores[1:-1])
    said: list[str] = []
    for i, (opening, core, closing) in enumerate(shells):
        if _PAUSES.fullmatch(words[i]):
            _pause(said, words[i])
            said.append("")
            continue
        spot = _Spot(core, cores[i], cores[i + 2], closing, english, i in dialled)
        text = _say(spot) if core else ""
        if text and core.endswith(".") and not closing and i + 1 == len(words):
            # the dot of "etc." also ends the sentence; "U.S." becomes letters without any
            text, closing = text.rstrip(".").replace(".", " "), "."
        said.append(f"{opening}{text}{closing}" if text else "")
    return said


def _shell(word: str) -> tuple[str, str, str]:
    """The marks before a word, the word, the marks behind it. "etc." and "a.m." keep a dot."""
    match = _SHELL.fullmatch(speakable(word))
    assert match is not None
    opening, core, closing = match["open"], match["core"], match["close"]
    if closing.startswith(".") and (
        f"{core}.".lower() in DOTTED | NUMBERED | HALF_DAYS
        or f"{core}." == "St."
        or re.fullmatch(r"(?:[A-Za-z]\.)*[A-Z]", core)
    ):
        core, closing = f"{core}.", closing[1:]
    closing = re.sub(r"\.{2,}", "…", closing)
    return opening.translate(_BRACKETS), core, closing.translate(_BRACKETS)


def _dialled(cores: Sequence[str]) -> set[int]:
    """Which words are groups of a telephone number: "+1 555 123 4567", "(555) 123-4567"."""
    found: set[int] = set()
    for i, core in enumerate(cores):
        run = [i]
        for later in range(i + 1, len(cores)):
            if not re.fullmatch(r"\(?\d{2,4}\)?(?:-\d{3,4})*", cores[later]):
                break
            run.append(later)
        if re.fullmatch(r"\+\d{1,3}", core) and len(run) > 2:
            found.update(run)
        elif re.fullmatch(r"\d{3}", core) and re.fullmatch(
            r"\d{3}-\d{4}", "".join(cores[i + 1 : i + 2])
        ):
            found.update(run[:2])
    return found


def _pause(said: list[str], word: str) -> None:
    """A dash between two words belongs to the one before it, if that has no mark yet."""
    mark = "…" if word[0] in ".…" else "—"
    for i in reversed(range(len(said))):
        if said[i]:
            if said[i][-1] not in _CLOSE:
                said[i] += mark
            return


def _say(spot: _Spot) -> str:
    if spot.dialled:
        return _phone(spot.core)
    for pattern, say in _RULES:
        if (match := re.fullmatch(pattern, spot.core)) and (text := say(match, spot)):
            return text
    return _word(spot)


# -- words


def _word(spot: _Spot) -> str:
    """A word that no rule is about: its letters, and the numbers inside it."""
    core, lower = spot.core, spot.core.lower()
    if lower in HALF_DAYS and spot.before and spot.before[-1].isdigit():
        return HALF_DAYS[lower]
    if core in UNITS and spot.counted:
        return UNITS[core][spot.before not in ("1", "-1")]
    if core == "St.":
        return "saint" if spot.after[:1].isupper() and not spot.close else "street"
    if lower in NUMBERED and spot.after[:1].isdigit():
        return NUMBERED[lower]
    if lower in BARE:
        return BARE[lower]
    if lower in DOTTED:
        return DOTTED[lower]
    if spot.after == "" and re.fullmatch(r"[A-Z]\.", core):
        return core[0]
    if lower in SCALES and spot.before[:1] in numerals.MONEY_SIGNS and spot.before:
        return f"{SCALES[lower]} {numerals.currency(spot.before[0])}"
    return _letters(core)


def _letters(core: str) -> str:
    """ "MP3" -> "MP three", "and/or" -> "and or", "snake_case" -> "snake case", "AT&T"."""
    if re.fullmatch("[A-Z]+&[A-Z]+", core):
        core = " ".join(core)
    text = core.replace("&", " and ").replace("+", " plus ").replace("@", " at ")
    text = text.replace("%", " percent ").replace("=", " equals ").replace("°", " degrees ")
    text = re.sub(_SIGN, lambda sign: f" {numerals.currency(sign[0])} ", text)
    text = re.sub(r"(?<=\w)#", " sharp", text)
    text = re.sub(r"\d+(?:\.\d+)*", lambda digits: f" {numerals.number(digits[0])} ", text)
    text = re.sub(r"[_/#^<>~|\\{}\[\]()]+|(?<!\w)[-–]|[-–](?!\w)", " ", text)  # noqa: RUF001
    return " ".join(text.split())


# -- numbers


def _integer(match: re.Match[str], spot: _Spot) -> str:
    digits = match[0]
    if _after_month(spot) and 1 <= int(digits) <= 31:
        return numerals.ordinal(digits)
    if len(digits) > 6 and not digits.endswith("000"):
        return numerals.each_digit(digits)  # a booking number, not a quantity
    if spot.after in UNITS or spot.after.lower() in SCALES:
        return numerals.cardinal(digits)
    return numerals.year(digits)


def _after_month(spot: _Spot) -> bool:
    before = spot.before.lower()
    return before in MONTHS or DOTTED.get(before, "") in MONTHS


def _decimal(match: re.Match[str], spot: _Spot) -> str:
    return _signed(match["sign"], numerals.number(match["number"]))


def _signed(sign: str | None, said: str) -> str:
    match sign:
        case "-" | "−" | "–":  # noqa: RUF001 - a minus, and a dash used as one
            return f"minus {said}"
        case "+":
            return f"plus {said}"
        case "±":
            return f"plus or minus {said}"
        case _:
            return said


def _quantity(match: re.Match[str], spot: _Spot) -> str:
    """ "5kg", "-3°C", "99.9%"."""
    digits, unit = match["number"], match["unit"]
    if unit not in UNITS:
        return ""
    name = UNITS[unit][digits != "1"]
    return _signed(match["sign"], f"{numerals.number(digits)} {name}")


def _money(match: re.Match[str], spot: _Spot) -> str:
    """ "$12.50", "3€", "$5M"; of "$5 million" only the five: the rest follows."""
    sign = match["before"] or match["after"]
    digits, scale = match["number"], match["scale"]
    if scale:
        many = f"{numerals.number(digits)} {SCALES[scale.lower()]} {numerals.currency(sign)}"
        return _signed(match["sign"], many)
    if spot.after.lower() in SCALES:
        return _signed(match["sign"], numerals.number(digits))
    return _signed(match["sign"], numerals.money(sign, digits))


def _range(match: re.Match[str], spot: _Spot) -> str:
    low, high = match["low"], match["high"]
    said = f"{numerals.year(low)} to {numerals.year(high)}"
    return said + (f" {UNITS[match['unit']][1]}" if match["unit"] in UNITS else "")


def _phone(core: str) -> str:
    plus = "plus " if core.startswith("+") else ""
    groups = re.findall(r"\d+", core)
    return plus + ", ".join(numerals.each_digit(group) for group in groups)


# -- times and dates


def _clock(match: re.Match[str], spot: _Spot) -> str:
    hour, minute, half = match["hour"], match["minute"] or "00", match["half"]
    if int(hour) > 24 or int(minute) > 59:
        return f"{numerals.number(hour)} {numerals.number(minute)}"  # a score, a ratio
    said = numerals.clock(hour, minute)
    if half or spot.after.lower() in HALF_DAYS:
        said = said.removesuffix(" o'clock")
    if match["second"]:
        said += f" and {numerals.number(str(int(match['second'])))} seconds"
    return f"{said} {HALF_DAYS[half.lower()]}" if half else said


def _date(match: re.Match[str], spot: _Spot) -> str:
    """ "2025-03-04" and "3/4/2025"."""
    parts = match.groupdict()
    year, first, second = parts["year"], int(parts["first"]), int(parts["second"])
    day_first = spot.english is English.BRITISH and len(parts["head"] or "") == 0
    month, day = (second, first) if day_first else (first, second)
    if month > 12 >= day:
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return ""
    name, ordinal = MONTHS[month - 1], numerals.ordinal(str(day))
    said = (
        f"the {ordinal} of {name}" if spot.english is English.BRITISH else f"{name} {ordinal}"
    )
    return f"{said}, {numerals.year(year)}"


def _fraction(match: re.Match[str], spot: _Spot) -> str:
    above, below = match["above"], match["below"]
    if match[0] == "24/7":
        return "twenty four seven"
    if 0 < int(above) < int(below) <= 10:
        joint = "and " if spot.counted else ""  # 2 1/2
        return joint + numerals.fraction(above, below)
    return f"{numerals.number(above)} over {numerals.number(below)}"


_Rule = Callable[[re.Match[str], _Spot], str]
# The first that matches a whole word and has something to say.
_RULES: Final[tuple[tuple[str, _Rule], ...]] = (
    (addresses.EMAIL, lambda match, _: addresses.email(match[0])),
    (addresses.URL, lambda match, _: addresses.url(match[0])),
    (
        rf"(?P<hour>\d{{1,2}}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?P<half>{_HALF})?",
        _clock,
    ),
    (rf"(?P<hour>\d{{1,2}})(?P<minute>)(?P<second>)(?P<half>{_HALF})", _clock),
    (r"(?P<head>(?P<year>\d{4})[-/])(?P<first>\d\d?)[-/](?P<second>\d\d?)", _date),
    (r"(?P<head>)(?P<first>\d\d?)[-/.](?P<second>\d\d?)[-/.](?P<year>\d{4})", _date),
    (
        r"(?:\+?\d{1,3}[-.])?(?:\(?\d{3}\)?[-.]?)?\d{3}[-.]\d{4}",
        lambda match, _: _phone(match[0]),
    ),
    (
        rf"(?P<sign>[-+−±])?(?:(?:US)?(?P<before>{_SIGN})(?P<number>{_DECIMAL}))"  # noqa: RUF001
        r"(?P<after>)(?P<scale>(?i:k|m|mm|b|bn|t))?",
        _money,
    ),
    (
        rf"(?P<sign>[-+])?(?P<before>)(?P<number>{_DECIMAL})(?P<after>{_SIGN})(?P<scale>)",
        _money,
    ),
    (r"(?P<low>\d{1,6})[-–](?P<high>\d{1,6})(?P<unit>\D*)", _range),  # noqa: RUF001
    (r"(?P<above>\d{1,4})/(?P<below>\d{1,4})", _fraction),
    (r"\d+", _integer),
    (
        rf"(?P<number>{_PLAIN})(?:st|nd|rd|th)",
        lambda match, _: numerals.ordinal(match["number"]),
    ),
    (r"'?(?P<number>\d{2}|\d{3}0)'?s", lambda match, _: numerals.decade(match["number"])),
    (rf"(?P<sign>[-+−–±])?(?P<number>{_DECIMAL}|\d+(?:\.\d+)+)", _decimal),  # noqa: RUF001
    (rf"(?P<sign>[-+−±])?(?P<number>{_DECIMAL})-?(?P<unit>\D+)", _quantity),  # noqa: RUF001
)
