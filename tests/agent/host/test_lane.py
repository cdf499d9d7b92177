"""One thread, one call: commands in order, streams in between, nothing waits for a reader."""

import queue
import threading

import pytest
from host_fakes import Waiting

from agent.engines import Text
from agent.errors import EngineError
from agent.host.lane import Lane
from agent.host.wire import WINDOW, Failed, Finished, Said, pack


class Bench:
    """A lane, and what it sent."""

    def __init__(self):
        self.sent = queue.SimpleQueue()
        self.lane = Lane("under test", self.sent.put)

    def next(self):
        return self.sent.get(timeout=20)

    def settle(self):
        """Everything commanded so far is done."""
        done = threading.Event()
        self.lane.do(done.set)
        assert done.wait(20)

    def said(self):
        """All that was sent by now."""
        self.settle()
        return [self.sent.get() for _ in range(self.sent.qsize())]


@pytest.fixture
def bench():
    bench = Bench()
    yield bench
    bench.lane.end()


def numbers(log=None):
    """An endless stream that notes when it is closed."""
    try:
        number = 0
        while True:
            yield Text(str(number))
            number += 1
    finally:
        if log is not None:
            log.put("closed")


def words(*texts):
    return iter([Text(text) for text in texts])


def test_a_stream_is_sent_piece_by_piece_and_then_finished(bench):
    bench.lane.start(7, lambda: words("a", "b"))
    assert [bench.next() for _ in range(3)] == [
        Said(7, Text("a")),
        Said(7, Text("b")),
        Finished(7),
    ]


def test_commands_are_done_in_order(bench):
    done = []
    for number in range(100):
        bench.lane.do(lambda number=number: done.append(number))
    bench.settle()
    assert done == list(range(100))


def test_no_more_is_made_than_the_reader_has_room_for(bench):
    bench.lane.start(7, numbers)
    for number in range(WINDOW):
        assert bench.next() == Said(7, Text(str(number)))
    assert bench.said() == []
    bench.lane.took(7, 2)
    assert [bench.next(), bench.next()] == [Said(7, Text(str(WINDOW + i))) for i in range(2)]
    assert bench.said() == []


def test_a_full_stream_holds_up_neither_commands_nor_other_streams(bench):
    bench.lane.start(7, numbers)
    bench.lane.start(8, lambda: words("b"))
    of_8 = [bench.next() for _ in range(WINDOW + 2)]
    assert [item for item in of_8 if item.request == 8] == [Said(8, Text("b")), Finished(8)]
    bench.settle()


def test_commands_come_between_two_pieces(bench):
    gate, order = threading.Event(), []

    def stream():
        order.append("first piece")
        yield Text("a")
        order.append("second piece")
        yield Text("b")

    bench.lane.do(lambda: gate.wait(20))
    bench.lane.start(7, stream)
    bench.lane.do(lambda: order.append("command"))
    gate.set()
    assert [bench.next() for _ in range(3)][-1] == Finished(7)
    assert order == ["first piece", "command", "second piece"]


def test_the_first_piece_is_made_before_later_commands(bench):
    """A reply answers what was heard before it was asked for, not what came after."""
    gate, heard = threading.Event(), ["before"]
    bench.lane.do(lambda: gate.wait(20))
    bench.lane.start(7, lambda: (Text(word) for word in list(heard)))
    bench.lane.do(lambda: heard.append("after"))
    gate.set()
    assert [bench.next(), bench.next()] == [Said(7, Text("before")), Finished(7)]


def test_cancelling_overtakes_what_is_queued(bench):
    entered, gate, log = threading.Event(), threading.Event(), queue.SimpleQueue()
    bench.lane.start(7, lambda: numbers(log))
    assert bench.next() == Said(7, Text("0"))
    bench.lane.do(lambda: (entered.set(), gate.wait(20)))
    assert entered.wait(20)
    bench.lane.do(lambda: log.put("queued command"))
    bench.lane.cancel(7)
    gate.set()
    assert [log.get(timeout=20), log.get(timeout=20)] == ["closed", "queued command"]


def test_nothing_of_a_cancelled_stream_is_sent_and_one_that_waits_never_begins(bench):
    entered, gate, begun = threading.Event(), threading.Event(), []
    bench.lane.do(lambda: (entered.set(), gate.wait(20)))
    assert entered.wait(20)
    bench.lane.start(7, lambda: begun.append(7) or words("a"))
    bench.lane.cancel(7)
    gate.set()
    assert bench.said() == []
    assert begun == []


