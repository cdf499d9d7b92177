"""Calls over a loudspeaker: replies are listened to or spoken over; what happens is counted.

Knows the wire, recordings and rooms; judges nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.audio.frame import SPEAK_FRAME, SPEAK_HZ, Samples
from benchmarks import speech
from benchmarks.caller import Caller, dial
from benchmarks.echo_room import Loudspeaker, Room

TEXT = (
    "In the morning there will be some clouds over the hills, and later on the sun may come "
    "through. Seven trains leave for the coast between nine and noon, and the tickets cost "
    "twelve pounds each. If you would rather take the bus, it stops in front of the library."
)
_QUESTION = "sb-spk1_snt4"
_OVER = ("sb-spk1_snt5", "sb-spk1_snt6", "austen-0890", "LJ001-0005", "jfk", "austen-0880")
_CALLER_DB = -26.0  # of full scale while they speak: the nominal level of telephony
_OVER_S = 2.5
_BEFORE_S = (1.5, 5.0)  # of a reply, before somebody speaks over it
_FOUND_S = 0.5  # after the interruption's end
_LAST_S = 0.1  # in which the last packets of a reply follow the news of its end
_REPLY_S, _ANSWER_S = 40.0, 10.0
_QUIET_S = 1.2


@dataclass(slots=True)
class Tally:
    """What happened in the calls of one kind."""

    replies: int = 0  # listened to
    self_interrupted: int = 0
    false_turns: int = 0  # speech was heard while nobody but the agent spoke
    spoken_over: int = 0
    found: int = 0
    late_ms: float = 0.0  # our own packets at worst: what is measured is no better than that
    found_ms: list[float] = field(default_factory=list)  # from the onset to silence here

    def add(self, other: "Tally") -> None:
        self.replies += other.replies
        self.self_interrupted += other.self_interrupted
        self.false_turns += other.false_turns
        self.spoken_over += other.spoken_over
        self.found += other.found
        self.late_ms = max(self.late_ms, other.late_ms)
        self.found_ms += other.found_ms


def spoken(name: str) -> Samples:
    """A recording from its first speech on, [n] at SPEAK_HZ, at the level of a caller."""
    samples = speech.load(speech.FOLDER / f"{name}.flac").samples
    frames = samples[: len(samples) // SPEAK_FRAME * SPEAK_FRAME].reshape(-1, SPEAK_FRAME)
    power = np.mean(frames**2, axis=1)
    loud = power > power.max() / 300
    level = np.sqrt(np.mean(power[loud]))
    begun = int(np.flatnonzero(loud)[0]) * SPEAK_FRAME
    scaled: Samples = (samples[begun:] * (10 ** (_CALLER_DB / 20) / level)).astype(np.float32)
    return scaled


async def converse(url: str, room: Room | None, listened: int, spoken_over: int) -> Tally:
    """Hold one call: ask, and listen to the reply or speak over it. Raises CallFailed."""
    random = np.random.default_rng(0 if room is None else room.seed)
    question, tally = spoken(_QUESTION), Tally()
    loudspeaker = None if room is None else Loudspeaker(room)
    async with dial(url, loudspeaker=loudspeaker) as call:
        session = {"type": "realtime", "instructions": f"say: {TEXT}"}
        call.send({"type": "session.update", "session": session})
        for over in [False] * listened + [True] * spoken_over:
            await call.quiet(_QUIET_S, _REPLY_S)
            await call.say(question)
            asked_s = asyncio.get_running_loop().time()
            if not await call.until(lambda: _speaks(call), _ANSWER_S):
                continue
            if over:
                words = spoken(_OVER[int(random.integers(len(_OVER)))])
                await _speak_over(call, words, float(random.uniform(*_BEFORE_S)), tally)
            else:
                await call.until(lambda: not _speaks(call), _REPLY_S)
                tally.replies += 1
                tally.self_interrupted += _last(call, "output_audio_buffer.") == "cleared"
                await call.quiet(_QUIET_S, _REPLY_S)
                tally.false_turns += _began(call, asked_s + _QUIET_S)
        tally.late_ms = call.worst_late_ms
    return tally


async def amid(url: str, noises: Sequence[Samples]) -> Tally:
    """Hold one call: ask, and make a noise [n] at SPEAK_HZ during each reply. CallFailed."""
    question, tally = spoken(_QUESTION), Tally()
    async with dial(url) as call:
        session = {"type": "realtime", "instructions": f"say: {TEXT}"}
        call.send({"type": "session.update", "session": session})
        for noise in noises:
            await call.quiet(_QUIET_S, _REPLY_S)
            await call.say(question)
            if not await call.until(lambda: _speaks(call), _ANSWER_S):
                continue
            await call.silence(_QUIET_S)  # what follows at once goes on with the question
            replied_s = asyncio.get_running_loop().time()
            await call.say(noise)
            await call.until(lambda: not _speaks(call), _REPLY_S)
            tally.replies += 1
            tally.self_interrupted += _cleared_s(call, replied_s) is not None
            await call.quiet(_QUIET_S, _REPLY_S)
            tally.false_turns += _began(call, replied_s)
        tally.late_ms = call.worst_late_ms
    return tally


async def _speak_over(call: Caller, words: Samples, after_s: float, tally: Tally) -> None:
    if await call.until(lambda: not _speaks(call), after_s):
        tally.replies += 1
        tally.self_interrupted += 1
        return
    tally.spoken_over += 1
    utterance = await call.say(words[: int(_OVER_S * SPEAK_HZ)])
    await call.until(lambda: _cleared_s(call, utterance.began_s) is not None, _FOUND_S)
    if (stopped_s := _cleared_s(call, utterance.began_s)) is not None:
        tally.found += 1
        heard = [at_s for at_s in call.heard.speech_s if at_s < stopped_s + _LAST_S]
        tally.found_ms.append((heard[-1] - utterance.began_s) * 1000)


def _cleared_s(call: Caller, since_s: float) -> float | None:
    """When the first reply was cut off after that."""
    kind = "output_audio_buffer.cleared"
    times = (e.at_s for e in call.events if e.type == kind and e.at_s > since_s)
    return next(times, None)


def _last(call: Caller, prefix: str) -> str:
    """What the latest event whose type begins so says."""
    kinds = (event.type for event in reversed(call.events) if event.type.startswith(prefix))
    return next(kinds, prefix).removeprefix(prefix)


def _speaks(call: Caller) -> bool:
    return _last(call, "output_audio_buffer.") == "started"


def _began(call: Caller, since_s: float) -> int:
    """How often the server heard a caller begin to speak."""
    kind = "input_audio_buffer.speech_started"
    return sum(event.type == kind and event.at_s > since_s for event in call.events)
