"""The ports: what a brain and a voice must do, and the law each obeys.

Two faces of the same thing. `Brain` and `Voice` are what an engine's author writes: plain
blocking generators, run in a thread of the engine process, which never see asyncio, calls or
sockets. `CallEngines` is what a call holds: the same verbs, asynchronous, numbered by turn.
`agent.host` stands between the two.
"""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from agent.audio.frame import Samples

MEMORY = 128  # numbers that a VAD remembers of a call: the cell of silero's LSTM


class Action(StrEnum):
    """What a reply does besides being spoken. Carried out only when the reply is released."""

    HANG_UP = "hang_up"  # after the last word has left
    LOUDER = "louder"
    QUIETER = "quieter"
    FASTER = "faster"
    SLOWER = "slower"
    HOLD = "hold"  # no silence prompts until RESUME
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Heard:
    """What the caller said, as far as the brain can tell; at most one an utterance."""

    transcript: str


@dataclass(frozen=True, slots=True)
class Sense:
    """Whether the caller has finished, by the meaning of what was heard of them.

    At most one a reply, as early in it as can be; it counts as soon as it is said, beside how
    the pause sounds. A brain that cannot tell says none.
    """

    odds: float  # 0..1, as if nothing else were known of the pause: 0.5 says nothing


@dataclass(frozen=True, slots=True)
class Text:
    """The next piece of the reply's text, of any length; concatenated they are the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class Act:
    """Do something with the call."""

    action: Action


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The brain wants a function called; it goes on when it is asked again with the result.

    After the text of its reply, if any. Nothing is called before the reply is released.
    """

    id: str  # the brain's own, unique in the call
    name: str  # of one of the conversation's tools
    arguments: str  # a JSON object


