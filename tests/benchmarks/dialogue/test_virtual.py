"""A call in virtual time: the real call and the real media, without a network."""

import asyncio
import time

import numpy as np
import pytest
from dialogues import accounts, part, played

from agent import virtual_time
from agent.audio.frame import SPEAK_HZ
from agent.config_file import load
from agent.engines import Conversation, Heard, Speech, Style, Text, Word
from agent.errors import ConfigError, EngineError
from benchmarks.dialogue.virtual import InLoop, VirtualWorld, ringing

NOBODY = Conversation("", "en-US")
HELLO = {"when": "start", "after_ms": 800, "sounds": [{"say": "Hello, can you hear me?"}]}
SCRIPTED = {"agent.engine": "scripted", "agent.greeting": ""}


def virtual(test):
    def run():
        virtual_time.run(test())

    run.__name__ = test.__name__
    return run


def test_a_minute_takes_seconds() -> None:
    begun = time.process_time()
    account = played(listen_s=60, set={"turns.silence_prompt_s": 100})
    assert account.end_s - account.start_s == pytest.approx(60)
    assert time.process_time() - begun < 30


def test_it_is_the_same_each_time() -> None:
    one, two = played(HELLO), played(HELLO)
    assert one.replies == two.replies
    assert one.peaks == two.peaks
    assert [(e.at_s, e.type) for e in one.events] == [(e.at_s, e.type) for e in two.events]


def test_what_is_answered_is_what_the_scenario_says() -> None:
    account = played(HELLO, agent={"answers": [{"text": "Loud and clear."}]})
    assert account.heard == ("Loud and clear.",)


def test_thinking_takes_its_time_and_no_more() -> None:
    slow, quick = (
        played(HELLO, agent={"answers": [{"counts_to": 3, "thinks_ms": ms}]})
        for ms in (1000, 0)
    )
    paused_s = next(e.at_s for e in reversed(quick.events) if e.body.get("state") == "paused")
    assert slow.replies[0].began_s - paused_s == pytest.approx(1.0, abs=0.03)
    assert quick.replies[0].began_s - paused_s < 0.5


def test_the_operator_understands_and_its_clock_stands() -> None:
    line = {"when": "start", "after_ms": 800, "sounds": [{"say": "What time is it?"}]}
    account = played(line, agent={"engine": "operator"})
    assert account.understood == ("What time is it",)
    assert account.heard == ("It is seven fifty-two in the evening.",)


def test_prompts_are_said_and_the_end_is_told() -> None:
    account = played(set={"turns.silence_prompt_s": 1, "turns.silence_prompts": 1}, listen_s=30)
    assert account.heard[0] == "Are you still there?"
    assert account.heard[1].startswith("I can't hear you")
    assert account.ended_by.body["reason"] == "silence"
    assert account.state == "closed"


def test_settings_reach_the_call() -> None:
    fixed = {"turns.end_of_turn_ms": 1500}
    slow, quick = played(HELLO, overrides=fixed), played(HELLO)
    ended_s = quick.lines[0].ended_s
    assert slow.replies[0].began_s - ended_s == pytest.approx(1.5, abs=0.15)
    assert quick.replies[0].began_s - ended_s < 0.8


@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [
        (
            {"agent.engine": "voxtral"},
            "voxtral: in virtual time there are operator and",
        ),
        ({"agent.brain": "my:Brain"}, "my:Brain: in virtual time there are"),
        (
            {"agent.voice": "kokoro"},
            "agent.voice: kokoro: in virtual time there are espeak",
        ),
        ({"turns.barge_in_ms": "no"}, "turns.barge_in_ms: 'no' is not a whole number"),
    ],
)
def test_what_cannot_be_played_is_the_operators_mistake(overrides, complaint) -> None:
    with pytest.raises(ConfigError, match=complaint):
        accounts([part(HELLO)], VirtualWorld(), overrides)


# -- the line ----------------------------------------------------------------------------------


