"""The brain of tests and benchmarks says its lines in order, whatever it hears."""

import listener_laws as laws
import numpy as np
import pytest

from agent.brains.scripted import ScriptedBrain
from agent.engines import (
    Conversation,
    Exchange,
    Heard,
    Text,
    Tool,
    ToolCall,
    ToolUse,
)

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


WEATHER = Tool("weather", "Look outside.", "{}")
CALL = ToolCall("call_7", "weather", '{"city": "Bonn", "days": [1, 2]}')
LINE = 'Let me look. [weather {"city": "Bonn", "days": [1, 2]}]'


def test_a_line_may_take_its_time() -> None:
    thoughts = []
    brain = ScriptedBrain(["[300 ms] Well.", "[5 ms]", "[3 s] [no ms] Hm."], thoughts.append)
    listener = brain.listen()
    lines = []
    for _ in range(3):
        lines.append(said(listener))
        listener.keep()
    assert lines == ["Well.", "", "[3 s] [no ms] Hm."]
    assert thoughts == [0.3, 0.005]


def test_it_thinks_before_it_says_anything_but_after_it_has_heard() -> None:
    order = []
    pieces = ScriptedBrain(["[300 ms] Well."], order.append).listen().reply(NOBODY)
    assert type(next(pieces)) is Heard and order == []
    assert type(next(pieces)) is Text and order == [0.3]


def test_instructions_may_bring_the_lines() -> None:
    listener = ScriptedBrain(["one"]).listen()
    scripted = Conversation("You are a script.\nsay: uno\nsay: due", "it")
    for line in ("uno", "due", "uno"):
        assert Text(line) in list(listener.reply(scripted))
        listener.keep()


def test_a_line_may_end_in_a_call_of_what_is_offered() -> None:
    listener = ScriptedBrain([LINE]).listen()
    offered = Conversation("", "en-US", (), 7, (WEATHER,))
    assert list(listener.reply(offered))[1:] == [Text("Let me look."), CALL]
    assert list(listener.reply(NOBODY))[1:] == [Text("Let me look.")]


def test_a_line_may_be_a_call_alone() -> None:
    listener = ScriptedBrain(["[weather {}]"]).listen()
    pieces = list(listener.reply(Conversation("", "en-US", (), 7, (WEATHER,))))
    assert pieces[1:] == [ToolCall("call_7", "weather", "{}")]


def test_a_result_is_spoken_and_costs_no_line() -> None:
    listener = ScriptedBrain([LINE, "two"]).listen()
    list(listener.reply(Conversation("", "en-US", (), 7, (WEATHER,))))
    listener.keep()
    used = Exchange("", "Let me look.", 7, (ToolUse(CALL, "rain"),))
    assert list(listener.reply(Conversation("", "en-US", (used,), 8))) == [
        Text("weather: rain")
    ]
    listener.keep()
    spoken = Exchange("", "weather: rain", 8)
    after = Conversation("", "en-US", (used, spoken), 9)
    assert list(listener.reply(after))[1:] == [Text("two")]


def test_what_was_typed_needs_no_transcript() -> None:
    typed = Conversation("", "en-US", (Exchange("hello", "", 3),), 3)
    assert list(ScriptedBrain(["one"]).listen().reply(typed)) == [Text("one")]


def test_no_lines_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ScriptedBrain([])


def test_it_obeys_the_laws_of_a_listener() -> None:
    brain, silence = ScriptedBrain(["one", "two"]), np.zeros(3200, np.float32)
    laws.same_reply_twice(brain, silence)
    laws.discarded_leaves_no_trace(brain, silence, at=640)
    laws.closed_midway_leaves_no_trace(brain, silence)
    laws.kept_begins_anew(brain, silence, silence)
    laws.kept_is_read_on_beside_another(brain, silence, silence)
    laws.forgotten_never_was(brain, silence, silence)
