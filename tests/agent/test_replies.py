"""What the agent says, by itself: one reply at a time, told, counted and remembered."""

import asyncio
import logging
import re
from types import SimpleNamespace

import pytest
from fakes import FakeEngines, FakeFunctions

from agent import events as ev
from agent import notices as nt
from agent.audio.frame import SPEAK_FRAME
from agent.canned import Canned
from agent.config_file import load
from agent.engines import Act, Action, Exchange, Heard, Sense, Style, ToolCall
from agent.errands import Errands
from agent.errors import EngineError
from agent.memory import Memory
from agent.metrics import Metrics
from agent.notices import CutRefused, ReplyCut, TurnWithdrawn
from agent.replies import Replies
from agent.shared import Shared
from agent.virtual_time import run


class Outlet:
    """Keeps what is to be played; nothing leaves by itself."""

    def __init__(self) -> None:
        self.played: dict[int, int] = {}
        self.ended: list[int] = []
        self.gains: list[float] = []
        self.flushes = 0
        self.calls: list[str] = []  # hold, resume

    def play(self, turn, samples) -> None:
        self.played[turn] = self.played.get(turn, 0) + len(samples)

    def end(self, turn) -> None:
        self.ended.append(turn)

    def flush(self) -> None:
        self.flushes += 1

    def left(self, turn) -> int:
        return self.played.get(turn, 0)

    async def room(self) -> None:
        pass

    def set_gain(self, gain) -> None:
        self.gains.append(gain)

    def hold(self) -> None:
        self.calls.append("hold")

    def resume(self) -> None:
        self.calls.append("resume")

    def duck(self, turn) -> None:
        self.calls.append(f"duck {turn}")

    def restore(self) -> None:
        self.calls.append("restore")


class Scene(SimpleNamespace):
    def __init__(self, **config) -> None:
        shared = Shared(load(None, config), Canned(Style("")), Metrics(), FakeFunctions())
        told, steps = [], []
        memory, engines, outlet = Memory(), FakeEngines(), Outlet()
        errands = Errands("rtc_1", shared.functions, memory, told.append, steps.append, 10)
        replies = Replies(
            "rtc_1", shared, outlet, engines, memory, errands, told.append, steps.append
        )
        super().__init__(**{k: v for k, v in locals().items() if k not in ("self", "config")})

    def prepare(self, turn, *pieces, utterance=1, silent_at=0.0):
        silence = silent_at, silent_at + 0.06
        self.replies.prepare(turn, utterance, silence, self.engines._pieces(pieces))

    def told_of(self, kind):
        return [notice for notice in self.told if isinstance(notice, kind)]


async def settled():
    """Everything that needs no time has happened."""
    await asyncio.sleep(0.001)


def test_nothing_leaves_before_it_is_let_out_and_all_of_it_after() -> None:
    async def main():
        scene = Scene()
        scene.prepare(3, "It is noon.")
        await settled()
        assert scene.outlet.played == {} and scene.told == []
        scene.replies.let_out(2)  # of another number
        assert scene.told == []
        scene.replies.let_out(3)
        await settled()
        assert scene.outlet.played[3] > 0 and scene.outlet.ended == [3]
        scene.replies.left(3)
        assert scene.steps == [ev.ReplyFinished(3)]
        assert scene.memory.past == (Exchange("", "It is noon.", 3),)
        assert [done.status for done in scene.told_of(nt.ReplyDone)] == ["completed"]

    run(main())


def test_what_was_withdrawn_is_told_and_not_remembered() -> None:
    async def main():
        scene = Scene()
        scene.prepare(3, "It is noon.")
        scene.replies.let_out(3)
        await settled()
        scene.replies.withdraw()
        assert scene.outlet.flushes == 1
        assert scene.memory.past == ()
        assert [done.status for done in scene.told_of(nt.ReplyDone)] == ["cancelled"]
        assert scene.told[-1] == TurnWithdrawn(3, 1)
        scene.replies.left(3)  # late news
        assert scene.steps == []

    run(main())


@pytest.mark.parametrize("stands", [True, False])
def test_an_answer_counts_as_one_when_it_stands(stands) -> None:
    """Killed: a cut-in for a quick answer, and a turn that is counted twice."""

    def counted(scene):
        text = scene.shared.metrics.text().decode()
        return float(re.search(r"^voxline_turn_latency_seconds_count (\S+)", text, re.M)[1])

    async def main():
        scene = Scene()
        scene.prepare(3, "It is noon.")
        scene.replies.try_out(3)
        await settled()
        scene.replies.packet_left(3, scene.replies._loop.time() + 0.2)
        assert [each.turn for each in scene.told_of(nt.TurnMeasured)] == [3], "told at once"
        assert counted(scene) == 0
        scene.replies.settle() if stands else scene.replies.withdraw()
        assert counted(scene) == stands
        scene.prepare(4, "Quite.")
        scene.replies.let_out(4)
        await settled()
        scene.replies.packet_left(4, scene.replies._loop.time() + 0.2)
        assert counted(scene) == stands + 1
        scene.replies.cancel(4, "call_ended")

    run(main())


