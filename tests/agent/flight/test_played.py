"""Engines, functions and client of a replay say what the record says, in its time."""

import asyncio

import numpy as np
import pytest

import agent.flight.entries as en
from agent import virtual_time
from agent.engines import Conversation, Heard, Speech, Style, Text, Tool
from agent.errors import EngineError
from agent.flight.played import (
    Answers,
    PlayedClient,
    PlayedEngines,
    PlayedFunctions,
    PlayedSlots,
)
from agent.notices import ReplyStarted
from agent.requests import CallSettings, CreateReply

TALK, STYLE = Conversation("", "en-US"), Style("")
ONE, TWO = (Speech(np.full(3, level, np.float32)) for level in (0.1, 0.2))
RECORD = (
    en.Wanted(1.0, 1, "reply", ""),
    en.Got(1.1, 1, Heard("hi")),
    en.Got(1.3, 1, Text("Hello.")),
    en.Ended(1.4, 1, None),
    en.Wanted(1.3, 2, "speak", "Hello."),
    en.Got(1.35, 2, ONE),
    en.Ended(1.36, 2, None),
    en.Wanted(5.0, 3, "reply", ""),
    en.Ended(5.2, 3, "no memory"),
    en.Wanted(6.0, 4, "speak", "Sorry."),
    en.Got(6.0, 4, TWO),
    en.Ended(6.0, 4, None),
    en.Wanted(7.0, 5, "run", 'price {"of": "tea"}'),
    en.Got(7.5, 5, "3"),
    en.Wanted(8.0, 6, "transcribe", ""),
    en.Got(8.1, 6, Heard("late")),
    en.Ended(8.1, 6, None),
)


def at(seconds, ask, entries=RECORD):
    """What comes of `ask(engines)` at that time, each with when it came."""

    async def main():
        loop = asyncio.get_running_loop()
        await asyncio.sleep(seconds)
        stream = ask(PlayedEngines(Answers(entries)))
        return [(round(loop.time(), 6), piece) async for piece in stream]

    return virtual_time.run(main())


def test_a_request_brings_what_it_brought_when_it_did() -> None:
    came = at(1.0, lambda engines: engines.reply(1, TALK))
    assert came == [(1.1, Heard("hi")), (1.3, Text("Hello."))]


def test_a_request_that_comes_a_little_earlier_is_answered_at_the_times_of_the_record() -> None:
    assert at(0.99, lambda engines: engines.reply(1, TALK))[-1] == (1.3, Text("Hello."))


def test_a_request_that_comes_at_another_time_is_answered_as_quickly() -> None:
    assert at(2.0, lambda engines: engines.reply(1, TALK))[-1] == (2.3, Text("Hello."))


def test_an_error_comes_again() -> None:
    with pytest.raises(EngineError, match="no memory"):
        at(5.0, lambda engines: engines.reply(2, TALK))


def test_a_phrase_is_found_by_its_words_before_its_time() -> None:
    assert at(1.3, lambda engines: engines.speak(1, "Sorry.", STYLE))[0][1] is TWO
    assert at(6.0, lambda engines: engines.speak(1, "Hello.", STYLE))[0][1] is ONE


def test_a_phrase_that_was_never_spoken_sounds_like_the_nearest() -> None:
    assert at(6.1, lambda engines: engines.speak(1, "What?", STYLE))[0][1] is TWO


def test_what_was_given_is_given_again_only_if_nothing_else_is_near() -> None:
    twice = (
        *(en.Wanted(1.0, 1, "reply", ""), en.Got(1.0, 1, Text("one")), en.Ended(1.0, 1, None)),
        *(en.Wanted(1.0, 2, "reply", ""), en.Got(1.0, 2, Text("two")), en.Ended(1.0, 2, None)),
    )

    async def main():
        engines = PlayedEngines(Answers(twice))
        await asyncio.sleep(1.0)
        return [[p async for p in engines.reply(n, TALK)] for n in range(3)]

    assert virtual_time.run(main()) == [[Text("one")], [Text("two")], [Text("one")]]


def test_a_request_that_was_open_when_the_record_ended_stays_open() -> None:
    cut_off = [entry for entry in RECORD if entry != en.Ended(6.0, 4, None)]

    async def main():
        await asyncio.sleep(6.0)
        stream = PlayedEngines(Answers(cut_off)).speak(1, "Sorry.", STYLE)
        assert await anext(stream) is TWO
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 60)

    virtual_time.run(main())


def test_a_record_without_replies_has_none_to_give() -> None:
    with pytest.raises(EngineError, match="the record holds no reply"):
        at(0.0, lambda engines: engines.reply(1, TALK), ())
    assert at(0.0, lambda engines: engines.transcribe(), ()) == []
    assert at(0.0, lambda engines: engines.speak(1, "Hello.", STYLE), ()) == []


def test_pieces_of_requests_that_the_record_lacks_belong_to_nobody() -> None:
    stray = (en.Got(1.0, 9, Text("lost")), en.Ended(1.0, 9, None))
    assert at(0.0, lambda engines: engines.transcribe(), stray) == []


def test_transcripts_come_late_as_they_did() -> None:
    assert at(8.0, lambda engines: engines.transcribe()) == [(8.1, Heard("late"))]


def test_a_function_returns_what_it_returned() -> None:
    async def main():
        functions = PlayedFunctions(Answers(RECORD), (Tool("price", "", "{}"),))
        assert [tool.name for tool in functions.tools] == ["price"]
        await asyncio.sleep(7.0)
        output = await functions.run("price", '{"of": "tea"}')
        return output, asyncio.get_running_loop().time(), await functions.run("tax", "{}")

    output, returned, other = virtual_time.run(main())
    assert (output, returned) == ("3", 7.5)
    assert other == "3"  # the nearest


def test_a_function_that_never_ran_returns_nothing() -> None:
    async def main():
        return await PlayedFunctions(Answers(()), ()).run("price", "{}")

    assert virtual_time.run(main()) == ""


def test_the_client_asks_what_it_is_told_to_ask() -> None:
    client = PlayedClient(CallSettings(speed=1.5))
    assert client.settings.speed == 1.5
    assert client.opened() == client.tell(ReplyStarted(1)) == []
    client.requests = (CreateReply(),)
    assert client.ask("") == ([CreateReply()], [])


def test_the_other_verbs_do_nothing() -> None:
    async def main():
        engines = PlayedEngines(Answers(()))
        engines.expect(TALK)
        engines.hear(np.zeros(3, np.float32))
        for verb in (engines.keep, engines.discard):
            verb(1)
        engines.forget()
        engines.close()

    virtual_time.run(main())


def test_a_slot_that_is_all_but_the_records_is_the_records() -> None:
    slots = PlayedSlots([en.Sent(1.0), en.Sounded(1.001, 1.0), en.Sounded(1.021, 1.02)])
    assert {slots.like(at) for at in (1.0, 0.992, 1.009)} == {1.0}
    assert {slots.like(at) for at in (1.011, 1.029)} == {1.02}
    assert [slots.like(at) for at in (0.5, 0.985, 1.035)] == [0.5, 0.985, 1.035]
    assert PlayedSlots([]).like(3.0) == 3.0
