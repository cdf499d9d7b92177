"""How soon the engines speak: from the pause to the first audio, for several callers at once.

Drives the ports of agent.engines as the engine process does, a thread a caller: no network and
no turn-taking. Random weights say random things, so what is spoken is a fixed phrase, begun
when as many pieces of text have come as such a phrase takes.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from agent.audio.frame import HEAR_HZ, Samples
from agent.engines import Brain, Conversation, Exchange, Piece, Style, Text, Voice

PHRASE = "Sure, let me look into that."  # 1.5 to 2 s
PHRASE_PIECES = 8  # tokens that such a phrase takes
_FRAME = HEAR_HZ // 50
_INSTRUCTIONS = "You are a friendly telephone agent. Answer in one or two short sentences."


@dataclass(frozen=True, slots=True)
class First:
    """One turn, in ms from the pause."""

    text_ms: float  # the first piece of text
    phrase_ms: float  # enough of it for a phrase
    audio_ms: float  # the phrase's first samples


def first_audio(
    brain: Brain, voice: Voice, utterance: Samples, *, callers: int, turns: int
) -> list[First]:
    """Let so many callers speak `utterance` so many times each, at moments of their own.

    Raises what an engine raised for one of them.
    """
    ready = threading.Barrier(callers)

    def call(number: int) -> list[First]:
        try:
            return _call(brain, voice, utterance, turns, number, ready)
        except BaseException:
            ready.abort()  # nobody may wait for this one
            raise

    with ThreadPoolExecutor(callers) as pool:
        calls = [pool.submit(call, number) for number in range(callers)]
    failures = [failure for done in calls if (failure := done.exception())]
    for failure in sorted(failures, key=lambda f: isinstance(f, threading.BrokenBarrierError)):
        raise failure
    return [first for done in calls for first in done.result()]


def _call(
    brain: Brain,
    voice: Voice,
    utterance: Samples,
    turns: int,
    number: int,
    ready: threading.Barrier,
) -> list[First]:
    listener = brain.listen()
    chance = random.Random(number)
    past: tuple[Exchange, ...] = ()
    firsts = []
    try:
        for turn in range(1, turns + 1):
            ready.wait()
            conversation = Conversation(_INSTRUCTIONS, "en-US", past, turn)
            listener.expect(conversation)
            for at in range(0, len(utterance), _FRAME):
                listener.hear(utterance[at : at + _FRAME])
            time.sleep(chance.random())  # callers do not pause in step
            began = time.perf_counter()
            pieces = listener.reply(conversation)
            said, text_s = _until_phrase(pieces)
            phrase_s = time.perf_counter()
            speech = iter(voice.speak(PHRASE, Style("")))
            next(speech)
            audio_s = time.perf_counter()
            firsts.append(First(*(1000 * (at - began) for at in (text_s, phrase_s, audio_s))))
            said += "".join(piece.text for piece in pieces if isinstance(piece, Text))
            deque(speech, maxlen=0)
            listener.keep()
            past = (*past, Exchange("", said, turn))
    finally:
        listener.close()
    return firsts


def _until_phrase(pieces: Iterator[Piece]) -> tuple[str, float]:
    """What was said when a phrase can begin, and when its first piece came."""
    said: list[str] = []
    text_s = 0.0
    for piece in pieces:
        if isinstance(piece, Text):
            text_s = text_s or time.perf_counter()
            said.append(piece.text)
            if len(said) == PHRASE_PIECES:
                break
    return "".join(said), text_s or time.perf_counter()
