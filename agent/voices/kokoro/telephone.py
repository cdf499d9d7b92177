"""Telephone numbers: digit by digit, group by group. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from agent.voices.kokoro import numerals

NUMBER: Final = r"(?:\+?\d{1,3}[-.])?(?:\(?\d{3}\)?[-.]?)?\d{3}[-.]\d{4}"
_ROUND: Final = re.compile(r"\d\d0-\d\d[05]0")  # 500-1000 is hardly one
_GROUP: Final = re.compile(r"\(?\d{2,4}\)?(?:-\d{3,4})*")


def phone(core: str) -> str:
    """ "+1-555-1234" -> "plus one, five five five, one two three four"."""
    if _ROUND.fullmatch(core):
        return ""
    plus = "plus " if core.startswith("+") else ""
    groups = re.findall(r"\d+", core)
    return plus + ", ".join(numerals.each_digit(group) for group in groups)


def dialled(cores: Sequence[str]) -> set[int]:
    """Which words are groups of one: "+1 555 123 4567", "(555) 123-4567", "800 555 0199"."""
    found: set[int] = set()
    for i, core in enumerate(cores):
        run = [i]
        for later in range(i + 1, len(cores)):
            if not _GROUP.fullmatch(cores[later]):
                break
            run.append(later)
        if re.fullmatch(r"\+\d{1,3}", core) and len(run) > 2:
            found.update(run)
        elif re.fullmatch(r"\d{3} (?:\d{3}-\d{4})", " ".join(cores[i : i + 2])):
            found.update(run[:2])
        elif re.fullmatch(r"\d{3} \d{3} \d{4}", " ".join(cores[i : i + 3])):
            found.update(run[:3])
    return found
