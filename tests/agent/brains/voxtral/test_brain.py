"""The laws of a listener, by the real classes on a tiny checkpoint; no cache can show."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import listener_laws as laws
import numpy as np
import pytest
import tiny_voxtral

from agent.brains.voxtral import brain as module
from agent.brains.voxtral.brain import VoxtralBrain
from agent.brains.voxtral.detok import Detokenizer
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


def generated(checkpoint, tekken, samples, count) -> str:
    """What transformers' own processor and generate() write down."""
    inputs = tiny_voxtral.processor(checkpoint).apply_transcription_request(
        audio=samples, model_id="voxtral", language="de", sampling_rate=16_000, format=["wav"]
    )
    tokens = tiny_voxtral.generate(checkpoint, inputs, count)
    whole = tokens[: tokens.index(tekken.eos)] if tekken.eos in tokens else tokens
    return "".join(map(Detokenizer(tekken).push, whole)).strip()


@pytest.mark.parametrize("samples", [ONE, OTHER[:12_000]], ids=["1.3 s", "0.8 s"])
def test_words_over_a_reply_are_those_of_generate_and_so_is_the_answer(
    brain, checkpoint, samples
) -> None:
    over, ordinary = brain.listen(), brain.listen()
    turn = Conversation("Be brief.", "de-DE", turn=1)
    for listener in (over, ordinary):
        laws.hear(listener, samples)
    said, *answer = over.reply(replace(turn, over_reply=True))
    seconds = -(-len(samples) // 16_000)
    wanted = generated(checkpoint, brain._mind._shared.tekken, samples, 8 + 12 * seconds)
    assert said == Heard(wanted)
    assert text(answer) == text(ordinary.reply(turn))
    over.close()
    ordinary.close()


def test_words_over_replies_of_two_calls_at_once_are_those_of_each(brain) -> None:
    def over_a_reply(samples) -> list:
        listener = brain.listen()
        laws.hear(listener, samples)
        pieces = list(listener.reply(replace(laws.NOBODY, over_reply=True)))
        listener.close()
        return pieces

    alone = [over_a_reply(samples) for samples in (ONE, OTHER)]
    assert all(isinstance(pieces[0], Heard) for pieces in alone)
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(over_a_reply, (ONE, OTHER))) == alone


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
        return start(replace(wanted, voxtral=replace(wanted.voxtral, transcript=False)))

    monkeypatch.setattr(module, "start", cramped)
    brain = VoxtralBrain(config(checkpoint), CPU, 1)
    assert brain.capacity() == 1
    assert "no transcripts" in caplog.text
    brain.close()


def test_what_cannot_be_loaded_says_so() -> None:
    with pytest.raises(ConfigError, match=r"voxtral\.model"):
        VoxtralBrain(Voxtral(model="/nowhere/at/all", dtype="float32"), CPU, 1)