def spoken(scene, turn=3):
    """Have a reply of twelve words spoken, a quarter of a second each."""
    scene.prepare(turn, "one two three four five six seven eight nine ten eleven twelve")
    scene.replies.let_out(turn)


def test_of_a_reply_under_way_the_client_says_how_much_was_heard() -> None:
    async def main():
        scene = Scene()
        spoken(scene)
        await settled()
        assert scene.outlet.played[3] == 12 * 6000
        assert scene.replies.truncate(3, 1000)  # four words of a quarter of a second
        assert scene.memory.past == ()  # it goes on until it is cancelled
        scene.replies.cancel(3, "client_cancelled")
        [done] = scene.told_of(nt.ReplyDone)
        assert (done.heard, done.audio_ms) == ("one two three four", 1000)
        assert done.unheard == " five six seven eight nine ten eleven twelve"
        assert scene.memory.past == (Exchange("", "one two three four", 3),)

    run(main())


def test_more_than_left_cannot_have_been_heard_and_the_reply_goes_on() -> None:
    async def main():
        scene = Scene()
        spoken(scene)
        await settled()
        assert not scene.replies.truncate(3, 3001)
        assert scene.told[-1] == CutRefused(3, 3001, 3000)
        scene.replies.left(3)
        [done] = scene.told_of(nt.ReplyDone)
        assert (done.status, done.audio_ms) == ("completed", 3000)

    run(main())


def test_a_reply_that_is_over_is_cut_in_memory_again_and_again_and_never_back() -> None:
    async def main():
        scene = Scene()
        for turn in (3, 4):
            spoken(scene, turn)
            await settled()
            scene.replies.left(turn)
        assert not scene.replies.truncate(3, 600)
        rest = " three four five six seven eight nine ten eleven twelve"
        assert scene.told[-1] == ReplyCut(3, "one two", rest, 600)
        assert [each.agent.split()[-1] for each in scene.memory.past] == ["two", "twelve"]
        scene.replies.truncate(3, 600)
        assert scene.told[-1] == ReplyCut(3, "one two", rest, 600)
        scene.replies.truncate(3, 601)
        assert scene.told[-1] == CutRefused(3, 601, 600)
        scene.replies.truncate(3, 0)
        assert scene.memory.past[0] == Exchange("", "", 3)
        assert scene.memory.past[1].agent.split()[-1] == "twelve"
        scene.replies.truncate(9, 0)
        assert scene.told[-1] == CutRefused(9, 0, None)

    run(main())


def test_where_the_caller_began_to_speak_is_counted_from_what_had_left_by_then() -> None:
    async def main():
        scene = Scene()
        spoken(scene)
        await settled()
        frames = scene.outlet.played[3] // SPEAK_FRAME
        for frame in range(frames):
            scene.outlet.played[3] = (frame + 1) * SPEAK_FRAME
            scene.replies.packet_left(3, 10 + frame * 0.02)
        scene.replies.cancel(3, "turn_detected", 10.5)
        [done] = scene.told_of(nt.ReplyDone)
        assert done.audio_ms == frames * 20  # all that left is heard: nobody takes it back
        assert done.speech_at_ms == pytest.approx(500, abs=1)

    run(main())


@pytest.mark.parametrize("reason", ["client_cancelled", "result_came"])
def test_nobody_spoke_over_what_was_stopped_for_another_reason(reason) -> None:
    async def main():
        scene = Scene()
        spoken(scene)
        await settled()
        scene.replies.packet_left(3, 10.0)
        scene.replies.cancel(reason, 10.01)
        [done] = scene.told_of(nt.ReplyDone)
        assert (done.speech_at_ms, done.audio_ms) == (None, 3000)

    run(main())


def test_what_was_on_its_way_when_the_call_ended_was_not_heard() -> None:
    async def main():
        scene = Scene()
        spoken(scene)
        await settled()
        for frame in range(150):
            scene.outlet.played[3] = (frame + 1) * SPEAK_FRAME
            scene.replies.packet_left(3, 10 + frame * 0.02)
        scene.replies.cancel(3, "call_ended", 11.51)
        [done] = scene.told_of(nt.ReplyDone)
        assert done.audio_ms == pytest.approx(1510, abs=1)
        assert done.heard == "one two three four five six"
        assert done.speech_at_ms is None

    run(main())


