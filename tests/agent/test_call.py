"""One call from beginning to end in virtual time: all real but the models and the wire."""

import asyncio

import numpy as np
import pytest
from fakes import FakeAdviser, LoudnessVad
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import VOICE, stage

from agent.engines import Act, Action, Exchange, Heard, Sense, ToolCall
from agent.errors import EngineError
from agent.events import EndReason
from agent.notices import (
    CallEnding,
    ReplyAudioStarted,
    ReplyDone,
    ReplyStarted,
    ReplyText,
    StateChanged,
    TurnMeasured,
    TurnWithdrawn,
    UtteranceCommitted,
    UtteranceForgotten,
    UtteranceStarted,
    UtteranceStopped,
    UtteranceTranscribed,
)
from agent.requests import (
    CallSettings,
    CancelCurrentReply,
    ChangeSettings,
    ClearUtterance,
    CreateReply,
    HangUp,
    NoteMute,
    TruncateReply,
)
from agent.virtual_time import run

LONG = "one two three four five six seven eight nine ten."  # 2.5 s as the fake voice speaks


def kinds(scene):
    return [
        type(n).__name__ for _, n in scene.client.notices if not isinstance(n, StateChanged)
    ]


def test_a_turn_from_the_first_word_to_the_last() -> None:
    async def main():
        async with stage([Heard("what time is it"), "It is noon."]) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(3)
            assert kinds(scene) == [
                "UtteranceStarted",
                "UtteranceStopped",
                "UtteranceCommitted",
                "ReplyStarted",
                "UtteranceTranscribed",
                "ReplyText",
                "ReplyAudioStarted",
                "TurnMeasured",
                "ReplyDone",
            ]
            [done] = scene.client.of(ReplyDone)
            assert done == ReplyDone(1, "completed", "", "It is noon.", "", 750)
            assert scene.engines.log == ["reply 1", "keep 1"]

    run(main())


def test_the_brain_is_told_what_to_expect_before_it_hears() -> None:
    async def main():
        async with stage(["One."], ["Two."]) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(2)
            await scene.say(0.96)
            await scene.wait(2)
            assert [c.past for c in scene.engines.expected] == [(), (Exchange("", "One.", 1),)]
            assert [c.turn for c in scene.engines.conversations] == [1, 2]

    run(main())


def test_a_transcript_that_comes_late_is_told_and_remembered() -> None:
    async def main():
        async with stage(["One."], ["Two."]) as scene:
            scene.engines.transcripts = [(5.0, "hello"), (0.0, "bye")]
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(2)
            assert scene.client.of(UtteranceTranscribed) == []
            await scene.wait(4)
            assert scene.client.of(UtteranceTranscribed) == [UtteranceTranscribed(1, "hello")]
            await scene.say(0.96)
            await scene.wait(2)
            assert scene.engines.conversations[1].past == (Exchange("hello", "One.", 1),)
            assert scene.client.of(UtteranceTranscribed)[1:] == [UtteranceTranscribed(2, "bye")]

    run(main())


def test_a_transcript_that_fails_harms_nothing() -> None:
    async def main():
        async with stage(["One."]) as scene:
            scene.engines.transcripts = [(0.0, EngineError("no ear"))]
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(2)
            assert scene.client.of(UtteranceTranscribed) == []
            assert [done.status for done in scene.client.of(ReplyDone)] == ["completed"]

    run(main())


def test_a_transcript_under_way_ends_with_the_call() -> None:
    async def main():
        async with stage(["One."]) as scene:
            scene.engines.transcripts = [(60.0, "hello")]
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(2)
            scene.call.end(EndReason.CALLER)
            await scene.wait(100)
            assert scene.client.of(UtteranceTranscribed) == []

    run(main())


def test_the_answer_leaves_when_the_wait_is_over_and_not_before() -> None:
    async def main():
        async with stage(config={"turns.end_of_turn_ms": 400}) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            silent = scene.now
            await scene.wait(2)
            [measured] = scene.client.of(TurnMeasured)
            assert 400 <= measured.latency_ms <= 460  # and what the windows' grid adds
            first = min(at for at, level in scene.heard if level > 0)
            assert 0.400 <= first - silent <= 0.460

    run(main())


def test_the_brain_hears_the_first_syllable_and_every_pause() -> None:
    async def main():
        async with stage(config={"vad.preroll_ms": 300}) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(0.2)
            preroll_s = scene.engines.heard_samples / 16_000 - 0.96 - 0.2
            assert 0.25 <= preroll_s <= 0.31

    run(main())


def test_nothing_of_a_discarded_reply_leaves() -> None:
    async def main():
        async with stage(["Too early."], ["Right."]) as scene:
            await scene.say(0.64)
            await scene.wait(0.3)
            await scene.say(0.64)
            assert scene.engines.spoken == ["Too early."]
            assert scene.engines.log == ["reply 1", "discard 1"]
            await scene.wait(2)
            assert [text.delta for text in scene.client.of(ReplyText)] == ["Right."]
            assert [r.turn for r in scene.client.of(ReplyStarted)] == [2]
            assert len(scene.client.of(UtteranceStarted)) == 1

    run(main())