Piece = Heard | Sense | Text | Act | ToolCall


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the brain may ask for."""

    name: str
    description: str
    parameters: str  # a JSON Schema, as JSON


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A function that was called in an exchange; `output` is None while it has not returned."""

    call: ToolCall
    output: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn of the past: what the caller said, and what of our reply they heard.

    Without an utterance of its own (a greeting, an answer to a tool's result) `caller` is "",
    as it is where the brain cannot tell; `turn` tells a brain that kept the audio which one.
    """

    caller: str
    agent: str
    turn: int = 0  # of the reply
    tools: tuple[ToolUse, ...] = ()
    bridged: bool = False  # our last words in it told the caller to wait for a function


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that a brain may know when it answers, besides the audio it was fed.

    What the caller typed since the last reply is a last exchange in which the agent has not
    spoken yet, with the `turn` of the reply that is asked for.

    `over_reply`: the utterance is a moment's speech over a reply, which has stopped in
    mid-word and goes on unless the words want an answer ("stop"; not "mm-hm"). A brain that can
    tell them says `Heard` before it answers, as soon as it can: twice
    `turns.backchannel_wait_ms` after the speech the reply goes on, and this draft is thrown
    away. A brain that cannot tell answers as ever, and the length of the speech decides.
    """

    instructions: str
    language: str  # BCP 47, "en-US"
    past: tuple[Exchange, ...] = ()  # oldest first, bounded by memory.py
    turn: int = 0  # of the reply that is asked for
    tools: tuple[Tool, ...] = ()
    over_reply: bool = False

    @property
    def waits(self) -> bool:
        """Whether the latest exchange has no answer of ours yet, utterance or not."""
        return bool(self.past and (self.past[-1].bridged or not self.past[-1].agent))


@dataclass(frozen=True, slots=True)
class Style:
    """How a voice speaks."""

    voice: str  # the voice's own name for it; "" is its default
    language: str = "en-US"
    speed: float = 1.0  # 0.5 .. 2.0, 1 is the voice's natural pace


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a phrase and where in the phrase's audio it begins."""

    text: str  # as in the phrase, punctuation included: joined by " " they are the phrase
    start: int  # sample at SPEAK_HZ, from the first sample of the phrase


@dataclass(frozen=True, slots=True)
class Speech:
    """The next stretch of a phrase's audio. Stretches concatenate without a seam."""

    samples: Samples  # [n] at SPEAK_HZ
    words: tuple[Word, ...] = ()  # those known by now, each once; starts count from the phrase


class Listener(Protocol):
    """One call's ear and mind in the engine process. Used by one thread at a time.

    The law: `hear` extends the utterance under way. `reply` answers what was heard so far and
    changes nothing that `discard` cannot undo. After `discard` the same utterance goes on
    (more `hear`, then another `reply`). After `keep` the utterance is over and the next `hear`
    begins a new one. `forget` drops an utterance that turned out to be none.
    A generator from `reply` may be closed at any point. `hear` and `keep` may come while one is
    still open, between two of its pieces; before `discard` it has been closed. One that is kept
    is read on while the next is made, and thrown away: a word over it was no turn. `keep` of a
    reply that this process did not give (another died) arrives as `forget`. A `reply` with
    nothing heard since the last `keep` goes on from the tools' results, or of its own accord.

    An iterator that waits for somebody else (a server) may have a method `cancel`, which is
    called from another thread when the rest is unwanted and ends the wait; `close` follows.
    """

    def expect(self, conversation: Conversation) -> None:
        """The caller begins to speak, and this is what was said before.

        A hint: an engine may prepare for it, and owes nothing. Must return at once.
        """

    def hear(self, samples: Samples) -> None:
        """Take the next of the caller's speech, [n] at HEAR_HZ, silence inside included."""

    def reply(self, conversation: Conversation) -> Iterator[Piece]:
        """Yield the answer to the utterance so far. Raises EngineError.

        No text and no call are an answer, too: silence, which is meant.
        """

    def keep(self) -> None:
        """The last reply was released to the caller: the utterance is answered."""

    def transcribe(self) -> Iterator[Heard]:
        """What was said in the utterance last kept, for a brain that answers before it knows.

        Asked once, after `keep`; may be empty, and is where the reply itself said `Heard`. The
        call fixes what it is about; the iterator is run by another thread, beside whatever
        comes next, so that nobody waits for it. Raises EngineError.
        """

    def discard(self) -> None:
        """The last reply will never be heard: the caller goes on with the same utterance."""

    def forget(self) -> None:
        """The utterance was a cough: as if nothing had been heard since the last `keep`."""

    def close(self) -> None:
        """The call is over; may be called at any time, once."""


class Brain(Protocol):
    """Speech in, text out. Built once, in the engine process; loading may take long there."""

    def capacity(self) -> int | None:
        """Calls it has room for at once; None: no bound of its own."""

    def listen(self) -> Listener:
        """Begin a call. Raises EngineError when no more calls can be taken."""


class Voice(Protocol):
    """Text in, speech out. `speak` may be called from several threads at once."""

    def voices(self) -> tuple[str, ...]:
        """Names that `Style.voice` may have, the default first."""

    def speak(self, phrase: str, style: Style) -> Iterator[Speech]:
        """Yield the phrase's audio, soonest first. Raises EngineError."""


class CallEngines(Protocol):
    """One call's engines, as the call sees them. Numbers are those of `agent.turns`.

    `expect`, `hear`, `keep`, `discard`, `forget`, `close` never block and never raise: what
    goes wrong there is raised by the next `reply` or `speak`, as EngineError. `reply`,
    `transcribe` and `speak` take effect when they are called, in order with the other verbs,
    not when first iterated. Closing a generator (or cancelling its task) stops the work behind
    it, at once and ahead of whatever is queued.
    """

    def expect(self, conversation: Conversation) -> None: ...

    def hear(self, samples: Samples) -> None: ...

    def reply(self, turn: int, conversation: Conversation) -> AsyncGenerator[Piece]: ...

    def transcribe(self) -> AsyncGenerator[Piece]: ...

    def speak(self, turn: int, phrase: str, style: Style) -> AsyncGenerator[Speech]: ...

    def keep(self, turn: int) -> None: ...

    def discard(self, turn: int) -> None: ...

    def forget(self) -> None: ...

    def close(self) -> None: ...


class Vad(Protocol):
    """Voice activity of one call."""

    def probability(self, window: Samples) -> float:
        """Speech probability of the next 512 samples at HEAR_HZ. Stateful: feed in order."""

    @property
    def memory(self) -> Samples | None:
        """[MEMORY] what it remembers after the latest window; None: nothing ever."""
