"""The brain of tests and benchmarks says its lines in order, whatever it hears."""

import listener_laws as laws
import numpy as np
import pytest

from agent.brains.scripted import ScriptedBrain
from agent.engines import Conversation, Heard, Text

NOBODY = Conversation("", "en-US")


def said(listener):
    return "".join(p.text for p in listener.reply(NOBODY) if isinstance(p, Text))


def test_lines_come_in_order_and_begin_again() -> None:
    listener = ScriptedBrain(["one", "two"]).listen()
    lines = []
    for _ in range(3):
        lines.append(said(listener))
        listener.keep()
    assert lines == ["one", "two", "one"]


def test_a_line_that_was_not_heard_is_said_again() -> None:
    listener = ScriptedBrain(["one", "two"]).listen()
    assert said(listener) == "one"
    listener.discard()
    assert said(listener) == "one"


def test_calls_do_not_share_their_place() -> None:
    brain = ScriptedBrain(["one", "two"])
    first, second = brain.listen(), brain.listen()
    first.keep()
    assert (said(first), said(second)) == ("two", "one")


def test_a_transcript_comes_before_the_text() -> None:
    pieces = list(ScriptedBrain().listen().reply(NOBODY))
    assert [type(piece) for piece in pieces] == [Heard, Text]


def test_no_lines_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ScriptedBrain([])


def test_it_obeys_the_laws_of_a_listener() -> None:
    brain, silence = ScriptedBrain(["one", "two"]), np.zeros(3200, np.float32)
    laws.same_reply_twice(brain, silence)
    laws.discarded_leaves_no_trace(brain, silence, at=640)
    laws.closed_midway_leaves_no_trace(brain, silence)
    laws.kept_begins_anew(brain, silence, silence)
    laws.forgotten_never_was(brain, silence, silence)