def test_what_was_discarded_is_told_to_nobody() -> None:
    async def main():
        scene = Scene()
        scene.prepare(3, "It is noon.")
        await settled()
        scene.replies.discard()
        scene.replies.let_out(3)
        assert scene.told == [] and scene.memory.past == ()

    run(main())


def test_the_first_packet_measures_the_turn_once() -> None:
    async def main():
        scene = Scene()
        await asyncio.sleep(5)
        scene.prepare(3, "It is noon.", silent_at=4.9)
        scene.replies.let_out(3)
        for _ in range(2):
            scene.replies.packet_left(3, 5.1)
        scene.replies.packet_left(2, 5.1)
        [measured] = scene.told_of(nt.TurnMeasured)
        assert measured.latency_ms == pytest.approx(200)
        assert scene.told_of(nt.ReplyAudioStarted) == [nt.ReplyAudioStarted(3)]
        scene.replies.cancel(3, "client_cancelled")

    run(main())


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        (ev.Prompt.GREETING, "hello there"),
        (ev.Prompt.STILL_THERE, "are you there"),
        (ev.Prompt.GOODBYE, "good night"),
        (ev.Prompt.ONE_MOMENT, "hold on"),
    ],
)
def test_prompts_are_the_operators_own_words(prompt, said) -> None:
    words = {
        "agent.greeting": "hello there",
        "agent.still_there": "are you there",
        "agent.goodbye": "good night",
        "agent.tool_filler": "hold on",
    }

    async def main():
        scene = Scene(**words)
        scene.replies.say(1, prompt)
        await settled()
        assert scene.engines.spoken == [said]
        scene.replies.left(1)
        remembered = [exchange.agent for exchange in scene.memory.past]
        assert remembered == ([] if prompt is ev.Prompt.ONE_MOMENT else [said])

    run(main())


@pytest.mark.parametrize(
    ("action", "step"),
    [
        (Action.HANG_UP, ev.LastWords(3)),
        (Action.HOLD, ev.Held()),
        (Action.RESUME, ev.Resumed()),
    ],
)
def test_what_a_reply_does_to_the_call_is_a_step_of_its_turns(action, step) -> None:
    async def main():
        scene = Scene()
        scene.prepare(3, Act(action))
        await settled()
        assert scene.steps == []
        scene.replies.let_out(3)
        assert scene.steps == [step]
        scene.replies.cancel(3, "call_ended")

    run(main())


def test_louder_and_faster_have_bounds() -> None:
    async def main():
        scene = Scene()
        for turn in range(1, 9):
            scene.prepare(turn, Act(Action.LOUDER), Act(Action.SLOWER), "Yes.")
            scene.replies.let_out(turn)
            await settled()
            scene.replies.left(turn)
        assert scene.outlet.gains[0] == 1.5 and scene.outlet.gains[-1] == 4.0
        assert scene.replies.style.speed == 0.5
        assert scene.engines.styles[0].speed == 1.0  # the reply under way keeps its pace

    run(main())


def test_a_voice_that_fails_is_counted_as_such(caplog) -> None:
    async def main():
        scene = Scene()
        scene.engines.voice_error = ValueError("no breath")
        scene.prepare(3, "It is noon.")
        scene.replies.let_out(3)
        await settled()
        scene.replies.left(3)
        [done] = scene.told_of(nt.ReplyDone)
        assert done.status == "failed"
        assert 'status="failed"' in scene.shared.metrics.text().decode()

    run(main())


def test_an_apology_is_no_answer_that_came_so_soon(caplog) -> None:
    """Killed: engines that die at once, and a median latency that has never been better."""
    caplog.set_level(logging.INFO)

    async def main():
        scene = Scene()
        scene.prepare(3, EngineError("no memory"))
        scene.replies.let_out(3)
        await settled()
        scene.replies.packet_left(3, 0.1)
        assert "voxline_turn_latency_seconds_count 0.0" in scene.shared.metrics.text().decode()
        assert "call rtc_1: apology after 100 ms" in caplog.text

    run(main())


