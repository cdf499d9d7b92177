"""Calls share a brain and a voice, and nothing else."""

import logging
import queue
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from host_fakes import STYLE, FullBrain, ObedientBrain, ObedientVoice, Waiting, ask

from agent.engines import Act, Action, Heard, Speech, Text
from agent.host import wire
from agent.host.server import Server, _LogToParent

FRAME = np.zeros(320, np.float32)


class Bench:
    """A server, what it sent, and whom it serves."""

    def __init__(self, brain=None):
        self.sent = queue.SimpleQueue()
        self.brain = brain or ObedientBrain()
        self.server = Server(self.brain, ObedientVoice(), self.sent.put)

    def give(self, *messages):
        for message in messages:
            self.server.receive(message)

    def next(self):
        return self.sent.get(timeout=20)

    def ask(self, request, instructions, *, call=1, turn=1):
        self.give(wire.StartReply(call, request, turn, ask(instructions)))

    def answer(self, request, instructions, *, call=1, turn=1):
        """All that is sent for a reply, which nothing else may be sent beside."""
        self.ask(request, instructions, call=call, turn=turn)
        answer = [self.next()]
        while isinstance(answer[-1], wire.Said):
            answer.append(self.next())
        assert {message.request for message in answer} == {request}
        return [m.piece if isinstance(m, wire.Said) else m for m in answer]

    def told(self, *, call=1, turn=99):
        """The verbs that a call's listener was told."""
        text, _ = self.answer(999, "told", call=call, turn=turn)
        return text.text


@pytest.fixture
def bench():
    bench = Bench()
    bench.give(wire.OpenCall(1))
    yield bench
    bench.server.close()


def test_a_reply_is_what_the_brain_yields(bench):
    bench.give(wire.Hear(1, FRAME))
    assert bench.answer(5, "say good day") == [
        Heard("320 samples"),
        Text("good"),
        Text("day"),
        Act(Action.HANG_UP),
        wire.Finished(5),
    ]


def test_a_speech_is_what_the_voice_yields(bench):
    bench.give(wire.StartSpeech(1, 6, "good day", STYLE))
    direct = list(ObedientVoice().speak("good day", STYLE))
    for speech in direct:
        said = bench.next()
        assert isinstance(said.piece, Speech)
        assert np.array_equal(said.piece.samples, speech.samples)
        assert said.piece.words == speech.words
    assert bench.next() == wire.Finished(6)


def test_each_call_has_a_listener_of_its_own(bench):
    bench.give(wire.OpenCall(2), wire.Hear(2, FRAME))
    assert bench.told(call=1) == ""
    assert bench.told(call=2) == "hear 320"


def test_a_call_that_computes_does_not_stop_another_or_its_own_voice(bench):
    bench.give(wire.OpenCall(2))
    bench.ask(5, "compute 60")
    bench.give(wire.StartSpeech(1, 6, "hello", STYLE))
    bench.ask(7, "say hello", call=2)
    others = [bench.next().request for _ in range(6)]
    assert set(others) == {6, 7}
    bench.ask(8, "enough", call=2)
    assert {bench.next().request for _ in range(3)} == {5, 8}


def test_whether_it_is_there_is_answered_while_a_call_computes(bench):
    bench.give(wire.OpenCall(2))
    bench.ask(5, "compute 60")
    bench.give(wire.Ping())
    assert bench.next() == wire.Pong()
    bench.ask(6, "enough", call=2)
    assert wire.Said(5, Text("computed")) in [bench.next() for _ in range(3)]


def test_keep_discard_and_forget_reach_the_listener_in_order(bench):
    bench.give(wire.Hear(1, FRAME))
    bench.answer(5, "say hello", turn=3)
    bench.give(wire.Discard(1, 3), wire.Hear(1, FRAME))
    bench.answer(6, "say hello", turn=4)
    bench.give(wire.Keep(1, 4), wire.Hear(1, FRAME), wire.Forget(1))
    expected = "hear 320, discard with 0 open, hear 320, keep, hear 320, forget"
    assert bench.told() == expected


def test_a_discarded_reply_is_closed_before_the_listener_hears_of_it(bench):
    bench.ask(5, "forever", turn=3)
    assert [bench.next() for _ in range(wire.WINDOW)][-1] == wire.Said(5, Text("on and on"))
    bench.give(wire.Discard(1, 3))
    assert bench.told() == "discard with 0 open"


def test_nothing_waits_for_a_transcript(bench):
    """Neither the tokens of the reply it belongs to, nor the next utterance."""
    bench.give(wire.Hear(1, FRAME))
    bench.answer(5, "say hello", turn=3)
    waiting = bench.brain.listeners[0].waiting = Waiting()
    bench.give(wire.Keep(1, 3), wire.StartTranscript(1, 6), wire.Hear(1, FRAME))
    assert waiting.waits.wait(20)
    assert bench.answer(7, "say more", turn=4)[1:] == [
        Text("more"),
        Act(Action.HANG_UP),
        wire.Finished(7),
    ]
    bench.give(wire.Cancel(1, 6))
    assert waiting.closed.wait(20)


