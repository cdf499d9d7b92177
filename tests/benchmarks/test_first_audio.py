"""The engines' own latency, told of engines whose every moment is known."""

import threading

import numpy as np
import pytest

from agent.audio.frame import HEAR_HZ
from agent.brains.scripted import ScriptedBrain
from agent.engines import Text
from agent.errors import EngineError
from agent.voices.tone import ToneVoice
from benchmarks.first_audio import PHRASE, PHRASE_PIECES, first_audio

SECOND = np.zeros(HEAR_HZ, np.float32)


class Listener:
    """Says a word at a time; keeps what it was asked."""

    def __init__(self) -> None:
        self.heard = 0
        self.asked = []
        self.drained = 0
        self.kept = 0
        self.closed = False

    def expect(self, conversation) -> None:
        assert self.heard == 0

    def hear(self, samples) -> None:
        self.heard += len(samples)

    def reply(self, conversation):
        self.asked.append((self.heard, conversation))
        for n in range(2 * PHRASE_PIECES):
            yield Text(f"{n} ")
        self.drained += 1

    def keep(self) -> None:
        self.kept += 1
        self.heard = 0

    def close(self) -> None:
        self.closed = True


class Brain:
    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.lock = threading.Lock()

    def listen(self) -> Listener:
        with self.lock:
            self.listeners.append(Listener())
            return self.listeners[-1]


class Deaf(ScriptedBrain):
    def listen(self):
        raise EngineError("no more calls")


def test_each_caller_speaks_each_turn_and_hears_it_to_the_end() -> None:
    brain = Brain()
    firsts = first_audio(brain, ToneVoice(), SECOND, callers=3, turns=2)
    assert len(firsts) == 6
    assert len(brain.listeners) == 3
    for listener in brain.listeners:
        assert [heard for heard, _ in listener.asked] == [HEAR_HZ, HEAR_HZ]
        assert (listener.drained, listener.kept, listener.closed) == (2, 2, True)


def test_what_was_said_is_the_past_of_the_next_turn() -> None:
    brain = Brain()
    first_audio(brain, ToneVoice(), SECOND, callers=1, turns=2)
    (_, first), (_, second) = brain.listeners[0].asked
    assert (first.past, first.turn, second.turn) == ((), 1, 2)
    [exchange] = second.past
    assert exchange.agent == "".join(f"{n} " for n in range(2 * PHRASE_PIECES))


def test_the_moments_of_a_turn_come_in_order() -> None:
    for first in first_audio(Brain(), ToneVoice(), SECOND, callers=2, turns=1):
        assert 0 < first.text_ms <= first.phrase_ms <= first.audio_ms


def test_a_reply_shorter_than_a_phrase_is_spoken_when_it_ends() -> None:
    [first] = first_audio(ScriptedBrain(), ToneVoice(), SECOND, callers=1, turns=1)
    assert first.audio_ms > 0


def test_an_engine_that_fails_fails_the_measurement_and_not_by_waiting() -> None:
    with pytest.raises(EngineError, match="no more calls"):
        first_audio(Deaf(), ToneVoice(), SECOND, callers=3, turns=1)


def test_the_phrase_is_as_long_as_it_is_said_to_be() -> None:
    assert 5 <= len(PHRASE.split()) <= PHRASE_PIECES
