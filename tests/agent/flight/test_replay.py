"""A recorded call that is flown again decides as it did; with other thresholds it does not."""

import asyncio
import random
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from fakes import FakeAdviser
from flown import Flown, flown, silence, spoken
from hypothesis import example, given, settings
from hypothesis import strategies as st
from smart_turn_fakes import load_length
from test_loopback import PATIENCE_S, answered, words

import agent.flight.entries as en
from agent import commands as do
from agent import notices as nt
from agent import requests as rq
from agent import serve
from agent.config_file import load
from agent.engines import Act, Action, Heard, Sense, ToolCall
from agent.errors import ConfigError, EngineError
from agent.flight.record import Flight, read
from agent.flight.replay import _fly, replay
from agent.lag import CountingLoop
from agent.serve import running
from agent.virtual_time import VirtualTimeLoop
from benchmarks.caller import Loss, dial


@cache
def speech(*parts):
    """Words are spoken, numbers are seconds of silence."""
    return np.concatenate([spoken(p) if isinstance(p, str) else silence(p) for p in parts])


def commands(entries):
    return [type(decision.command) for decision in en.decisions(entries)]


LONG = "I will tell you a story that is much longer than you have the patience for."
WEATHER = ToolCall("c1", "weather", "{}")
OFFER = rq.ChangeSettings(rq.CallSettings(tools=(("weather", "Look outside.", "{}"),)))

# what happens in it, what must be among its decisions, and what it is made of
SCENES = {
    "a question and its answer": (
        (do.TryReply, do.SettleReply),
        {"answers": [[Heard("time"), 0.05, "It is nine."]]},
    ),
    "a brain that tells what it makes of each pause": (
        (do.TryReply, do.SettleReply),
        {
            "answers": [[Sense(0.02), "Well."], [0.08, Sense(0.98), Heard("and how"), "Fine."]],
            "speech": ("What time is it?", 0.1, "and how is the weather?", 2.0),
        },
    ),
    "a greeting and an interruption": (
        (do.SayPrompt, do.CancelReply),
        {"config": {"agent.greeting": LONG}},
    ),
    "an answer that came too soon": (
        (do.TryReply, do.WithdrawReply),
        {
            "answers": [[LONG], ["Now I see."]],
            "speech": ("What time is it?", 0.02, "and how is the weather?", 2.0),
            "config": {"turns.end_of_turn_ms": 300, "turns.withdraw_ms": 1500},
        },
    ),
    "a function of ours": (
        (do.SettleReply, do.ReleaseReply),
        {
            "answers": [["Let me look.", WEATHER], ["Rain."]],
            "functions": {"weather": (0.8, "rain")},
        },
    ),
    "a function of the client's": (
        (do.SettleReply, do.ReleaseReply),
        {
            "answers": [["Let me look.", WEATHER], ["Rain."]],
            "asks": ((0.1, OFFER), (3.0, rq.ReturnFromTool("c1", "rain")), (3.0, rq.GoOn())),
        },
    ),
    "a client that takes the turns": (
        (do.CommitUtterance, do.ReleaseReply, do.CancelReply),
        {
            "answers": [[LONG]],
            "asks": ((2.5, rq.CreateReply()), (3.5, rq.CancelCurrentReply())),
            "create_response": False,
        },
    ),
    "a text and other settings": (
        (do.ReleaseReply,),
        {
            "asks": (
                (0.0, rq.TypeText("hello")),
                (0.0, rq.CreateReply()),
                (2.0, rq.ChangeSettings(rq.CallSettings(end_of_turn_ms=900))),
            ),
        },
    ),
    "a brain and a voice that fail": (
        (do.TryReply,),
        {"answers": [[0.1, "Well,", EngineError("no memory")]]},
    ),
    "silence until the agent hangs up": (
        (do.SayPrompt, do.EndCall),
        {"speech": (9.0,), "config": {"turns.silence_prompt_s": 1, "turns.silence_prompts": 1}},
    ),
    "goodbye": (
        (do.TryReply, do.EndCall),
        {"answers": [["Goodbye.", Act(Action.HANG_UP)]]},
    ),
    "packets that are lost or late": (
        (do.PrepareReply, do.TryReply),
        {"lost": set(range(7, 300, 9)), "late": set(range(5, 300, 11))},
    ),
}


