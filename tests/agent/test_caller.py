"""What one caller says, by itself: what the brain hears of it, and what the client is told."""

import asyncio

import numpy as np
from fakes import FakeAdviser, FakeEngines, LoudnessVad

from agent import events as ev
from agent import notices as nt
from agent.audio.frame import HEAR_FRAME
from agent.caller import Caller
from agent.config import VadConfig
from agent.ear import Ear
from agent.endpoint.release import Patience
from agent.engines import Conversation, Exchange, Heard, Sense, Text
from agent.memory import Memory
from agent.metrics import Metrics
from agent.smart_turn.opinion import NoOpinion, SecondOpinion
from agent.state import HEARING, LISTENING, OVERLAP, PAUSED, REPLYING, WEIGHING, YIELDED
from agent.virtual_time import run

CONFIG = VadConfig(min_speech_ms=64, min_silence_ms=64, trail_ms=0, preroll_ms=300)
BEFORE = Conversation("", "en-US", (Exchange("", "Hello.", 1),))


class Scene:
    def __init__(self, adviser=None) -> None:
        self.engines, self.memory, self.told = FakeEngines(), Memory(), []
        self.opinions = []
        self.ear = Ear(LoudnessVad(), CONFIG, Patience("auto", 100, 420, 650))
        second = NoOpinion()
        if adviser is not None:
            second = SecondOpinion(
                self.ear, adviser, lambda *opinion: self.opinions.append(opinion), Metrics()
            )
        self.caller = Caller(
            "rtc_1", self.ear, self.engines, self.memory, self.told.append, second
        )

    async def sound(self, seconds, level):
        events = []
        for _ in range(round(seconds / 0.02)):
            await asyncio.sleep(0.02)
            self.caller.hear(np.full(HEAR_FRAME, level, np.float32))
            events += self.caller.judge()
        return [type(event) for event in events]

    def follow(self, *states):
        for state in states:
            self.caller.follow(state, lambda: BEFORE)

    async def begins(self):
        """A second of silence, and the beginning of an utterance."""
        await self.sound(1, 0)
        assert ev.SpeechStarted in await self.sound(0.5, 0.5)

    async def pauses(self):
        """An utterance, and a pause in it."""
        await self.begins()
        self.follow(HEARING)
        assert ev.SpeechEnded in await self.sound(0.3, 0)
        self.follow(PAUSED)

    async def commits(self):
        """An utterance that the client will have answered."""
        await self.begins()
        self.follow(HEARING)
        self.caller.commit()
        self.follow(LISTENING)


def test_an_utterance_reaches_the_brain_from_its_preroll_on() -> None:
    async def main():
        scene = Scene()
        await scene.begins()
        assert scene.engines.heard_samples == 0
        scene.follow(HEARING)
        assert scene.engines.expected == [BEFORE]
        so_far = scene.engines.heard_samples
        assert so_far >= 16 * (300 + 64)  # the preroll, and what it took to be sure
        await scene.sound(0.2, 0.5)
        assert scene.engines.heard_samples == so_far + 0.2 * 16_000
        assert scene.told == [nt.UtteranceStarted(1, 1000 - 8 - 300)]  # windows are 32 ms

    run(main())


def test_an_overlap_is_heard_and_told_only_when_it_is_more() -> None:
    async def main():
        scene = Scene()
        await scene.begins()
        scene.follow(OVERLAP)
        assert scene.engines.heard_samples > 0
        assert scene.told == []
        scene.follow(HEARING)
        assert [type(notice) for notice in scene.told] == [nt.UtteranceStarted]

    run(main())


def test_words_apart_over_a_reply_began_with_the_first_of_them() -> None:
    """Killed: "yeah ... wait, I" that began at "wait"."""

    async def main():
        scene = Scene()
        await scene.begins()
        scene.follow(OVERLAP)
        began_s = scene.caller.spoke_s
        assert began_s > 0
        await scene.sound(0.2, 0)
        scene.follow(YIELDED, WEIGHING)
        await scene.sound(0.2, 0.5)
        scene.follow(YIELDED, HEARING)
        assert scene.told == [nt.UtteranceStarted(1, 1000 - 8 - 300)]
        assert scene.caller.spoke_s == began_s

    run(main())


