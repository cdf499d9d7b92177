"""The conversation, as far as it was heard."""

import pickle
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agent.engines import Exchange, ToolCall, ToolUse
from agent.memory import Memory


def test_exchanges_are_kept_in_order() -> None:
    memory = Memory()
    said = Exchange("", "Hello.", 1), Exchange("what time is it", "It is", 2)
    for exchange in said:
        memory.add(exchange)
    assert memory.past == said


def test_an_exchange_of_nothing_keeps_its_place() -> None:
    """A brain may have its audio, and what was said in it may be known later."""
    memory = Memory()
    memory.add(Exchange("", "", 1))
    memory.add(Exchange("and now?", "Noon.", 2))
    assert memory.past == (Exchange("", "", 1), Exchange("and now?", "Noon.", 2))
    memory.understood(1, "what time is it")
    assert memory.past[0] == Exchange("what time is it", "", 1)


def test_the_oldest_go() -> None:
    memory = Memory(exchanges=2)
    for n in range(5):
        memory.add(Exchange(str(n), "", n))
    assert [exchange.caller for exchange in memory.past] == ["3", "4"]


def test_what_was_understood_late_is_told_of_its_own_exchange() -> None:
    memory = Memory()
    memory.add(Exchange("", "Noon.", 1))
    memory.add(Exchange("", "Bye.", 2))
    memory.understood(1, "what time is it")
    assert memory.past == (Exchange("what time is it", "Noon.", 1), Exchange("", "Bye.", 2))


def test_what_was_understood_before_the_reply_ended_waits_for_it() -> None:
    memory = Memory()
    memory.understood(3, "hello")
    memory.add(Exchange("", "Wrong turn.", 2))
    memory.add(Exchange("", "", 3))
    assert memory.past == (Exchange("", "Wrong turn.", 2), Exchange("hello", "", 3))


def test_a_brain_that_knew_at_once_is_believed() -> None:
    memory = Memory()
    memory.understood(1, "later")
    memory.add(Exchange("at once", "", 1))
    assert memory.past == (Exchange("at once", "", 1),)


ASKED = ToolCall("a", "weather", '{"city": "Bonn"}')
ALSO = ToolCall("b", "time", "{}")


def test_a_function_is_remembered_with_its_exchange_and_its_result_when_it_comes() -> None:
    memory = Memory()
    memory.called(1, ASKED)
    assert memory.past == ()  # the reply is still being spoken
    memory.add(Exchange("weather?", "Let me see.", 1))
    assert memory.past == (Exchange("weather?", "Let me see.", 1, (ToolUse(ASKED),)),)
    memory.add(Exchange("hello?", "Yes.", 2))
    memory.returned("a", "rain")
    assert memory.past[0].tools == (ToolUse(ASKED, "rain"),)
    assert memory.past[1].tools == ()


def test_a_result_may_come_before_the_reply_was_spoken() -> None:
    memory = Memory()
    memory.called(1, ASKED)
    memory.returned("a", "rain")
    memory.add(Exchange("weather?", "Let me", 1))
    assert memory.past == (Exchange("weather?", "Let me", 1, (ToolUse(ASKED, "rain"),)),)


def test_functions_stand_in_the_order_of_their_calls_not_of_their_results() -> None:
    memory = Memory()
    memory.called(1, ASKED)
    memory.called(1, ALSO)
    memory.returned("b", "noon")
    memory.returned("a", "rain")
    memory.add(Exchange("", "", 1))
    assert memory.past[0].tools == (ToolUse(ASKED, "rain"), ToolUse(ALSO, "noon"))


def test_a_reply_of_calls_alone_is_an_exchange() -> None:
    memory = Memory()
    memory.called(1, ASKED)
    memory.add(Exchange("", "", 1))
    memory.add(Exchange("", "It rains.", 2))
    assert [exchange.turn for exchange in memory.past] == [1, 2]


def test_a_forgotten_exchange_takes_its_functions_along() -> None:
    memory = Memory(exchanges=1)
    memory.called(1, ASKED)
    memory.add(Exchange("weather?", "", 1))
    assert memory.knows("a")
    memory.add(Exchange("never mind", "Fine.", 2))
    assert not memory.knows("a")
    memory.returned("a", "rain")
    assert memory.past == (Exchange("never mind", "Fine.", 2),)


def test_a_filler_belongs_to_the_text_before_the_result() -> None:
    memory = Memory()
    memory.bridge(1, "One moment.")
    assert memory.past == ()
    memory.called(1, ASKED)
    memory.add(Exchange("weather?", "Let me see.", 1))
    memory.bridge(2, "")
    told = Exchange("weather?", "Let me see.", 1, (ToolUse(ASKED),))
    assert memory.past == (told,)
    memory.bridge(3, "One")
    assert memory.past == (replace(told, agent="Let me see. One", bridged=True),)


def test_a_filler_that_was_cut_off_later_leaves_the_exchange_as_it_was() -> None:
    memory = Memory()
    memory.called(1, ASKED)
    memory.add(Exchange("weather?", "Let me see.", 1))
    memory.bridge(2, "One moment.")
    memory.cut(2, "One")
    assert memory.past[0].agent == "Let me see. One"
    memory.cut(1, "Let me")
    assert memory.past[0].agent == "Let me One"
    memory.cut(2, "")
    assert (memory.past[0].agent, memory.past[0].bridged) == ("Let me", False)


