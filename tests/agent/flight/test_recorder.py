"""What stands around a call sees everything and changes nothing."""

import asyncio

import numpy as np
import pytest
from fakes import FakeClient, FakeEngines, FakeFunctions
from flown import Flown, flown, silence, spoken

import agent.flight.entries as en
from agent import virtual_time
from agent.canned import Canned
from agent.config_file import load
from agent.engines import Conversation, Heard, Speech, Style, Text, ToolCall
from agent.errors import EngineError
from agent.events import Connected, EndReason
from agent.flight.recorder import Parts, Recorder, Unwatched
from agent.metrics import Metrics
from agent.notices import CallEnding, ReplyStarted, StateChanged
from agent.requests import CreateReply
from agent.shared import Shared

STYLE = Style("")
TALK = Conversation("", "en-US")


class Scene:
    """Parts of a call, and those parts watched."""

    def __init__(self, *answers, **functions) -> None:
        self.entries: list[en.Entry] = []
        self.client, self.engines = FakeClient(), FakeEngines(*answers)
        self.functions, self.canned = FakeFunctions(**functions), Canned(STYLE)
        self.shared = Shared(load(None), self.canned, Metrics(), self.functions)
        self.parts = Parts(
            self.shared, self.client, self.engines, self, lambda samples: b"opus"
        )
        self.watched = Recorder(self.entries.append).parts(self.parts)

    memory = None

    def probability(self, window) -> float:
        return 0.25


def in_virtual_time(test):
    def wrapper():
        virtual_time.run(test())

    wrapper.__name__, wrapper.__doc__ = test.__name__, test.__doc__
    return wrapper


async def taken(stream):
    return [piece async for piece in stream]


@in_virtual_time
async def test_requests_and_what_they_bring_are_noted_with_their_times() -> None:
    scene = Scene([Heard("hi"), 0.25, "Hello."])
    pieces = await taken(scene.watched.engines.reply(1, TALK))
    assert pieces == [Heard("hi"), Text("Hello.")]
    assert scene.entries == [
        en.Wanted(0.0, 1, "reply", ""),
        en.Got(0.0, 1, Heard("hi")),
        en.Got(0.25, 1, Text("Hello.")),
        en.Ended(0.25, 1, None),
    ]


@in_virtual_time
async def test_a_request_is_made_when_it_is_asked_for_and_not_when_it_is_read() -> None:
    scene = Scene(["Hello."])
    stream = scene.watched.engines.reply(1, TALK)
    assert scene.engines.log == ["reply 1"]
    assert scene.entries == [en.Wanted(0.0, 1, "reply", "")]
    await stream.aclose()


@in_virtual_time
async def test_a_request_that_is_given_up_ends_there_and_reaches_the_engine() -> None:
    scene = Scene(["One.", 5.0, "Two."])
    stream = scene.watched.engines.reply(1, TALK)
    await anext(stream)
    await asyncio.sleep(0.5)
    await stream.aclose()
    assert scene.entries[-1] == en.Ended(0.5, 1, None)


@in_virtual_time
async def test_an_engines_error_is_noted_and_raised() -> None:
    scene = Scene([EngineError("no memory")])
    with pytest.raises(EngineError, match="no memory"):
        await taken(scene.watched.engines.reply(1, TALK))
    assert scene.entries[-1] == en.Ended(0.0, 1, "no memory")


@in_virtual_time
async def test_transcripts_and_speech_are_requests_too() -> None:
    scene = Scene()
    scene.engines.transcripts = [(0.5, "hello there")]
    assert await taken(scene.watched.engines.transcribe()) == [Heard("hello there")]
    speech = await taken(scene.watched.engines.speak(1, "One two.", STYLE))
    assert len(speech) == 2
    wanted = [e for e in scene.entries if isinstance(e, en.Wanted)]
    assert [(e.verb, e.key) for e in wanted] == [("transcribe", ""), ("speak", "One two.")]
    got = [e.piece for e in scene.entries if isinstance(e, en.Got) and e.request == 2]
    assert got == speech


@in_virtual_time
async def test_a_canned_phrase_is_noted_as_any_other_and_asks_no_engine() -> None:
    scene = Scene()
    await scene.canned.record(scene.engines, ["Hello."])
    scene.engines.spoken.clear()
    shared, engines = scene.watched.shared, scene.watched.engines
    [speech] = await taken(shared.canned.speak(engines, 1, "Hello.", STYLE))
    assert isinstance(speech, Speech)
    assert scene.engines.spoken == []
    assert [type(entry) for entry in scene.entries] == [en.Wanted, en.Got, en.Ended]


