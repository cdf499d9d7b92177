"""Whole calls on a runner without a model: what is remembered, and what it costs."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import listener_laws as laws
import numpy as np
import pytest
from fake_runner import FakeRunner, ids, label, some_words
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.brains.voxtral.finished import QUESTION
from agent.brains.voxtral.mind import Mind
from agent.brains.voxtral.tekken import Tekken
from agent.config import Voxtral
from agent.engines import Conversation, Exchange, Heard, Sense, Text, Tool, ToolCall, ToolUse
from agent.errors import EngineError

TIME = Tool("time", "The time", '{"type": "object", "properties": {}}')
ASKS = '[{"name": "time", "arguments": {}}]'


def speech(seconds=1.0, value=0.1):
    return np.full(int(seconds * 16_000), value, np.float32)


ONE, OTHER, LONG = speech(), speech(0.5, 0.2), speech(70.0, 0.3)


@pytest.fixture(scope="module")
def tekken(checkpoint) -> Tekken:
    return Tekken(checkpoint / "tekken.json")


@pytest.fixture
def mind_of(tekken):
    """Start minds; all of them end with the test."""
    minds = []

    def start(runner, **settings) -> Mind:
        minds.append(Mind(runner, tekken, Voxtral(**settings)))
        return minds[-1]

    yield start
    for mind in minds:
        mind.close()


def text(pieces) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


class Call:
    """Speaks, listens and remembers as a call does."""

    def __init__(self, mind, instructions="Be brief.", tools=()) -> None:
        self.listener = mind.listen()
        self.instructions, self.tools = instructions, tools
        self.past, self.number = (), 0

    def conversation(self, turn=0) -> Conversation:
        return Conversation(self.instructions, "en-US", self.past, turn, self.tools)

    def begin(self, samples) -> None:
        self.listener.expect(self.conversation())
        laws.hear(self.listener, samples)

    def reply(self):
        self.number += 1
        return self.listener.reply(self.conversation(self.number))

    def say(self, samples) -> list:
        """A whole turn, heard to its end."""
        self.begin(samples)
        pieces = list(self.reply())
        self.listener.keep()
        self.over(text(pieces))
        return pieces

    def over(self, heard, caller="", uses=()) -> None:
        heard = " ".join(heard.split())
        self.past = (*self.past, Exchange(caller, heard, self.number, uses))


@contextmanager
def counting(runner):
    """What is computed meanwhile, by verb."""
    before = len(runner.computed)
    found = {}
    yield found
    for verb, _, count in runner.computed[before:]:
        found[verb] = found.get(verb, 0) + count


def test_the_laws_of_a_listener(mind_of) -> None:
    mind = mind_of(FakeRunner(slots=4))
    laws.same_reply_twice(mind, ONE)
    laws.closed_midway_leaves_no_trace(mind, ONE)
    laws.kept_begins_anew(mind, ONE, OTHER)
    laws.kept_is_read_on_beside_another(mind, ONE, OTHER)
    laws.forgotten_never_was(mind, ONE, OTHER)
    whole, tried = mind.listen(), mind.listen()
    laws.hear(whole, ONE)
    laws.hear(tried, ONE[:5000])
    early = text(laws.answer(tried))
    tried.discard()
    laws.hear(tried, ONE[5000:])
    assert laws.answer(tried) == laws.answer(whole)
    assert early != text(laws.answer(whole)), "all of it counts"


def test_text_comes_as_it_is_made(mind_of) -> None:
    call = Call(mind_of(FakeRunner(says=lambda prompt: "Good day.")))
    assert call.say(ONE) == [Text(letter) for letter in "Good day."]


def test_the_model_hears_instructions_and_utterance(mind_of) -> None:
    prompts = []
    runner = FakeRunner(says=lambda prompt: prompts.append(prompt) or "Yes.")
    Call(mind_of(runner)).say(ONE)
    assert prompts[0] == f"<s>[INST]Be brief.[BEGIN_AUDIO]{label(ONE)}[/INST]"


def test_at_the_pause_only_the_utterance_is_left(mind_of) -> None:
    """And a reply that was heard whole is never computed again."""
    runner = FakeRunner(slots=2, says=lambda prompt: "It is ten o'clock.")
    mind = mind_of(runner)
    call = Call(mind)
    for _ in range(3):
        call.begin(ONE)
        settle(mind)
        with counting(runner) as computed:
            pieces = list(call.reply())
        said = len(text(pieces))
        assert computed == {"hear_and_answer": 377, "step": said}
        call.listener.keep()
        call.over(text(pieces))
        with counting(runner) as computed:
            call.listener.expect(call.conversation())
            settle(mind)
        assert computed["extend"] == 2, "the end of the reply, and [INST]"


def settle(mind) -> None:
    """Until what was prepared is there: transcripts come after it."""
    list(mind._scheduler.note(mind._shared.pen, [1, 4], 1, None))


def test_a_discarded_reply_costs_one_step(mind_of) -> None:
    runner = FakeRunner(slots=2)
    mind = mind_of(runner)
    call = Call(mind)
    call.begin(ONE)
    settle(mind)
    next(call.reply())
    call.listener.discard()
    laws.hear(call.listener, OTHER)
    with counting(runner) as computed:
        next(call.reply())
    assert computed["hear_and_answer"] == 377
    assert "extend" not in computed and "first" not in computed


def test_barge_in_leaves_the_reply_in_the_cache_and_cuts_the_memory(mind_of) -> None:
    prompts = []

    def says(prompt):
        prompts.append(prompt)
        return "One, two, three, four, five."

    runner = FakeRunner(slots=2, says=says)
    mind = mind_of(runner)
    call = Call(mind)
    call.begin(ONE)
    list(call.reply())
    call.listener.keep()
    with counting(runner) as computed:
        call.begin(OTHER)  # over the reply: the past does not have it yet
        settle(mind)
    assert "extend" not in computed
    call.over("One, two,")
    with counting(runner) as computed:
        list(call.reply())
    assert computed["extend"] == 2
    assert prompts[-1] == (
        f"<s>[INST]Be brief.[BEGIN_AUDIO]{label(ONE)}[/INST]One, two,</s>"
        f"[INST][BEGIN_AUDIO]{label(OTHER)}[/INST]"
    )


def test_a_function_is_called_and_its_result_answered(mind_of) -> None:
    def says(prompt):
        if prompt.endswith("[TOOL_CONTENT]ten[/TOOL_RESULTS]"):
            return "It is ten."
        return [*ids("Let me see."), 9, *ids(ASKS)]

    call = Call(mind_of(FakeRunner(says=says)), tools=(TIME,))
    call.begin(ONE)
    *told, wanted = call.reply()
    assert text(told) == "Let me see."
    assert wanted == ToolCall("000010000", "time", "{}")
    call.listener.keep()
    call.over("Let me see.", uses=(ToolUse(wanted, "ten"),))
    assert text(call.reply()) == "It is ten."


def test_of_a_result_without_room_the_beginning_is_answered_and_the_log_has_it_once(
    mind_of, caplog
) -> None:
    """Killed: an apology for what the toolbox lets through."""
    prompts = []

    def says(prompt):
        prompts.append(prompt)
        return "There are many." if "too long][/TOOL_RESULTS]" in prompt else "Let me see."

    call = Call(mind_of(FakeRunner(says=says)), tools=(TIME,))
    call.say(ONE)
    called = ToolCall("000010000", "stock", "{}")
    call.past = (replace(call.past[0], tools=(ToolUse(called, "shirt " * 2700),)),)
    for _ in range(2):  # the first for nothing
        call.listener.discard()
        assert text(call.reply()) == "There are many."
    call.listener.keep()
    call.over("There are many.")
    call.say(OTHER)
    assert "Let me see.[TOOL_CALLS]" in prompts[-1]
    assert "shirt shirt" in prompts[-1]
    [line] = caplog.messages
    assert re.search(
        r"of stock the first 1\d\d\d of 16200 tokens .* voxtral\.context_tokens", line
    )


def test_a_long_conversation_goes_on(mind_of) -> None:
    runner = FakeRunner(context=1600)
    call = Call(mind_of(runner, max_new_tokens=64, context_tokens=1600))
    for number in range(12):
        pieces = call.say(speech(1.0, 0.01 * number))
        assert text(pieces)
    assert "<s>[INST]Be brief." in runner.prompt(1)


def test_more_than_30_s_are_heard_whole_and_too_much_by_its_end(mind_of) -> None:
    prompts = []
    runner = FakeRunner(context=1600, says=lambda prompt: prompts.append(prompt) or "Yes.")
    call = Call(mind_of(runner, max_new_tokens=64))
    call.say(LONG)
    assert label(LONG) in prompts[0]
    call = Call(mind_of(runner2 := FakeRunner(context=1100, says=runner.says)))
    call.say(LONG)
    heard = LONG[len(LONG) - 2 * 480_000 :]
    assert label(heard) in prompts[-1]
    assert runner2.position(1) > 750


def test_the_past_makes_room_while_a_long_utterance_is_spoken(mind_of) -> None:
    runner = FakeRunner(slots=2, context=2314, says=lambda prompt: "Yes.")
    mind = mind_of(runner, max_new_tokens=64)
    call = Call(mind)
    for _ in range(3):
        call.say(ONE)
    call.begin(LONG)
    settle(mind)
    with counting(runner) as computed:
        next(call.reply())
    assert computed["extend"] == 1 + 3 * 375, "only the utterance"
    assert runner.prompt(1).count("Yes.</s>") == 1, "two of three turns had to go"


def test_nothing_was_said_and_nothing_is_answered(mind_of) -> None:
    call = Call(mind_of(FakeRunner(says=lambda prompt: "")))
    call.listener.hear(np.zeros(0, np.float32))
    assert list(call.reply()) == []
    call.listener.keep()
    assert list(call.listener.transcribe()) == []


def test_replies_are_bounded(mind_of) -> None:
    def said(**settings):
        runner = FakeRunner(says=lambda prompt: "One. Two. Three.")
        return text(Call(mind_of(runner, **settings)).say(ONE))

    assert said(max_new_tokens=6) == "One. T"
    assert said(max_sentences=2) == "One. Two."


def test_a_transcript_follows_and_is_asked_for_once(mind_of) -> None:
    prompts = []

    def says(prompt):
        prompts.append(prompt)
        return " What time is it? " if "[TRANSCRIBE]" in prompt else "Ten."

    listener = mind_of(FakeRunner(says=says)).listen()
    laws.hear(listener, ONE)
    list(listener.reply(Conversation("", "de-DE", turn=1)))
    listener.keep()
    transcript = listener.transcribe()
    laws.hear(listener, OTHER)
    listener.forget()
    assert list(transcript) == [Heard("What time is it?")]
    assert list(transcript) == []
    assert list(listener.transcribe()) == []
    assert prompts[-1] == f"<s>[INST][BEGIN_AUDIO]{label(ONE)}[/INST]lang:de[TRANSCRIBE]"


def test_a_transcript_can_be_given_up(mind_of) -> None:
    listener = mind_of(FakeRunner(says=lambda prompt: "on and on " * 20)).listen()
    laws.hear(listener, ONE)
    next(listener.reply(Conversation("", "en")))
    listener.keep()
    transcript = listener.transcribe()
    transcript.cancel()
    assert list(transcript) == []
    transcript.close()


@pytest.fixture
def held():
    """A runner that does nothing before `go` is set."""
    go = threading.Event()

    def before(verb, slots):
        assert go.wait(20)

    def says(prompt):
        return "I said it." if prompt.endswith("[TRANSCRIBE]") else some_words(prompt)

    runner = FakeRunner(slots=3, says=says, before=before)
    runner.go = go
    return runner


def over_a_reply(call):
    """The conversation in which something is said over a reply."""
    call.number += 1
    return replace(call.conversation(call.number), over_reply=True)


def test_what_was_said_over_a_reply_is_told_before_the_answer(mind_of) -> None:
    prompts = []

    def says(prompt):
        prompts.append(prompt)
        return " Stop. " if prompt.endswith("[TRANSCRIBE]") else "As you wish."

    runner = FakeRunner(says=says)
    mind = mind_of(runner)
    call, told = Call(mind), Call(mind)
    call.say(ONE)
    told.say(ONE)
    for each in (call, told):
        laws.hear(each.listener, OTHER)
    with counting(runner) as computed:
        said, *answer = call.listener.reply(over_a_reply(call))
    assert said == Heard("Stop.")
    assert text(answer) == text(told.reply()), "the answer is the same"
    assert f"<s>[INST][BEGIN_AUDIO]{label(OTHER)}[/INST]lang:en[TRANSCRIBE]" in prompts
    assert computed["hear_and_answer"] == 377 + 8, "the utterance is encoded once"
    call.listener.keep()
    assert list(call.listener.transcribe()) == [], "it was told already"
    told.listener.keep()
    assert list(told.listener.transcribe()) == [Heard("Stop.")]


def test_an_ordinary_turn_asks_for_no_words_before_its_answer(mind_of) -> None:
    prompts = []
    runner = FakeRunner(says=lambda prompt: prompts.append(prompt) or "Yes.")
    call = Call(mind_of(runner))
    call.begin(ONE)
    assert text(call.reply()) == "Yes."
    assert not any("[TRANSCRIBE]" in prompt for prompt in prompts)


@pytest.mark.parametrize("settings", [{"transcript": False}, {}])
def test_where_there_is_no_slot_for_it_the_answer_comes_as_ever(mind_of, settings) -> None:
    slots = 1 if not settings else 3  # of one slot none is held back
    call = Call(mind_of(FakeRunner(slots=slots, says=lambda prompt: "Yes."), **settings))
    laws.hear(call.listener, ONE)
    assert text(pieces := list(call.listener.reply(over_a_reply(call)))) == "Yes."
    assert not any(isinstance(piece, Heard) for piece in pieces)


def test_words_over_a_reply_do_not_wait_for_that_reply_or_for_transcripts(mind_of) -> None:
    """Killed: asking for them after what was asked before."""
    hears = []

    def says(prompt):
        hears.append(prompt)
        return "Stop." if prompt.endswith("[TRANSCRIBE]") else "on and on " * 2000

    mind = mind_of(FakeRunner(says=says, context=40_000), max_new_tokens=19_000)
    call = Call(mind)
    call.begin(ONE)
    held = call.reply()
    next(held)
    call.listener.keep()
    note = call.listener.transcribe()
    laws.hear(call.listener, OTHER)
    draft = call.listener.reply(over_a_reply(call))
    assert next(draft) == Heard("Stop.")
    draft.close()
    call.listener.discard()
    call.listener.forget()
    assert next(held) == Text("n"), "it goes on"
    assert list(note) == [Heard("Stop.")]
    held.close()


def test_a_draft_over_a_reply_that_is_thrown_away_leaves_nothing(mind_of, held) -> None:
    mind = mind_of(held)
    call = Call(mind)
    for ending in ("discard", "forget", "close", "another"):
        laws.hear(call.listener, speech(0.2, 0.2))
        draft = call.listener.reply(over_a_reply(call))
        match ending:
            case "discard" | "forget":
                getattr(call.listener, ending)()
            case "close":
                draft.close()
                call.listener.forget()
            case "another":
                call.reply()
                call.listener.forget()
        assert not any(isinstance(piece, Heard) for piece in draft)
    laws.hear(call.listener, speech(0.2, 0.2))
    last = call.listener.reply(over_a_reply(call))
    call.listener.close()
    assert list(last) == []
    held.go.set()
    fresh = Call(mind)
    laws.hear(fresh.listener, ONE)
    assert next(fresh.listener.reply(over_a_reply(fresh))) == Heard("I said it.")


def test_a_draft_that_is_kept_before_it_is_read_tells_what_was_said_once(mind_of, held) -> None:
    call = Call(mind_of(held))
    laws.hear(call.listener, ONE)
    reply = call.listener.reply(over_a_reply(call))
    call.listener.keep()
    transcript = list(call.listener.transcribe())
    held.go.set()
    assert [*transcript, *reply].count(Heard("I said it.")) == 1


def test_an_answer_that_cannot_be_asked_for_takes_its_transcript_with_it(mind_of, held) -> None:
    mind = mind_of(held)
    call, other = Call(mind), Call(mind)
    laws.hear(call.listener, ONE)
    scheduler = mind._scheduler
    answer, scheduler.answer = scheduler.answer, None
    scheduler.answer = lambda *asked: (_ for _ in ()).throw(EngineError("no room"))
    with pytest.raises(EngineError, match="no room"):
        call.listener.reply(over_a_reply(call))
    scheduler.answer = answer
    laws.hear(other.listener, OTHER)
    draft = other.listener.reply(over_a_reply(other))
    assert [job.over for job in scheduler._seats[mind._shared.pen].jobs] == [False]
    held.go.set()
    assert next(draft) == Heard("I said it.")


def noted(call, value):
    """A turn that is kept before anything of it is made, and its transcript."""
    call.begin(speech(0.1, value))
    call.reply()
    call.listener.keep()
    return call.listener.transcribe()


def test_who_speaks_faster_than_it_is_written_down_loses_the_oldest(
    mind_of, held, caplog
) -> None:
    caplog.set_level("DEBUG")
    mind = mind_of(held)
    call, other = Call(mind), Call(mind)
    notes = [noted(other, 0.9), *(noted(call, value) for value in (0.1, 0.2, 0.3, 0.4, 0.5))]
    held.go.set()
    assert [bool(list(note)) for note in notes] == [True, False, False, True, True, True]
    assert caplog.text.count("a transcript is given up") == 2


def test_transcripts_that_are_written_make_room(mind_of, held, caplog) -> None:
    caplog.set_level("DEBUG")
    held.go.set()
    call = Call(mind_of(held))
    assert [list(noted(call, 0.1)) for _ in range(5)] == [[Heard("I said it.")]] * 5
    assert "given up" not in caplog.text


def test_a_call_that_is_over_wants_no_transcripts(mind_of, held) -> None:
    mind = mind_of(held)
    first, second = Call(mind), Call(mind)
    notes = [noted(first, 0.1), noted(first, 0.2), noted(second, 0.3)]
    first.listener.close()
    held.go.set()
    assert [bool(list(note)) for note in notes] == [False, False, True]


def test_no_transcript_of_what_was_not_answered(mind_of) -> None:
    listener = mind_of(FakeRunner()).listen()
    laws.hear(listener, ONE)
    list(listener.reply(laws.NOBODY))
    listener.forget()
    assert list(listener.transcribe()) == []
    listener.keep()
    assert list(listener.transcribe()) == []


def test_a_failure_is_told_and_the_call_goes_on(mind_of) -> None:
    failing = [True]

    def before(verb, slots):
        if verb == "hear_and_answer" and failing:
            failing.pop()
            raise RuntimeError("device lost")

    call = Call(mind_of(FakeRunner(before=before)))
    call.begin(ONE)
    with pytest.raises(EngineError, match="device lost"):
        list(call.reply())
    call.listener.keep()
    call.over("Sorry, something went wrong.")
    call.begin(OTHER)
    alone = Call(mind_of(FakeRunner()))
    alone.begin(ONE)
    list(alone.reply())
    alone.listener.keep()
    alone.past = call.past
    alone.begin(OTHER)
    assert text(call.reply()) == text(alone.reply()), "what was said is heard all the same"


def test_instructions_that_do_not_fit_are_an_error_of_the_reply(mind_of) -> None:
    call = Call(mind_of(FakeRunner(context=1024)), instructions="Be brief. " * 100)
    laws.hear(call.listener, ONE)
    with pytest.raises(EngineError, match="instructions and functions take"):
        call.reply()


def test_there_are_as_many_calls_as_slots(mind_of, monkeypatch) -> None:
    monkeypatch.setattr("agent.brains.voxtral.mind._PATIENCE_S", 0.0)
    mind = mind_of(FakeRunner(slots=3))
    assert mind.capacity() == 2
    first = mind.listen()
    mind.listen()
    with pytest.raises(EngineError, match="no room for another call"):
        mind.listen()
    first.close()
    mind.listen()
    assert mind_of(FakeRunner(slots=3), transcript=False).capacity() == 3


def test_closing_in_mid_reply_frees_the_slot(mind_of) -> None:
    gate = threading.Semaphore(3)

    def before(verb, slots):
        if verb == "step":
            assert gate.acquire(timeout=20)

    mind = mind_of(FakeRunner(slots=2, says=lambda prompt: "on and on " * 20, before=before))
    first = Call(mind)
    first.begin(ONE)
    reply = first.reply()
    next(reply)
    first.listener.close()
    gate.release(1000)
    assert len(list(reply)) <= 4, "it was cut off"
    assert text(Call(mind).say(ONE)) == "on and on " * 20


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.1, 0.2, 0.3]),
            st.booleans(),  # expected
            st.integers(0, 2),  # replies tried and discarded
            st.sampled_from(["whole", "cut", "cancelled", "forgotten"]),
            st.sampled_from([0, 0, 40, 1500, 9000]),  # bytes that a function returned
        ),
        max_size=6,
    )
)
def test_no_shortcut_can_be_told_from_the_answers(tekken, turns) -> None:
    """The same call twice: once with every preparation, once in a slot emptied each time."""
    shortcut = Mind(FakeRunner(slots=2, says=some_words), tekken, Voxtral())
    bare_runner = FakeRunner(slots=2, says=some_words)
    bare = Mind(bare_runner, tekken, Voxtral())
    try:
        calls = [Call(shortcut), Call(bare)]
        for value, expected, tried, ending, size in turns:
            answers = []
            for call in calls:
                fast = call is calls[0]
                if not fast:
                    call.listener._shared.scheduler._seats[1].slot.spoil()
                if expected and fast:
                    call.listener.expect(call.conversation())
                laws.hear(call.listener, speech(0.2, value))
                for _ in range(tried if fast else 0):
                    next(call.listener.reply(call.conversation(call.number + 1)), None)
                    call.listener.discard()
                reply = call.reply()
                if ending == "cancelled":
                    call.listener.keep()
                pieces = list(reply)
                if ending == "forgotten":
                    call.listener.forget()
                elif ending != "cancelled":
                    call.listener.keep()
                answers.append(text(pieces))
                if ending != "forgotten":
                    heard = text(pieces)
                    called = ToolCall(f"{call.number:09}", "time", "{}")
                    uses = (ToolUse(called, "x" * size),) if size else ()
                    heard = heard if ending == "whole" else heard[: len(heard) // 2]
                    call.over(heard, uses=uses)
            assert answers[0] == answers[1]
    finally:
        shortcut.close()
        bare.close()


def test_calls_at_once_answer_as_one_by_one(mind_of) -> None:
    def talk(mind, number):
        call = Call(mind, f"You are number {number}.")
        answers = [text(call.say(speech(0.3, 0.01 * number + at))) for at in (0.1, 0.5, 0.9)]
        call.listener.close()
        return answers

    mind = mind_of(FakeRunner(slots=5))
    alone = [talk(mind_of(FakeRunner(slots=2)), number) for number in range(4)]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda number: talk(mind, number), range(4)))
    assert together == alone


# -- whether the caller has finished


class Judging(FakeRunner):
    """A model that answers the question, and all else; a real one is asked before it has made
    the second token of its reply.
    """

    def __init__(self, answer="Yes", reply="It is ten o'clock.", **settings):
        super().__init__(
            says=lambda prompt: answer if QUESTION in prompt else reply, **settings
        )
        self.asked, self.verbs, self.before = threading.Event(), [], self.wait

    def wait(self, verb, slots):
        self.verbs.append(verb)
        assert verb != "step" or self.asked.wait(20)


class JudgedCall(Call):
    def __init__(self, mind, runner):
        super().__init__(mind)
        self.runner = runner

    def begin(self, samples):
        self.runner.asked.clear()
        super().begin(samples)

    def reply(self):
        reply = super().reply()
        self.runner.asked.set()
        return reply


@pytest.mark.parametrize(
    ("answer", "odds"), [("Yes", 1.0), ("yes.", 1.0), ("No", 0.0), ("Perhaps", None)]
)
def test_it_is_asked_whether_the_caller_has_finished(mind_of, answer, odds) -> None:
    runner = Judging(answer)
    pieces = JudgedCall(mind_of(runner, judge_end=True), runner).say(ONE)
    assert [p.odds for p in pieces if isinstance(p, Sense)] == ([] if odds is None else [odds])
    assert text(pieces) == "It is ten o'clock."
    assert runner.verbs.count("weigh") == 1


def test_nothing_is_asked_unless_it_is_wanted(mind_of) -> None:
    runner = Judging()
    pieces = JudgedCall(mind_of(runner), runner).say(ONE)
    assert not [p for p in pieces if isinstance(p, Sense)]
    assert "weigh" not in runner.verbs


def test_the_question_is_about_this_utterance_alone(mind_of) -> None:
    prompts, runner = [], Judging()
    runner.says = lambda prompt: prompts.append(prompt) or "Yes"
    call = JudgedCall(mind_of(runner, judge_end=True), runner)
    call.say(OTHER)
    call.say(ONE)
    asked = [prompt for prompt in prompts if QUESTION in prompt]
    assert asked == [
        f"<s>[INST][BEGIN_AUDIO]{label(samples)}{QUESTION}[/INST]" for samples in (OTHER, ONE)
    ]


def test_the_utterance_is_heard_once_for_both(mind_of) -> None:
    runner = Judging()
    JudgedCall(mind_of(runner, judge_end=True), runner).say(ONE)
    assert [verb for verb in runner.verbs if verb in ("hear_and_answer", "embed_audio")] == [
        "hear_and_answer"
    ]


def test_a_question_needs_no_transcripts(mind_of) -> None:
    runner = Judging()
    call = JudgedCall(mind_of(runner, judge_end=True, transcript=False), runner)
    assert [p.odds for p in call.say(ONE) if isinstance(p, Sense)] == [1.0]
    assert list(call.listener.transcribe()) == []


def test_over_a_reply_words_decide_and_nothing_else_is_asked(mind_of) -> None:
    runner = Judging()
    call = Call(mind_of(runner, judge_end=True))
    call.begin(ONE)
    runner.asked.set()
    pieces = list(call.listener.reply(replace(call.conversation(1), over_reply=True)))
    assert not [p for p in pieces if isinstance(p, Sense)]
    assert "weigh" not in runner.verbs


def test_without_an_utterance_there_is_nothing_to_finish(mind_of) -> None:
    runner = Judging()
    call = JudgedCall(mind_of(runner, judge_end=True), runner)
    assert text(call.reply()) == "It is ten o'clock."
    assert "weigh" not in runner.verbs


def test_one_slot_is_the_calls_own_and_nothing_is_asked_beside(mind_of) -> None:
    runner = Judging(slots=1)
    call = JudgedCall(mind_of(runner, judge_end=True), runner)
    assert text(call.say(ONE)) == "It is ten o'clock."
    assert "weigh" not in runner.verbs
