"""Notices that change what was told before: a reply cut further, a turn taken back.

They belong to `agent.events.Notice`; values, without behaviour.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReplyCut:
    """The client says that no more of a reply which is over was heard; so it is remembered.

    `heard` + `unheard` are its whole text, as in ReplyDone; `audio_ms` is the client's.
    """

    turn: int
    heard: str
    unheard: str
    audio_ms: int


@dataclass(frozen=True, slots=True)
class CutRefused:
    """A reply cannot be cut there: only `audio_ms` of it left. None: it is long forgotten."""

    turn: int
    asked_ms: int
    audio_ms: int | None


@dataclass(frozen=True, slots=True)
class TurnWithdrawn:
    """The caller had not finished: neither what they said nor the reply was a turn.

    Follows the ReplyDone; UtteranceStarted follows, of an utterance that holds both parts.
    """

    turn: int
    utterance: int
