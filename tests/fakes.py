"""Stand-ins with real behaviour: engines that run in the test's loop, a client that listens.

Nothing is recorded by a mock: a fake does the work in the simplest honest way.
"""

import asyncio

import numpy as np

from agent.audio.frame import SPEAK_HZ
from agent.audio.pcm16 import from_pcm16
from agent.engines import Act, Heard, Sense, Speech, Text, Tool, ToolCall, Word
from agent.notices import CallEnding
from agent.requests import CallSettings

WORD_S = 0.25  # how long FakeEngines speaks a word


class FakeEngines:
    """The engines of a call, in virtual time. `answers` maps the nth reply to its pieces.

    A piece may also be a number (seconds to think) or an exception (to raise).
    """

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.heard_samples = 0  # of the utterance under way
        self.transcripts = []  # (seconds, text or exception) of each utterance kept
        self.log: list[str] = []  # verbs, in order
        self.spoken: list[str] = []  # phrases, as asked
        self.voice_error: Exception | None = None
        self.styles = []
        self.conversations = []
        self.expected = []

    def expect(self, conversation) -> None:
        self.expected.append(conversation)

    def hear(self, samples) -> None:
        self.heard_samples += len(samples)

    def reply(self, turn, conversation):
        self.log.append(f"reply {turn}")
        self.conversations.append(conversation)
        return self._pieces(self.answers.pop(0) if self.answers else ["All right."])

    async def _pieces(self, pieces):
        for piece in pieces:
            match piece:
                case float() | int():
                    await asyncio.sleep(piece)
                case str():
                    yield Text(piece)
                case Exception():
                    raise piece
                case Heard() | Sense() | Act() | ToolCall():
                    yield piece

    async def transcribe(self):
        if self.transcripts:
            seconds, said = self.transcripts.pop(0)
            await asyncio.sleep(seconds)
            if isinstance(said, Exception):
                raise said
            yield Heard(said)

    async def speak(self, turn, phrase, style):
        self.spoken.append(phrase)
        self.styles.append(style)
        if self.voice_error is not None:
            raise self.voice_error
        length = int(WORD_S * SPEAK_HZ)
        for n, word in enumerate(phrase.split()):
            await asyncio.sleep(0)
            yield Speech(np.full(length, 0.1, np.float32), (Word(word, n * length),))

    def keep(self, turn) -> None:
        self.log.append(f"keep {turn}")
        self.heard_samples = 0

    def discard(self, turn) -> None:
        self.log.append(f"discard {turn}")

    def forget(self) -> None:
        self.log.append("forget")
        self.heard_samples = 0

    def close(self) -> None:
        self.log.append("close")


class FakeFunctions:
    """The operator's own functions, in virtual time: name to (seconds, result)."""

    def __init__(self, **functions) -> None:
        self.functions = functions
        self.tools = tuple(Tool(name, f"What {name} does.", "{}") for name in functions)
        self.log: list[str] = []  # what was run, and with what
        self.ended: list[str] = []

    async def run(self, name, arguments):
        self.log.append(f"{name} {arguments}")
        seconds, result = self.functions[name]
        await asyncio.sleep(seconds)
        self.ended.append(name)
        return result


class FakeClient:
    """Keeps the notices of a call with their time; asks what the test tells it to."""

    def __init__(self, **settings) -> None:
        self.settings = CallSettings(**settings)
        self.notices: list[tuple[float, object]] = []
        self.requests: list[object] = []
        self.ended = asyncio.Event()

    def opened(self):
        return ["opened"]

    def tell(self, notice):
        self.notices.append((asyncio.get_running_loop().time(), notice))
        if isinstance(notice, CallEnding):
            self.ended.set()
        return [type(notice).__name__]

    def ask(self, text):
        requests, self.requests = self.requests, []
        return requests, [f"answer to {text}"]

    def of(self, kind):
        return [notice for _, notice in self.notices if isinstance(notice, kind)]

    def when(self, kind):
        return [now for now, notice in self.notices if isinstance(notice, kind)]


class FakeLine:
    """The way back to the caller."""

    name = "rtc_fake"
    round_trip_s = 0.0

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.reasons = []

    def send(self, text) -> None:
        self.sent.append(text)

    def closed(self, reason) -> None:
        self.reasons.append(reason)


class LoudnessVad:
    """Speech is whatever is loud."""

    memory = None

    def probability(self, window) -> float:
        return float(np.abs(window).max() > 0.05)


class FakeAdviser:
    """Smart Turn, on the loop's clock: says `odds` after `takes_s` of whatever it is asked."""

    def __init__(self, odds, takes_s=0.05) -> None:
        self.odds, self.takes_s = odds, takes_s
        self.asked: list[np.ndarray] = []
        self.free = True

    def ask(self, sound, answer) -> None:
        assert self.free, "no question may wait"
        self.asked.append(from_pcm16(sound))
        self.free = False
        asyncio.get_running_loop().call_later(self.takes_s, self._say, answer)

    def _say(self, answer) -> None:
        self.free = True
        answer(self.odds)
