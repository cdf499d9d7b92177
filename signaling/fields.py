"""Read a client's JSON object field by field, naming the field that is wrong."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from agent.config import Between
from agent.errors import RejectedOffer
from signaling.codes import Code

_INTEGER_DIGITS = 400  # no double has more, and the time they take grows with their square
_LEVELS = 64  # of nesting: what was read must be written again, from whatever depth of calls
_FRACTIONS = 1_000  # each costs as much as ten integers, once read and once sent back


def read_json(text: str | bytes) -> Any:
    """Return what a client wrote. Raises ValueError for what is no JSON, is nested more than 64
    deep, or holds more than 1,000 numbers with a fraction or exponent, or one that no double
    holds.

    Strings in it may hold half a surrogate pair, which no encoder takes: look before use.
    """
    return _read(text, None)


def read_long_json(text: str | bytes) -> Any:
    """The same for a long text of few values: also refuses integers that take long."""
    return _read(text, _short_integer)


def _read(text: str | bytes, parse_int: Callable[[str], int] | None) -> Any:
    left = iter(range(_FRACTIONS))

    def fraction(number: str) -> float:
        if next(left, None) is None:
            raise ValueError("too many numbers with a fraction")
        value = float(number)
        if not math.isfinite(value):
            raise ValueError("a number that no double holds")  # and that is no JSON sent back
        return value

    try:
        value = json.loads(
            text, parse_constant=_no_constant, parse_int=parse_int, parse_float=fraction
        )
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not _is_flat(value):
        raise ValueError("nested too deep")
    return value


def _is_flat(value: Any) -> bool:
    """Whether no more than so many lists and objects lie within one another in it."""
    level = [value]
    for _ in range(_LEVELS):
        level = [
            each
            for node in level
            if isinstance(node, dict | list)
            for each in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:  # as of nearly all events after two or three
            return True
    return not any(isinstance(node, dict | list) for node in level)


def _short_integer(digits: str) -> int:
    if len(digits) > _INTEGER_DIGITS:
        raise ValueError("an integer with too many digits")
    return int(digits)


def _no_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


class Fields:
    """One JSON object, which knows its own path. A field that is null counts as left out.

    Every reader returns `default` for a field left out and raises RejectedOffer for a bad one.
    """

    def __init__(self, values: Any, path: str) -> None:
        if not isinstance(values, Mapping):
            raise RejectedOffer(Code.INVALID_VALUE, f"{path} must be an object", param=path)
        self.values = values
        self.path = path

    def wrong(self, key: str, what: str, code: Code = Code.INVALID_VALUE) -> RejectedOffer:
        path = f"{self.path}.{key}"
        return RejectedOffer(code, f"{path} {what}", param=path)

    def inner(self, key: str) -> "Fields":
        value = self.values.get(key)
        return Fields({} if value is None else value, f"{self.path}.{key}")

    def text(self, key: str, default: str, longest: int) -> str:
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, str) or len(value) > longest:
            raise self.wrong(key, f"must be text of at most {longest} characters")
        try:
            value.encode()
        except UnicodeEncodeError:  # "\\ud800" is good JSON, and no character
            raise self.wrong(key, "holds half a surrogate pair") from None
        return value

    def number(self, key: str, default: float, bound: Between) -> float:
        value = self.values.get(key)
        if value is None:
            return default
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not bound.holds(value)
        ):
            raise self.wrong(key, f"must be a number {bound}")
        return float(value)

    def whole(self, key: str, default: int, bound: Between) -> int:
        value = self.number(key, default, bound)
        if value != int(value):
            raise self.wrong(key, f"must be a whole number {bound}")
        return int(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(key, "must be true or false")
        return value

    def one_of(self, key: str, choices: tuple[str, ...]) -> str | None:
        value = self.values.get(key)
        if value is not None and value not in choices:
            raise self.wrong(key, f"must be one of {', '.join(choices)}")
        return value
