"""The operator as a call sees it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import listener_laws as laws
import numpy as np
import pytest
from recordings import recording
from spoken import say

from agent.audio.frame import HEAR_HZ
from agent.backchannel import only_listens
from agent.brains.operator import brain as subject
from agent.brains.operator import certainty
from agent.brains.operator.answers import LOST
from agent.brains.operator.brain import Operator
from agent.brains.operator.overheard import Interjection
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


OVER = Conversation("", "en-US", over_reply=True)
# Those that the operator was not made with; each of a test's words is said by all of them.
STRANGERS = ("en-us+f2", "en-us+m7", "en-gb", "en-us+f5")


def over_a_reply(listener, said, name):
    """What it says it heard, by whether that only shows that somebody listens."""
    laws.hear(listener, say(said, name)[: -HEAR_HZ * 3 // 10])  # the reply waits no longer
    heard = [piece for piece in listener.reply(OVER) if isinstance(piece, Heard)]
    listener.discard()
    listener.forget()
    assert len(heard) <= 1
    return only_listens(heard[0].transcript, "en") if heard else None


@pytest.mark.parametrize("said", ["stop", "wait", "no"])
def test_a_short_command_over_a_reply_is_understood_of_most(listener, said) -> None:
    found = [over_a_reply(listener, said, name) for name in STRANGERS]
    assert found.count(False) >= 3, found


@pytest.mark.parametrize("said", ["mm", "yeah", "okay"])
def test_that_somebody_listens_is_never_taken_for_a_command(listener, said) -> None:
    found = [over_a_reply(listener, said, name) for name in STRANGERS]
    assert found.count(False) <= 1, found


def test_an_ordinary_turn_is_not_heard_as_an_interjection(
    operator, listener, monkeypatch
) -> None:
    """Killed: the forced choice wherever no request is certain."""
    monkeypatch.setattr(operator._recognisers.overhearing, "listen", lambda samples: 1 / 0)
    laws.hear(listener, say("my account number is four five seven two"))
    assert text(laws.answer(listener)) == LOST[0]


def forced(operator, monkeypatch, command="stop", sign="okay", better=1000.0):
    """Whatever is said over a reply is that."""
    heard = Interjection(command, sign, better)
    monkeypatch.setattr(operator._recognisers.overhearing, "listen", lambda samples: heard)


def over(listener, said):
    laws.hear(listener, say(said))
    return [piece for piece in listener.reply(OVER) if not isinstance(piece, Sense)]


def test_a_request_that_is_certain_is_answered_whatever_the_command(
    operator, listener, monkeypatch
) -> None:
    forced(operator, monkeypatch, command="what")
    assert over(listener, "what day is it") == [Heard("What"), Text("Today is Monday.")]


def test_a_word_that_is_no_request_now_is_no_reason_to_say_more(
    operator, listener, monkeypatch
) -> None:
    """Killed: "stop" that is taken for "okay" too, and answered "I did not understand"."""
    forced(operator, monkeypatch, command="stop it")
    assert over(listener, "okay") == [Heard("Stop it")]


def test_a_request_that_is_certain_is_no_sign(operator, listener, monkeypatch) -> None:
    forced(operator, monkeypatch, better=-1000.0)
    assert over(listener, "what day is it")[0] == Heard("What day is it")


def test_what_is_neither_is_left_to_duration(operator, listener, monkeypatch) -> None:
    forced(operator, monkeypatch, better=1.0)
    assert over(listener, "my account number is four five seven two") == [Text(LOST[0])]


def test_a_command_is_told_before_the_request_is_decoded(
    operator, listener, monkeypatch
) -> None:
    forced(operator, monkeypatch)
    laws.hear(listener, say("stop"))
    decoded = []
    with monkeypatch.context() as patch:
        patch.setattr(subject, "certain_request", lambda *opinions: decoded.append(1))
        pieces = listener.reply(OVER)
        assert next(pieces) == Heard("Stop")
        assert decoded == []
        assert list(pieces) == []
        assert decoded == [1]


@pytest.mark.parametrize("then", [None, "what time is it"])
def test_a_command_that_is_kept_before_it_is_read_on_is_obeyed(
    operator, listener, monkeypatch, then
) -> None:
    """Killed: decoding what has been said since."""
    forced(operator, monkeypatch, command="goodbye")
    laws.hear(listener, say("stop"))
    pieces = listener.reply(OVER)
    assert next(pieces) == Heard("Goodbye")
    listener.keep()
    if then is not None:
        laws.hear(listener, say(then))
    assert list(pieces) == [Text("Did you say: Goodbye?")]
    listener.forget()
    assert Act(Action.HANG_UP) in ask(listener, "yes")


def test_on_hold_a_word_is_not_meant_for_us(operator, listener, monkeypatch) -> None:
    ask(listener, "hold the line please")
    assert listener._mind.held
    monkeypatch.setattr(operator._recognisers.overhearing, "listen", lambda samples: 1 / 0)
    laws.hear(listener, say("excuse me"))
    assert not any(isinstance(piece, Heard | Text) for piece in listener.reply(OVER))


def test_a_word_over_a_reply_leaves_no_trace_where_the_draft_is_thrown_away(listener) -> None:
    before = listener._mind
    over_a_reply(listener, "goodbye", "en-us")
    assert listener._mind == listener._mind_after == before


def test_a_decoder_that_fails_over_a_reply_fails_that_draft(
    operator, listener, monkeypatch
) -> None:
    def broken(samples):
        raise RuntimeError("no search module")

    with monkeypatch.context() as patch:
        patch.setattr(operator._recognisers.overhearing, "listen", broken)
        laws.hear(listener, say("seven"))
        with pytest.raises(EngineError, match="recogniser failed"):
            list(listener.reply(OVER))
    listener.discard()
    assert text(ask(listener, "what day is it")) == "Today is Monday."
