"""Whatever caller, client, engines and functions do, in whatever order: laws of a whole call.

All is real but the models and the wire, in virtual time; see stage.py.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import stage

from agent import notices as nt
from agent import requests as rq
from agent.engines import Act, Action, Heard, ToolCall
from agent.errors import EngineError
from agent.requests import CallSettings
from agent.virtual_time import run

LONG = "one two three four five six seven eight nine ten."
FOR_EVER_S = 2000.0  # nobody says anything any more: all that was under way is over long before
FUNCTIONS = ("theirs", "own", "unknown")

PIECES = st.lists(
    st.one_of(
        st.sampled_from([0.02, 0.3, 1.5]),  # seconds to think
        st.sampled_from([LONG, "Yes. ", "No, "]),
        st.sampled_from([Heard("mm-hm"), Heard("stop that")]),
        st.sampled_from(list(Action)).map(Act),
        st.sampled_from(FUNCTIONS),
        st.just(EngineError("the brain is gone")),
    ),
    max_size=5,
)
REQUESTS = [
    rq.CreateReply(),
    rq.GoOn(),
    rq.CancelCurrentReply(),
    rq.ClearUtterance(),
    rq.TypeText("typed"),
    rq.HangUp(),
    *(rq.ChangeSettings(CallSettings(create_response=does)) for does in (False, True)),
    *(rq.ChangeSettings(CallSettings(interrupt_response=does)) for does in (False, True)),
    rq.ChangeSettings(CallSettings(end_of_turn_ms=700)),
]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from([0.06, 0.1, 0.16, 0.3, 0.8, 1.4])),
        st.tuples(st.just("wait"), st.sampled_from([0.02, 0.1, 0.2, 0.36, 0.6, 2.0, 11.0])),
        st.tuples(st.just("stall"), st.sampled_from([0.03, 0.2, 0.7])),
        st.tuples(st.just("ask"), st.sampled_from(REQUESTS)),
        st.tuples(st.just("truncate"), st.sampled_from([0, 100, 700, 9000])),
        st.tuples(st.just("answer"), st.none()),
    ),
    min_size=5,
    max_size=18,
)


@dataclass
class PacketLeft:
    turn: int


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(PIECES, max_size=6),
    STEPS,
    st.sampled_from(["", "Good evening, what can I do for you today?"]),
    st.sampled_from([0, 300]),
)
def test_any_call(answers, steps, greeting, withdraw_ms) -> None:
    config = {
        "agent.greeting": greeting,
        "turns.withdraw_ms": withdraw_ms,
        "agent.tool_filler_s": 1.0,
    }
    offered = (("theirs", "What they do.", "{}"),)

    async def main():
        scenery = stage(
            *numbered(answers), config=config, functions={"own": (0.7, "noon")}, tools=offered
        )
        async with scenery as scene:
            memory = scene.call._memory
            note_packets(scene)
            for step in steps:
                await play(scene, *step)
            await scene.wait(1)
            await asyncio.sleep(FOR_EVER_S)
            assert scene.call.ended, "nobody speaks, and the call goes on"
            notices = [notice for _, notice in scene.client.notices]
            the_end_is_told_once_and_last(notices)
            replies_are_told_in_order(notices, scene.config.agent.apology)
            utterances_are_told_in_order(notices)
            what_was_heard_is_remembered(memory, notices)
            each_reply_is_kept_or_discarded_once(scene.engines.log)

    run(main())


def numbered(answers):
    """With function calls that have an id each."""
    number = 0
    for answer in answers:
        pieces = []
        for piece in answer:
            if piece in FUNCTIONS:
                number += 1
                pieces.append(ToolCall(f"call{number}", piece, "{}"))
            else:
                pieces.append(piece)
        yield pieces


def note_packets(scene) -> None:
    told = scene.playout.on_left

    def left(turn, samples, now):
        told(turn, samples, now)
        scene.client.notices.append((now, PacketLeft(turn)))

    scene.playout.on_left = left


async def play(scene, what, value) -> None:
    match what:
        case "say":
            await scene.say(value)
        case "wait":
            await scene.wait(value)
        case "stall":
            asyncio.get_running_loop().now += value
        case "ask":
            ask(scene, value)
        case "truncate":
            if started := scene.client.of(nt.ReplyStarted):
                ask(scene, rq.TruncateReply(started[-1].turn, value))
        case "answer":
            for called in scene.client.of(nt.ToolCalled):
                ask(scene, rq.ReturnFromTool(called.call_id, "done"), rq.GoOn())


def ask(scene, *requests) -> None:
    scene.client.requests = list(requests)
    scene.call.message("")


def the_end_is_told_once_and_last(notices) -> None:
    """Killed: a client that truncates a reply after the end is answered."""
    told = [notice for notice in notices if not isinstance(notice, PacketLeft)]
    assert [n for n in told if isinstance(n, nt.CallEnding)] == told[-1:]


def replies_are_told_in_order(notices, apology) -> None:
    """One at a time, from start to end; nothing of any other is told or heard."""
    under_way, over, texts = 0, set(), {}
    for notice in notices:
        match notice:
            case nt.ReplyStarted(turn):
                assert not under_way and turn not in over
                under_way, texts[turn] = turn, ""
            case nt.ReplyText(turn, delta):
                assert turn == under_way
                texts[turn] += delta
            case nt.ReplyAudioStarted(turn) | nt.TurnMeasured(turn) | nt.ToolCalled(turn):
                assert turn == under_way
            case PacketLeft(turn):
                assert turn == under_way
            case nt.ReplyDone(turn):
                assert turn == under_way
                under_way = 0
                over.add(turn)
                if apology not in texts[turn]:  # what failed was not said
                    assert (notice.heard + notice.unheard).split() == texts[turn].split()
            case nt.TurnWithdrawn(turn):
                assert turn in over
    assert not under_way


def utterances_are_told_in_order(notices) -> None:
    """Each is committed or forgotten, or is under way when the call ends."""
    stages: dict[int, str] = {}

    def move(number, before, after):
        assert stages.get(number) == before, (number, stages)
        stages[number] = after

    for notice in notices:
        match notice:
            case nt.UtteranceStarted(number):
                assert "started" not in stages.values()
                move(number, None, "started")
            case nt.UtteranceStopped(number):
                move(number, "started", "stopped")
            case nt.UtteranceCommitted(number):
                move(number, "stopped", "committed")
            case nt.UtteranceForgotten(number):
                move(number, "started", "forgotten")
            case nt.UtteranceTranscribed(number):
                assert number == 0 or stages[number] == "committed", (number, stages)


def what_was_heard_is_remembered(memory, notices) -> None:
    """Killed: a cut that changes no memory."""
    heard: dict[int, str] = {}
    for notice in notices:
        match notice:
            case nt.ReplyDone(turn) | nt.ReplyCut(turn):
                heard[turn] = notice.heard
            case nt.TurnWithdrawn(turn):
                del heard[turn]
    remembered = [word for exchange in memory.past for word in exchange.agent.split()]
    assert Counter(remembered) == Counter(" ".join(heard.values()).split())


def each_reply_is_kept_or_discarded_once(log) -> None:
    """Killed: words that are forgotten, and the draft of an answer to them is not."""
    asked = [line.split()[1] for line in log if line.startswith("reply")]
    settled = [line.split()[1] for line in log if line.startswith(("keep", "discard"))]
    assert Counter(asked) == Counter(settled)
