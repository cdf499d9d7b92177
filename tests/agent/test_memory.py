"""The conversation, as far as it was heard."""

from agent.engines import Exchange
from agent.memory import Memory


def test_exchanges_are_kept_in_order() -> None:
    memory = Memory()
    said = Exchange("", "Hello.", 1), Exchange("what time is it", "It is", 2)
    for exchange in said:
        memory.add(exchange)
    assert memory.past == said


def test_an_exchange_of_nothing_is_none() -> None:
    memory = Memory()
    memory.add(Exchange("", "", 1))
    assert memory.past == ()


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