@cache
def scene(name):
    _, made_of = SCENES[name]
    made_of = {"speech": ("What time is it please?", 3.0), "answers": [], **made_of}
    answers, said = made_of.pop("answers"), made_of.pop("speech")
    return flown(*answers, speech=speech(*said), **made_of)


@pytest.mark.parametrize("name", SCENES)
def test_a_call_in_virtual_time_is_repeated_to_the_microsecond(name) -> None:
    call = scene(name)
    assert set(SCENES[name][0]) <= set(commands(call.entries))
    outcome = replay(call.flight)
    assert outcome.difference.identical, outcome.difference
    assert outcome.difference.count == len(commands(call.entries)) > 0
    assert outcome.difference.most_s < 1e-5
    assert told(outcome.replayed.entries) == told(call.entries)


def told(entries):
    """What the client was told, the measurements aside."""
    notices = [entry.notice for entry in entries if isinstance(entry, en.Told)]
    return [notice for notice in notices if not isinstance(notice, nt.TurnMeasured)]


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("a question and its answer", {"turns.end_of_turn_ms": 700}),
        ("a question and its answer", {"turns.longest_wait_ms": 300}),
        ("a question and its answer", {"vad.min_silence_ms": 300}),
        ("a greeting and an interruption", {"turns.barge_in_ms": 900}),
        ("an answer that came too soon", {"turns.withdraw_ms": 0}),
    ],
)
def test_another_threshold_is_seen_to_decide_otherwise(name, overrides) -> None:
    """Mutants: each of these must be told from the call as it was."""
    call = scene(name)
    outcome = replay(call.flight, overrides)
    assert not outcome.difference.identical
    assert commands(outcome.replayed.entries)


def test_with_a_longer_wait_the_same_answer_comes_later() -> None:
    call = scene("a question and its answer")
    before, after = (
        [d.at for d in en.decisions(entries) if isinstance(d.command, do.TryReply)]
        for entries in (
            call.entries,
            replay(call.flight, {"turns.end_of_turn_ms": 1000}).replayed.entries,
        )
    )
    assert len(before) == len(after) == 1
    assert after[0] - before[0] > 0.3
    assert nt.ReplyText(1, "It is nine.") in told(
        replay(call.flight, {"turns.end_of_turn_ms": 1000}).replayed.entries
    )


def test_both_sides_sound_is_kept_for_a_picture() -> None:
    call = scene("a question and its answer")
    replayed = replay(call.flight).replayed
    heard = sum(len(samples) for _, samples in replayed.caller)
    assert heard == sum(entry.samples for entry in call.entries if isinstance(entry, en.Heard))
    assert max(float(np.abs(samples).max()) for _, samples in replayed.agent) > 0.05


def test_a_record_that_was_cut_off_is_repeated_as_far_as_it_goes() -> None:
    call = scene("a question and its answer")
    whole = call.flight
    for length in range(10, len(whole.entries), 97):
        flight = Flight(whole.header, whole.entries[:length], "cut off")
        outcome = replay(flight)
        assert outcome.difference.identical, (length, outcome.difference)


def test_a_decision_missing_from_the_middle_is_a_difference() -> None:
    call = scene("a question and its answer")
    entries = [
        e for e in call.entries if not (isinstance(e, en.Stepped | en.Ticked) and e.commands)
    ]
    assert not replay(Flight(call.header, tuple(entries))).difference.identical


# -- what Smart Turn said of the pauses


@cache
def advised(odds, takes_s=0.05):
    return flown(
        [Heard("time"), 0.05, "It is nine."],
        speech=speech("What time is it", 0.2, "in London please?", 3.0),
        config={"turns.smart_turn": "always"},
        adviser=FakeAdviser(odds, takes_s),
    )