def test_speculation_costs_no_time_after_the_wait() -> None:
    """A brain that thinks for 300 ms is ready when a wait of 420 ms is over."""

    async def main():
        async with stage([0.3, "Ready."]) as scene:
            await scene.wait(0.5)
            await scene.say(0.64)
            await scene.wait(2)
            assert scene.client.of(TurnMeasured)[0].latency_ms < 480

    run(main())


async def waited_ms(*answers, pause_s=0.0, config=None):
    """What each answer took, to a caller who trails off and may pause within the turn."""
    config = {"turns.end_of_turn_ms": 0, "turns.eagerness": "low", **(config or {})}
    async with stage(*answers, config=config) as scene:
        await scene.wait(1)
        if pause_s:
            await scene.say(0.64)
            await scene.wait(pause_s)
        await scene.say(0.6)
        await scene._feed(0.36, 0.3)
        await scene.wait(3)
        return [measured.latency_ms for measured in scene.client.of(TurnMeasured)]


def test_a_complete_request_is_answered_sooner_and_an_incomplete_one_later() -> None:
    """By the meaning, of which the brain tells first; it is not kept until the release."""

    async def main():
        [plain] = await waited_ms(["Noon."])
        [complete] = await waited_ms([Sense(0.95), "Noon."])
        [beginning] = await waited_ms([Sense(0.05), "Noon."])
        assert complete <= plain - 40
        assert beginning >= plain + 100
        assert await waited_ms([Sense(0.5), "Noon."]) == [plain]

    run(main())


def test_what_the_brain_makes_of_a_pause_is_asked_for_by_nobody_who_set_a_fixed_wait() -> None:
    async def main():
        fixed = {"turns.end_of_turn_ms": 300}
        [plain] = await waited_ms(["Noon."], config=fixed)
        for odds in (0.01, 0.99):
            assert await waited_ms([Sense(odds), "Noon."], config=fixed) == [plain]

    run(main())


def test_what_was_made_of_one_pause_says_nothing_of_the_next() -> None:
    """Killed: "what time" that is held against "what time is it"."""

    async def main():
        plain = await waited_ms(["Too early."], ["Noon."], pause_s=0.1)
        for early in ([Sense(0.05), "No."], [0.09, Sense(0.05), "No."], [0.5, Sense(0.05)]):
            assert await waited_ms(early, ["Noon."], pause_s=0.1) == plain

    run(main())


@pytest.mark.parametrize(("fixed_ms", "answered"), [(200, True), (700, False)])
def test_a_pause_that_was_answered_is_given_again_and_no_other(fixed_ms, answered) -> None:
    """Killed: pauses that only would have been answered, had the wait not been fixed then."""

    async def main():
        config = {"turns.end_of_turn_ms": fixed_ms}
        async with stage([Sense(0.97)], [Sense(0.97), "Noon."], config=config) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(0.36)
            ask(scene, ChangeSettings(CallSettings(end_of_turn_ms=0)))
            await scene.say(0.96)
            await scene.wait(3)
            assert len(scene.client.of(UtteranceCommitted)) == 1 + answered
            [measured] = scene.client.of(TurnMeasured)
            assert (measured.latency_ms > 300) == answered

    run(main())


def test_a_brain_that_tells_late_is_heeded_late() -> None:
    async def main():
        [plain] = await waited_ms(["Noon."])
        [late] = await waited_ms([0.12, Sense(0.95), "Noon."])
        [prompt] = await waited_ms([Sense(0.95), "Noon."])
        assert prompt < late < plain

    run(main())


def test_an_interruption_silences_and_is_remembered_as_heard() -> None:
    async def main():
        async with stage([Heard("count"), LONG], ["Yes?"]) as scene:
            await scene.wait(0.5)
            await scene.say(0.64)
            await scene.wait(1.8)
            began = scene.now
            await scene.say(0.8)
            [done] = scene.client.of(ReplyDone)
            assert (done.status, done.reason) == ("cancelled", "turn_detected")
            assert done.heard + done.unheard == LONG
            assert 3 <= len(done.heard.split()) <= 8
            assert not scene.sound_between(began + 0.35, scene.now)
            await scene.wait(1.5)
            assert scene.engines.conversations[-1].past == (Exchange("count", done.heard, 1),)
            assert scene.client.of(ReplyDone)[-1].heard == "Yes?"

    run(main())


def test_mm_hm_costs_no_word() -> None:
    async def main():
        async with stage([LONG], config={"turns.barge_in_ms": 400}) as scene:
            await scene.wait(0.5)
            await scene.say(0.64)
            await scene.wait(1.2)
            await scene.say(0.3)
            await scene.wait(4)
            [done] = scene.client.of(ReplyDone)
            assert (done.status, done.heard) == ("completed", LONG)
            assert "forget" in scene.engines.log
            assert len(scene.client.of(UtteranceStarted)) == 1

    run(main())


async def spoken_over(scene, seconds):
    """A reply has been heard for a while, and something is said over it; when it began."""
    await scene.wait(0.5)
    await scene.say(0.64)
    await scene.wait(1.2)
    began = scene.now
    await scene.say(seconds)
    return began


def over(scene, began):
    """Levels of the packets since then, (seconds, level)."""
    return [(at - began, level) for at, level in scene.heard if at > began]