def test_a_pause_is_part_of_the_utterance_and_an_answer_ends_it() -> None:
    async def main():
        scene = Scene()
        await scene.pauses()
        assert scene.caller.to_answer == 1
        assert scene.caller.silence is not None
        scene.caller.answered(1)
        scene.follow(REPLYING)
        assert scene.caller.to_answer == 0
        assert scene.caller.silence is None
        heard = scene.engines.heard_samples
        await scene.sound(0.2, 0)
        assert scene.engines.heard_samples == heard
        assert [type(notice) for notice in scene.told[1:]] == [
            nt.UtteranceStopped,
            nt.UtteranceCommitted,
        ]

    run(main())


def test_when_the_silence_was_noticed_does_not_depend_on_when_somebody_asks() -> None:
    """Killed: a draft thought of anew, whose wait counted as the VAD's time."""

    async def main():
        scene = Scene()
        await scene.pauses()
        first = scene.caller.silence
        assert 0.03 < first[1] - first[0] < 0.15
        await scene.sound(0.3, 0)
        assert scene.caller.silence == first

    run(main())


def test_one_committed_is_not_forgotten_with_what_never_came() -> None:
    """A client clears at each press of a button. Killed: an answer to nothing."""

    async def main():
        scene = Scene()
        await scene.commits()
        scene.caller.forget()
        assert scene.engines.log == []
        assert scene.caller.to_answer == 1

    run(main())


def test_one_committed_waits_for_its_answer() -> None:
    async def main():
        scene = Scene()
        await scene.commits()
        assert scene.caller.to_answer == 1
        assert scene.caller.silence is None
        scene.caller.answered(1)
        assert scene.caller.to_answer == 0
        committed = [n for n in scene.told if isinstance(n, nt.UtteranceCommitted)]
        assert committed == [nt.UtteranceCommitted(1)]

    run(main())


def test_a_cough_is_forgotten_and_told_of_only_if_it_was_announced() -> None:
    async def main():
        scene = Scene()
        await scene.begins()
        scene.follow(OVERLAP)
        scene.caller.forget()
        assert scene.told == []
        scene.follow(REPLYING, HEARING)
        scene.caller.forget()
        assert scene.told[-1] == nt.UtteranceForgotten(2)
        assert scene.engines.log == ["forget", "forget"]

    run(main())


def test_what_the_brain_makes_of_a_pause_is_told_and_goes_no_further() -> None:
    async def main():
        scene = Scene()
        opinions = []
        await scene.begins()
        scene.follow(HEARING, PAUSED)
        scene.engines.answers = [[Sense(0.9), Heard("hello"), "Yes?"]]
        pieces = scene.caller.heed(scene.engines.reply(2, BEFORE), opinions.append)
        assert [piece async for piece in pieces] == [Heard("hello"), Text("Yes?")]
        assert opinions == [0.9]

    run(main())


def test_of_no_utterance_nothing_is_made() -> None:
    """Killed: an answer to a tool's result that finishes the caller's next sentence."""

    async def main():
        scene = Scene()
        opinions = []
        scene.engines.answers = [[Sense(0.9), "Rain."]]
        pieces = scene.caller.heed(scene.engines.reply(1, BEFORE), opinions.append)
        assert [piece async for piece in pieces] == [Text("Rain.")]
        assert opinions == []

    run(main())


def test_a_reply_that_is_heeded_ends_when_nobody_wants_it() -> None:
    async def main():
        scene = Scene()
        ended = []

        async def thinks():
            try:
                yield Text("Well")
                await asyncio.sleep(60)
            finally:
                ended.append(True)

        pieces = scene.caller.heed(thinks(), lambda odds: None)
        assert await anext(pieces) == Text("Well")
        await pieces.aclose()
        assert ended == [True]

    run(main())