@pytest.mark.parametrize("takes_s", [0.0, 0.013, 0.05, 0.13])
@pytest.mark.parametrize("odds", [0.001, 0.5, 0.999])
def test_a_call_with_a_second_opinion_is_repeated_without_asking_again(odds, takes_s) -> None:
    call = advised(odds, takes_s)
    opinions = [entry for entry in call.entries if isinstance(entry, en.Opined)]
    assert {(opinion.who, opinion.odds) for opinion in opinions} == {("smart_turn", odds)}
    outcome = replay(call.flight)
    assert outcome.difference.identical, outcome.difference
    assert outcome.difference.most_s < 1e-5
    assert [e for e in outcome.replayed.entries if isinstance(e, en.Opined)] == opinions


def test_what_it_said_decided_something() -> None:
    """Mutant: a record without the opinions is not the same call."""
    call = advised(0.999)
    mute = tuple(entry for entry in call.entries if not isinstance(entry, en.Opined))
    assert not replay(Flight(call.header, mute)).difference.identical


def test_a_replay_shows_how_it_would_have_been_without_smart_turn() -> None:
    call = advised(0.999)
    outcome = replay(call.flight, {"turns.smart_turn": "never"})
    assert not outcome.difference.identical
    assert not any(isinstance(entry, en.Opined) for entry in outcome.replayed.entries)


@pytest.mark.parametrize(("who", "odds"), [("an oracle", 0.5), ("smart_turn", float("nan"))])
def test_an_opinion_that_is_none_harms_no_replay(who, odds) -> None:
    call = advised(0.5)
    changed = [
        replace(e, who=who, odds=odds) if isinstance(e, en.Opined) else e for e in call.entries
    ]
    outcome = replay(Flight(call.header, tuple(changed)))
    assert do.TryReply in commands(outcome.replayed.entries)


def test_a_configuration_of_another_version_is_refused_by_name() -> None:
    call = scene("a question and its answer")
    with pytest.raises(ConfigError, match=r"turns\.patience: unknown"):
        replay(call.flight, {"turns.patience": 3})


class BusyLoop(VirtualTimeLoop):
    """A loop whose work takes time: every look at its clock finds it later."""

    dice = random.Random()
    most_s = 0.0

    def time(self) -> float:
        self.now += self.dice.random() * self.most_s
        return self.now


def fly_busily(seed, most_s):
    class Loop(BusyLoop):
        dice = random.Random(seed)

    Loop.most_s = most_s

    async def main():
        call = Flown(
            [0.05, LONG, WEATHER],
            ["Second answer."],
            ["Third", 0.4, "answer is this."],
            functions={"weather": (0.8, "rain")},
        )
        said = ("What time is it?", 1.2, "Tell me a joke please.", 0.33, "or two.", 1.5)
        dice = random.Random(seed)
        lost, late = ({n for n in range(600) if dice.random() < 0.05} for _ in range(2))
        await call.fly(speech(*said), lost, late)
        return call

    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(main())


@settings(max_examples=6)
@given(st.integers(0, 1000), st.sampled_from([0.0002, 0.001, 0.003]))
@example(7, 0.003)  # the sender went on before what the record has first
@example(50, 0.003)  # a deadline that the receiver's timer had been left behind
def test_a_busy_loop_is_repeated_in_its_own_order(seed, most_s) -> None:
    """The law: whatever was late in the call, its replay decides the same."""
    call = fly_busily(seed, most_s)
    difference = _fly(call.flight, call.config, 0.25).difference
    assert difference.identical, difference


def test_time_alone_does_not_repeat_a_busy_loop() -> None:
    """Why there is a script: timers that are never late decide otherwise in one of these."""
    calls = (fly_busily(seed, 0.003) for seed in range(12))
    assert any(not _fly(call.flight, call.config, 0.0).difference.identical for call in calls)


def held_up(flight):
    """Whether the machine was so busy that deadlines were noticed more than a packet late."""
    return any(e.at - e.due > 0.02 for e in flight.entries if isinstance(e, en.Ticked))


