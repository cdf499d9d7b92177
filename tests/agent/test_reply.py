"""One reply by itself: what is kept before the release, and what a cut leaves."""

import asyncio

import numpy as np
import pytest
from fakes import FakeEngines

from agent.audio.frame import SPEAK_HZ
from agent.canned import Canned
from agent.engines import Act, Action, Conversation, Heard, Style, ToolCall
from agent.errors import EngineError
from agent.notices import ReplyDone, ReplyStarted, ReplyText, UtteranceTranscribed
from agent.reply import Reply
from agent.virtual_time import run

STYLE = Style("")
CONVERSATION = Conversation("", "en-US")


class FakeOutlet:
    """Takes samples; says that as many have left as the test wants."""

    def __init__(self) -> None:
        self.samples: list[np.ndarray] = []
        self.log: list[str] = []
        self.gone = 0
        self.free = asyncio.Event()
        self.free.set()

    def play(self, turn, samples) -> None:
        self.samples.append(samples)

    def end(self, turn) -> None:
        self.log.append(f"end {turn}")

    def flush(self) -> None:
        self.log.append("flush")

    def left(self, turn) -> int:
        return self.gone

    async def room(self) -> None:
        await self.free.wait()

    @property
    def played_s(self) -> float:
        return sum(map(len, self.samples)) / SPEAK_HZ


class InHand(FakeEngines):
    """Its speech is there before it is asked for."""

    async def speak(self, turn, phrase, style):
        for speech in [speech async for speech in super().speak(turn, phrase, style)]:
            yield speech


class Scene:
    def __init__(self, *pieces, depth_ms=2000, engines=FakeEngines) -> None:
        self.engines, self.outlet = engines(pieces), FakeOutlet()
        self.told, self.acts = [], []
        self.reply = Reply(
            7,
            3,
            engines=self.engines,
            canned=Canned(STYLE),
            outlet=self.outlet,
            depth_ms=depth_ms,
            patience_s=10,
            tell=self.told.append,
            act=self.acts.append,
        )
        if pieces:
            self.reply.start(self.engines.reply(7, CONVERSATION), STYLE, "Sorry.")


def test_nothing_leaves_before_the_release_and_all_of_it_after() -> None:
    async def main():
        scene = Scene(Heard("hi"), "Good day to you.", Act(Action.LOUDER))
        await asyncio.sleep(5)
        assert (scene.told, scene.acts, scene.outlet.samples) == ([], [], [])
        scene.reply.release()
        assert scene.told == [
            ReplyStarted(7),
            UtteranceTranscribed(3, "hi"),
            ReplyText(7, "Good day to you."),
        ]
        assert scene.acts == [Act(Action.LOUDER)]
        assert scene.outlet.played_s == 1.0
        await asyncio.sleep(0)
        assert scene.outlet.log == ["end 7"]

    run(main())


def test_speculation_is_bounded() -> None:
    async def main():
        scene = Scene("One two three four. " * 50, depth_ms=2000)
        await asyncio.sleep(5)
        assert len(scene.engines.spoken) <= 3
        scene.reply.release()
        await asyncio.sleep(5)
        assert scene.outlet.played_s == 50.0

    run(main())


def test_a_full_playout_holds_the_voice_back() -> None:
    async def main():
        scene = Scene("One two three four. " * 50)
        scene.outlet.free.clear()
        scene.reply.release()
        await asyncio.sleep(5)
        assert scene.outlet.played_s < 1
        scene.outlet.free.set()
        await asyncio.sleep(5)
        assert scene.outlet.played_s == 50.0

    run(main())


def test_others_run_between_stretches_that_are_all_in_hand() -> None:
    """Killed: all that an engine had made when the caller finished, in one pass of 1.1 ms."""

    async def main():
        scene = Scene("One two three four. " * 5, depth_ms=500, engines=InHand)
        loop, done = asyncio.get_running_loop(), []

        def play(turn, samples):
            done.append("play")
            loop.call_soon(done.append, "others")

        scene.outlet.play = play
        await asyncio.sleep(5)
        scene.reply.release()
        await asyncio.sleep(5)
        kept, later = done[:2], done[3:]  # the third is in the pass after the release
        assert kept == ["play", "play"]
        assert "play play" not in " ".join(later)
        assert done.count("play") == 20

    run(main())


def test_a_discarded_reply_stops_working() -> None:
    async def main():
        scene = Scene("Good day to you. ", 1.0, "Two.")
        await asyncio.sleep(0.5)
        scene.reply.discard()
        await asyncio.sleep(5)
        assert scene.engines.spoken == ["Good day to you."]
        assert (scene.told, scene.outlet.samples, scene.outlet.log) == ([], [], [])

    run(main())


