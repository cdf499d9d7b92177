"""The conversation, as far as it was heard."""

from agent.engines import Exchange
from agent.memory import Memory


def test_exchanges_are_kept_in_order() -> None:
    memory = Memory()
    memory.add("", "Hello.")
    memory.add("what time is it", "It is")
    assert memory.past == (Exchange("", "Hello."), Exchange("what time is it", "It is"))


def test_an_exchange_of_nothing_is_none() -> None:
    memory = Memory()
    memory.add("", "")
    assert memory.past == ()


def test_the_oldest_go() -> None:
    memory = Memory(exchanges=2)
    for n in range(5):
        memory.add(str(n), "")
    assert [exchange.caller for exchange in memory.past] == ["3", "4"]