def test_a_piece_under_way_is_not_sent_once_cancelled(bench):
    making, gate = threading.Event(), threading.Event()

    def stream():
        making.set()
        gate.wait(20)
        yield Text("too late")

    bench.lane.start(7, stream)
    assert making.wait(20)
    bench.lane.cancel(7)
    gate.set()
    assert bench.said() == []


def test_cancelling_ends_what_a_stream_waits_for(bench):
    waiting = Waiting()
    bench.lane.start(7, lambda: waiting)
    assert waiting.waits.wait(20)
    bench.lane.cancel(7)
    assert waiting.closed.wait(20)
    assert bench.said() == []


def test_a_stream_cancelled_as_it_begins_never_waits(bench):
    waiting = Waiting()

    def begin():
        bench.lane.cancel(7)  # as another thread would, before the lane knows the iterator
        return waiting

    bench.lane.start(7, begin)
    assert waiting.closed.wait(20)
    assert not waiting.waits.is_set()
    assert bench.said() == []


def test_the_end_does_not_wait_for_what_a_stream_waits_for(bench):
    waiting = Waiting()
    bench.lane.start(7, lambda: waiting)
    assert waiting.waits.wait(20)
    bench.lane.end()
    assert waiting.closed.wait(20)


def test_a_bug_in_cancelling_is_logged_and_the_stream_is_closed(bench, caplog):
    class Stubborn(Waiting):
        def cancel(self):
            super().cancel()
            raise ZeroDivisionError("oops")

    waiting = Stubborn()
    bench.lane.start(7, lambda: waiting)
    assert waiting.waits.wait(20)
    bench.lane.cancel(7)
    assert waiting.closed.wait(20)
    assert "oops" in caplog.text


def test_an_engines_error_is_its_message_and_a_bug_is_logged(bench, caplog):
    def fails(error):
        yield Text("a")
        raise error

    bench.lane.start(7, lambda: fails(EngineError("cannot")))
    assert [bench.next(), bench.next()] == [Said(7, Text("a")), Failed(7, "cannot")]
    assert not caplog.records
    bench.lane.start(8, lambda: fails(ZeroDivisionError("oops")))
    bench.next()
    assert bench.next() == Failed(8, "the engine failed")
    assert "Traceback" in caplog.text
    assert "oops" in caplog.text


def test_a_piece_that_cannot_be_sent_ends_its_stream_and_the_lane_lives_on(caplog):
    sent, log = queue.SimpleQueue(), queue.SimpleQueue()

    def send(message):
        pack(message)
        sent.put(message)

    def halves():
        try:
            yield Text("\ud800")
            yield Text("never made")
        finally:
            log.put("closed")

    lane = Lane("under test", send)
    lane.start(7, halves)
    assert sent.get(timeout=20) == Failed(7, "the engine failed")
    assert log.get(timeout=20) == "closed"
    lane.start(8, lambda: words("b"))
    assert [sent.get(timeout=20) for _ in range(2)] == [Said(8, Text("b")), Finished(8)]
    assert "surrogates not allowed" in caplog.text
    lane.end()


def test_a_bug_in_closing_is_logged_and_the_lane_lives_on(bench, caplog):
    def stubborn():
        try:
            while True:
                yield Text("a")
        finally:
            raise ZeroDivisionError("oops")

    bench.lane.start(7, stubborn)
    assert [bench.next() for _ in range(WINDOW)][-1] == Said(7, Text("a"))
    bench.lane.cancel(7)
    bench.lane.start(8, lambda: words("b"))
    assert bench.next() == Said(8, Text("b"))
    assert "oops" in caplog.text


def test_the_end_closes_streams_forgets_commands_does_the_last_thing_and_frees_the_thread():
    bench = Bench()
    entered, gate, log = threading.Event(), threading.Event(), queue.SimpleQueue()
    bench.lane.start(7, lambda: numbers(log))
    threads = []
    bench.lane.do(lambda: threads.append(threading.current_thread()))
    bench.lane.do(lambda: (entered.set(), gate.wait(20)))
    assert entered.wait(20)
    bench.lane.do(lambda: log.put("never done"))
    bench.lane.end(lambda: log.put("last"))
    gate.set()
    (thread,) = threads
    thread.join(20)
    assert not thread.is_alive()
    assert [log.get(), log.get()] == ["closed", "last"]
    assert log.empty()