def test_the_reply_grows_softer_at_once_and_as_loud_as_before_when_it_was_nothing() -> None:
    async def main():
        async with stage([LONG]) as scene:
            began = await spoken_over(scene, 0.1)
            await scene.wait(4)
            soft = [at for at, level in over(scene, began) if 0 < level < 0.03]
            assert soft[0] < 0.1
            assert soft[-1] < 0.3
            [done] = scene.client.of(ReplyDone)
            assert (done.status, done.heard, done.audio_ms) == ("completed", LONG, 2500)

    run(main())


def test_a_reply_stops_for_a_word_or_two_and_goes_on_where_it_stopped() -> None:
    async def main():
        async with stage([Heard("count"), LONG]) as scene:
            began = await spoken_over(scene, 0.4)
            assert not scene.sound_between(began + 0.3, scene.now)
            await scene.wait(0.5)
            assert scene.sound_between(began + 0.6, scene.now)
            await scene.wait(4)
            [done] = scene.client.of(ReplyDone)
            assert (done.status, done.heard, done.audio_ms) == ("completed", LONG, 2500)
            assert scene.engines.log == [
                *("reply 1", "keep 1", "reply 2", "discard 2", "forget"),
            ]
            assert len(scene.client.of(UtteranceStarted)) == 1  # the client saw no item
            assert scene.client.of(UtteranceForgotten) == []
            states = [each.state for each in scene.client.of(StateChanged)]
            assert states[-4:] == ["replying", "overlap", "replying", "listening"]

    run(main())


def test_a_word_to_an_agent_that_still_thinks_is_a_turn() -> None:
    async def main():
        async with stage([5.0, LONG], ["Yes?"]) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(1.5)  # the answer was let out, and there is no sound of it yet
            await scene.say(0.4)
            await scene.wait(3)
            assert scene.engines.log == ["reply 1", "keep 1", "reply 2", "keep 2"]
            assert [done.heard for done in scene.client.of(ReplyDone)] == ["", "Yes?"]

    run(main())


def test_words_that_only_agree_let_it_go_on_sooner() -> None:
    async def main():
        gone_on = []
        for said in ("(nothing)", "Okay."):
            async with stage([LONG], [Heard(said), "Sorry?"]) as scene:
                began = await spoken_over(scene, 0.4)
                await scene.wait(1)
                sounds = [at for at, level in over(scene, began) if level > 0]
                gone_on.append(min(at for at in sounds if at > 0.35))
        assert gone_on[1] < gone_on[0] - 0.1

    run(main())


@pytest.mark.parametrize("said", ["(nothing)", "Okay.", "mm-hm"])
def test_whether_words_over_a_reply_are_whole_does_not_decide_if_they_are_a_turn(said) -> None:
    async def main():
        results = []
        for sense in ([], [Sense(0.99)], [Sense(0.01)]):
            config = {"turns.end_of_turn_ms": 0}
            answers = [LONG], [*sense, Heard(said), "Sorry?"]
            async with stage(*answers, config=config) as scene:
                began = await spoken_over(scene, 0.4)
                await scene.wait(4)
                left = [(round(at, 3), level) for at, level in over(scene, began)]
                results.append((left, kinds(scene), scene.engines.log))
        assert results[0] == results[1] == results[2]

    run(main())


def test_the_brain_is_told_what_was_said_over_a_reply_and_nothing_else_is() -> None:
    """Killed: telling it of the draft after a reply that was cut."""

    async def main():
        async with stage([LONG], [Heard("Okay.")], [LONG], ["Yes?"]) as scene:
            await spoken_over(scene, 0.4)
            await scene.wait(1)
            await scene.say(1.2)  # ends the reply, and is a turn
            await scene.wait(2)
            told = [(each.turn, each.over_reply) for each in scene.engines.conversations]
            assert told == [(1, False), (2, True), (3, False)]
            assert not any(each.over_reply for each in scene.engines.expected)

    run(main())


def test_a_word_that_wants_an_answer_ends_the_reply() -> None:
    async def main():
        async with stage([Heard("count"), LONG], [Heard("Stop."), "As you wish."]) as scene:
            await spoken_over(scene, 0.4)
            await scene.wait(3)
            first, second = scene.client.of(ReplyDone)
            assert (first.status, first.reason) == ("cancelled", "turn_detected")
            assert second.heard == "As you wish."
            assert scene.engines.log == ["reply 1", "keep 1", "reply 2", "keep 2"]
            # the answer was thought of while the first was held, and knew what of it was heard
            assert scene.engines.conversations[1].past == (Exchange("count", first.heard, 1),)
            assert kinds(scene).count("UtteranceCommitted") == 2
            assert kinds(scene).index("ReplyDone") < kinds(scene).index("UtteranceStarted", 4)

    run(main())


@pytest.mark.parametrize(("after_s", "ended"), [(0.1, 1), (0.4, 1), (0.8, 0)])
def test_words_count_only_until_the_reply_has_gone_on(after_s, ended) -> None:
    """Killed: going on before a busy brain has said a thing, and waiting for it for ever."""

    async def main():
        async with stage([LONG], [after_s, Heard("Stop."), "As you wish."]) as scene:
            await spoken_over(scene, 0.4)
            await scene.wait(1.5)
            done = [each.status for each in scene.client.of(ReplyDone)]
            assert done.count("cancelled") == ended
            assert scene.engines.conversations[1].over_reply

    run(main())


