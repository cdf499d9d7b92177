"""One call's ear and mind on Voxtral: collects what is said, plans, asks the scheduler.

All work on the model is the scheduler's; what a turn is told of the past is recollection.py's.
"""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from agent.audio.frame import HEAR_HZ, Samples
from agent.brains.languages import transcribed
from agent.brains.voxtral.detok import Detokenizer
from agent.brains.voxtral.excerpt import Cut
from agent.brains.voxtral.finished import answers, question
from agent.brains.voxtral.jobs import Tokens, Weighing
from agent.brains.voxtral.prompt import transcription
from agent.brains.voxtral.recollection import Recollection
from agent.brains.voxtral.reply import Asked, Transcript, VoxtralReply
from agent.brains.voxtral.sampling import GREEDY, Sampling
from agent.brains.voxtral.scheduler import Scheduler
from agent.brains.voxtral.span import CHUNK_POSITIONS, CHUNK_SAMPLES, Utterance, chunks
from agent.brains.voxtral.speech import Speech
from agent.brains.voxtral.tekken import Tekken
from agent.brains.voxtral.wording import Wording
from agent.config import Voxtral
from agent.engines import Conversation, Heard
from agent.errors import EngineError

log = logging.getLogger(__name__)

_TOKENS_A_SECOND: Final = 12  # nobody speaks faster; a transcript that goes on is a loop
_TOKENS_MORE: Final = 8
_NOTES: Final = 3  # transcripts that a call may wait for