def test_a_reply_is_cut_where_the_client_says_long_after_it_was_over() -> None:
    memory = Memory()
    for turn, said in enumerate(("Hello there.", "It is noon.", "Goodbye."), start=1):
        memory.add(Exchange(f"caller {turn}", said, turn))
    memory.cut(2, "It is")
    assert [each.agent for each in memory.past] == ["Hello there.", "It is", "Goodbye."]
    assert memory.before(4)[1] == Exchange("caller 2", "It is", 2)


def test_of_a_reply_cut_to_nothing_only_what_the_caller_said_is_remembered() -> None:
    memory = Memory()
    memory.add(Exchange("", "Hello.", 1))
    memory.add(Exchange("what time is it", "It is noon.", 2))
    memory.cut(1, "")
    memory.cut(2, "")
    assert memory.past == (Exchange("", "", 1), Exchange("what time is it", "", 2))
    memory.understood(1, "good morning")  # a brain may have its sound, and understand it later
    assert memory.past[0] == Exchange("good morning", "", 1)


def test_cutting_what_was_forgotten_changes_nothing() -> None:
    memory = Memory(exchanges=1)
    memory.add(Exchange("", "Hello.", 1))
    memory.add(Exchange("", "Yes?", 2))
    memory.cut(1, "")
    memory.cut(9, "")
    assert memory.past == (Exchange("", "Yes?", 2),)


def test_a_long_call_does_not_fill_the_server() -> None:
    """Killed: one that forgets what was said, and keeps what was typed, called or bridged."""
    memory, sizes = Memory(exchanges=3), []
    for turn in range(1000, 1500, 2):
        memory.typed("the same")
        memory.before(turn)
        memory.answered(turn)
        memory.called(turn, ToolCall(f"call{turn}", "clock", "{}"))
        memory.add(Exchange("what time is it", "Let me see.", turn))
        memory.bridge(turn + 1, "One moment.")
        memory.returned(f"call{turn}", "noon")
        sizes.append(len(pickle.dumps(memory)))
    assert len(set(sizes[10:])) == 1


WORDS = st.lists(st.sampled_from(["one", "two", "three."]), max_size=4).map(" ".join)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=5), st.integers(1, 5), st.data())
def test_a_cut_never_makes_the_memory_longer_and_made_twice_is_the_same(past, turn, data):
    """Killed: a cut that is added to what was remembered."""
    memory = Memory()
    for n, (caller, agent) in enumerate(past, start=1):
        memory.add(Exchange(caller, agent, n))
    before = memory.past
    whole = next((each.agent for each in before if each.turn == turn), "")
    heard = " ".join(whole.split()[: data.draw(st.integers(0, 4))])
    memory.cut(turn, heard)
    after = memory.past
    assert len(after) == len(before)
    assert len("".join(e.agent for e in after)) <= len("".join(e.agent for e in before))
    assert [e.caller for e in after if e.caller] == [e.caller for e in before if e.caller]
    memory.cut(turn, heard)
    assert memory.past == after


def test_an_exchange_that_is_not_over_is_shown_as_it_will_be_remembered() -> None:
    """Killed: the words alone, without what was called and what came of it."""
    memory = Memory()
    memory.typed("in Bonn")
    memory.before(1)
    memory.answered(1)
    memory.understood(1, "how warm is it")
    call = ToolCall("a", "weather", "{}")
    memory.called(1, call)
    memory.returned("a", "rain")
    so_far = memory.completed(Exchange("", "Let me", 1))
    assert memory.past == ()
    memory.add(Exchange("", "Let me", 1))
    assert memory.past == (so_far,)
    assert (so_far.caller, so_far.tools) == (
        "in Bonn\nhow warm is it",
        (ToolUse(call, "rain"),),
    )


def test_what_was_typed_is_told_before_it_is_answered_and_then_with_its_answer() -> None:
    memory = Memory()
    memory.add(Exchange("", "Hello.", 1))
    memory.typed("what time is it?")
    memory.typed("in Bonn")
    typed = Exchange("what time is it?\nin Bonn", "", 2)
    assert memory.before(2) == (Exchange("", "Hello.", 1), typed)
    memory.answered(2)
    memory.add(Exchange("", "Noon.", 2))
    assert memory.before(3)[1:] == (Exchange(typed.caller, "Noon.", 2),)


def test_what_is_typed_while_the_agent_thinks_waits_for_the_next_reply() -> None:
    memory = Memory()
    memory.before(1)
    memory.typed("one more thing")
    memory.answered(1)
    memory.add(Exchange("hello", "Yes?", 1))
    assert memory.before(2)[1:] == (Exchange("one more thing", "", 2),)


def test_a_reply_that_was_discarded_answers_nothing() -> None:
    memory = Memory()
    memory.typed("hello")
    memory.before(1)
    memory.before(2)
    memory.answered(1)
    assert memory.before(2) == (Exchange("hello", "", 2),)


def test_a_hint_is_no_reply() -> None:
    memory = Memory()
    memory.before(1)
    memory.typed("hello")
    memory.before(0)
    memory.answered(1)
    assert memory.before(2) == (Exchange("hello", "", 2),)
    memory.before(0)
    memory.answered(2)
    assert memory.before(3) == ()


def test_who_types_and_speaks_is_remembered_with_both() -> None:
    memory = Memory()
    memory.typed("typed")
    memory.before(1)
    memory.answered(1)
    memory.add(Exchange("", "Yes.", 1))
    memory.understood(1, "spoken")
    assert memory.past == (Exchange("typed\nspoken", "Yes.", 1),)


def test_text_that_nobody_asks_about_is_bounded() -> None:
    memory = Memory()
    for n in range(60):
        memory.typed(str(n))
    [waiting] = memory.before(1)
    assert waiting.caller.split("\n") == [str(n) for n in range(10, 60)]
