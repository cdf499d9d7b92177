"""Functions called in the middle of a call, in virtual time: results that come in time, late,
twice, never, over speech, and after hang-up. And callers who type.

All is real but the models, the functions and the wire; see stage.py.
"""

import json

from stage import stage

from agent.engines import Exchange, Heard, Tool, ToolCall, ToolUse
from agent.errors import EngineError
from agent.events import EndReason
from agent.notices import ReplyDone, ReplyStarted, ReplyText, ToolCalled, ToolGivenUp
from agent.requests import (
    CallSettings,
    CancelCurrentReply,
    ChangeSettings,
    CreateReply,
    GoOn,
    HangUp,
    ReturnFromTool,
    TypeText,
)
from agent.virtual_time import run

CLOCK = ToolCall("own", "clock", "{}")
WEATHER = ToolCall("theirs", "weather", '{"city": "Bonn"}')
OFFER = (("weather", "Look outside.", "{}"),)
LONG = "one two three four five six seven eight nine ten."  # 2.5 s as the fake voice speaks


def at_the_stage(*answers, clock_s=3.0, filler="", config=None, **settings):
    """The operator has `clock`, which takes so long; the client offers `weather`."""
    return stage(
        *answers,
        config={"agent.tool_filler": filler, **(config or {})},
        functions={"clock": (clock_s, "noon")},
        tools=OFFER,
        **settings,
    )


def ask(scene, *requests):
    scene.client.requests = list(requests)
    scene.call.message("{}")


async def spoken_to(scene, patience_s=0.9):
    """The caller says something, and the reply is under way."""
    await scene.say(0.96)
    await scene.wait(patience_s)


def texts(scene):
    return [notice.delta for notice in scene.client.of(ReplyText)]


def past(scene, reply):
    """What the nth reply was told of the exchanges before it."""
    return scene.engines.conversations[reply - 1].past


def test_our_own_function_is_run_and_its_result_spoken_of() -> None:
    async def main():
        said = [Heard("what time is it"), "Let me see.", CLOCK]
        async with at_the_stage(said, ["It is noon."]) as scene:
            await spoken_to(scene)
            assert scene.functions.log == ["clock {}"]
            await scene.wait(6)
            assert texts(scene) == ["Let me see.", "It is noon."]
            assert past(scene, 2) == (
                Exchange("what time is it", "Let me see.", 1, (ToolUse(CLOCK, "noon"),)),
            )
            assert scene.engines.log == ["reply 1", "keep 1", "reply 2", "keep 2"]
            assert scene.client.of(ToolCalled) == []
            assert [done.status for done in scene.client.of(ReplyDone)] == ["completed"] * 2

    run(main())


def test_the_brain_is_told_what_it_may_call() -> None:
    async def main():
        async with at_the_stage() as scene:
            await spoken_to(scene)
            clock = Tool("clock", "What clock does.", "{}")
            assert scene.engines.conversations[0].tools == (clock, Tool(*OFFER[0]))
            ask(scene, ChangeSettings(CallSettings(may_call_tools=False)))
            await spoken_to(scene, 2)
            assert scene.engines.conversations[1].tools == ()
            settings = CallSettings(tools=(), may_call_tools=True)
            ask(scene, ChangeSettings(settings))
            await spoken_to(scene, 2)
            assert scene.engines.conversations[2].tools == (clock,)

    run(main())


def test_nothing_is_called_for_a_reply_that_is_discarded() -> None:
    async def main():
        async with at_the_stage([CLOCK, WEATHER], ["All right."]) as scene:
            await scene.say(0.96)
            await scene.wait(0.2)  # a breath: the reply is prepared
            await scene.say(0.96)
            await scene.wait(3)
            assert scene.engines.log == ["reply 1", "discard 1", "reply 2", "keep 2"]
            assert scene.functions.log == []
            assert scene.client.of(ToolCalled) == []
            await spoken_to(scene)
            assert past(scene, 3) == (Exchange("", "All right.", 2),)

    run(main())


def test_the_client_answers_and_asks_for_the_reply() -> None:
    async def main():
        async with at_the_stage([WEATHER], ["It rains."]) as scene:
            await spoken_to(scene)
            assert scene.client.of(ToolCalled) == [
                ToolCalled(1, "theirs", "weather", '{"city": "Bonn"}')
            ]
            assert len(scene.client.of(ReplyDone)) == 1  # nothing was said
            await scene.wait(2)
            ask(scene, ReturnFromTool("theirs", "rain"), GoOn())
            await scene.wait(2)
            assert texts(scene) == ["It rains."]
            assert past(scene, 2) == (Exchange("", "", 1, (ToolUse(WEATHER, "rain"),)),)

    run(main())