def test_a_transcript_unwanted_before_it_was_asked_for_never_begins(bench):
    bench.give(wire.Hear(1, FRAME))
    bench.answer(5, "say hello", turn=3)
    waiting = bench.brain.listeners[0].waiting = Waiting()
    bench.give(wire.OpenCall(2))
    bench.ask(6, "compute 60", turn=3)  # the mind is busy
    bench.give(wire.StartTranscript(1, 7), wire.Cancel(1, 7))
    bench.ask(9, "enough", call=2)
    assert sorted(bench.next().request for _ in range(3)) == [6, 6, 9]
    assert bench.told(turn=3) == "hear 320"  # the mind is through with both
    bench.brain.listeners[0].waiting = None
    bench.give(wire.StartTranscript(1, 8))
    assert [bench.next(), bench.next()] == [wire.Said(8, Heard("hear 320")), wire.Finished(8)]
    assert not waiting.waits.is_set()


def test_a_transcript_that_cannot_be_asked_for_fails(bench):
    bench.give(wire.StartTranscript(1, 5))
    assert bench.next() == wire.Failed(5, "nothing was kept")


def test_words_about_another_reply_are_not_passed_on(bench):
    """After a restart: the listener made no reply, but the utterance it was retold is over."""
    bench.answer(5, "say hello", turn=3)
    bench.give(wire.Discard(1, 2), wire.Keep(1, 2))
    assert bench.told() == "forget"


def test_what_goes_wrong_in_hearing_is_said_by_the_next_reply_and_once(bench):
    bench.give(wire.Hear(1, np.zeros(13, np.float32)))
    assert bench.answer(5, "say no") == [wire.Failed(5, "thirteen samples are unlucky")]
    assert bench.answer(6, "say yes")[-1] == wire.Finished(6)


def test_a_brain_that_takes_no_more_calls_says_so_at_each_reply_but_can_speak():
    bench = Bench(FullBrain())
    bench.give(wire.OpenCall(1), wire.Hear(1, FRAME), wire.Keep(1, 1))
    assert bench.answer(5, "say hello") == [wire.Failed(5, "no more calls")]
    assert bench.answer(6, "say hello") == [wire.Failed(6, "no more calls")]
    bench.give(wire.StartSpeech(1, 7, "sorry", STYLE))
    assert bench.next().piece.words[0].text == "sorry"
    bench.server.close()


def test_a_listener_that_cannot_keep_up_forgets_the_rest_and_says_so(bench):
    slow = wire.Hear(1, np.zeros(14, np.float32))
    bench.give(slow, *[wire.Hear(1, FRAME)] * 5000)
    bench.brain.hears_on.set()
    assert bench.answer(5, "say hello") == [
        wire.Failed(5, "the listener cannot keep up with the caller")
    ]
    (listener,) = bench.brain.listeners
    assert listener.told.count("hear 320") < 2000


def test_a_line_that_cannot_be_sent_does_not_fail_who_logs_it(capsys):
    connection = wire.Connection(None)  # never reached: half a character cannot be packed
    record = logging.makeLogRecord({"msg": "the brain says \ud800", "name": "brain"})
    _LogToParent(connection).emit(record)
    assert "surrogates not allowed" in capsys.readouterr().err


def test_what_a_calls_own_thread_logs_is_said_of_that_call(bench):
    sent = []
    handler = _LogToParent(SimpleNamespace(send=sent.append))
    logger = logging.getLogger("fake.brain")
    logger.addHandler(handler)
    try:
        bench.give(wire.OpenCall(2, "ab12"))
        for call in (1, 2):
            bench.answer(5, "log something", call=call)
        logger.warning("something")
    finally:
        logger.removeHandler(handler)
    assert [message.line for message in sent] == [
        "call 1, mind: the brain says something",
        "call ab12, mind: the brain says something",
        "something",
    ]


def test_closing_a_call_closes_its_streams_and_its_listener_and_ends_its_threads(bench):
    before = set(threading.enumerate())  # another test's call 2 may still be ending
    bench.give(wire.OpenCall(2))
    bench.ask(5, "forever", call=2)
    bench.give(wire.StartSpeech(2, 6, "forever", STYLE))
    for _ in range(2 * wire.WINDOW):
        bench.next()
    threads = [t for t in {*threading.enumerate()} - before if t.name.startswith("call 2, ")]
    assert len(threads) == 3
    bench.give(wire.CloseCall(2))
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    # the threads of two calls begin in any order: so do their listeners
    [listener] = [each for each in bench.brain.listeners if each.told[-1:] == ["close"]]
    assert listener.open_replies == 0