def test_hanging_up_while_a_reply_is_held_leaves_nothing() -> None:
    async def main():
        async with stage([LONG]) as scene:
            await spoken_over(scene, 0.4)
            await scene.wait(0.1)
            scene.call.end(EndReason.CALLER)
            [done] = scene.client.of(ReplyDone)
            assert (done.turn, done.reason) == (1, "call_ended")

    run(main())


def test_where_speech_does_not_interrupt_it_makes_nothing_softer() -> None:
    async def main():
        async with stage([LONG], interrupt_response=False) as scene:
            began = await spoken_over(scene, 0.8)
            assert all(level > 0.09 for _, level in over(scene, began)[:-3])

    run(main())


@pytest.mark.parametrize("goes_on", [False, True])
def test_an_answer_that_is_withdrawn_does_nothing_to_the_call(goes_on) -> None:
    async def main():
        config = {"turns.end_of_turn_ms": 200, "turns.withdraw_ms": 400}
        answer = [Act(Action.HANG_UP), Act(Action.LOUDER), "Good bye then."]
        async with stage(answer, ["Still here."], config=config) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(0.4)
            if goes_on:
                await scene.say(0.96)
            await scene.wait(3)
            assert scene.line.reasons == ([] if goes_on else [EndReason.AGENT])
            loudest = max(level for _, level in scene.heard)
            assert (loudest > 0.14) is not goes_on

    run(main())


def test_the_agent_greets_as_on_the_telephone() -> None:
    async def main():
        async with stage(config={"agent.greeting": "Good morning."}) as scene:
            await scene.wait(2)
            assert kinds(scene) == [
                "ReplyStarted",
                "ReplyText",
                "ReplyAudioStarted",
                "ReplyDone",
            ]
            assert scene.heard[0][0] < 0.1

    run(main())


def test_silence_is_asked_about_and_then_ends_the_call() -> None:
    async def main():
        config = {"turns.silence_prompt_s": 5, "turns.silence_prompts": 1}
        async with stage(config=config) as scene:
            await scene.wait(20)
            texts = [text.delta for text in scene.client.of(ReplyText)]
            agent = scene.config.agent
            assert texts == [agent.still_there, agent.goodbye]
            assert scene.line.reasons == [EndReason.SILENCE]
            assert scene.client.of(CallEnding) == [CallEnding(EndReason.SILENCE)]

    run(main())


def test_goodbye_ends_the_call_after_the_last_word_was_heard() -> None:
    async def main():
        async with stage([Act(Action.HANG_UP), "Goodbye then."]) as scene:
            await scene.wait(0.5)
            await scene.say(0.64)
            await scene.wait(3)
            assert scene.line.reasons == [EndReason.AGENT]
            [done] = scene.client.of(ReplyDone)
            assert (done.status, done.heard) == ("completed", "Goodbye then.")

    run(main())


def test_an_action_of_a_discarded_reply_is_not_done() -> None:
    async def main():
        async with stage([Act(Action.HANG_UP), "Bye."], ["I stay."]) as scene:
            await scene.say(0.64)
            await scene.wait(0.3)
            await scene.say(0.64)
            await scene.wait(3)
            assert scene.line.reasons == []

    run(main())


def test_louder_and_faster_hold_for_the_next_reply() -> None:
    async def main():
        answers = ["One."], [Act(Action.LOUDER), Act(Action.FASTER), "Louder."], ["Two."]
        async with stage(*answers) as scene:
            for _ in answers:
                await scene.say(0.64)
                await scene.wait(2)
            levels = [
                max(level for at, level in scene.heard if a < at < a + 1)
                for a in scene.client.when(ReplyAudioStarted)
            ]
            assert levels[2] > 1.3 * levels[0]
            assert scene.engines.styles[2].speed > scene.engines.styles[0].speed

    run(main())


def test_on_hold_nobody_is_asked_anything() -> None:
    async def main():
        config = {"turns.silence_prompt_s": 5}
        async with stage([Act(Action.HOLD), "I'll wait."], config=config) as scene:
            await scene.say(0.64)
            await scene.wait(60)
            assert len(scene.client.of(ReplyStarted)) == 1

    run(main())


def test_a_muted_caller_is_asked_nothing() -> None:
    async def main():
        async with stage("Yes.", config={"turns.silence_prompt_s": 5}) as scene:
            await scene.say(0.64)
            await scene.wait(2)
            ask(scene, NoteMute(True))
            await scene.wait(60)
            assert len(scene.client.of(ReplyStarted)) == 1
            ask(scene, NoteMute(False))
            await scene.wait(6)
            assert len(scene.client.of(ReplyStarted)) == 2

    run(main())


@pytest.mark.parametrize(
    "answer", [[EngineError("out of memory")], ["Well, ", EngineError("x")]]
)
def test_a_brain_that_fails_costs_an_apology_and_not_the_call(answer) -> None:
    async def main():
        async with stage(answer, ["Better."]) as scene:
            await scene.say(0.64)
            await scene.wait(6)
            [done] = scene.client.of(ReplyDone)
            assert (done.status, done.reason) == ("failed", str(answer[-1]))
            assert done.heard.endswith(scene.config.agent.apology)
            await scene.say(0.64)
            await scene.wait(2)
            assert scene.client.of(ReplyDone)[-1].heard == "Better."

    run(main())