def test_why_a_reply_failed_is_in_the_log_though_its_apology_was_interrupted(caplog) -> None:
    """Killed: engines that fail each reply, impatient callers, and not a word of why."""

    async def main():
        scene = Scene()
        scene.prepare(3, EngineError("no memory"))
        scene.replies.let_out(3)
        await settled()
        scene.replies.cancel(3, "turn_detected")
        assert scene.told_of(nt.ReplyDone)[0].status == "cancelled"
        assert caplog.messages == ["call rtc_1: reply 3 failed: no memory"]

    run(main())


@pytest.mark.parametrize("pieces", [(), (Heard("please stop"),), (" ",)])
def test_an_engine_that_has_nothing_to_say_is_in_the_log(caplog, pieces) -> None:
    """Killed: a caller who hears nothing, and an operator who finds nothing."""
    caplog.set_level(logging.INFO)

    async def main():
        scene = Scene()
        scene.prepare(3, *pieces)
        scene.replies.let_out(3)
        await settled()
        scene.replies.left(3)
        assert scene.told_of(nt.ReplyDone)[0].status == "completed"
        assert "call rtc_1: reply 3 is silence" in caplog.text
        assert "stop" not in caplog.text, "what is said is not logged"

    run(main())


@pytest.mark.parametrize("piece", ["Yes.", ToolCall("a", "weather", "{}")])
def test_words_or_a_call_are_no_silence(caplog, piece) -> None:
    caplog.set_level(logging.INFO)

    async def main():
        scene = Scene()
        scene.prepare(3, piece)
        scene.replies.let_out(3)
        await settled()
        scene.replies.left(3)
        scene.prepare(4, 1.0, "Yes.")
        scene.replies.let_out(4)
        scene.replies.cancel(4, "turn_detected")
        assert "silence" not in caplog.text

    run(main())


ACTIONS = [
    (Action.HANG_UP, [ev.LastWords(3)], []),
    (Action.HOLD, [ev.Held()], []),
    (Action.RESUME, [ev.Resumed()], []),
    (Action.LOUDER, [], [1.5]),
]


@pytest.mark.parametrize(("action", "steps", "gains"), ACTIONS)
def test_what_a_tried_reply_does_to_the_call_waits_until_it_stands(
    action, steps, gains
) -> None:
    """Killed: an action that is carried out at once."""

    async def main():
        scene = Scene()
        scene.prepare(3, Act(action), "It is noon.")
        await settled()
        scene.replies.try_out(3)
        assert scene.told_of(nt.ReplyStarted) == [nt.ReplyStarted(3)]
        assert (scene.steps, scene.outlet.gains) == ([], [])
        scene.replies.settle()
        assert (scene.steps, scene.outlet.gains) == (steps, gains)
        scene.replies.settle()
        assert (scene.steps, scene.outlet.gains) == (steps, gains)
        scene.replies.cancel(3, "call_ended")

    run(main())


@pytest.mark.parametrize(("action", "steps", "gains"), ACTIONS)
def test_what_a_withdrawn_reply_would_have_done_is_never_done(action, steps, gains) -> None:
    """Killed: a withdrawal that leaves the actions to the next reply."""

    async def main():
        scene = Scene()
        scene.prepare(3, Act(action), "It is noon.")
        await settled()
        scene.replies.try_out(3)
        scene.replies.withdraw()
        scene.prepare(4, "One.")
        await settled()
        scene.replies.try_out(4)
        scene.replies.settle()
        assert (scene.steps, scene.outlet.gains) == ([], [])
        scene.replies.cancel(4, "call_ended")

    run(main())


def test_an_action_after_the_reply_stands_is_done_at_once() -> None:
    async def main():
        scene = Scene()
        scene.prepare(3, "Yes.", 1.0, Act(Action.HOLD))
        await settled()
        scene.replies.try_out(3)
        scene.replies.settle()
        await asyncio.sleep(2)
        assert scene.steps == [ev.Held()]
        scene.replies.cancel(3, "call_ended")

    run(main())


def held(scene, *answer):
    """Reply 3 has stopped in mid-word, and reply 4 to what was said over it is prepared."""
    scene.prepare(3, Heard("when"), "It is noon.")

    async def go():
        await settled()
        scene.replies.let_out(3)
        await settled()
        assert not scene.replies.hold()  # of silence nothing could be kept
        scene.replies.packet_left(3, 0.1)
        assert scene.replies.hold()
        scene.prepare(4, *answer)
        await settled()

    return go()


