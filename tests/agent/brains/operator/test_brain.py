"""The operator as a call sees it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import listener_laws as laws
import numpy as np
import pytest
from recordings import recording
from spoken import say

from agent.brains.operator import brain as subject
from agent.brains.operator import certainty
from agent.brains.operator.answers import LOST
from agent.brains.operator.brain import Operator
from agent.engines import Act, Action, Conversation, Exchange, Heard, Sense, Text
from agent.errors import EngineError

NOW = datetime(2026, 11, 23, 19, 52, tzinfo=timezone(timedelta(hours=1)))


@pytest.fixture(scope="module")
def operator():
    return Operator(now=lambda: NOW)


@pytest.fixture
def listener(operator):
    listener = operator.listen()
    yield listener
    listener.close()


def ask(listener, text):
    """Say it, and let the answer be heard."""
    laws.hear(listener, say(text))
    pieces = laws.answer(listener)
    listener.keep()
    return [piece for piece in pieces if not isinstance(piece, Sense)]


def sense(listener, text):
    """What it makes of that, if anything; it comes first, and is said once."""
    laws.hear(listener, say(text))
    first, *others = laws.answer(listener)
    listener.forget()
    assert not any(isinstance(piece, Sense) for piece in others)
    return first.odds if isinstance(first, Sense) else None


def text(pieces) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


def test_a_question_is_answered(listener) -> None:
    pieces = ask(listener, "what time is it")
    assert pieces == [
        Heard("What time is it"),
        Text("It is seven fifty-two in the evening."),
    ]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("could you tell me the time please", "It is seven fifty-two in the evening."),
        ("what's the date", "It is Monday, the twenty-third of November."),
        ("what day is it", "Today is Monday."),
        ("who are you", "I am the Voxline operator, a computer with a small vocabulary."),
        ("repeat after me, go forward ten meters", "Go forward ten meters."),
        ("count to three", "One, two, three."),
    ],
)
def test_more_questions(listener, asked, answered) -> None:
    assert text(ask(listener, asked)) == answered


@pytest.mark.parametrize(
    ("asked", "action"),
    [
        ("speak louder please", Action.LOUDER),
        ("please speak more slowly", Action.SLOWER),
        ("goodbye", Action.HANG_UP),
    ],
)
def test_wishes_are_carried_out(listener, asked, action) -> None:
    assert Act(action) in ask(listener, asked)


def test_being_told_to_stop_is_understood_and_answered_with_silence(listener) -> None:
    assert ask(listener, "stop talking") == [Heard("Stop talking")]


def test_what_is_not_sure_is_asked_back_and_yes_is_enough(listener, monkeypatch) -> None:
    monkeypatch.setattr(certainty, "closest_rival", lambda request, rivals: 0.0)
    assert ask(listener, "count to three") == [Text("Did you say: Count to three?")]
    monkeypatch.undo()
    assert ask(listener, "yes") == [Heard("Yes"), Text("One, two, three.")]


def test_whether_the_caller_has_finished_is_told_first(listener) -> None:
    assert sense(listener, "what time is it please") > 0.8
    assert sense(listener, "please repeat after") < 0.1
    assert sense(listener, "count to twenty") is None  # three?
    assert sense(listener, "the weather was lovely in France") is None


def test_of_what_was_typed_nobody_asks_whether_it_is_whole(listener) -> None:
    conversation = Conversation("", "en-US", (Exchange("what time is it", "", 1),), 1)
    assert not any(isinstance(p, Sense) for p in listener.reply(conversation))


def test_yes_alone_is_no_request(listener) -> None:
    assert text(ask(listener, "yes")) in LOST


def test_hold_and_resume(listener) -> None:
    assert Act(Action.HOLD) in ask(listener, "please hold the line")
    assert ask(listener, "what time is it") == []
    assert Act(Action.RESUME) in ask(listener, "i am back")
    assert text(ask(listener, "what time is it"))


def test_nobody_resumes_what_was_not_held(listener) -> None:
    assert not any(isinstance(piece, Heard) for piece in ask(listener, "i am back"))


def test_hold_that_nobody_heard_is_no_hold(listener) -> None:
    laws.hear(listener, say("please hold the line"))
    assert Act(Action.HOLD) in laws.answer(listener)
    listener.discard()
    listener.forget()
    assert text(ask(listener, "what time is it"))


def test_no_joke_twice_running(listener) -> None:
    first, second = (text(ask(listener, "tell me a joke")) for _ in range(2))
    assert first != second


def test_other_speech_is_refused_and_never_transcribed(listener) -> None:
    pieces = ask(listener, "I would like to order a large pizza with mushrooms")
    assert [type(piece) for piece in pieces] == [Text]
    assert "did not understand" in text(pieces)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["LJ001-0002", "austen-0880", "jfk", "sb-spk1_snt4", "noise3"])
def test_real_speech_and_noise_are_refused(listener, name) -> None:
    laws.hear(listener, recording(name))
    assert not any(isinstance(piece, Heard) for piece in laws.answer(listener))


def test_a_real_human_is_understood(listener) -> None:
    laws.hear(listener, recording("goforward"))
    assert text(laws.answer(listener)) == "Go forward ten meters."


def test_nothing_heard_is_nothing_understood(listener) -> None:
    assert "did not understand" in text(laws.answer(listener))


@pytest.mark.slow
def test_laws(operator) -> None:
    samples, then = say("what time is it"), say("what day is it")
    laws.same_reply_twice(operator, samples)
    laws.closed_midway_leaves_no_trace(operator, samples)
    laws.kept_begins_anew(operator, samples, then)
    laws.kept_is_read_on_beside_another(operator, samples, then)
    laws.forgotten_never_was(operator, samples, then)
    for at in (8_000, 14_000, 20_000):
        laws.discarded_leaves_no_trace(operator, samples, at=at)


def test_speech_that_goes_on_after_a_pause_is_one_request(listener) -> None:
    first = say("repeat after me")
    laws.hear(listener, first)
    assert "for example" in text(laws.answer(listener))
    listener.discard()
    laws.hear(listener, say("go forward ten meters"))
    assert text(laws.answer(listener)) == "Go forward ten meters."


@pytest.mark.slow
def test_calls_are_apart_and_may_speak_at_once(operator) -> None:
    asked = ["what time is it", "what day is it", "who are you"] * 2
    with ThreadPoolExecutor(3) as pool:
        answered = list(pool.map(lambda a: text(ask(operator.listen(), a)), asked))
    assert answered == [text(ask(operator.listen(), a)) for a in asked]


def test_recognisers_are_taken_by_speaking_and_few_are_kept(operator, monkeypatch) -> None:
    monkeypatch.setattr(subject, "_IDLE", 2)
    idle = operator._recognisers._idle
    silent = [operator.listen() for _ in range(5)]
    before = len(idle)
    assert before >= 1
    speaking = [operator.listen() for _ in range(3)]
    for listener in speaking:
        listener.hear(np.zeros(320, np.float32))
    assert len(idle) == max(0, before - 3)
    for listener in (*speaking, *silent):
        listener.close()
    assert len(idle) == 2


def test_a_recogniser_that_fails_costs_one_utterance(operator, listener, monkeypatch) -> None:
    laws.hear(listener, say("what time is it"))

    def fail(self):
        raise RuntimeError("out of arcs")

    with monkeypatch.context() as broken:
        broken.setattr(subject.Recogniser, "opinions", fail)
        with pytest.raises(EngineError, match="out of arcs"):
            laws.answer(listener)
    listener.forget()
    assert text(ask(listener, "what day is it")) == "Today is Monday."


def test_without_its_model_it_says_so(monkeypatch) -> None:
    def missing():
        raise RuntimeError("no such file")

    monkeypatch.setattr(subject, "Knowledge", missing)
    with pytest.raises(EngineError, match="cannot be loaded: no such file"):
        Operator()


@pytest.mark.parametrize(
    ("typed", "answered"),
    [
        ("What time is it?", "It is seven fifty-two in the evening."),
        ("what\u2019s the date", "It is Monday, the twenty-third of November."),
        ("quelle heure est-il", "Sorry, I did not understand."),
        ("", "Sorry, I did not understand."),
    ],
)
def test_what_was_typed_is_understood_by_the_same_grammar(operator, typed, answered) -> None:
    listener = operator.listen()
    before = Exchange("", "Hello.", 1)
    conversation = Conversation("", "en-US", (before, Exchange(typed, "", 2)), 2)
    pieces = list(listener.reply(conversation))
    assert text(pieces).startswith(answered)
    assert not [piece for piece in pieces if isinstance(piece, Heard)]
    listener.close()