def test_one_that_is_discarded_while_its_engine_fails_is_over_all_the_same() -> None:
    """Killed: a task group raises what failed and forgets that it was cancelled; the reply then
    has an apology made and waits for its release for ever.
    """

    async def main():
        scene = Scene()

        async def failing():
            scene.reply.discard()
            raise EngineError("gone")
            yield

        scene.reply.start(failing(), STYLE, "Sorry.")
        await asyncio.sleep(5)
        assert "Sorry." not in scene.engines.spoken
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


def test_a_cut_reply_tells_what_was_heard() -> None:
    async def main():
        scene = Scene("One two three four.")
        scene.reply.release()
        await asyncio.sleep(1)
        scene.outlet.gone = SPEAK_HZ // 2
        done = scene.reply.cancel("turn_detected")
        assert done == ReplyDone(
            7, "cancelled", "turn_detected", "One two", " three four.", audio_ms=500
        )
        assert "flush" in scene.outlet.log

    run(main())


@pytest.mark.parametrize("more", [["three."], [1000.0]])
def test_a_reply_that_is_cut_at_a_comma_does_not_end_in_it(more) -> None:
    """Be the next word known or not; the memory has it so, and nothing of the text is lost."""

    async def main():
        scene = Scene("One two, ", *more)
        scene.reply.release()
        await asyncio.sleep(1)
        scene.outlet.gone = SPEAK_HZ // 2
        assert scene.reply.heard_text == "One two"
        done = scene.reply.cancel("turn_detected")
        assert (done.heard, done.unheard[:1]) == ("One two", ",")
        assert done.heard + done.unheard == "One two," + " three." * (more == ["three."])

    run(main())


def test_a_reply_that_was_heard_to_its_end_keeps_its_last_mark() -> None:
    async def main():
        scene = Scene("One, two: ")
        scene.reply.release()
        await asyncio.sleep(1)
        scene.outlet.gone = SPEAK_HZ // 2
        done = scene.reply.cancel("turn_detected")
        assert (done.heard, done.unheard) == ("One, two:", "")

    run(main())


@pytest.mark.parametrize("steps", range(12))
def test_a_cut_reply_says_nothing_more_not_even_in_its_last_step(steps) -> None:
    """Whatever its tasks were about to do when they were cancelled."""

    async def main():
        scene = Scene("Good day to you. ", Act(Action.HOLD), "More of it. ")
        scene.reply.release()
        for _ in range(steps):
            await asyncio.sleep(0)
        scene.reply.cancel("turn_detected")
        said = len(scene.outlet.samples), len(scene.told), len(scene.acts)
        await asyncio.sleep(1)
        assert (len(scene.outlet.samples), len(scene.told), len(scene.acts)) == said

    run(main())


def test_an_engine_that_hangs_has_failed() -> None:
    async def main():
        scene = Scene("Good day to you. ", 1000.0, "More of it.")
        scene.reply.release()
        await asyncio.sleep(20)
        scene.outlet.gone = 10 * SPEAK_HZ
        done = scene.reply.complete()
        assert (done.status, done.heard) == ("failed", "Good day to you. Sorry.")
        assert done.reason == "the engine said nothing for 10 s"

    run(main())


@pytest.mark.parametrize(
    "pieces",
    [
        ["One two three four. " * 20],  # far ahead of the voice
        ["One two three four. And so o", 100.0],  # in the middle of a word
    ],
)
def test_all_text_that_was_told_is_either_heard_or_not(pieces) -> None:
    async def main():
        scene = Scene(*pieces)
        scene.outlet.free.clear()
        scene.reply.release()
        await asyncio.sleep(1)
        done = scene.reply.cancel("turn_detected")
        assert (done.heard, done.unheard) == ("", pieces[0].strip())

    run(main())


def test_text_in_small_pieces_is_spoken_in_phrases() -> None:
    async def main():
        scene = Scene(*"Good day to you all. How are you?")
        scene.reply.release()
        await asyncio.sleep(5)
        assert " ".join(scene.engines.spoken) == "Good day to you all. How are you?"
        assert len(scene.engines.spoken) == 2
        assert "".join(n.delta for n in scene.told[1:]) == "Good day to you all. How are you?"

    run(main())


CALL = ToolCall("a", "weather", "{}")


def test_nothing_is_called_before_the_release() -> None:
    async def main():
        scene = Scene("Let me see.", CALL)
        await asyncio.sleep(5)
        assert scene.acts == []
        scene.reply.release()
        assert scene.acts == [CALL]

    run(main())


def test_nothing_is_called_for_a_reply_that_is_discarded_or_cut_off() -> None:
    async def main():
        scene = Scene("Let me see.", CALL)
        await asyncio.sleep(5)
        scene.reply.discard()
        await asyncio.sleep(5)
        assert scene.acts == []
        late = Scene("Let me see.", 3, CALL)
        late.reply.release()
        await asyncio.sleep(1)
        late.reply.cancel("turn_detected")
        await asyncio.sleep(5)
        assert late.acts == []

    run(main())
