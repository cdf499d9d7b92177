"""The functions that replies call: one result each, one reply to them, whatever the order."""

import asyncio
import json

import pytest
from fakes import FakeFunctions
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.engines import Exchange, Tool, ToolCall
from agent.errands import Errands
from agent.events import ReplyOwed, ToolsCalled, ToolsReturned
from agent.memory import Memory
from agent.notices import ToolCalled, ToolGivenUp
from agent.virtual_time import run

WEATHER = Tool("weather", "Look outside.", "{}")
CALLED, RETURNED, OWED = ToolsCalled(), ToolsReturned(), ReplyOwed()
PATIENCE_S = 10


def own(n=1, name="clock"):
    return ToolCall(f"own{n}", name, "{}")


def theirs(n=1):
    return ToolCall(f"theirs{n}", "weather", '{"city": "Bonn"}')


class Scene:
    """Errands of a call in which the client offers `weather` and the operator has `clock`."""

    def __init__(self, **functions) -> None:
        self.functions = FakeFunctions(**(functions or {"clock": (2, "noon")}))
        self.memory, self.told, self.steps = Memory(), [], []
        self.errands = Errands(
            "rtc_1",
            self.functions,
            self.memory,
            self.told.append,
            self.steps.append,
            PATIENCE_S,
        )
        self.errands.offer([WEATHER])

    def calls(self, turn, *calls):
        """A reply of calls alone, prepared, released and over."""
        self.errands.told(turn)
        self.errands.released(turn)
        for call in calls:
            self.errands.begin(turn, call)
        self.memory.add(Exchange("", "", turn))

    def outputs(self):
        return {use.call.id: use.output for past in self.memory.past for use in past.tools}


def test_our_own_function_runs_and_the_agent_goes_on_by_itself() -> None:
    async def main():
        scene = Scene()
        scene.calls(1, own())
        await asyncio.sleep(1.9)
        assert scene.steps == [CALLED]
        assert scene.outputs() == {"own1": None}
        await asyncio.sleep(0.2)
        assert scene.steps == [CALLED, RETURNED, OWED]
        assert scene.outputs() == {"own1": "noon"}
        assert scene.functions.log == ["clock {}"]
        assert scene.told == []  # the client learns nothing of it

    run(main())


def test_the_clients_function_is_told_of_and_the_client_says_when_to_go_on() -> None:
    async def main():
        scene = Scene()
        scene.calls(1, theirs())
        assert scene.told == [ToolCalled(1, "theirs1", "weather", '{"city": "Bonn"}')]
        scene.errands.answer("theirs1", "rain")
        assert scene.outputs() == {"theirs1": "rain"}
        assert scene.steps == [CALLED, RETURNED]
        scene.errands.want()
        assert scene.steps == [CALLED, RETURNED, OWED]
        await asyncio.sleep(99)
        assert len(scene.steps) == 3

    run(main())


def test_a_client_that_never_answers_is_given_up_and_the_agent_goes_on(caplog) -> None:
    async def main():
        scene = Scene()
        scene.calls(1, theirs())
        await asyncio.sleep(PATIENCE_S + 0.1)
        output = scene.outputs()["theirs1"]
        assert json.loads(output) == {"error": "no result within 10 s"}
        assert "call rtc_1: a function of the client's brought no result" in caplog.text
        assert scene.told[1:] == [ToolGivenUp("theirs1", output)]
        assert scene.steps == [CALLED, RETURNED, OWED]
        scene.errands.answer("theirs1", "rain, at last")
        assert scene.outputs() == {"theirs1": output}
        assert len(scene.steps) == 3

    run(main())


def test_the_first_of_two_answers_counts() -> None:
    async def main():
        scene = Scene()
        scene.calls(1, theirs())
        scene.errands.answer("theirs1", "rain")
        scene.errands.answer("theirs1", "snow")
        scene.errands.answer("nobody", "fog")
        assert scene.outputs() == {"theirs1": "rain"}
        assert scene.steps == [CALLED, RETURNED]

    run(main())


def test_one_reply_to_all_results_however_they_come() -> None:
    async def main():
        scene = Scene()
        scene.calls(1, own(), theirs(1), theirs(2))
        scene.errands.answer("theirs1", "rain")
        scene.errands.want()  # clients ask after each result
        await asyncio.sleep(3)
        assert scene.steps == [CALLED] * 3
        scene.errands.answer("theirs2", "snow")
        assert scene.steps == [*[CALLED] * 3, RETURNED, OWED]
        scene.errands.told(2)
        scene.errands.released(2)
        scene.errands.want()  # of results that are being spoken of
        assert scene.steps == [*[CALLED] * 3, RETURNED, OWED]

    run(main())


def test_a_reply_prepared_before_a_result_is_no_answer_to_it() -> None:
    async def main():
        scene = Scene()
        scene.calls(1, theirs())
        scene.errands.told(2)
        scene.errands.answer("theirs1", "rain")
        scene.errands.released(2)
        scene.errands.want()
        assert scene.steps[-1] == OWED

    run(main())


def test_a_discarded_reply_is_no_answer_either() -> None:
    async def main():
        scene = Scene()
        scene.calls(1, theirs())
        scene.errands.answer("theirs1", "rain")
        scene.errands.told(2)
        scene.errands.told(3)
        scene.errands.released(2)
        scene.errands.want()
        assert scene.steps[-1] == OWED

    run(main())