def test_a_result_alone_makes_nobody_speak() -> None:
    async def main():
        async with at_the_stage([WEATHER], ["Fine."]) as scene:
            await spoken_to(scene)
            ask(scene, ReturnFromTool("theirs", "rain"))
            await scene.wait(5)
            assert texts(scene) == []
            await spoken_to(scene)
            assert past(scene, 2)[0].tools == (ToolUse(WEATHER, "rain"),)

    run(main())


def test_words_over_a_reply_are_answered_by_who_knows_what_it_called() -> None:
    """Killed: a held reply of words alone; its result was counted as told, and was not."""

    async def main():
        answer = [Heard("And in Bonn?"), "It is noon there, too."]
        async with at_the_stage([LONG, CLOCK], answer, clock_s=1.0) as scene:
            await spoken_to(scene, 1.8)
            await scene.say(0.4)
            await scene.wait(4)
            assert past(scene, 2)[0].tools == (ToolUse(CLOCK, "noon"),)
            assert texts(scene)[1:] == ["It is noon there, too."]

    run(main())


def test_a_result_while_the_agent_speaks_waits_for_its_last_word() -> None:
    async def main():
        async with at_the_stage([LONG, WEATHER], ["It rains."]) as scene:
            await spoken_to(scene)
            ask(scene, ReturnFromTool("theirs", "rain"), GoOn())
            await scene.wait(1)
            assert len(scene.client.of(ReplyStarted)) == 1
            await scene.wait(4)
            assert [done.heard for done in scene.client.of(ReplyDone)] == [LONG, "It rains."]
            assert past(scene, 2) == (Exchange("", LONG, 1, (ToolUse(WEATHER, "rain"),)),)
            end, begin = scene.client.when(ReplyDone)[0], scene.client.when(ReplyStarted)[1]
            assert end == begin

    run(main())


def test_a_result_while_the_caller_speaks_is_in_the_reply_to_them() -> None:
    async def main():
        async with at_the_stage([WEATHER], ["It rains."]) as scene:
            await spoken_to(scene)
            await scene.say(0.5)
            ask(scene, ReturnFromTool("theirs", "rain"), GoOn())
            await scene.say(0.5)
            assert len(scene.client.of(ReplyStarted)) == 1  # nobody is talked over
            await scene.wait(5)
            assert texts(scene) == ["It rains."]
            assert past(scene, 2)[0].tools == (ToolUse(WEATHER, "rain"),)
            assert len(scene.engines.conversations) == 2

    run(main())


def test_a_result_in_the_callers_pause_is_thought_of_before_they_are_answered() -> None:
    async def main():
        async with at_the_stage([WEATHER], ["I don't know."], ["It rains."]) as scene:
            await spoken_to(scene)
            await scene.say(0.96)
            await scene.wait(0.2)
            ask(scene, ReturnFromTool("theirs", "rain"), GoOn())
            await scene.wait(3)
            assert texts(scene) == ["It rains."]
            assert scene.engines.log[2:] == ["reply 2", "discard 2", "reply 3", "keep 3"]

    run(main())


def test_an_interruption_keeps_what_was_heard_and_what_was_called() -> None:
    async def main():
        async with at_the_stage([LONG, CLOCK], ["Never mind, then."]) as scene:
            await spoken_to(scene)
            await scene.say(2.5)
            assert scene.client.of(ReplyDone)[0].status == "cancelled"
            await scene.wait(5)
            assert scene.functions.ended == ["clock"]
            [exchange] = past(scene, 2)
            assert LONG.startswith(exchange.agent)
            assert exchange.agent != LONG
            assert exchange.tools == (ToolUse(CLOCK, "noon"),)
            assert len(scene.engines.conversations) == 2  # and that was the answer to both

    run(main())