@pytest.mark.slow
def test_a_real_call_is_repeated(tmp_path, monkeypatch) -> None:
    """With lost packets, a function, an interruption and a caller who goes on."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "outlook_report.py").write_text(
        "import time\n"
        "def outlook(city: str) -> dict[str, str]:\n"
        '    """Look outside."""\n'
        "    time.sleep(0.2)\n"
        '    return {city: "rain"}\n'
    )
    config = {
        "agent.engine": "scripted",
        "server.port": 0,
        "agent.tools": ["outlook_report:outlook"],
        "agent.instructions": "\n".join(
            ['say: Look. [outlook {"city": "Bonn"}]', *[f"say: {LONG}"] * 3]
        ),
        "turns.end_of_turn_ms": 300,
        "turns.withdraw_ms": 600,
        "record.folder": str(tmp_path / "records"),
        "record.callers_agreed": True,
    }

    async def main():
        async with (
            running(load(None, config)) as url,
            dial(url, loss=Loss(up=0.05, down=0.05, seed=3)) as call,
        ):
            await call.say(words("What is the weather like?"))
            await answered(call, 3)
            await call.quiet(0.5, PATIENCE_S)
            before = len(call.heard.speech_s)
            await call.say(words("Tell me a story."))
            assert await call.until(lambda: len(call.heard.speech_s) > before + 50, PATIENCE_S)
            await call.say(words("No, what time is it please?"))
            await answered(call, 5)
            pause = np.zeros(round(24_000 * 0.45), np.float32)
            both = [words("Tell me a joke"), pause, words("about a dog.")]
            await call.say(np.concatenate(both))
            await call.quiet(1.5, PATIENCE_S)

    for _ in range(3):
        with asyncio.Runner(loop_factory=CountingLoop) as runner:
            runner.run(main())
        flight = read(max((tmp_path / "records").glob("*.flight")))
        assert flight.damage is None
        if not held_up(flight):
            break
    decided = {do.SayPrompt, do.TryReply, do.WithdrawReply, do.SettleReply, do.CancelReply}
    assert decided <= set(commands(flight.entries))
    assert any(isinstance(e, en.Wanted) and e.verb == "run" for e in flight.entries)
    assert en.hung_up(next(e for e in reversed(flight.entries) if en.hung_up(e)))
    outcome = replay(flight)
    assert outcome.difference.identical, outcome.difference
    assert not replay(flight, {"turns.end_of_turn_ms": 900}).difference.identical


def test_the_ear_is_told_the_slots_and_arrivals_of_the_record() -> None:
    """An echo is recognised by them; a live reply's first slot is before its packet."""
    call = flown([LONG], speech=speech("What time is it?", 3.0))
    early = tuple(
        replace(entry, slot=entry.slot - 0.004) if isinstance(entry, en.Sounded) else entry
        for entry in call.entries
    )
    now = replay(Flight(call.header, early)).replayed.entries
    slots = [entry.slot for entry in early if isinstance(entry, en.Sounded)]
    assert len(slots) > 50
    told = [entry.slot for entry in now if isinstance(entry, en.Sounded)]
    assert told[: len(slots)] == slots  # and one more, perhaps, at the very end


@pytest.mark.slow
def test_a_call_over_the_network_with_a_worker_beside_it_is_repeated(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(serve.smart_turn, "model_path", lambda: None)
    monkeypatch.setattr(serve.smart_turn, "load", load_length)
    config = {
        "agent.engine": "scripted",
        "agent.greeting": "",
        "server.port": 0,
        "turns.smart_turn": "always",
        "record.folder": str(tmp_path / "records"),
        "record.callers_agreed": True,
    }

    async def main():
        async with running(load(None, config)) as url, dial(url) as call:
            await call.say(words("What is the weather like?"))
            await answered(call, 1)
            await call.quiet(0.5, PATIENCE_S)
            await call.say(words("Tell me a joke, please, about a dog."))
            await answered(call, 2)

    for _ in range(3):
        with asyncio.Runner(loop_factory=CountingLoop) as runner:
            runner.run(main())
        flight = read(max((tmp_path / "records").glob("*.flight")))
        if not held_up(flight):
            break
    opinions = [entry for entry in flight.entries if isinstance(entry, en.Opined)]
    assert {opinion.who for opinion in opinions} == {"smart_turn"}
    outcome = replay(flight)
    assert outcome.difference.identical, outcome.difference
    assert len([e for e in outcome.replayed.entries if isinstance(e, en.Opined)]) == (
        len(opinions)
    )
