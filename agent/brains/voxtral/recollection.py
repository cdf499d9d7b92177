"""What the model is told of a conversation: the span that a slot's cache must hold.

Past turns are heard again while they are few, read as text after that, and dropped, the oldest
first, when the context is full; the instructions never are. Before that, long results of
functions are cut. All of it happens in steps of about half, so that not every turn changes the
beginning of the span, which would have all of it computed again. What a span is depends on the
conversation and on what was kept of it, never on what a cache happens to hold: the plan for a
reply is the same whether or not anything was prepared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Final

import numpy as np

from agent.brains.languages import instructions
from agent.brains.voxtral.excerpt import Cut, excerpt, level
from agent.brains.voxtral.prompt import Agent, Result, Turn, User, chat
from agent.brains.voxtral.said import Said
from agent.brains.voxtral.span import (
    CHUNK_POSITIONS,
    CHUNK_SAMPLES,
    Item,
    Span,
    Utterance,
    positions,
)
from agent.brains.voxtral.tekken import Tekken
from agent.engines import Conversation, Exchange
from agent.errors import EngineError

_BETWEEN: Final = 8  # ids at most around an utterance
_NOW: Final = 2**31  # after every turn
_UNKNOWN: Final = "\u2026"  # said by the caller, and nobody knows what it was
_FULL: Final = 0.7  # share of the room that is left filled when turns have to go
_EXCERPTS: Final = 64  # remembered: they are asked for as often as spans are


@dataclass(frozen=True, slots=True)
class View:
    """From which turn on the past is told, from which it is heard again, and from which results
    are told whole."""

    told: int = 0
    heard: int = 0
    whole: int = 0
    level: int = 0  # positions that a result may take before that


@dataclass(frozen=True, slots=True)
class Plan:
    """A span, and what it was made with."""

    span: Span
    view: View
    typed: str = ""  # what the caller wrote besides speaking
    cut: tuple[Cut, ...] = ()  # results that are told in part


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was kept of a turn besides its text."""

    utterance: Utterance | None  # until it is not to be heard again
    said: Said
    spoken_to: bool  # whether there was one
    typed: str  # beside it