@virtual
async def test_what_one_end_sends_the_other_has_at_once() -> None:
    greeting = {**SCRIPTED, "agent.greeting": "Hello there.", "agent.voice": "espeak"}
    async with ringing(load(None, greeting), {}) as call:
        assert await call.until(lambda: call.heard.packets > 0, 1)
        loop = asyncio.get_running_loop()
        assert loop.time() < 0.05
        call.send({"type": "session.update", "session": {"instructions": "say: Yes."}})
        told = lambda: [e for e in call.events if e.type == "session.updated"]  # noqa: E731
        assert await call.until(lambda: bool(told()), 1)
        assert told()[0].body["session"]["instructions"] == "say: Yes."
        assert await call.quiet(0.5, 10)
        assert np.abs(call.heard.sound()).max() > 0.1
        assert call.stats.lost == 0


@virtual
async def test_who_hangs_up_leaves_nothing_behind() -> None:
    async with ringing(load(None, SCRIPTED), {}) as call:
        await call.silence(0.2)
        call.send({"type": "voxline.call.hang_up"})
        assert not await call.until(lambda: False, 5)
        assert call.ended is not None
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


# -- engines in the loop -----------------------------------------------------------------------


class Brain:
    """Says what it is given; an exception is raised, a number is thought over."""

    def __init__(self, *pieces):
        self.pieces, self.log, self.owed_s = pieces, [], 0.0

    def listen(self):
        return self

    def take(self):
        owed_s, self.owed_s = self.owed_s, 0.0
        return owed_s

    def reply(self, conversation):
        self.log.append("reply")
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            if isinstance(piece, float):
                self.owed_s += piece
            else:
                yield piece

    def transcribe(self):
        yield Heard("hello")

    def __getattr__(self, verb):
        return lambda *args: self.log.append(verb)


class Voice:
    def voices(self):
        return ("v",)

    def speak(self, phrase, style):
        for word in phrase.split():
            yield Speech(np.zeros(SPEAK_HZ // 10, np.float32), (Word(word, 0),))


def in_loop(*pieces):
    brain = Brain(*pieces)
    return brain, InLoop(brain, Voice(), brain)


@virtual
async def test_pieces_come_when_they_have_been_thought_of() -> None:
    _, engines = in_loop(0.3, Text("a"), Text("b"), 0.5, Text("c"))
    loop = asyncio.get_running_loop()
    came = [(loop.time(), piece.text) async for piece in engines.reply(1, NOBODY)]
    assert came == [(0.3, "a"), (0.3, "b"), (0.8, "c")]


@virtual
async def test_a_reply_is_about_what_was_heard_when_it_was_asked_for() -> None:
    brain, engines = in_loop(Text("a"))
    pieces = engines.reply(1, NOBODY)
    engines.keep(1)
    assert [piece async for piece in pieces] == [Text("a")]
    assert brain.log == ["reply", "keep"]


@virtual
async def test_a_failure_comes_after_what_was_said() -> None:
    _, engines = in_loop(Text("a"), 0.2, EngineError("broken"))
    pieces = engines.reply(1, NOBODY)
    assert await anext(pieces) == Text("a")
    with pytest.raises(EngineError, match="broken"):
        await anext(pieces)
    assert asyncio.get_running_loop().time() == pytest.approx(0.2)


@virtual
async def test_all_verbs_reach_the_engine_in_order() -> None:
    brain, engines = in_loop(Text("a"))
    engines.expect(NOBODY)
    engines.hear(np.zeros(320, np.float32))
    engines.reply(1, NOBODY)
    engines.discard(1)
    engines.forget()
    assert [piece async for piece in engines.transcribe()] == [Heard("hello")]
    engines.close()
    assert brain.log == ["expect", "hear", "reply", "discard", "forget", "close"]


@virtual
async def test_a_phrase_is_spoken_and_may_be_cut_off() -> None:
    _, engines = in_loop()
    speech = engines.speak(1, "one two three", Style("v"))
    assert (await anext(speech)).words[0].text == "one"
    await speech.aclose()
    assert len([piece async for piece in engines.speak(1, "one two", Style("v"))]) == 2
