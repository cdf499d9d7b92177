"""The laws of a listener, by the real classes on a tiny checkpoint; no cache can show."""

from concurrent.futures import ThreadPoolExecutor

import listener_laws as laws
import numpy as np
import pytest
import tiny_voxtral

from agent.brains.voxtral import brain as module
from agent.brains.voxtral.brain import VoxtralBrain
from agent.config import Torch, Voxtral
from agent.engines import Conversation, Exchange, Heard, Text
from agent.errors import ConfigError, EngineError

CPU = Torch(device="cpu")
ONE, OTHER = tiny_voxtral.noise(1.3, 1), tiny_voxtral.noise(2.1, 2)


def config(checkpoint, **settings) -> Voxtral:
    return Voxtral(
        **{
            "model": str(checkpoint),
            "dtype": "float32",
            "context_tokens": 2048,
            "max_new_tokens": 8,
            **settings,
        }
    )


@pytest.fixture(scope="module")
def brain(checkpoint):
    brain = VoxtralBrain(config(checkpoint), CPU, 2)
    yield brain
    brain.close()


def text(pieces) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


def test_there_is_room_for_the_calls_and_a_transcript(brain) -> None:
    assert brain.capacity() == 2


def test_same_reply_twice(brain) -> None:
    laws.same_reply_twice(brain, ONE)


@pytest.mark.parametrize("at", [320, 9600])
def test_discarded_leaves_no_trace(brain, at) -> None:
    whole, tried = brain.listen(), brain.listen()
    laws.hear(whole, ONE)
    laws.hear(tried, ONE[:at])
    laws.answer(tried)
    tried.discard()
    laws.hear(tried, ONE[at:])
    assert laws.answer(tried) == laws.answer(whole)
    whole.close()
    tried.close()


def test_closed_midway_leaves_no_trace(brain) -> None:
    laws.closed_midway_leaves_no_trace(brain, ONE)


def test_kept_begins_anew(brain) -> None:
    laws.kept_begins_anew(brain, ONE, OTHER)


def test_forgotten_never_was(brain) -> None:
    laws.forgotten_never_was(brain, ONE, OTHER)


def test_silence_is_an_utterance_too(brain) -> None:
    listener = brain.listen()
    laws.hear(listener, np.zeros(16_000, np.float32))
    assert laws.answer(listener) == laws.answer(listener)
    listener.close()


def test_different_speech_is_answered_differently(brain) -> None:
    answers = []
    for samples in (ONE, OTHER):
        listener = brain.listen()
        laws.hear(listener, samples)
        answers.append(text(laws.answer(listener)))
        listener.close()
    assert answers[0] != answers[1]


def talk(listener, *, prepared) -> list[str]:
    """Three turns, the second cut short; `prepared` uses every shortcut there is."""
    past, answers = (), []
    for turn, samples in enumerate((ONE, OTHER, ONE[:8000]), start=1):
        conversation = Conversation("Be brief.", "de-DE", past, turn)
        if prepared:
            listener.expect(Conversation("Be brief.", "de-DE", past))
        laws.hear(listener, samples)
        if prepared:
            list(listener.reply(conversation))
            listener.discard()
        answers.append(text(listener.reply(conversation)))
        listener.keep()
        heard = answers[-1] if turn != 2 else answers[-1][:3]
        past = (*past, Exchange("", " ".join(heard.split()), turn))
    return answers


def test_what_was_prepared_cannot_be_told_from_the_answers(brain) -> None:
    plain, prepared = brain.listen(), brain.listen()
    assert talk(plain, prepared=False) == talk(prepared, prepared=True)
    plain.close()
    prepared.close()


def test_two_calls_at_once_answer_as_one_by_one(brain) -> None:
    def call(samples) -> tuple[str, list[Heard]]:
        listener = brain.listen()
        laws.hear(listener, samples)
        answer = text(listener.reply(laws.NOBODY))
        listener.keep()
        transcript = list(listener.transcribe())
        listener.close()
        return answer, transcript

    alone = [call(samples) for samples in (ONE, OTHER)]
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(call, (ONE, OTHER))) == alone


def test_more_than_30_s_are_heard_whole(brain) -> None:
    answers = []
    for samples in (tiny_voxtral.noise(31, 3), tiny_voxtral.noise(31, 3)[16_000:]):
        listener = brain.listen()
        laws.hear(listener, samples)
        answers.append(text(laws.answer(listener)))
        listener.close()
    assert answers[0] != answers[1]


def test_a_third_call_is_refused(brain, monkeypatch) -> None:
    monkeypatch.setattr("agent.brains.voxtral.mind._PATIENCE_S", 0.0)
    listeners = [brain.listen(), brain.listen()]
    with pytest.raises(EngineError, match="no room for another call"):
        brain.listen()
    for listener in listeners:
        listener.close()


def test_without_transcripts_no_slot_is_held_back(checkpoint) -> None:
    brain = VoxtralBrain(config(checkpoint, transcript=False, calls=1), CPU, 3)
    assert brain.capacity() == 1
    listener = brain.listen()
    laws.hear(listener, ONE)
    laws.answer(listener)
    listener.keep()
    assert list(listener.transcribe()) == []
    brain.close()


def test_one_call_goes_before_its_transcript(checkpoint, monkeypatch, caplog) -> None:
    start = module.start

    def cramped(wanted):
        return start(
            type(wanted)(
                limits=type(wanted.limits)(calls=1), torch=wanted.torch, voxtral=wanted.voxtral
            )
        )

    monkeypatch.setattr(module, "start", cramped)
    brain = VoxtralBrain(config(checkpoint), CPU, 1)
    assert brain.capacity() == 1
    assert "no transcripts" in caplog.text
    brain.close()


def test_what_cannot_be_loaded_says_so() -> None:
    with pytest.raises(ConfigError, match=r"voxtral\.model"):
        VoxtralBrain(Voxtral(model="/nowhere/at/all", dtype="float32"), CPU, 1)