@in_virtual_time
async def test_the_other_verbs_go_through() -> None:
    scene = Scene()
    engines = scene.watched.engines
    engines.expect(TALK)
    engines.hear(np.zeros(320, np.float32))
    engines.keep(1)
    engines.discard(2)
    engines.forget()
    engines.close()
    assert scene.engines.expected == [TALK]
    assert scene.engines.log == ["keep 1", "discard 2", "forget", "close"]


@in_virtual_time
async def test_functions_are_noted_with_their_arguments_and_result() -> None:
    scene = Scene(price=(0.5, "3"))
    functions = scene.watched.shared.functions
    assert functions.tools == scene.functions.tools
    assert await functions.run("price", '{"of": "tea"}') == "3"
    assert scene.entries == [
        en.Wanted(0.0, 1, "run", 'price {"of": "tea"}'),
        en.Got(0.5, 1, "3"),
    ]


@in_virtual_time
async def test_what_the_client_asks_and_is_told_is_noted() -> None:
    scene = Scene()
    client = scene.watched.client
    assert client.settings == scene.client.settings
    assert client.opened() == ["opened"]
    scene.client.requests.append(CreateReply())
    assert client.ask("hello") == ([CreateReply()], ["answer to hello"])
    assert client.ask("nothing")[0] == []
    assert client.tell(ReplyStarted(1)) == ["ReplyStarted"]
    assert scene.entries == [en.Asked(0.0, (CreateReply(),)), en.Told(0.0, ReplyStarted(1))]


@in_virtual_time
async def test_the_ear_and_the_encoder_are_noted() -> None:
    scene = Scene()
    assert scene.watched.vad.probability(np.zeros(512, np.float32)) == 0.25
    assert scene.watched.encode(np.zeros(480, np.float32)) == b"opus"
    assert scene.entries == [en.Voiced(0.0, 0.25), en.Sent(0.0)]


@in_virtual_time
async def test_unwatched_parts_are_the_parts() -> None:
    scene = Scene()
    assert Unwatched().parts(scene.parts) is scene.parts


@in_virtual_time
async def test_time_begins_with_the_record() -> None:
    await asyncio.sleep(1000)
    scene = Scene()
    await asyncio.sleep(2)
    scene.watched.vad.probability(np.zeros(512, np.float32))
    assert scene.entries == [en.Voiced(2.0, 0.25)]


def test_a_whole_call_is_in_its_record() -> None:
    speech = np.concatenate([spoken("What time is it?"), silence(2)])
    call = flown(["Look.", ToolCall("c", "x", "{}")], speech=speech)
    entries = call.entries
    assert entries[0] == en.Opened(0.0)
    assert en.Joined(0.0) in entries
    assert en.Stepped(0.0, Connected(), ()) in entries
    packets = [entry for entry in entries if isinstance(entry, en.Packet)]
    assert len(packets) == -(-len(speech) // 480)
    heard = sum(entry.samples for entry in entries if isinstance(entry, en.Heard))
    assert heard == len(packets) * 320
    assert sum(isinstance(entry, en.Voiced) for entry in entries) == heard // 512
    notices = [entry.notice for entry in entries if isinstance(entry, en.Told)]
    assert notices == [notice for _, notice in call.client.notices]
    assert StateChanged("hearing") in notices
    assert notices[-1] == CallEnding(EndReason.CALLER)
    left = [entry for entry in entries if isinstance(entry, en.Left)]
    assert left[-1].samples == 12000
    assert left == sorted(left, key=lambda entry: (entry.turn, entry.samples))
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)


def test_a_record_changes_nothing_in_the_call() -> None:
    """Its slow twin is the same call with nobody looking on."""
    speech = np.concatenate([spoken("What time is it?"), silence(1), spoken("And what day?")])
    seen = flown(["Nine."], ["Monday."], speech=speech).client.notices
    unseen = flown(["Nine."], ["Monday."], speech=speech, watch=Unwatched()).client.notices
    assert seen == unseen


@in_virtual_time
async def test_what_others_say_of_a_pause_is_noted_as_they_say_it() -> None:
    scene = Flown()
    scene.call.opined("smart_turn", 0.75)
    assert scene.entries == [en.Opined(0.0, "smart_turn", 0.75)]
    scene.call.end(EndReason.CALLER)
    scene.call.opined("smart_turn", 0.5)
    assert scene.entries.count(en.Opined(0.0, "smart_turn", 0.5)) == 0
