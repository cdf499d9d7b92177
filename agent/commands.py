"""All that turns.py can want of a call: a closed list of frozen, flat values.

Turn numbers count the replies of a call from 1.
"""

from dataclasses import dataclass

from agent.events import EndReason, Prompt


@dataclass(frozen=True, slots=True)
class PrepareReply:
    """Work out an answer to what was said so far; let nothing of it leave."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReleaseReply:
    """The caller has finished: send what was prepared, and the rest as it comes."""

    turn: int


@dataclass(frozen=True, slots=True)
class DiscardReply:
    """The caller went on: forget a reply of which nothing left."""

    turn: int


@dataclass(frozen=True, slots=True)
class TryReply:
    """The caller has finished, by all we know: as ReleaseReply, but it may be withdrawn.

    SettleReply or WithdrawReply follows.
    """

    turn: int


@dataclass(frozen=True, slots=True)
class SettleReply:
    """A reply that was tried stands: the utterance is answered, and a new one may begin."""

    turn: int


@dataclass(frozen=True, slots=True)
class WithdrawReply:
    """The caller had not finished: stop a reply that was tried, go on with the utterance."""

    turn: int


@dataclass(frozen=True, slots=True)
class DuckReply:
    """Something is heard over a reply: say it more softly.

    RestoreReply follows, or it stops: HoldReply, WithdrawReply, CancelReply, or its end.
    """

    turn: int


@dataclass(frozen=True, slots=True)
class RestoreReply:
    """It was nothing: say the reply at full level again."""

    turn: int


@dataclass(frozen=True, slots=True)
class HoldReply:
    """The caller speaks: stop the reply in mid-word, and keep the rest of it.

    ResumeReply or CancelReply follows; the latter where ReplyUnheard is the answer.
    """

    turn: int


@dataclass(frozen=True, slots=True)
class ResumeReply:
    """The caller only showed that they listen: go on at the sample where the reply stopped."""

    turn: int


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop a reply that was released, or drop one that is held; `reason` is as in ReplyDone."""

    turn: int
    reason: str


@dataclass(frozen=True, slots=True)
class SayPrompt:
    """Say something of our own accord."""

    turn: int
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class CommitUtterance:
    """The caller has finished, and the client will say when to answer."""


@dataclass(frozen=True, slots=True)
class ForgetUtterance:
    """What the caller just said was no turn (a cough, "mm-hm" over a reply)."""


@dataclass(frozen=True, slots=True)
class EndCall:
    """Hang up."""

    reason: EndReason


Command = (
    PrepareReply
    | ReleaseReply
    | DiscardReply
    | TryReply
    | SettleReply
    | WithdrawReply
    | DuckReply
    | RestoreReply
    | HoldReply
    | ResumeReply
    | CancelReply
    | SayPrompt
    | CommitUtterance
    | ForgetUtterance
    | EndCall
)
