"""Engines, functions and client of a replay: they say what the record says, at its times.

Times count from the request, so that a replay in which things happen otherwise still makes
sense. A request that the record does not hold gets what was asked for most nearly then.
"""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

import agent.flight.entries as en
from agent import notices as nt
from agent import requests as rq
from agent.audio.frame import FRAME_MS, Samples
from agent.engines import Conversation, Piece, Speech, Style, Tool
from agent.errors import EngineError

_SAME_S = 0.05  # asked for as it was: then its times are those of the record
_SAME_SLOT_S = FRAME_MS / 2000
_AGAIN_S = 0.05  # rather this much farther away than what was given already


@dataclass(slots=True)
class _Request:
    """One of the record."""

    at: float
    key: str
    brought: list[tuple[float, Any]] = field(default_factory=list)  # seconds after it, piece
    ended: tuple[float, str | None] | None = None  # seconds after it, error
    given: bool = False


class Answers:
    """What was asked and what came of it, by verb."""

    def __init__(self, entries: Sequence[en.Entry]) -> None:
        self._by_verb: dict[str, list[_Request]] = {}
        by_number: dict[int, _Request] = {}
        for entry in entries:
            match entry:
                case en.Wanted(at, number, verb, key):
                    request = by_number[number] = _Request(at, key)
                    self._by_verb.setdefault(verb, []).append(request)
                case en.Got(at, number, piece) if number in by_number:
                    request = by_number[number]
                    request.brought.append((at - request.at, piece))
                case en.Ended(at, number, error) if number in by_number:
                    request = by_number[number]
                    request.ended = at - request.at, error

    def to(self, verb: str, key: str, now: float) -> AsyncGenerator[Any]:
        """What came of this request, each piece in its time. Raises EngineError as it did."""
        asked = self._by_verb.get(verb, [])
        same = [request for request in asked if request.key == key] or asked
        if not same:
            error = "the record holds no reply" if verb == "reply" else None
            return _played(_Request(now, key, ended=(0.0, error)), now)
        best = min(same, key=lambda request: abs(request.at - now) + _AGAIN_S * request.given)
        best.given = True
        return _played(best, now)


async def _played(request: _Request, asked_at: float) -> AsyncGenerator[Any]:
    if abs(asked_at - request.at) <= _SAME_S:
        asked_at = request.at
    for after_s, piece in request.brought:
        await _until(asked_at + after_s)
        yield piece
    if request.ended is None:  # the record ends before it
        await asyncio.get_running_loop().create_future()
        return
    after_s, error = request.ended
    await _until(asked_at + after_s)
    if error is not None:
        raise EngineError(error)


async def _until(at: float) -> None:
    left_s = at - asyncio.get_running_loop().time()
    if left_s > 0:
        await asyncio.sleep(left_s)


class PlayedEngines:
    """`CallEngines`."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._loop = asyncio.get_running_loop()

    def reply(self, turn: int, conversation: Conversation) -> AsyncGenerator[Piece]:
        return self._answers.to("reply", "", self._loop.time())

    def transcribe(self) -> AsyncGenerator[Piece]:
        return self._answers.to("transcribe", "", self._loop.time())

    def speak(self, turn: int, phrase: str, style: Style) -> AsyncGenerator[Speech]:
        return self._answers.to("speak", phrase, self._loop.time())

    def expect(self, conversation: Conversation) -> None:
        pass

    def hear(self, samples: Samples) -> None:
        pass

    def keep(self, turn: int) -> None:
        pass

    def discard(self, turn: int) -> None:
        pass

    def forget(self) -> None:
        pass

    def close(self) -> None:
        pass


class PlayedSlots:
    """The slots of our packets. One that is all but the record's is exactly the record's.

    A reply's first slot is when its first samples came, to a millisecond that no other entry
    tells; so much is enough to take an echo for speech, or for none.
    """

    def __init__(self, entries: Sequence[en.Entry]) -> None:
        self._slots = sorted(entry.slot for entry in entries if isinstance(entry, en.Sounded))

    def like(self, at: float) -> float:
        """Return the record's, if it has one there."""
        place = bisect_left(self._slots, at)
        near = self._slots[max(0, place - 1) : place + 1]
        slot = min(near, key=lambda slot: abs(slot - at), default=at)
        return slot if abs(slot - at) < _SAME_SLOT_S else at


class PlayedFunctions:
    """The operator's."""

    def __init__(self, answers: Answers, tools: tuple[Tool, ...]) -> None:
        self._answers, self.tools = answers, tools

    async def run(self, name: str, arguments: str) -> str:
        now = asyncio.get_running_loop().time()
        async for output in self._answers.to("run", f"{name} {arguments}", now):
            return str(output)
        return ""


class PlayedClient:
    """Asks for what it is given, and is told everything."""

    def __init__(self, settings: rq.CallSettings) -> None:
        self._settings = settings
        self.requests: tuple[rq.Request, ...] = ()  # of its next message

    @property
    def settings(self) -> rq.CallSettings:
        return self._settings

    def opened(self) -> list[str]:
        return []

    def tell(self, notice: nt.Notice) -> list[str]:
        return []

    def ask(self, text: str) -> tuple[list[rq.Request], list[str]]:
        return list(self.requests), []