def test_a_late_transcript_finds_its_exchange() -> None:
    async def main():
        scene = Scene()
        scene.engines.transcripts = [(3.0, "hello")]
        await scene.begins()
        scene.follow(HEARING)
        scene.caller.answered(5)
        scene.memory.add(Exchange("", "Yes?", 5))
        await scene.sound(4, 0)
        assert scene.told[-1] == nt.UtteranceTranscribed(1, "hello")
        assert scene.memory.past == (Exchange("hello", "Yes?", 5),)

    run(main())


def test_nobody_waits_for_a_transcript_after_the_call() -> None:
    async def main():
        scene = Scene()
        scene.engines.transcripts = [(3.0, "hello")]
        await scene.begins()
        scene.follow(HEARING)
        scene.caller.answered(5)
        await asyncio.sleep(1)
        scene.caller.close()
        await asyncio.sleep(9)
        assert not [n for n in scene.told if isinstance(n, nt.UtteranceTranscribed)]

    run(main())


def test_while_an_answer_is_tried_the_brain_hears_on_and_nothing_is_lost() -> None:
    async def main():
        scene = Scene()
        await scene.pauses()
        before = scene.engines.heard_samples
        scene.caller.tried()
        scene.follow(REPLYING)
        await scene.sound(0.2, 0)
        await scene.sound(0.2, 0.5)
        scene.caller.went_on()
        scene.follow(HEARING)
        assert scene.engines.heard_samples == before + 0.4 * 16_000
        kinds = [(type(notice), notice.utterance) for notice in scene.told]
        assert kinds == [
            (nt.UtteranceStarted, 1),
            (nt.UtteranceStopped, 1),
            (nt.UtteranceCommitted, 1),
            (nt.UtteranceStarted, 2),
        ]

    run(main())


def test_an_answer_that_stands_ends_the_utterance_and_is_told_once() -> None:
    async def main():
        scene = Scene()
        await scene.begins()
        scene.follow(HEARING)
        scene.caller.tried()
        scene.follow(REPLYING)
        scene.caller.answered(1)
        scene.follow(REPLYING)
        heard = scene.engines.heard_samples
        await scene.sound(0.2, 0)
        assert scene.engines.heard_samples == heard
        assert [type(notice) for notice in scene.told].count(nt.UtteranceCommitted) == 1

    run(main())


# -- a second opinion: it hears what the brain hears, and is asked while nobody answers


def test_a_second_opinion_is_asked_about_what_the_brain_hears() -> None:
    async def main():
        adviser = FakeAdviser(0.7)
        scene = Scene(adviser)
        await scene.begins()
        assert not adviser.asked
        scene.follow(HEARING)
        await scene.sound(0.2, 0.5)
        await scene.sound(0.12, 0)
        scene.follow(PAUSED)
        (asked,) = adviser.asked
        assert 0 <= scene.engines.heard_samples - len(asked) <= 0.06 * 16_000
        await scene.sound(0.1, 0)
        assert scene.opinions[0] == ("smart_turn", 0.7)

    run(main())


def test_nobody_is_asked_while_an_answer_is_tried_and_both_parts_are_one() -> None:
    async def main():
        adviser = FakeAdviser(0.7)
        scene = Scene(adviser)
        await scene.begins()
        scene.follow(HEARING)
        scene.caller.tried()
        scene.follow(REPLYING)
        await scene.sound(0.3, 0)
        assert not adviser.asked
        await scene.sound(0.2, 0.5)
        scene.caller.went_on()
        scene.follow(HEARING)
        await scene.sound(0.12, 0)
        (asked,) = adviser.asked
        assert len(asked) > (0.3 + 0.3 + 0.2) * 16_000  # preroll, silence, the second part

    run(main())


def test_nobody_is_asked_after_the_answer_stands_or_the_call_is_over() -> None:
    async def main():
        for end in (lambda caller: caller.answered(1), lambda caller: caller.close()):
            adviser = FakeAdviser(0.7)
            scene = Scene(adviser)
            await scene.begins()
            scene.follow(HEARING)
            await scene.sound(0.12, 0)
            end(scene.caller)
            scene.follow(REPLYING)
            await scene.sound(0.4, 0)
            assert len(adviser.asked) == 1
            assert scene.opinions == []

    run(main())
