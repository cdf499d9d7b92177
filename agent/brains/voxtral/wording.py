"""From a reply's tokens to its pieces: text as it comes, then the functions it wants called.

A reply may end in [TOOL_CALLS] and a JSON list, of which nothing is spoken. What in it is no
call of a known function with an object for arguments is left out: a model's slip is no reason
for an apology, unless it leaves nothing of the reply and the caller in silence. Pure.
"""

import json
import logging
from collections.abc import Collection
from typing import Any, Final

from agent.abbreviations import keeps_dot
from agent.brains.voxtral.detok import Detokenizer
from agent.brains.voxtral.said import Said
from agent.brains.voxtral.tekken import Tekken
from agent.engines import Piece, Text, ToolCall
from agent.errors import EngineError

log = logging.getLogger(__name__)

_ENDS: Final = ".!?\u2026\u3002\uff01\uff1f\u0964"
_CLOSERS: Final = "\"'\u201d\u2019\u00bb)]}*_`"
_WIDE: Final = "\u3002\uff01\uff1f"  # end a sentence although no space follows


class Wording:
    """One reply. Feed `push`; ask `finish` at its end."""

    def __init__(
        self, tekken: Tekken, functions: Collection[str], turn: int, sentences: int
    ) -> None:
        """`functions` may be called; `sentences` at most are said, 0 being no bound."""
        self._detokenizer = Detokenizer(tekken)
        self._begins_calls = tekken.tool_calls
        self._functions, self._turn = functions, turn
        self._sentences = Sentences(sentences) if sentences else None
        self._calls: str | None = None  # the JSON so far
        self.said = Said()
        self.over = False  # nothing more of it is wanted
        self.worded = False  # there is something to be heard

    def push(self, token: int) -> list[Piece]:
        """The next token; at most one piece."""
        if token == self._begins_calls and self._calls is None:
            self._calls = ""
            return []
        text = self._detokenizer.push(token)
        if self._calls is not None:
            self._calls += text
            return []
        wanted = self._sentences.upto(text) if self._sentences else text
        if wanted == text:
            self.said.add(token, text)
        else:
            self.over = True
        self.worded = self.worded or bool(wanted.strip())
        return [Text(wanted)] if wanted else []

    def finish(self) -> list[Piece]:
        """There are no more tokens. Raises EngineError where all it came to is no call."""
        if self._calls is None or self.over:
            return []
        calls = [call for call in map(self._call, _entries(self._calls)) if call]
        if not calls and not self.worded:
            raise EngineError(
                "voxtral asked for a function in a form that cannot be read, and said nothing "
                "else; raise voxtral.max_new_tokens if the reply was cut"
            )
        if not calls:
            log.warning("voxtral asked for a function in a form that cannot be read")
        return [
            ToolCall(f"{self._turn % 100_000:05}{number:04}", name, arguments)
            for number, (name, arguments) in enumerate(calls)
        ]

    def _call(self, entry: Any) -> tuple[str, str] | None:
        if not isinstance(entry, dict) or entry.get("name") not in self._functions:
            return None
        arguments = entry.get("arguments", {})
        if isinstance(arguments, str):
            arguments = _read(arguments or "{}")
        if not isinstance(arguments, dict):
            return None
        return entry["name"], json.dumps(arguments, ensure_ascii=False)


class Sentences:
    """Finds where the last sentence that may be said ends; reads no further than it must."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._word = ""  # under way, marks included

    def upto(self, text: str) -> str:
        """As much of the next `text` as may be said."""
        for at, letter in enumerate(text):
            if self._ended_before(letter):
                self._left -= 1
                if self._left == 0:
                    return text[:at]
                self._word = ""
            self._word = "" if letter.isspace() else self._word + letter
        return text

    def _ended_before(self, letter: str) -> bool:
        bare = self._word.rstrip(_CLOSERS)
        if not bare or bare[-1] not in _ENDS or letter in _ENDS or letter in _CLOSERS:
            return False
        if bare[-1] in _WIDE:
            return True
        word = bare[:-1].strip(_CLOSERS + "([{\u201c\u201e\u00ab")
        initials = all(len(part) == 1 and part.isalpha() for part in word.split("."))
        # Better a sentence too many than "No." of "No. 5".
        known = keeps_dot(word) or word.lower() == "no"
        short = bare[-1] == "." and (known or initials)
        return letter.isspace() and not short


def _entries(text: str) -> list[Any]:
    """What a list, or the one call, says; what follows it is not read."""
    read = _read(text)
    return read if isinstance(read, list) else [read]


def _read(text: str) -> Any:
    try:
        return json.JSONDecoder().raw_decode(text.strip())[0]
    except (json.JSONDecodeError, RecursionError):
        return None