def test_a_dead_voice_costs_silence_and_not_the_call(caplog) -> None:
    async def main():
        async with stage(["Hello."], ["Again."]) as scene:
            scene.engines.voice_error = EngineError("the voice died")
            await scene.say(0.64)
            await scene.wait(2)
            [done] = scene.client.of(ReplyDone)
            assert (done.status, done.heard) == ("failed", "")
            scene.engines.voice_error = None
            await scene.say(0.64)
            await scene.wait(2)
            assert scene.client.of(ReplyDone)[-1].heard == "Again."

    run(main())
    assert "the voice died" in caplog.text


def test_a_bug_in_the_voice_costs_silence_and_not_the_call(caplog) -> None:
    """Killed: an apology that fails otherwise than by an engine's error, and a reply that has
    no end: the caller waits for it, and nobody asks whether they are there.
    """

    async def main():
        async with stage(["Hello."], ["Again."]) as scene:
            scene.engines.voice_error = ZeroDivisionError("oops")
            await scene.say(0.64)
            await scene.wait(2)
            assert scene.client.of(ReplyDone)[0].status == "failed"
            scene.engines.voice_error = None
            await scene.say(0.64)
            await scene.wait(2)
            assert scene.client.of(ReplyDone)[-1].heard == "Again."

    run(main())
    assert "ZeroDivisionError" in caplog.text


def test_a_bug_in_an_engine_is_logged_whole_and_apologised_for(caplog) -> None:
    async def main():
        async with stage([ZeroDivisionError("oops")]) as scene:
            await scene.say(0.64)
            await scene.wait(5)
            assert scene.client.of(ReplyDone)[0].reason == "internal error"

    run(main())
    assert "ZeroDivisionError" in caplog.text


def test_a_reply_without_words_is_over_at_once() -> None:
    async def main():
        async with stage([]) as scene:
            await scene.say(0.64)
            await scene.wait(1)
            [done] = scene.client.of(ReplyDone)
            assert (done.status, done.heard, done.audio_ms) == ("completed", "", 0)

    run(main())


def test_what_is_said_is_never_logged_at_info(caplog) -> None:
    async def main():
        with caplog.at_level("INFO"):
            async with stage([Heard("my secret"), "your secret is safe"]) as scene:
                await scene.say(0.64)
                await scene.wait(2)

    run(main())
    assert caplog.text
    assert "secret" not in caplog.text


def ask(scene, *requests):
    scene.client.requests = list(requests)
    scene.call.message("text")


def test_a_client_may_cancel_and_hang_up() -> None:
    async def main():
        async with stage([LONG]) as scene:
            await scene.say(0.64)
            await scene.wait(1)
            ask(scene, CancelCurrentReply())
            assert scene.client.of(ReplyDone)[0].reason == "client_cancelled"
            ask(scene, HangUp())
            assert scene.line.reasons == [EndReason.CALLER]
            assert "answer to text" in scene.line.sent

    run(main())


def test_a_client_may_take_its_turns_by_hand() -> None:
    async def main():
        async with stage(create_response=False, interrupt_response=False) as scene:
            await scene.say(0.64)
            await scene.wait(5)
            assert scene.engines.log == []
            assert kinds(scene) == [
                "UtteranceStarted",
                "UtteranceStopped",
                "UtteranceCommitted",
            ]
            ask(scene, CreateReply())
            await scene.wait(2)
            assert scene.engines.log == ["reply 1", "keep 1"]
            assert len(scene.client.of(UtteranceCommitted)) == 1
            assert len(scene.client.of(ReplyDone)) == 1


@pytest.mark.parametrize(("said_s", "cut"), [(0.4, False), (1.2, True)])
def test_where_the_client_answers_the_length_of_what_is_said_over_a_reply_decides(
    said_s, cut
) -> None:
    async def main():
        async with stage([LONG], create_response=False) as scene:
            ask(scene, CreateReply())
            await scene.wait(1)
            await scene.say(said_s)
            await scene.wait(4)
            [done] = scene.client.of(ReplyDone)
            assert (done.reason, done.heard == LONG) == (
                "turn_detected" if cut else "",
                not cut,
            )
            assert len(scene.client.of(UtteranceCommitted)) == cut
            assert scene.engines.log == ["reply 1", "keep 1", *([] if cut else ["forget"])]

    run(main())


def test_a_reply_to_nobody_is_not_measured() -> None:
    async def main():
        async with stage() as scene:
            await scene.say(0.64)
            await scene.wait(3)
            ask(scene, CreateReply())
            await scene.wait(2)
            assert len(scene.client.of(ReplyDone)) == 2
            assert len(scene.client.of(TurnMeasured)) == 1

    run(main())


def test_a_line_that_breaks_while_the_call_ends_does_not_keep_its_seat() -> None:
    async def main():
        async with stage() as scene:

            def send(text):
                raise ValueError("too long for this channel")

            scene.line.send = send
            with pytest.raises(ValueError, match="too long"):
                scene.call.end(EndReason.CALLER)
            assert scene.line.reasons == [EndReason.CALLER]
            assert scene.engines.log == ["close"]

    run(main())