class Recollection:
    """One call's. What is planned changes nothing; what is kept does."""

    def __init__(self, tekken: Tekken, room: int, audio_turns: int) -> None:
        """`room` positions for what is said before a reply, the utterance included."""
        self._tekken, self._room, self._audio_turns = tekken, room, audio_turns
        self._kept: dict[int, _Kept] = {}  # by turn, oldest first
        self._view = View()
        self._excerpt = lru_cache(_EXCERPTS)(partial(excerpt, tekken))

    def keep(self, turn: int, utterance: Utterance | None, said: Said, plan: Plan) -> None:
        """Reply `turn` was released; `said` may still grow."""
        view = self._view = plan.view
        self._kept = {
            number: replace(kept, utterance=kept.utterance if number >= view.heard else None)
            for number, kept in self._kept.items()
            if number >= view.told
        }
        self._kept[turn] = _Kept(utterance, said, utterance is not None, plan.typed)

    def chunks(self, conversation: Conversation) -> int:
        """Of 30 s, that an utterance may have beside the instructions. Raises EngineError."""
        need = self._alone(conversation)
        chunks = 1 + (self._room - need) // CHUNK_POSITIONS
        if chunks < 1:
            raise EngineError(
                f"instructions and functions take {need} of the {self._room} positions there "
                "are before a reply; shorten them, or raise voxtral.context_tokens"
            )
        return chunks

    def expecting(self, conversation: Conversation, chunks: int) -> Span:
        """What can be held while the caller speaks, and so many chunks are to come.

        The last reply may not be among the past yet: then it is taken to be heard whole.
        """
        entries, coming = self._entries(conversation), _blank(chunks)
        latest = next(reversed(self._kept), 0)
        if not entries or entries[-1].turn != latest or _is_listed(conversation, latest):
            return self._fit(conversation, entries, coming, 0).span[:-2]
        tokens = self._kept[latest].said.tokens
        room = coming.positions + len(tokens) + _BETWEEN
        return [*self._fit(conversation, entries, None, room).span, *tokens]

    def reply(self, conversation: Conversation, utterance: Utterance | None) -> Plan:
        """What the reply to `utterance` follows, or, without one, the reply to what was last.

        Raises EngineError when not even the instructions fit.
        """
        entries = self._entries(conversation)
        plan = self._fit(conversation, entries, utterance, 0)
        if positions(plan.span) > self._room:
            raise EngineError(
                f"a conversation of {positions(plan.span)} positions does not fit into "
                f"{self._room}; shorten the instructions, or raise voxtral.context_tokens"
            )
        typed = [e.caller for e in conversation.past if e.turn == conversation.turn]
        cut = tuple(self._cuts(entries, plan.view))
        return replace(plan, typed="\n".join(typed), cut=cut)

    def _entries(self, conversation: Conversation) -> list[Exchange]:
        """The past, and what was answered but is not told there: no word was understood."""
        listed = {exchange.turn for exchange in conversation.past}
        first = conversation.past[0].turn if conversation.past else 0
        lost = (turn for turn in self._kept if turn not in listed and turn > first)
        told = [*conversation.past, *(Exchange("", "", turn) for turn in lost)]
        # what is typed before anybody knows the turn that answers it comes last
        return sorted(
            (replace(e, turn=e.turn or _NOW) for e in told), key=lambda exchange: exchange.turn
        )

    def _fit(
        self,
        conversation: Conversation,
        entries: Sequence[Exchange],
        utterance: Utterance | None,
        room: int,
    ) -> Plan:
        """Change the view only where one of the bounds asks for it, and then by a lot."""
        view = self._view
        audible = [e.turn for e in entries if e.turn >= view.heard and self._is_audible(e)]
        if len(audible) > self._audio_turns:
            left = audible[len(audible) - (self._audio_turns + 1) // 2 :]
            view = replace(view, heard=left[0] if left else audible[-1] + 1)
        most = self._room - room
        span = self._span(conversation, entries, view, utterance)
        if positions(span) > most:
            view = self._shortened(conversation, entries, view)
            span = self._span(conversation, entries, view, utterance)
        if positions(span) > most:
            for entry in entries[: len(entries) - (utterance is None)]:
                if positions(span) <= most * _FULL:
                    break
                if entry.turn >= view.told:
                    view = replace(view, told=entry.turn + 1)
                    span = self._span(conversation, entries, view, utterance)
        return Plan(span, view)

    def _alone(self, conversation: Conversation) -> int:
        """Positions of instructions and functions, and of one utterance."""
        return positions(self._span(replace(conversation, past=()), [], View(), _blank(1)))

    def _shortened(
        self, conversation: Conversation, entries: Sequence[Exchange], view: View
    ) -> View:
        """Results so far that are long are told in part from here on: those that were fetched
        for the same words of the caller take half of what there is to share, together.
        """
        told = [(entry, self._sizes(entry)) for entry in entries if entry.turn >= view.told]
        fetched: list[list[int]] = [[]]
        for entry, sizes in told:
            kept = self._kept.get(entry.turn)
            if entry.caller or (kept and kept.spoken_to):
                fetched.append([])
            fetched[-1] += sizes
        half = (self._room - self._alone(conversation)) // 2
        most = min(level(sizes, half) for sizes in fetched)
        long = [entry.turn for entry, sizes in told if max(sizes, default=0) > most]
        return replace(view, whole=long[-1] + 1, level=most) if long else view

    def _sizes(self, entry: Exchange) -> list[int]:
        return [len(self._tekken.encode(use.output or "")) for use in entry.tools]

    def _cuts(self, entries: Sequence[Exchange], view: View) -> Iterator[Cut]:
        for entry in entries:
            if view.told <= entry.turn < view.whole:
                for use, size in zip(entry.tools, self._sizes(entry), strict=True):
                    told = len(self._tekken.encode(self._excerpt(use.output or "", view.level)))
                    if told < size:
                        yield Cut(use.call.id, use.call.name, size, told)

    def _span(
        self,
        conversation: Conversation,
        entries: Sequence[Exchange],
        view: View,
        utterance: Utterance | None,
    ) -> list[Item]:
        turns: list[Turn] = []
        for entry in entries:
            if entry.turn >= view.told:
                turns += self._turns(entry, view)
        if utterance is not None:
            turns.append(User((utterance,)))
        elif not turns or isinstance(turns[-1], Agent):
            turns.append(User(()))
        if text := instructions(conversation):
            if turns and isinstance(turns[0], User):
                turns[0] = User((text, *turns[0].parts))
            else:
                turns.insert(0, User((text,)))
        elif not isinstance(turns[0], User):
            turns.insert(0, User(()))
        return chat(self._tekken, turns, conversation.tools)

    def _turns(self, entry: Exchange, view: View) -> list[Turn]:
        turns: list[Turn] = []
        kept = self._kept.get(entry.turn)
        if kept and kept.utterance and entry.turn >= view.heard:
            turns.append(User((kept.typed, kept.utterance)))
        elif entry.caller:
            turns.append(User((entry.caller,)))
        elif kept and kept.spoken_to:
            turns.append(User((_UNKNOWN,)))
        tokens, rest = kept.said.heard(entry.agent) if kept else ([], entry.agent)
        if tokens or rest or entry.tools:
            calls = tuple(use.call for use in entry.tools)
            turns.append(Agent(rest, calls, tuple(tokens)))
        for use in entry.tools:
            output = use.output or ""
            if entry.turn < view.whole:
                output = self._excerpt(output, view.level)
            turns.append(Result(use.call.id, output))
        return turns

    def _is_audible(self, entry: Exchange) -> bool:
        kept = self._kept.get(entry.turn)
        return kept is not None and kept.utterance is not None


def _blank(chunks: int) -> Utterance:
    """An utterance to come."""
    return Utterance(np.broadcast_to(np.float32(0), chunks * CHUNK_SAMPLES))


def _is_listed(conversation: Conversation, turn: int) -> bool:
    return any(exchange.turn == turn for exchange in conversation.past)
