"""Sums and comparisons written as one word: "5+3=8", "x>=-2", "10^6". Pure."""

import re
from collections.abc import Callable
from typing import Final

OPERATORS: Final = {
    "+": "plus",
    "-": "minus",
    "\u2212": "minus",
    "\u00d7": "times",
    "*": "times",
    "·": "times",
    "÷": "divided by",
    "/": "divided by",
    "=": "equals",
    "==": "equals",
    "!=": "is not equal to",
    "≠": "is not equal to",
    "<": "less than",
    ">": "greater than",
    "<=": "less than or equal to",
    "≤": "less than or equal to",
    ">=": "greater than or equal to",
    "≥": "greater than or equal to",
    "≈": "approximately",
    "^": "to the power of",
}
# With nothing before.
_FIRST: Final = {"≈": "about", ">": "more than", "≤": "at most", "≥": "at least"}
_POWERS: Final = {"2": "squared", "3": "cubed"}
_STRONG: Final = re.compile("[=<>≤≥≈≠\u00d7÷^]")
_ARROW: Final = re.compile("<?[-=]+>|<-+")
_TOKEN: Final = re.compile(
    r"[<>!=]=|[-=<>≤≥≈≠\u00d7÷^*·+\u2212/]|[()\[\]{}]"
    r"|(?:[^-=<>≤≥≈≠\u00d7÷^*·+\u2212/!()\[\]{}]|(?<=[A-Za-z])-(?=[A-Za-z]))+"
)


def expression(core: str, say: Callable[[str], str]) -> str:
    """What is said for it, "" when it is none; `say` says the terms."""
    if not _STRONG.search(core) or _ARROW.search(core):
        return ""
    tokens = _TOKEN.findall(core)
    if "".join(tokens) != core or len(tokens) == 1:
        return ""
    said: list[str] = []
    operand = False
    for i, token in enumerate(tokens):
        if token in OPERATORS:
            first = {} if operand else _FIRST
            said.append(first.get(token) or OPERATORS[token])
            operand = False
        elif i and tokens[i - 1] == "^" and token in _POWERS and said[-1] == OPERATORS["^"]:
            said[-1] = _POWERS[token]
            operand = True
        elif token not in "()[]{}":
            said.append(say(token))
            operand = True
    return " ".join(filter(None, said))