def test_a_client_may_take_back_what_was_said() -> None:
    async def main():
        async with stage() as scene:
            await scene.say(0.64)
            await scene.wait(0.2)
            ask(scene, ClearUtterance())
            await scene.wait(2)
            assert scene.engines.log == ["reply 1", "discard 1", "forget"]
            assert len(scene.client.of(UtteranceForgotten)) == 1
            assert not scene.client.of(ReplyStarted)

    run(main())


def test_what_was_answered_cannot_be_taken_back() -> None:
    """Killed: `input_audio_buffer.clear` forgets, to the client, what was committed."""

    async def main():
        async with stage(["Yes."]) as scene:
            await scene.say(0.64)
            await scene.wait(2)
            ask(scene, ClearUtterance())
            assert len(scene.client.of(UtteranceCommitted)) == 1
            assert not scene.client.of(UtteranceForgotten)

    run(main())


def test_a_result_is_spoken_of_and_what_was_taken_back_is_not_answered() -> None:
    """Killed: an utterance that is forgotten and still open is committed by the next reply."""

    async def main():
        functions = {"clock": (1.5, "noon")}
        answers = [ToolCall("a", "clock", "{}")], ["It is noon."]
        async with stage(*answers, functions=functions) as scene:
            await scene.say(0.64)
            await scene.wait(0.6)
            await scene.say(2)  # meanwhile it returns
            ask(scene, ClearUtterance())
            await scene.wait(2)
            assert [each.utterance for each in scene.client.of(UtteranceForgotten)] == [2]
            assert [each.utterance for each in scene.client.of(UtteranceCommitted)] == [1]
            assert scene.client.of(ReplyDone)[-1].heard == "It is noon."
            assert len(scene.client.of(TurnMeasured)) == 0  # neither answers who waits for it

    run(main())


@pytest.mark.parametrize("while_one_runs", [False, True])
def test_a_reply_that_called_a_function_is_not_withdrawn(while_one_runs) -> None:
    """Killed: a second function, called while another runs, may be called and forgotten."""

    async def main():
        config = {"turns.end_of_turn_ms": 200, "turns.withdraw_ms": 400}
        functions = {"slow": (30, "1"), "book": (1, "2")}
        first = [ToolCall("a", "slow", "{}")] if while_one_runs else ["Yes?"]
        answers = first, [LONG, ToolCall("b", "book", "{}")]
        async with stage(*answers, config=config, functions=functions) as scene:
            await scene.say(0.96)
            await scene.wait(1.5)
            await scene.say(0.96)
            await scene.wait(0.4)
            await scene.say(0.96)
            await scene.wait(1)
            assert scene.functions.log[-1] == "book {}"
            assert not scene.client.of(TurnWithdrawn)
            done = scene.client.of(ReplyDone)[1]
            assert (done.status, done.reason) == ("cancelled", "turn_detected")
            assert done.heard

    run(main())


def test_a_silent_caller_is_left_alone_once_nobody_answers_by_themselves() -> None:
    async def main():
        async with stage() as scene:
            await scene.wait(1)
            ask(scene, ChangeSettings(CallSettings(create_response=False)))
            await asyncio.sleep(200)
            assert not scene.call.ended
            await asyncio.sleep(200)
            assert scene.line.reasons == [EndReason.SILENCE]

    run(main())


def test_a_client_that_writes_after_the_end_is_told_nothing() -> None:
    async def main():
        async with stage([LONG]) as scene:
            await scene.say(0.64)
            await scene.wait(1)
            scene.call.end(EndReason.CALLER)
            sent = list(scene.line.sent)
            ask(scene, TruncateReply(1, 100), CreateReply())
            assert isinstance(scene.client.notices[-1][1], CallEnding)
            assert scene.line.sent == sent

    run(main())


def test_settings_change_in_mid_call() -> None:
    async def main():
        async with stage(["One."], ["Two."]) as scene:
            settings = CallSettings(
                end_of_turn_ms=1000, voice="low", speed=1.5, instructions="Sing.", language="fr"
            )
            ask(scene, ChangeSettings(settings))
            ask(scene, ChangeSettings(CallSettings(vad_threshold=0.2)))
            await scene.say(0.64)
            await scene.wait(2)
            assert scene.client.of(TurnMeasured)[0].latency_ms >= 1000
            style, conversation = scene.engines.styles[0], scene.engines.conversations[0]
            assert (style.voice, style.speed, style.language) == ("low", 1.5, "fr")
            assert (conversation.instructions, conversation.language) == ("Sing.", "fr")

    run(main())


def test_a_session_may_have_no_instructions() -> None:
    async def main():
        async with stage(["One."]) as scene:
            ask(scene, ChangeSettings(CallSettings(instructions="")))
            await scene.say(0.64)
            await scene.wait(1)
            assert scene.engines.conversations[0].instructions == ""

    run(main())


