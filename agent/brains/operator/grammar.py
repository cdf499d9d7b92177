"""One table, two readings: the automaton to recognise with, and the words' way to a request.

Pure. The recogniser returns words only (pocketsphinx drops JSGF tags), hence every expansion
also becomes a regular expression, with a group where a request has a slot.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from agent.brains.operator import numbers
from agent.brains.operator.automaton import TOKEN, Automaton, compile_expansion, words_in
from agent.brains.operator.requests import FOILS, RULES, WAYS, Intent, Request, same

_SLOTS: Final = ("phrase", "number")


@cache
def automaton() -> Automaton:
    """All requests and all foils, for the recogniser."""
    return compile_expansion(f"{_framed(' | '.join(_ways()))} | {' | '.join(FOILS)}", RULES)


def may_follow(words: str) -> frozenset[str] | None:
    """The words that may come next in a request that begins so; None where none does."""
    state = 0
    for word in words.split():
        if (after := _requests()[state].get(word)) is None:
            return None
        state = after
    return frozenset(_requests()[state])


@cache
def settled(words: str) -> bool:
    """Whether these words are a whole request, and the same one however it goes on."""
    request = understand(words)
    return request is not None and all(same(request, other) for other in _longer(words))


def _longer(words: str) -> Iterator[Request]:
    """Every request that begins so and goes on."""
    for word in may_follow(words) or ():
        if (request := understand(f"{words} {word}")) is not None:
            yield request
        yield from _longer(f"{words} {word}")


@cache
def _requests() -> tuple[dict[str, int], ...]:
    """For each state of the requests' own automaton, word -> next state."""
    net = compile_expansion(_framed(" | ".join(_ways())), RULES)
    table: tuple[dict[str, int], ...] = tuple({} for _ in range(net.states))
    for state, word, to in net.arcs:
        table[state][word] = to
    return table


def _ways() -> list[str]:
    return [way for ways in WAYS.values() for way in ways]


@cache
def vocabulary() -> frozenset[str]:
    """Every word of a request or a foil."""
    return words_in([*RULES.values(), *_ways(), *FOILS])


def understand(words: str) -> Request | None:
    """What these words ask for; None unless they are a whole request.

    Where several requests share words, the first of the table is meant.
    """
    spoken = f"{words} "
    for intent, pattern in _patterns():
        if match := pattern.fullmatch(spoken):
            slots = {name: (value or "").strip() for name, value in match.groupdict().items()}
            return Request(
                intent,
                words,
                phrase=slots.get("phrase", ""),
                number=numbers.parse(slots["number"]) if slots.get("number") else 0,
            )
    return None


@cache
def _patterns() -> tuple[tuple[Intent, re.Pattern[str]], ...]:
    return tuple(
        (intent, re.compile(_regex(_framed(way))))
        for intent, ways in WAYS.items()
        for way in ways
    )


def _framed(request: str) -> str:
    return f"[<opening>] ({request}) [<closing>]"


def _regex(expansion: str, *, inside: str = "") -> str:
    """JSGF to a regular expression over words that each end in a space."""
    parts = []
    for token in TOKEN.findall(expansion):
        match token:
            case "[" | "(":
                parts.append("(?:")
            case ")":
                parts.append(")")
            case "]":
                parts.append(")?")
            case "|":
                parts.append("|")
            case _ if token[0] == "<":
                name = token[1:-1]
                body = _regex(RULES[name], inside=name)
                # a slot inside another slot keeps only the outer name
                named = name in _SLOTS and inside not in _SLOTS
                parts.append(f"(?P<{name}>{body})" if named else f"(?:{body})")
            case _:
                parts.append(f"{token} ")
    return "".join(parts)