@dataclass(frozen=True, slots=True)
class Shared:
    """What the calls have in common."""

    scheduler: Scheduler
    tekken: Tekken
    config: Voxtral
    context: int  # positions of a slot
    pen: int | None  # the slot for what is asked beside replies; None: nothing is

    @property
    def writes(self) -> int | None:
        """The slot for transcripts; None: there are none."""
        return self.pen if self.config.transcript else None

    @property
    def judges(self) -> int | None:
        """The slot for asking whether a caller has finished; None: nobody asks."""
        return self.pen if self.config.judge_end else None

    @property
    def room(self) -> int:
        """Positions before a reply, when as many as it may need are left to it."""
        return self.context - min(self.config.max_new_tokens, self.context // 4)


class VoxtralListener:
    """`Listener` of one call."""

    def __init__(self, shared: Shared, slot: int) -> None:
        self._shared, self._slot = shared, slot
        self._recollection = Recollection(shared.tekken, shared.room, shared.config.audio_turns)
        self._speech = Speech(shared.room // CHUNK_POSITIONS * CHUNK_SAMPLES)
        self._expected: Conversation | None = None
        self._utterance: Utterance | None = None  # of the speech so far
        self._reply: VoxtralReply | None = None
        self._answered: tuple[Utterance, str] | None = None  # last kept, and its language
        self._notes: deque[Tokens] = deque()  # transcripts asked for, oldest first
        self._cut: set[str] = set()  # ids of calls whose results are told in part

    def expect(self, conversation: Conversation) -> None:
        """Have the past in the cache by the time the caller has finished."""
        self._expected = conversation
        self._prepare()

    def hear(self, samples: Samples) -> None:
        """Collect; nothing is computed before a reply is asked for."""
        if len(samples) == 0:
            return
        before = chunks(self._speech.length)
        self._speech.add(samples)
        self._utterance = None
        if before and chunks(self._speech.length) > before:
            self._prepare()  # the past has to make room

    def reply(self, conversation: Conversation) -> VoxtralReply:
        """Answer the utterance so far; the work begins at once. Raises EngineError."""
        shared, config = self._shared, self._shared.config
        if self._reply is not None:
            self._reply.cancel()
        self._reply = None
        utterance = self._spoken(conversation)
        plan = self._recollection.reply(conversation, utterance)
        self._tell(plan.cut)
        said = self._overheard(conversation, utterance)
        try:
            tokens = shared.scheduler.answer(
                self._slot,
                plan.span,
                config.max_new_tokens,
                Sampling(config.temperature, config.top_p, conversation.turn),
            )
            finished = self._finished(conversation, utterance)
        except EngineError:
            if said is not None:
                said.cancel()
            raise
        functions = [tool.name for tool in conversation.tools]
        wording = Wording(shared.tekken, functions, conversation.turn, config.max_sentences)
        asked = Asked(conversation, utterance, plan)
        self._reply = VoxtralReply(tokens, wording, asked, said, finished)
        return self._reply

    def keep(self) -> None:
        self._answered = None
        if self._reply is not None:
            asked, said = self._reply.asked, self._reply.said
            turn = asked.conversation.turn
            self._recollection.keep(turn, asked.utterance, said, asked.plan)
            if asked.utterance is not None and not self._reply.tells:
                self._answered = (asked.utterance, asked.conversation.language)
        self._end()

    def transcribe(self) -> Iterator[Heard]:
        """When there is time; the oldest of too many is given up. Raises EngineError."""
        shared = self._shared
        if self._answered is None or shared.writes is None:
            return iter(())
        utterance, language = self._answered
        self._answered = None
        span = transcription(shared.tekken, utterance, transcribed(language))
        most = _most_tokens(utterance.chunks * CHUNK_SAMPLES)
        tokens = shared.scheduler.note(shared.writes, span, most, GREEDY)
        self._notes = deque(note for note in self._notes if not note.over)
        self._notes.append(tokens)
        if len(self._notes) > _NOTES:
            log.debug("voxtral: a transcript is given up, later ones wait for it")
            self._notes.popleft().cancel()
        return Transcript(tokens, Detokenizer(shared.tekken))

    def discard(self) -> None:
        if self._reply is not None:
            self._reply.cancel()
            self._reply = None

    def forget(self) -> None:
        self.discard()
        self._end()

    def close(self) -> None:
        if self._reply is not None:
            self._reply.cancel()
        for note in self._notes:
            note.cancel()
        self._shared.scheduler.leave(self._slot)

    def _overheard(
        self, conversation: Conversation, utterance: Utterance | None
    ) -> Transcript | None:
        """What was said over a reply, asked for at once: whether that goes on waits for it."""
        shared = self._shared
        if not conversation.over_reply or utterance is None or shared.writes is None:
            return None
        span = transcription(shared.tekken, utterance, transcribed(conversation.language))
        most = _most_tokens(self._speech.length)
        tokens = shared.scheduler.note_now(shared.writes, span, most, GREEDY)
        return Transcript(tokens, Detokenizer(shared.tekken))

    def _finished(
        self, conversation: Conversation, utterance: Utterance | None
    ) -> Weighing | None:
        """Whether the caller has, asked beside the reply. Over a reply the words decide."""
        shared = self._shared
        if conversation.over_reply or utterance is None or shared.judges is None:
            return None
        asked = question(shared.tekken, utterance)
        return shared.scheduler.weigh_now(shared.judges, asked, answers(shared.tekken))

    def _end(self) -> None:
        """The utterance is over."""
        self._speech.clear()
        self._utterance = self._expected = self._reply = None

    def _prepare(self) -> None:
        if self._expected is None:
            return
        coming = max(1, chunks(self._speech.length))
        span = self._recollection.expecting(self._expected, coming)
        self._shared.scheduler.prepare(self._slot, span)

    def _tell(self, cuts: Sequence[Cut]) -> None:
        """The operator, once of each."""
        for cut in cuts:
            if cut.call not in self._cut:
                log.warning(
                    "voxtral: of the result of %s the first %d of %d tokens are told, no more"
                    " fits; let it return less, or raise voxtral.context_tokens",
                    cut.name,
                    cut.told,
                    cut.positions,
                )
        self._cut = {cut.call for cut in cuts}

    def _spoken(self, conversation: Conversation) -> Utterance | None:
        """What was said so far, or as much of its end as there is room for."""
        if self._speech.length == 0:
            return None
        if self._utterance is None:
            most = self._recollection.chunks(conversation)
            self._utterance = Utterance(self._speech.last(most * CHUNK_SAMPLES))
        return self._utterance


def _most_tokens(samples: int) -> int:
    """Of a transcript of so much speech."""
    return _TOKENS_MORE + -(-samples // HEAR_HZ) * _TOKENS_A_SECOND
