"""Whole numbers as words, both ways, 0 to 100."""

from typing import Final

_SMALL: Final = tuple(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen".split()
)
_TENS: Final = tuple("twenty thirty forty fifty sixty seventy eighty ninety".split())
_ORDINALS: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}

# What a caller may say for 1 to 100, in JSGF.
SPOKEN: Final = (
    f"{' | '.join(_SMALL[1:])} | ({' | '.join(_TENS)}) [{' | '.join(_SMALL[1:10])}] "
    "| (a | one) hundred"
)


def cardinal(number: int) -> str:
    """21 -> "twenty-one". Raises ValueError outside 0..100."""
    match number:
        case _ if 0 <= number < 20:
            return _SMALL[number]
        case _ if 20 <= number < 100:
            tens, ones = divmod(number, 10)
            return _TENS[tens - 2] + (f"-{_SMALL[ones]}" if ones else "")
        case 100:
            return "one hundred"
        case _:
            raise ValueError(f"{number} is not between 0 and 100")


def ordinal(number: int) -> str:
    """21 -> "twenty-first". Raises ValueError outside 1..100."""
    if number < 1:
        raise ValueError(f"{number} is not between 1 and 100")
    head, hyphen, tail = cardinal(number).rpartition("-")
    if tail in _ORDINALS:
        tail = _ORDINALS[tail]
    else:
        tail = f"{tail[:-1]}ieth" if tail.endswith("y") else f"{tail}th"
    return head + hyphen + tail


def parse(words: str) -> int:
    """ "twenty one" -> 21. Raises ValueError for anything but the words of 1..100."""
    if words in ("a hundred", "one hundred"):
        return 100
    tens, _, ones = words.partition(" ")
    if tens in _TENS:
        return 10 * (_TENS.index(tens) + 2) + (_SMALL.index(ones, 1, 10) if ones else 0)
    return _SMALL.index(words, 1)