def test_a_reply_before_the_result_knows_of_the_call_and_the_result_follows() -> None:
    async def main():
        answers = [CLOCK], ["Still looking."], ["It is noon."]
        async with at_the_stage(*answers, clock_s=8) as scene:
            await spoken_to(scene)
            await spoken_to(scene)
            assert past(scene, 2)[0].tools == (ToolUse(CLOCK, None),)
            await scene.wait(9)
            assert texts(scene) == ["Still looking.", "It is noon."]
            assert past(scene, 3) == (
                Exchange("", "", 1, (ToolUse(CLOCK, "noon"),)),
                Exchange("", "Still looking.", 2),
            )

    run(main())


def test_a_client_that_never_answers_does_not_stop_the_conversation() -> None:
    async def main():
        answers = [WEATHER], ["I could not find out."], ["Yes?"]
        async with at_the_stage(*answers, config={"agent.tool_s": 4.0}) as scene:
            await spoken_to(scene)
            await scene.wait(6)
            [given_up] = scene.client.of(ToolGivenUp)
            assert json.loads(given_up.output) == {"error": "no result within 4 s"}
            assert texts(scene) == ["I could not find out."]
            assert past(scene, 2)[0].tools == (ToolUse(WEATHER, given_up.output),)
            ask(scene, ReturnFromTool("theirs", "rain"), GoOn())  # at last, and twice
            ask(scene, ReturnFromTool("theirs", "rain"), GoOn())
            await scene.wait(3)
            assert len(scene.engines.conversations) == 2
            await spoken_to(scene)
            assert past(scene, 3)[0].tools == (ToolUse(WEATHER, given_up.output),)

    run(main())


def test_a_result_after_hang_up_goes_nowhere() -> None:
    async def main():
        async with at_the_stage(["One moment.", CLOCK, WEATHER], clock_s=30) as scene:
            await spoken_to(scene)
            ask(scene, HangUp())
            ask(scene, ReturnFromTool("theirs", "rain"), GoOn())
            await scene.wait(60)
            assert len(scene.engines.conversations) == 1
            assert scene.functions.ended == []
            assert scene.line.reasons == [EndReason.CALLER]

    run(main())


def test_results_of_several_functions_are_one_answer() -> None:
    async def main():
        async with at_the_stage([CLOCK, WEATHER], ["Noon, and rain."]) as scene:
            await spoken_to(scene)
            ask(scene, ReturnFromTool("theirs", "rain"), GoOn())
            await scene.wait(1)
            assert len(scene.engines.conversations) == 1
            await scene.wait(5)
            assert texts(scene) == ["Noon, and rain."]
            uses = ToolUse(CLOCK, "noon"), ToolUse(WEATHER, "rain")
            assert past(scene, 2)[0].tools == uses

    run(main())


def test_a_result_may_lead_to_another_call() -> None:
    async def main():
        again = ToolCall("own2", "clock", "{}")
        async with at_the_stage([CLOCK], [again], ["Still noon."]) as scene:
            await spoken_to(scene)
            await scene.wait(9)
            assert texts(scene) == ["Still noon."]
            assert [exchange.tools for exchange in past(scene, 3)] == [
                (ToolUse(CLOCK, "noon"),),
                (ToolUse(again, "noon"),),
            ]

    run(main())


def test_calls_without_end_are_stopped_until_the_caller_speaks() -> None:
    async def main():
        calls = [[ToolCall(f"own{n}", "clock", "{}")] for n in range(20)]
        async with at_the_stage(*calls, clock_s=0.1) as scene:
            await spoken_to(scene)
            await scene.wait(9)
            offered = [len(told.tools) for told in scene.engines.conversations]
            assert offered[:8] == [2] * 8
            assert offered[-1] == 0
            assert len(offered) < 12
            await spoken_to(scene)
            await scene.wait(1)
            assert scene.engines.conversations[len(offered)].tools
            assert len(scene.functions.log) > len(offered)

    run(main())


def test_a_brain_that_fails_after_its_call_costs_an_apology_and_no_result() -> None:
    async def main():
        async with at_the_stage([CLOCK, EngineError("gone")], ["It is noon."]) as scene:
            await spoken_to(scene)
            await scene.wait(9)
            first, second = scene.client.of(ReplyDone)
            assert (first.status, second.status) == ("failed", "completed")
            assert past(scene, 2)[0].tools == (ToolUse(CLOCK, "noon"),)

    run(main())


