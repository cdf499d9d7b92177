"""What was heard, over a whole call in virtual time: who says so, and who is told."""

import pytest
from stage import stage

from agent import requests as rq
from agent.events import EndReason
from agent.notices import (
    CutRefused,
    ReplyAudioStarted,
    ReplyCut,
    ReplyDone,
    StateChanged,
    TurnWithdrawn,
    UtteranceCommitted,
)
from agent.virtual_time import run

LONG = "one two three four five six seven eight nine ten."  # 2.5 s as the fake voice speaks


async def client_asks(scene, *requests):
    scene.client.requests = list(requests)
    scene.call.message("{}")


def test_the_next_replies_know_only_what_the_client_says_was_heard() -> None:
    async def main():
        async with stage([LONG], ["Two."], ["Three."]) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(4)
            await client_asks(scene, rq.TruncateReply(1, 1000))
            [cut] = scene.client.of(ReplyCut)
            assert (cut.heard, cut.audio_ms) == ("one two three four", 1000)
            await scene.say(0.96)
            await scene.wait(2)
            await client_asks(scene, rq.TruncateReply(1, 250))  # and later, once more
            await scene.say(0.96)
            await scene.wait(2)
            pasts = [[e.agent for e in c.past] for c in scene.engines.conversations]
            assert pasts == [[], ["one two three four"], ["one", "Two."]]

    run(main())


def test_a_client_that_stopped_playing_stops_the_reply_where_it_was() -> None:
    async def main():
        async with stage([LONG], ["Two."]) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(1.5)  # about a second of it has left
            await client_asks(scene, rq.TruncateReply(1, 500))
            at = scene.now
            [done] = scene.client.of(ReplyDone)
            assert (done.status, done.reason) == ("cancelled", "client_cancelled")
            assert (done.heard, done.audio_ms) == ("one two", 500)
            await scene.wait(1)
            assert not scene.sound_between(at + 0.03, scene.now)
            await scene.say(0.96)
            await scene.wait(1)
            assert [e.agent for e in scene.engines.conversations[-1].past] == ["one two"]

    run(main())


def test_a_client_that_claims_to_have_heard_more_than_left_stops_nothing() -> None:
    async def main():
        async with stage([LONG]) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(1)
            await client_asks(scene, rq.TruncateReply(1, 2400))
            [refused] = scene.client.of(CutRefused)
            assert refused.audio_ms < 2400
            await scene.wait(3)
            [done] = scene.client.of(ReplyDone)
            assert (done.status, done.heard) == ("completed", LONG)

    run(main())


@pytest.mark.parametrize(
    ("round_trip_s", "delay_ms"), [(0.0, 0), (0.0, 200), (0.12, 0), (0.12, 200)]
)
def test_how_far_they_were_when_they_spoke_over_it_counts_the_way_and_their_player(
    round_trip_s, delay_ms
) -> None:
    async def main():
        async with stage([LONG]) as scene:
            scene.line.round_trip_s = round_trip_s
            await client_asks(scene, rq.NotePlayoutDelay(delay_ms))
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(1.4)
            spoke = scene.now
            await scene.say(0.96)
            [began] = scene.client.when(ReplyAudioStarted)
            [done] = scene.client.of(ReplyDone)
            left_ms = (spoke - began) * 1000
            heard_ms = left_ms - round_trip_s * 1000 - delay_ms
            assert done.speech_at_ms == pytest.approx(heard_ms, abs=40)  # a window is 32 ms
            assert done.audio_ms >= left_ms  # it was heard on until it was stopped

    run(main())


def test_what_was_on_its_way_when_they_hung_up_was_not_heard() -> None:
    async def main():
        async with stage([LONG]) as scene:
            scene.line.round_trip_s = 0.2
            await client_asks(scene, rq.NotePlayoutDelay(300))
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(2.4)
            [began] = scene.client.when(ReplyAudioStarted)
            scene.call.end(EndReason.CALLER)
            [done] = scene.client.of(ReplyDone)
            expected_ms = (scene.now - began) * 1000 - 500
            assert done.audio_ms == pytest.approx(expected_ms, abs=25)

    run(main())


def test_of_a_turn_that_was_none_the_client_is_told_after_its_reply_is_done() -> None:
    async def main():
        config = {"turns.end_of_turn_ms": 200, "turns.withdraw_ms": 400}
        async with stage(["Too soon, I am afraid."], ["Now."], config=config) as scene:
            await scene.wait(1)
            await scene.say(0.96)
            await scene.wait(0.4)
            await scene.say(0.96)
            await scene.wait(3)
            assert scene.client.of(TurnWithdrawn) == [TurnWithdrawn(1, 1)]
            told = [
                type(notice).__name__
                for _, notice in scene.client.notices
                if not isinstance(notice, StateChanged)
            ]
            at = told.index("TurnWithdrawn")
            assert told[at - 1] == "ReplyDone"
            assert told[at + 1] == "UtteranceStarted"
            committed = [u.utterance for u in scene.client.of(UtteranceCommitted)]
            assert committed == [1, 2]

    run(main())