def test_a_reply_that_is_tried_out_and_knows_the_result_is_the_answer() -> None:
    """It is released when it stands. Killed: a client's `response.create` 0.5 s after the
    caller's words was answered twice.
    """

    async def main():
        scene = Scene()

        def step(event):
            scene.steps.append(event)
            if event == RETURNED:
                scene.errands.released(2)

        scene.errands._step = step
        scene.calls(1, theirs())
        scene.errands.answer("theirs1", "rain")
        scene.errands.told(2)  # the caller spoke meanwhile
        scene.errands.want()
        assert scene.steps == [CALLED, RETURNED, RETURNED]

    run(main())


def test_a_function_that_nobody_has_is_answered_at_once() -> None:
    async def main():
        scene = Scene()
        scene.calls(1, ToolCall("x", "fly", "{}"))
        await asyncio.sleep(0.1)
        assert json.loads(scene.outputs()["x"]) == {"error": "there is no function fly"}
        assert scene.steps == [CALLED, RETURNED, OWED]
        assert scene.told == []

    run(main())


def test_the_operators_functions_come_before_the_clients() -> None:
    async def main():
        scene = Scene()
        scene.errands.offer([Tool("clock", "Mine!", "{}"), WEATHER])
        assert [tool.name for tool in scene.errands.tools] == ["clock", "weather"]
        assert scene.errands.tools[0].description == "What clock does."
        scene.errands.offer([])
        assert [tool.name for tool in scene.errands.tools] == ["clock"]

    run(main())


def test_a_call_id_is_used_once() -> None:
    async def main():
        scene = Scene()
        scene.calls(1, own(1))
        scene.calls(2, own(1))
        await asyncio.sleep(3)
        assert scene.functions.log == ["clock {}"]

    run(main())


def test_calls_that_lead_to_calls_come_to_an_end() -> None:
    async def main():
        scene = Scene(clock=(0.1, "noon"))
        for n in range(1, 20):
            scene.calls(n, own(n))
            await asyncio.sleep(1)
        assert 8 <= len(scene.functions.log) <= 9
        assert scene.errands.tools == ()
        scene.errands.caller_spoke()
        assert [tool.name for tool in scene.errands.tools] == ["clock", "weather"]
        scene.calls(20, own(20))
        await asyncio.sleep(1)
        assert scene.outputs()["own20"] == "noon"

    run(main())


def test_after_the_call_results_go_nowhere() -> None:
    async def main():
        scene = Scene()
        scene.calls(1, own(), theirs())
        await asyncio.sleep(1)
        scene.errands.close()
        scene.errands.answer("theirs1", "rain")
        await asyncio.sleep(99)
        assert scene.steps == [CALLED, CALLED]
        assert scene.outputs() == {"own1": None, "theirs1": None}
        assert scene.functions.ended == []

    run(main())


def test_a_result_after_its_exchange_was_forgotten_is_dropped() -> None:
    async def main():
        scene = Scene()
        scene.memory = Memory(exchanges=1)
        scene.errands = Errands(
            "rtc_1",
            scene.functions,
            scene.memory,
            scene.told.append,
            scene.steps.append,
            PATIENCE_S,
        )
        scene.calls(1, own())
        scene.memory.add(Exchange("never mind", "Fine.", 2))
        await asyncio.sleep(3)
        assert scene.memory.past == (Exchange("never mind", "Fine.", 2),)

    run(main())


HAPPENINGS = st.sampled_from(["answer1", "answer2", "want", "wait", "reply"])


@pytest.mark.parametrize("calls", [(theirs(1),), (theirs(1), theirs(2)), (own(), theirs(1))])
@given(happenings=st.lists(HAPPENINGS, max_size=8))
@settings(max_examples=60)
def test_each_call_has_one_result_and_each_result_one_reply(calls, happenings) -> None:
    """Whatever client and time do: no reply is owed that would know nothing new, and whoever
    asks in the end has been told everything.

    Killed: a reply that is owed to results which a released one knows.
    """

    async def main():
        scene = Scene()
        turn = knows = 0

        def results():
            return sum(output is not None for output in scene.outputs().values())

        def reply(*calls):
            nonlocal turn, knows
            turn, knows = turn + 1, results()
            scene.calls(turn, *calls)

        def go_on():
            if scene.steps[-1] == OWED:
                assert knows < results()
                scene.steps.append("replied")
                reply()

        reply(*calls)
        for happening in happenings:
            match happening:
                case "want":
                    scene.errands.want()
                case "wait":
                    await asyncio.sleep(1)
                case "reply":
                    reply()
                case answer:
                    scene.errands.answer(f"theirs{answer[-1]}", answer)
            go_on()
        await asyncio.sleep(2 * PATIENCE_S)
        go_on()
        scene.errands.want()
        go_on()
        assert knows == results() == len(calls)
        assert scene.steps.count(CALLED) == len(calls) and scene.steps.count(RETURNED) == 1
        uses = [use for past in scene.memory.past for use in past.tools]
        assert [use.call for use in uses] == list(calls)

    run(main())