def test_the_one_end_releases_everything_once() -> None:
    async def main():
        async with stage([LONG]) as scene:
            await scene.say(0.64)
            await scene.wait(1)
            scene.call.end(EndReason.LOST)
            scene.call.end(EndReason.CALLER)
            assert scene.line.reasons == [EndReason.LOST]
            assert scene.engines.log[-1] == "close"
            assert isinstance(scene.client.notices[-1][1], CallEnding)
            ended = len(scene.client.notices)
            await scene.say(1)
            await scene.wait(1)
            assert len(scene.client.notices) == ended

    run(main())


def test_times_told_to_the_client_are_media_time() -> None:
    async def main():
        async with stage() as scene:
            await scene.wait(1.28)
            await scene.say(0.96)
            await scene.wait(1)
            assert scene.client.of(UtteranceStarted)[0].at_ms == 1280 - 300
            assert abs(scene.client.of(UtteranceStopped)[0].at_ms - 2240) <= 32

    run(main())


def test_a_transcript_follows_the_commitment() -> None:
    async def main():
        async with stage([1.0, Heard("slow brain"), "Yes."]) as scene:
            await scene.say(0.64)
            await scene.wait(3)
            assert scene.client.of(UtteranceTranscribed) == [
                UtteranceTranscribed(1, "slow brain")
            ]
            assert kinds(scene).index("UtteranceTranscribed") > kinds(scene).index(
                "UtteranceCommitted"
            )

    run(main())


def test_a_caller_who_goes_on_at_once_withdraws_the_answer_and_it_is_one_utterance() -> None:
    async def main():
        config = {"turns.end_of_turn_ms": 200, "turns.withdraw_ms": 400}
        async with stage(["Too soon, I am afraid."], ["Now."], config=config) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(0.4)
            assert scene.heard  # the first answer was audible
            await scene.say(0.96)
            spoken = scene.engines.heard_samples
            assert spoken >= (0.96 + 0.4 + 0.96) * 16_000  # nothing was lost in between
            await scene.wait(3)
            assert scene.engines.log == ["reply 1", "discard 1", "reply 2", "keep 2"]
            first, second = scene.client.of(ReplyDone)
            assert (first.status, first.reason) == ("cancelled", "turn_detected")
            assert second.status == "completed"
            assert all(each.agent == "Now." for each in scene.call._memory.past)
            last = scene.engines.conversations[-1]
            assert last.past == ()  # the withdrawn answer was never given

    run(main())


def test_the_time_to_withdraw_an_answer_begins_with_its_first_sound() -> None:
    """Killed: it began with the release, and a slow brain's answer stood as it was heard."""

    async def main():
        config = {"turns.end_of_turn_ms": 200, "turns.withdraw_ms": 400}
        answers = [0.7, "Too soon, I am afraid."], ["Now."]
        async with stage(*answers, config=config) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(0.9)
            assert scene.now - scene.heard[0][0] > 0.1  # it has been audible for a moment
            await scene.say(0.96)
            await scene.wait(3)
            assert scene.engines.log == ["reply 1", "discard 1", "reply 2", "keep 2"]
            assert scene.engines.conversations[-1].past == ()

    run(main())


def test_an_answer_stands_when_nobody_goes_on() -> None:
    async def main():
        async with stage(["Yes."], config={"turns.end_of_turn_ms": 200}) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(0.45)
            assert "keep 1" not in scene.engines.log
            await scene.wait(1)
            assert scene.engines.log == ["reply 1", "keep 1"]

    run(main())


def test_who_looks_on_sees_what_the_turns_are_told_and_what_they_say() -> None:
    async def main():
        async with stage(["It is noon."]) as scene:
            seen = []
            scene.call.on_step = lambda *step: seen.append(step)
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(1)
            events = [type(event).__name__ for event, _, _ in seen]
            heard = ["SoundNoticed", "SpeechSuspected", "SpeechStarted", "SilenceSuspected"]
            assert [name for name in events if name in heard] == heard
            deadlines = [(event, now) for event, now, _ in seen if isinstance(event, float)]
            assert len(deadlines) == 2  # the end of the turn, and of the time to withdraw
            assert all(due <= now < due + 0.001 for due, now in deadlines)
            commands = [type(c).__name__ for _, _, said in seen for c in said]
            assert commands == ["PrepareReply", "TryReply", "SettleReply"]

    run(main())


# -- what is heard is judged in a pass of its own

ASKS = {
    "cancel": CancelCurrentReply(),
    "reply": CreateReply(),
    "clear": ClearUtterance(),
    "hurry": ChangeSettings(CallSettings(end_of_turn_ms=150)),
    "judge": ChangeSettings(CallSettings(end_of_turn_ms=0)),
}
ODDS = {"agrees": 0.99, "doubts": 0.01}
DOES = st.sampled_from([*ASKS, *ODDS, "means", "speaks", "is silent"])
LIFE = st.lists(
    st.tuples(st.booleans(), st.integers(1, 30), st.none() | DOES), min_size=4, max_size=16
)