def test_who_takes_turns_by_hand_is_answered_after_a_result() -> None:
    async def main():
        answers = [WEATHER], ["It rains."]
        async with at_the_stage(*answers, create_response=False) as scene:
            await spoken_to(scene)
            ask(scene, CreateReply())
            await scene.wait(1)
            ask(scene, ReturnFromTool("theirs", "rain"), GoOn())
            await scene.wait(2)
            assert texts(scene) == ["It rains."]

    run(main())


def test_cancelling_the_reply_is_silence_and_the_result_is_kept() -> None:
    async def main():
        async with at_the_stage([LONG, WEATHER], ["Yes?"]) as scene:
            await spoken_to(scene)
            ask(scene, ReturnFromTool("theirs", "rain"), GoOn())
            ask(scene, CancelCurrentReply())
            await scene.wait(5)
            assert len(scene.engines.conversations) == 1
            await spoken_to(scene)
            assert past(scene, 2)[0].tools == (ToolUse(WEATHER, "rain"),)

    run(main())


def test_a_caller_who_waits_hears_a_filler_once() -> None:
    async def main():
        answers = ["Let me see.", CLOCK], ["It is noon."]
        async with at_the_stage(*answers, clock_s=9, filler="One moment, please.") as scene:
            await spoken_to(scene)
            await scene.wait(12)
            assert texts(scene) == ["Let me see.", "One moment, please.", "It is noon."]
            [done, filler, _] = scene.client.when(ReplyDone)
            assert filler - done > 1.5  # of silence
            assert past(scene, 2) == (
                Exchange(
                    "",
                    "Let me see. One moment, please.",
                    1,
                    (ToolUse(CLOCK, "noon"),),
                    bridged=True,
                ),
            )

    run(main())


def test_a_result_cuts_the_filler_off() -> None:
    async def main():
        answers = [CLOCK], ["It is noon."]
        async with at_the_stage(*answers, clock_s=2, filler="One moment, please.") as scene:
            await spoken_to(scene)
            await scene.wait(3)
            filler = scene.client.of(ReplyDone)[1]
            assert (filler.status, filler.reason) == ("cancelled", "result_came")
            assert filler.unheard
            assert past(scene, 2)[0].agent == filler.heard
            assert scene.client.of(ReplyDone)[2].heard == "It is noon."

    run(main())


def test_who_waits_is_not_asked_whether_they_are_there() -> None:
    async def main():
        config = {"agent.tool_s": 60.0, "turns.silence_prompt_s": 5}
        async with at_the_stage([CLOCK], ["Noon."], clock_s=40, config=config) as scene:
            await spoken_to(scene)
            await scene.wait(39)
            assert texts(scene) == []
            await scene.wait(8)
            assert texts(scene) == ["Noon.", "Are you still there?"]

    run(main())


def test_who_types_is_answered_when_the_client_asks() -> None:
    async def main():
        async with at_the_stage(["It is noon."], ["Bye."]) as scene:
            await scene.wait(1)
            ask(scene, TypeText("what time is it?"))
            await scene.wait(2)
            assert scene.engines.conversations == []
            ask(scene, CreateReply())
            await scene.wait(3)
            assert texts(scene) == ["It is noon."]
            assert past(scene, 1) == (Exchange("what time is it?", "", 1),)
            await spoken_to(scene)
            assert past(scene, 2) == (Exchange("what time is it?", "It is noon.", 1),)

    run(main())


def test_who_types_is_there_and_is_not_hung_up_on() -> None:
    async def main():
        answers = ["One."], ["Two."], ["Three."]
        config = {"turns.silence_prompt_s": 5, "turns.silence_prompts": 1}
        async with at_the_stage(*answers, config=config) as scene:
            for _ in answers:
                await scene.wait(8)
                ask(scene, TypeText("go on"), CreateReply())
            await scene.wait(3)
            there = scene.config.agent.still_there
            assert texts(scene) == [there, "One.", there, "Two.", there, "Three."]
            await scene.wait(20)
            assert texts(scene)[-1] == scene.config.agent.goodbye

    run(main())


def test_who_types_while_the_agent_speaks_is_not_forgotten() -> None:
    async def main():
        async with at_the_stage([LONG], ["Yes."]) as scene:
            await spoken_to(scene)
            ask(scene, TypeText("stop"), CancelCurrentReply(), CreateReply())
            await scene.wait(3)
            first, second = past(scene, 2)
            assert LONG.startswith(first.agent)
            assert second == Exchange("stop", "", 2)

    run(main())
