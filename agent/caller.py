"""What the caller says: each utterance from its first sound until it is answered or forgotten.

Knows which utterance is under way, what the brain and the client were told of it, and learns
its transcript where the brain knows it only later. Whose turn it is stands in `turns.py`.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing

from agent import events as ev
from agent import notices as nt
from agent.audio.frame import Samples
from agent.ear import Ear
from agent.engines import CallEngines, Conversation, Heard, Piece, Sense
from agent.errors import EngineError
from agent.memory import Memory
from agent.smart_turn.opinion import NoOpinion, SecondOpinion
from agent.state import HEARING, OVERLAP, PAUSED, WEIGHING, YIELDED, State
from agent.vad.gate import SpeechEvent

log = logging.getLogger(__name__)

_SPOKEN = (HEARING, PAUSED, OVERLAP, YIELDED, WEIGHING)  # in these an utterance is under way


class Caller:
    """One call's other side. Feed `hear`; after each step of the turns, `follow`."""

    def __init__(
        self,
        name: str,
        ear: Ear,
        engines: CallEngines,
        memory: Memory,
        tell: Callable[[nt.Notice], None],
        second: SecondOpinion | NoOpinion,
    ) -> None:
        """`name` is what the log calls the call; `second` is asked about their pauses."""
        self._name, self._ear, self._engines = name, ear, engines
        self._memory, self._tell, self._second = memory, tell, second
        self._loop = asyncio.get_running_loop()
        self._utterance = 0  # number of the latest one
        self._open = False  # an utterance is under way: the brain hears what the caller says
        self._announced = False  # and the client knows of it
        self._tried = False  # it is being answered, and may yet go on
        self._unanswered = 0  # number of the one committed and not answered
        self.spoke_s = 0.0  # when the utterance began, on the loop's clock
        self._began_ms = 0  # and in media time, preroll included
        self._started = ev.SpeechStarted(0, 0)
        self._ended = ev.SpeechEnded(0, 0)
        self._silence: tuple[float, float] | None = None
        self._transcripts: set[asyncio.Task[None]] = set()

    @property
    def to_answer(self) -> int:
        """Number of the utterance that a reply would answer now; 0: none."""
        return self._utterance if self._open else self._unanswered

    @property
    def silence(self) -> tuple[float, float] | None:
        """When they fell silent, and when that was noticed, on the loop's clock; None: nobody
        has just spoken.
        """
        if not self._open:
            return None
        return self._silence or (self._loop.time(), self._loop.time())

    def hear(self, samples: Samples) -> None:
        """Take the next samples, [n] at HEAR_HZ; what they tell is for `judge` to say."""
        if self._open:
            self._engines.hear(samples)
            self._second.hear(samples)
        self._ear.hear(samples)

    def judge(self) -> Iterator[SpeechEvent | ev.PauseJudged]:
        """Yield what was heard since tells. Consume it wholly."""
        for event in self._ear.judge():
            match event:
                case ev.SpeechStarted():
                    self._started, self._silence = event, None
                    if not self._open:  # else it is one more word of the same utterance
                        self.spoke_s = self._loop.time() - event.ago_ms / 1000
                case ev.SpeechEnded():
                    self._ended = event
                    now = self._loop.time()
                    self._silence = now - event.ago_ms / 1000, now
            yield event
        self._second.ask_if_due()

    async def heed(
        self, pieces: AsyncGenerator[Piece], meant: Callable[[float], None]
    ) -> AsyncGenerator[Piece]:
        """Pass on a reply; what the brain makes of the pause goes to the ear, and at once."""
        async with aclosing(pieces):
            async for piece in pieces:
                if not isinstance(piece, Sense):
                    yield piece
                elif self._open:
                    meant(piece.odds)

    def follow(self, state: State, conversation: Callable[[], Conversation]) -> None:
        """Open an utterance when the caller begins one, close it when it was answered.

        The brain hears it from the preroll on; the client learns of it when it is no mere
        overlap any more.
        """
        if state in (HEARING, OVERLAP) and not self._open:
            self._open = True
            self._utterance += 1
            self._announced = False
            self._began_ms = self._ear.preroll_at_ms(self._started)
            self._engines.expect(conversation())
            so_far = self._ear.since(self._started)
            self._engines.hear(so_far)
            self._second.begin(so_far)
        if state in (HEARING, PAUSED) and not self._announced:
            self._announced = True
            self._tell(nt.UtteranceStarted(self._utterance, self._began_ms))
        if state not in _SPOKEN and not self._tried:
            self._open = False
            self._second.rest()

    def commit(self) -> None:
        """They have finished, and the client will say when to answer."""
        self._told_committed()
        self._unanswered = self._utterance

    def answered(self, turn: int) -> None:
        """Reply `turn` was released to what they said, if they said anything."""
        if self._open and not self._tried:
            self._told_committed()
        self._tried = False
        if utterance := self.to_answer:
            task = asyncio.create_task(self._read_transcript(turn, utterance))
            self._transcripts.add(task)
            task.add_done_callback(self._transcripts.discard)
        self._unanswered = 0

    def tried(self) -> None:
        """They have finished, by all we know; the brain hears on until that is certain."""
        if self._open:
            self._tried = True
            self._told_committed()
            self._second.rest()

    def went_on(self) -> None:
        """They had not finished. To the brain it is one utterance, to the client a new one."""
        self._tried = self._announced = False
        self._utterance += 1
        self._began_ms = self._ear.preroll_at_ms(self._started)
        self._second.resume()

    def forget(self) -> None:
        """What they said was no turn; what was committed stays, if nothing came since."""
        if self._unanswered and not self._open:
            return
        self._engines.forget()
        self._unanswered = 0
        if self._announced:
            self._tell(nt.UtteranceForgotten(self._utterance))
        self._open = self._announced = False

    def close(self) -> None:
        """The call is over."""
        self._second.rest()
        for task in self._transcripts:
            task.cancel()

    def _told_committed(self) -> None:
        self._ear.believe()
        stopped_ms = self._ear.now_ms if self._silence is None else self._ended.at_ms
        self._tell(nt.UtteranceStopped(self._utterance, stopped_ms))
        self._tell(nt.UtteranceCommitted(self._utterance))
        self._announced = False  # it cannot be forgotten any more

    async def _read_transcript(self, turn: int, utterance: int) -> None:
        """Learn what the caller said from a brain that answers before it knows."""
        try:
            async with aclosing(self._engines.transcribe()) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Heard):
                        self._memory.understood(turn, piece.transcript)
                        self._tell(nt.UtteranceTranscribed(utterance, piece.transcript))
        except EngineError as error:
            log.warning("call %s: no transcript of a turn: %s", self._name, error)