def lives(life, at_once):
    """What a call decided and told; each stretch ends with something in the pass of its last
    packet, which has (`at_once`) or has not been judged when it happens.
    """

    async def main():
        answers = [[LONG]] * 40
        async with stage(*answers, config={"turns.end_of_turn_ms": 0}) as scene:
            seen, call = [], scene.call
            call.on_step = lambda *step: seen.append(step)

            def hear(speech):
                call.hear(VOICE * (0.5 if speech else 0.0))
                if at_once:
                    call.judge()

            def happens(what):
                if what in ASKS:
                    scene.client.requests = [ASKS[what]]
                    call.message("")
                elif what in ODDS:
                    call.opined("smart_turn", ODDS[what])
                elif what == "means":
                    call._meant(0.99)
                elif what is not None:
                    hear(what == "speaks")

            for speech, packets, what in life:
                for n in range(packets):
                    await asyncio.sleep(0.02001)  # never together with a deadline, in whole ms
                    hear(speech)
                    if n == packets - 1:
                        happens(what)
            hear(True)
            call.end(EndReason.CALLER)
            await asyncio.sleep(0.1)
            return seen, scene.client.notices

    return run(main())


@settings(max_examples=40, deadline=None)
@given(LIFE)
def test_nothing_comes_between_a_packet_and_what_it_tells(life) -> None:
    """The twin judges each packet where it comes. Killed: any entrance of the call, or its
    deadline, that does not ask first what was heard.
    """
    assert lives(life, at_once=False) == lives(life, at_once=True)


def test_a_deadline_that_comes_with_the_callers_next_word_is_not_kept() -> None:
    """Killed: an end of the turn that was due while speech lay unjudged."""

    async def main():
        async with stage(["Yes?"]) as scene:
            seen = []
            await scene.say(1)
            await scene.wait(0.4)
            scene.call.on_step = lambda *step: seen.append(step)
            assert scene.call._turns.deadline is not None
            scene.call.hear(np.tile(VOICE, 4) * 0.5)  # a packet of 80 ms
            scene.call._tick()
            assert scene.call._turns.deadline is None
            assert not [event for event, _, _ in seen if isinstance(event, float)]

    run(main())


def test_a_packet_that_leaves_asks_first_what_was_heard() -> None:
    async def main():
        async with stage(["Yes?"]) as scene:
            assert not scene.playout.on_due()
            scene.call.hear(VOICE * 0.5)
            assert scene.playout.on_due()  # describes it
            assert scene.playout.on_due()  # judges it
            assert not scene.playout.on_due()

    run(main())


def test_an_event_is_answered_before_what_comes_of_it() -> None:
    """Killed: `response.created` before the item that it answers."""

    async def main():
        async with stage(["Yes?"]) as scene:
            scene.client.requests = [CreateReply()]
            sent = len(scene.line.sent)
            scene.call.message("please")
            assert scene.line.sent[sent : sent + 2] == ["answer to please", "ReplyStarted"]

    run(main())


def test_a_packet_that_cannot_be_judged_is_lost_and_the_call_goes_on(caplog) -> None:
    """Killed: a VAD that fails and takes the client's message, or a deadline, with it."""

    class Fails(LoudnessVad):
        broken = False

        def probability(self, window) -> float:
            if self.broken:
                raise ValueError("no such tensor")
            return super().probability(window)

    async def main():
        async with stage(["Yes?"]) as scene:
            vad = scene.call._ear._vad = Fails()
            await scene.say(1)
            vad.broken = True
            await scene.wait(0.1)
            vad.broken = False
            await scene.wait(1)
            assert scene.client.of(ReplyDone)

    run(main())
    assert caplog.text.count("cannot be dealt with") == 1


# -- a second opinion of the caller's pauses

JUDGED = {"turns.end_of_turn_ms": 0}


def answered_after(adviser, **config):
    """Seconds from the last of the caller's speech to the answer."""

    async def main():
        async with stage(config={**JUDGED, **config}, adviser=adviser) as scene:
            await scene.wait(1)
            await scene.say(1)
            ended = scene.now
            await scene.wait(1.5)
            (began,) = scene.client.when(ReplyStarted)
            return began - ended

    return run(main())


def test_smart_turn_is_believed() -> None:
    yes, no = (answered_after(FakeAdviser(odds)) for odds in (0.999, 0.001))
    alone = answered_after(None)
    assert yes < no
    assert yes <= alone <= no


def test_smart_turn_that_never_answers_changes_nothing() -> None:
    silent = FakeAdviser(0.001, takes_s=5)
    assert answered_after(silent) == answered_after(None)
    assert len(silent.asked) == 1


def test_it_is_not_asked_where_the_wait_is_fixed() -> None:
    adviser = FakeAdviser(0.001)
    answered_after(adviser, **{"turns.end_of_turn_ms": 420})
    assert adviser.asked == []


def test_it_is_asked_once_a_session_wants_the_end_judged() -> None:
    adviser = FakeAdviser(0.5)

    async def main():
        async with stage(adviser=adviser) as scene:
            scene.client.requests = [ChangeSettings(CallSettings(end_of_turn_ms=0))]
            scene.call.message("")
            await scene.say(1)
            await scene.wait(1)

    run(main())
    assert adviser.asked


def test_an_opinion_after_the_end_of_the_call_is_dropped() -> None:
    async def main():
        opinions = []
        async with stage(config=JUDGED, adviser=FakeAdviser(0.9)) as scene:
            scene.call.on_opinion = lambda *opinion: opinions.append(opinion)
            await scene.say(1)
            await scene.wait(0.1)
            scene.call.end(EndReason.CALLER)
            await scene.wait(0.2)
        assert opinions == []

    run(main())