def test_a_reply_that_is_held_goes_on_and_is_remembered_whole() -> None:
    async def main():
        scene = Scene()
        await held(scene, "Yes?")
        assert scene.replies.held == Exchange("when", "It is noon.", 3)
        scene.replies.discard()  # of the one that was prepared
        scene.replies.resume()
        assert scene.replies.held is None
        assert scene.outlet.calls == ["hold", "resume"]
        scene.replies.left(3)
        assert scene.steps == [ev.ReplyBegan(3), ev.Untold(4), ev.ReplyFinished(3)]
        assert scene.memory.past == (Exchange("when", "It is noon.", 3),)
        assert [done.turn for done in scene.told_of(nt.ReplyDone)] == [3]

    run(main())


def test_of_a_reply_that_is_held_the_client_says_how_much_was_heard() -> None:
    """Killed: looking only at the reply to the words over it, and "it is too long ago"."""

    async def main():
        scene = Scene()
        await held(scene, "Yes?")
        assert not scene.replies.truncate(3, 10_000)
        assert scene.replies.truncate(3, 500)
        scene.replies.cancel(3, "client_cancelled")
        [refused] = scene.told_of(CutRefused)
        assert refused.audio_ms == 750
        [done] = scene.told_of(nt.ReplyDone)
        assert (done.heard, done.audio_ms) == ("It is", 500)
        scene.replies.discard()

    run(main())


def test_whether_one_is_held_is_known_before_a_word_of_it_was_heard() -> None:
    async def main():
        scene = Scene()
        assert not scene.replies.holds
        await held(scene, "Yes?")
        assert scene.replies.holds
        scene.replies.cancel(3, "turn_detected")
        assert not scene.replies.holds
        scene.replies.discard()

    run(main())


def test_a_reply_that_is_held_may_be_over_and_the_next_one_is_not() -> None:
    """Killed: a cancelling that takes the reply that is prepared."""

    async def main():
        scene = Scene()
        await held(scene, "Yes?")
        scene.replies.cancel(3, "turn_detected")
        [done] = scene.told_of(nt.ReplyDone)
        assert (done.turn, done.status, done.reason) == (3, "cancelled", "turn_detected")
        scene.replies.let_out(4)
        await settled()
        scene.replies.left(4)
        assert [exchange.agent for exchange in scene.memory.past] == ["It is noon.", "Yes?"]

    run(main())


@pytest.mark.parametrize(
    ("said", "steps"),
    [
        ("Okay.", [ev.Agreed(4)]),
        ("Stop it.", [ev.Asked(4)]),
        ("(not listened to)", [ev.Untold(4)]),
    ],
)
def test_the_words_over_a_reply_tell_what_they_are(said, steps) -> None:
    async def main():
        scene = Scene()
        await held(scene, Heard(said), "Yes?")
        assert scene.steps == [ev.ReplyBegan(3), *steps]
        scene.replies.discard()
        scene.replies.cancel(3, "call_ended")

    run(main())


@pytest.mark.parametrize(
    ("language", "said", "steps"),
    [
        ("fr-FR", "D'accord.", [ev.Agreed(4)]),
        ("fr-FR", "Attendez.", [ev.Asked(4)]),
        ("ja-JP", "ちょっと待って", [ev.Untold(4)]),
    ],
)
def test_words_over_a_reply_are_those_of_the_session_s_language(language, said, steps) -> None:
    async def main():
        scene = Scene()
        scene.replies.style = Style("", language)
        await held(scene, Heard(said), "Yes?")
        assert scene.steps == [ev.ReplyBegan(3), *steps]
        scene.replies.discard()
        scene.replies.cancel(3, "call_ended")

    run(main())


@pytest.mark.parametrize(
    "pieces",
    [
        (Sense(0.9), "Yes?", "No?"),
        (Sense(0.9),),
        (EngineError("it fell"),),
    ],
)
def test_a_brain_that_answers_without_the_words_has_none_to_tell(pieces) -> None:
    async def main():
        scene = Scene()
        await held(scene, *pieces)
        assert scene.steps == [ev.ReplyBegan(3), ev.Untold(4)]
        scene.replies.discard()
        scene.replies.cancel(3, "call_ended")

    run(main())


def test_a_brain_that_still_thinks_has_said_nothing_of_the_words() -> None:
    async def main():
        scene = Scene()
        await held(scene, Sense(0.9), 1.0, "Yes?")
        assert scene.steps == [ev.ReplyBegan(3)]
        scene.replies.discard()
        await settled()
        assert scene.steps == [ev.ReplyBegan(3)]
        scene.replies.cancel(3, "call_ended")

    run(main())


def test_other_words_are_only_words() -> None:
    async def main():
        scene = Scene()
        scene.prepare(3, Heard("Okay."), "Yes?")
        await settled()
        assert scene.steps == []
        scene.replies.discard()

    run(main())
