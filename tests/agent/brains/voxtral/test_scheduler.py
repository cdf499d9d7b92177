"""The thread that owns the model: order, cancelling, failures, and nothing mixed up."""

import logging
import threading
from contextlib import contextmanager
from itertools import islice

import numpy as np
import pytest
from fake_runner import BEGIN_AUDIO, END_INST, EOS, INST, SPECIALS, FakeRunner, ids, some_words
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.brains.voxtral.scheduler import Scheduler
from agent.brains.voxtral.span import Utterance, positions
from agent.errors import EngineError

PATIENCE_S = 20.0  # of a test that would otherwise hang


class Gate:
    """Stops the runner before what it is about to do, one thing at a time."""

    def __init__(self) -> None:
        self.arrived, self.allowed = threading.Semaphore(0), threading.Semaphore(0)
        self.at = None
        self.open = False

    def __call__(self, verb, slots) -> None:
        if self.open or verb in ("rewind", "free"):
            return
        self.at = verb
        self.arrived.release()
        assert self.allowed.acquire(timeout=PATIENCE_S)

    def wait(self) -> str:
        """Until the runner is about to do something; what it is."""
        assert self.arrived.acquire(timeout=PATIENCE_S)
        return self.at

    def step(self) -> str:
        """Let it be done; what comes next."""
        self.allowed.release()
        return self.wait()

    def release(self) -> None:
        self.open = True
        self.allowed.release()


@contextmanager
def scheduler_of(runner):
    scheduler = Scheduler(runner, begin_audio=BEGIN_AUDIO, stop=EOS)
    try:
        yield scheduler
    finally:
        scheduler.close()


def span(text, samples=0):
    heard = [Utterance(np.full(samples, 0.1, np.float32))] if samples else []
    return [1, INST, *ids(text), *heard, END_INST]


def text_of(tokens):
    return bytes(token - SPECIALS for token in tokens).decode()


def alone(wanted):
    """What a runner of its own says."""
    with scheduler_of(FakeRunner(slots=1)) as scheduler:
        return list(scheduler.answer(scheduler.take(0), wanted, 1000, None))


def verbs(runner):
    return [verb for verb, _, _ in runner.computed]


def test_an_answer_ends_where_the_model_ends_it() -> None:
    with scheduler_of(FakeRunner(says=lambda prompt: "Hello there.")) as scheduler:
        tokens = scheduler.answer(scheduler.take(0), span("Hi", 100), 1000, None)
        assert text_of(tokens) == "Hello there."
        assert list(tokens) == []
        assert tokens.whole


@pytest.mark.parametrize("limit", [1, 5])
def test_an_answer_is_bounded(limit) -> None:
    runner = FakeRunner(says=lambda prompt: "Hello there.")
    with scheduler_of(runner) as scheduler:
        tokens = list(scheduler.answer(scheduler.take(0), span("Hi"), limit, None))
    assert text_of(tokens) == "Hello there."[:limit]
    assert verbs(runner).count("step") == limit - 1, "nothing is made that is not wanted"


def test_an_answer_ends_where_the_cache_does() -> None:
    wanted = span("Hi")
    runner = FakeRunner(context=positions(wanted) + 3, says=lambda prompt: "Hello there.")
    with scheduler_of(runner) as scheduler:
        slot = scheduler.take(0)
        assert text_of(scheduler.answer(slot, wanted, 1000, None)) == "Hel"
        with pytest.raises(EngineError, match="context_tokens"):
            scheduler.answer(slot, span("Hi, this is too long"), 1000, None)


def test_calls_at_once_answer_as_they_would_alone() -> None:
    runner = FakeRunner(slots=5)
    with scheduler_of(runner) as scheduler:
        wanted = [span(f"I am {n}", 1000 + n) for n in range(5)]
        answers = [scheduler.answer(scheduler.take(0), s, 1000, None) for s in wanted]
        said = [list(tokens) for tokens in answers]
    assert said == [alone(span(f"I am {n}", 1000 + n)) for n in range(5)]
    assert len({text_of(tokens) for tokens in said}) == 5


def test_those_who_speak_take_steps_together() -> None:
    gate = Gate()
    sizes = []

    def before(verb, slots):
        sizes.append((verb, len(slots)))
        gate(verb, slots)

    with scheduler_of(FakeRunner(before=before, says=lambda p: "Yes.")) as scheduler:
        first = scheduler.answer(scheduler.take(0), span("a"), 1000, None)
        gate.wait()
        second = scheduler.answer(scheduler.take(0), span("b"), 1000, None)
        gate.release()
        assert text_of(first) == text_of(second) == "Yes."
    assert ("step", 2) in sizes


def test_who_waits_goes_before_prefixes_and_those_before_transcripts() -> None:
    gate = Gate()
    runner = FakeRunner(slots=4, before=gate, says=lambda prompt: "")
    with scheduler_of(runner) as scheduler:
        a, b, c, d = (scheduler.take(0) for _ in range(4))
        scheduler.answer(a, span("in work"), 9, None)
        gate.wait()
        transcript = scheduler.note(b, span("transcript"), 9, None)
        scheduler.prepare(c, span("prefix"))
        answer = scheduler.answer(d, span("answer"), 9, None)
        gate.release()
        assert list(answer) == list(transcript) == []
    assert [slot for _, slot, _ in runner.computed] == [a, d, c, b]


def test_a_prefix_waits_for_the_answer_in_its_slot() -> None:
    gate = Gate()
    runner = FakeRunner(before=gate, says=lambda prompt: "Yes.")
    with scheduler_of(runner) as scheduler:
        slot = scheduler.take(0)
        answer = scheduler.answer(slot, span("Hi"), 1000, None)
        gate.wait()
        scheduler.prepare(slot, [*span("Hi"), *ids("Ye")])
        scheduler.prepare(slot, [*span("Hi"), *ids("Yes"), EOS, INST])
        gate.release()
        assert text_of(answer) == "Yes."
        assert text_of(scheduler.note(scheduler.take(0), span("x"), 99, None)) == "Yes."
        assert runner.prompt(slot) == "<s>[INST]Hi[/INST]Yes</s>[INST]", "the latest wish"


def test_an_answer_overrules_what_was_asked_for_its_slot() -> None:
    gate = Gate()
    runner = FakeRunner(before=gate, says=lambda prompt: "Yes.")
    with scheduler_of(runner) as scheduler:
        slot = scheduler.take(0)
        scheduler.prepare(slot, span("old"))
        gate.wait()
        scheduler.prepare(slot, span("prefix that is not wanted any more"))
        new = scheduler.answer(slot, span("new"), 1000, None)
        gate.release()
        assert text_of(new) == "Yes."
        assert new.whole
        assert not any(count > 20 for _, _, count in runner.computed)


@pytest.mark.parametrize("wanted", [True, False])
def test_an_answer_that_is_held_is_whole_before_the_next_one_begins(wanted) -> None:
    gate = Gate()
    runner = FakeRunner(before=gate, says=lambda prompt: "Yes.")
    with scheduler_of(runner) as scheduler:
        slot = scheduler.take(0)
        old = scheduler.answer(slot, span("old"), 1000, None)
        gate.wait()
        scheduler.prepare(slot, span("prefix that is not wanted any more"))
        new = scheduler.answer(slot, span("new"), 1000, None)
        if not wanted:
            old.cancel()
        gate.release()
        assert text_of(new) == "Yes."
        assert text_of(old) == ("Yes." if wanted else "")
        assert (old.whole, new.whole) == (wanted, True)
        assert not any(count > 20 for _, _, count in runner.computed)


def test_what_was_prepared_is_not_computed_again() -> None:
    runner = FakeRunner()
    with scheduler_of(runner) as scheduler:
        slot = scheduler.take(0)
        head = [1, INST, *ids("A long instruction. " * 40)]
        scheduler.prepare(slot, head)
        list(scheduler.note(scheduler.take(0), span("so that the prefix is done"), 9, None))
        runner.computed.clear()
        heard = Utterance(np.ones(100, np.float32))
        list(scheduler.answer(slot, [*head, heard, END_INST], 1, None))
        assert runner.computed == [("hear_and_answer", slot, 377)]


def test_transcripts_come_one_after_the_other() -> None:
    runner = FakeRunner(says=some_words)
    with scheduler_of(runner) as scheduler:
        slot = scheduler.take(0)
        notes = [scheduler.note(slot, span(f"note {n}"), 1000, None) for n in range(3)]
        assert [list(note) for note in notes] == [alone(span(f"note {n}")) for n in range(3)]


def test_who_waits_for_a_note_goes_before_the_notes_that_nobody_waits_for() -> None:
    gate = Gate()
    runner = FakeRunner(before=gate, says=lambda prompt: prompt[9:-7])  # between the brackets
    with scheduler_of(runner) as scheduler:
        pen = scheduler.take(0)
        notes = [scheduler.note(pen, span(f"note {n}"), 1000, None) for n in range(2)]
        gate.wait()
        assert gate.step() == "step"
        assert text_of([next(notes[0])]) == "n"
        urgent = [scheduler.note_now(pen, span(f"now {n}"), 1000, None) for n in range(2)]
        gate.release()
        assert [text_of(each) for each in urgent] == ["now 0", "now 1"]
        assert [text_of(each) for each in notes] == ["ote 0", "note 1"], (
            "it begins where it was"
        )
        assert all(each.whole for each in (*notes, *urgent))
    prefills = [count for verb, _, count in runner.computed if verb in ("extend", "first")]
    assert prefills[0] == len(span("note 0"))
    assert len(prefills) == 5, "only the one that was put off was begun twice"


def weighed(weighing):
    """Its chances, waited for as no caller does."""
    made = weighing._job.made.get(timeout=PATIENCE_S)
    if isinstance(made, EngineError):
        raise made
    return made


def test_who_weighs_waits_for_no_note_and_takes_no_step() -> None:
    gate = Gate()
    runner = FakeRunner(before=gate, says=lambda prompt: prompt[9:-7])
    with scheduler_of(runner) as scheduler:
        pen = scheduler.take(0)
        note = scheduler.note(pen, span("note"), 1000, None)
        gate.wait()
        assert gate.step() == "step"
        weighing = scheduler.weigh_now(pen, span("Yes"), ids("NYx"))
        assert not weighing.over
        gate.step()
        gate.release()
        assert weighed(weighing) == (0.0, 1.0, 0.0)
        assert text_of(note) == "note"
    assert verbs(runner).count("weigh") == 1


def test_no_piece_of_an_answer_waits_for_who_weighs() -> None:
    """Killed: one rank for both, where their pieces take turns: a long past came after it, and
    the utterance was not heard in one step any more.
    """
    gate = Gate()
    runner = FakeRunner(before=gate, says=lambda prompt: "Yes, quite.")
    with scheduler_of(runner) as scheduler:
        pen, slot = scheduler.take(0), scheduler.take(0)
        past, spoken = ids("p" * 1200), Utterance(np.full(100, 0.1, np.float32))
        answer = scheduler.answer(slot, [1, INST, *past, spoken, END_INST], 1000, None)
        gate.wait()
        weighing = scheduler.weigh_now(pen, [1, INST, spoken, *ids("?"), END_INST], ids("Y"))
        gate.release()
        assert text_of(answer) == "Yes, quite."
        assert weighed(weighing) == (1.0,)
    assert verbs(runner)[:6] == ["extend"] * 3 + ["hear_and_answer", "step", "weigh"]


def test_who_waits_for_words_goes_before_all_who_weigh() -> None:
    """ "Stop", over a reply, must not come after everybody's pauses."""
    gate = Gate()
    runner = FakeRunner(before=gate, says=lambda prompt: prompt[9:-7])
    with scheduler_of(runner) as scheduler:
        pen = scheduler.take(0)
        weighings = [scheduler.weigh_now(pen, span(f"w{n}" * 999), ids("w")) for n in range(3)]
        gate.wait()
        now = scheduler.note_now(pen, span("now"), 1000, None)
        gate.release()
        assert text_of(now) == "now"
        assert [weighed(each) for each in weighings] == [(1.0,)] * 3
    order = [verb for verb in verbs(runner) if verb in ("first", "weigh")]
    assert order == ["first", "weigh", "weigh", "weigh"]


def test_a_weighing_that_is_cancelled_is_not_begun() -> None:
    gate = Gate()
    runner = FakeRunner(before=gate)
    with scheduler_of(runner) as scheduler:
        pen, slot = scheduler.take(0), scheduler.take(0)
        answer = scheduler.answer(slot, span("a"), 1000, None)
        gate.wait()
        weighing = scheduler.weigh_now(pen, span("b"), ids("N"))
        weighing.cancel()
        gate.release()
        assert weighed(weighing) is None
        list(answer)
    assert "weigh" not in verbs(runner)


def test_a_weighing_that_fails_spoils_only_its_slot() -> None:
    def before(verb, slots):
        if verb == "weigh":
            raise RuntimeError("no memory")

    with scheduler_of(FakeRunner(before=before)) as scheduler:
        pen, slot = scheduler.take(0), scheduler.take(0)
        answer = scheduler.answer(slot, span("a", 5), 1000, None)
        with pytest.raises(EngineError, match="no memory"):
            weighed(scheduler.weigh_now(pen, span("b"), ids("N")))
        assert list(answer) == alone(span("a", 5))
        assert list(scheduler.note(pen, span("c", 5), 1000, None)) == alone(span("c", 5))


def test_what_was_in_work_when_it_was_put_off_is_not_said_twice() -> None:
    """Killed: taking the token of a step that another job has overtaken."""
    gate = Gate()
    runner = FakeRunner(before=gate, says=lambda prompt: "Hello there.")
    with scheduler_of(runner) as scheduler:
        pen = scheduler.take(0)
        note = scheduler.note(pen, span("Hi"), 1000, None)
        gate.wait()
        assert gate.step() == "step"
        scheduler.note_now(pen, span("now"), 1000, None).cancel()  # it goes on at once
        gate.release()
        assert text_of(note) == "Hello there."


def test_a_note_that_was_put_off_can_be_cancelled_and_so_can_the_other() -> None:
    gate = Gate()
    with scheduler_of(FakeRunner(before=gate, says=lambda p: "Hello.")) as scheduler:
        pen = scheduler.take(0)
        first, second = (scheduler.note(pen, span(f"note {n}"), 99, None) for n in range(2))
        gate.wait()
        now, then = (scheduler.note_now(pen, span(f"now {n}"), 99, None) for n in range(2))
        first.cancel()
        now.cancel()
        gate.release()
        assert list(now) == list(first) == []
        assert not now.whole and not first.whole
        assert text_of(then) == text_of(second) == "Hello."


def test_a_failure_of_what_was_put_off_meanwhile_is_made_good() -> None:
    gate = Gate()
    runner = Breaking(before=gate, says=lambda prompt: "Hello there.")
    with scheduler_of(runner) as scheduler:
        pen = scheduler.take(0)
        note = scheduler.note(pen, span("Hi"), 1000, None)
        gate.wait()
        gate.step()

        def fail(slots, step=runner.step):
            runner._begin("step", slots)
            runner.armed, runner.step = True, step
            return step(slots)

        runner.step = fail
        gate.step()
        now = scheduler.note_now(pen, span("now"), 1000, None)
        gate.release()
        assert text_of(now) == "Hello there."
        assert text_of(note) == "Hello there."


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["note", "now", "cancel", "read", "prepare"]),
            st.integers(0, 9),
            st.integers(1, 3),
        ),
        max_size=16,
    )
)
def test_law_putting_notes_off_changes_none_of_them(wishes) -> None:
    """Killed: a note that begins again at its first token, or at the one after its next."""
    with scheduler_of(FakeRunner(slots=2)) as scheduler:
        pen, other = scheduler.take(0), scheduler.take(0)
        asked = []
        for verb, at, size in wishes:
            text, samples = f"note {len(asked)}", size if at % 2 else 0
            match verb:
                case "note" | "now":
                    ask = scheduler.note if verb == "note" else scheduler.note_now
                    wanted = span(text, samples)
                    asked.append((ask(pen, wanted, 99, None), [], alone(span(text, samples))))
                case "cancel" if asked:
                    asked.pop(at % len(asked))[0].cancel()
                case "read" if asked:
                    tokens, read, _ = asked[at % len(asked)]
                    read += islice(tokens, size)
                case "prepare":
                    scheduler.prepare(other, span(text, samples)[:-1])
        for tokens, read, expected in asked:
            assert [*read, *tokens] == expected
            assert tokens.whole


def test_cancelling_ends_the_wait_at_once() -> None:
    gate = Gate()
    runner = FakeRunner(before=gate, says=lambda prompt: "Hello there.")
    with scheduler_of(runner) as scheduler:
        slot = scheduler.take(0)
        answer = scheduler.answer(slot, span("Hi"), 1000, None)
        gate.wait()
        assert gate.step() == "step"
        assert text_of([next(answer)]) == "H"
        reader = threading.Thread(target=lambda: read.extend(answer))
        read = []
        reader.start()
        answer.cancel()
        reader.join(PATIENCE_S)
        assert not reader.is_alive()
        assert read == [], "although the model is still in its step"
        answer.cancel()
        assert not answer.whole
        gate.release()
        again = scheduler.answer(slot, span("Hi"), 1000, None)
        assert text_of(again) == "Hello there."
    assert verbs(runner).count("step") == 1 + len("Hello there.")


def test_what_was_cancelled_in_its_last_step_did_not_come_to_its_end() -> None:
    gate = Gate()
    with scheduler_of(FakeRunner(before=gate, says=lambda prompt: "H")) as scheduler:
        answer = scheduler.answer(scheduler.take(0), span("Hi"), 1000, None)
        gate.wait()
        assert gate.step() == "step"
        answer.cancel()
        gate.release()
        list(scheduler.note(scheduler.take(0), span("so that the step is over"), 9, None))
        assert list(answer) == [SPECIALS + ord("H")]
        assert not answer.whole


class Breaking(FakeRunner):
    """Leaves nonsense behind in a slot's cache when it fails."""

    armed = False

    def step(self, slots):
        if self.armed:
            self.armed = False
            rows = self._caches[slots[0]].rows
            rows[:] = [SPECIALS] * len(rows)
            raise RuntimeError("device lost")
        return super().step(slots)


def test_what_a_failure_left_behind_is_computed_again() -> None:
    runner = Breaking()
    with scheduler_of(runner) as scheduler:
        slot, wanted = scheduler.take(0), span("Hi", 10)
        runner.armed = True
        with pytest.raises(EngineError):
            list(scheduler.answer(slot, wanted, 99, None))
        assert list(scheduler.answer(slot, wanted, 99, None)) == alone(span("Hi", 10))


def test_cancelling_one_does_not_disturb_the_others() -> None:
    with scheduler_of(FakeRunner()) as scheduler:
        first = scheduler.answer(scheduler.take(0), span("a", 10), 1000, None)
        second = scheduler.answer(scheduler.take(0), span("b", 10), 1000, None)
        next(first)
        first.cancel()
        assert list(second) == alone(span("b", 10))


@contextmanager
def failing(verb, slot=None, kind=RuntimeError):
    """A `before` that fails once when armed."""
    armed = threading.Event()

    def before(what, slots):
        if what == verb and (slot is None or slot in slots) and armed.is_set():
            armed.clear()
            raise kind("CUDA error: out of memory")

    yield before, armed


@pytest.mark.parametrize("verb", ["hear_and_answer", "step", "rewind"])
def test_a_failure_of_the_model_fails_the_job_and_no_other(verb, caplog) -> None:
    with failing(verb) as (before, armed), scheduler_of(FakeRunner(before=before)) as scheduler:
        slot = scheduler.take(0)
        armed.set()
        with pytest.raises(EngineError, match="voxtral failed: CUDA error"):
            list(scheduler.answer(slot, span("a", 10), 1000, None))
        assert list(scheduler.answer(slot, span("a", 10), 1000, None)) == alone(span("a", 10))
        other = scheduler.answer(scheduler.take(0), span("b", 10), 1000, None)
        assert list(other) == alone(span("b", 10))
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


class Miscounting(FakeRunner):
    def step(self, slots):
        return []


def test_nobody_waits_for_a_thread_that_broke_down(caplog) -> None:
    with scheduler_of(Miscounting()) as scheduler:
        slot = scheduler.take(0)
        with pytest.raises(EngineError, match="closed"):
            list(scheduler.answer(slot, span("a", 10), 1000, None))
        with pytest.raises(EngineError, match="closed"):
            scheduler.answer(slot, span("b", 10), 1000, None)
    assert "broke down" in caplog.text


def test_an_explained_failure_is_passed_on(caplog) -> None:
    with (
        failing("first", kind=EngineError) as (before, armed),
        scheduler_of(FakeRunner(before=before)) as scheduler,
    ):
        armed.set()
        with pytest.raises(EngineError, match=r"^CUDA error"):
            list(scheduler.answer(scheduler.take(0), span("a"), 9, None))
    assert not caplog.records


def test_a_failed_step_fails_all_who_took_part() -> None:
    gate = Gate()
    armed = threading.Event()

    def before(verb, slots):
        gate(verb, slots)
        if verb == "step" and len(slots) == 2 and armed.is_set():
            armed.clear()
            raise RuntimeError("device lost")

    with scheduler_of(FakeRunner(before=before)) as scheduler:
        a, b = scheduler.take(0), scheduler.take(0)
        armed.set()
        answers = [scheduler.answer(a, span("a", 10), 99, None)]
        gate.wait()
        answers.append(scheduler.answer(b, span("b", 10), 99, None))
        gate.release()
        for tokens in answers:
            with pytest.raises(EngineError, match="device lost"):
                list(tokens)
        assert list(scheduler.answer(b, span("b", 10), 99, None)) == alone(span("b", 10))


def test_a_failed_prefix_is_nobodys_problem(caplog) -> None:
    with (
        failing("extend") as (before, armed),
        scheduler_of(FakeRunner(before=before)) as scheduler,
    ):
        slot = scheduler.take(0)
        armed.set()
        scheduler.prepare(slot, span("prefix"))
        list(scheduler.note(scheduler.take(0), span("so that the prefix was tried"), 9, None))
        assert list(scheduler.answer(slot, span("a", 10), 99, None)) == alone(span("a", 10))
    assert "voxtral failed" in caplog.text


def test_a_slot_that_cannot_be_freed_can_be_used(caplog) -> None:
    with failing("free") as (before, armed):
        runner = FakeRunner(slots=1, before=before)
        with scheduler_of(runner) as scheduler:
            slot = scheduler.take(0)
            list(scheduler.answer(slot, span("one", 10), 9, None))
            armed.set()
            scheduler.leave(slot)
            assert scheduler.take(0) == slot
            wanted = scheduler.answer(slot, span("two", 20), 99, None)
            assert list(wanted) == alone(span("two", 20))
    assert "free a slot" in caplog.text


def test_there_are_as_many_calls_as_slots() -> None:
    with scheduler_of(FakeRunner(slots=2)) as scheduler:
        assert {scheduler.take(0), scheduler.take(0)} == {0, 1}
        with pytest.raises(EngineError, match=r"divided into 2 .* limits\.calls"):
            scheduler.take(0)


def test_who_wants_a_slot_waits_for_one_that_is_left() -> None:
    with scheduler_of(FakeRunner(slots=1)) as scheduler:
        slot = scheduler.take(0)
        got = []
        taker = threading.Thread(target=lambda: got.append(scheduler.take(PATIENCE_S)))
        taker.start()
        scheduler.leave(slot)
        taker.join(PATIENCE_S)
        assert got == [slot]


def test_a_slot_left_in_mid_answer_is_clean_for_the_next() -> None:
    gate = Gate()
    runner = FakeRunner(slots=1, before=gate)
    with scheduler_of(runner) as scheduler:
        slot = scheduler.take(0)
        answer = scheduler.answer(slot, span("secret", 10), 1000, None)
        scheduler.prepare(slot, span("more"))
        gate.wait()
        scheduler.leave(slot)
        assert list(answer) == []
        assert scheduler.take(0) == slot
        gate.release()
        assert list(scheduler.answer(slot, span("b", 10), 99, None)) == alone(span("b", 10))
        assert "secret" not in runner.prompt(slot)


def test_closing_fails_what_is_under_way_and_what_comes() -> None:
    gate = Gate()
    scheduler = Scheduler(FakeRunner(before=gate), begin_audio=BEGIN_AUDIO, stop=EOS)
    slot = scheduler.take(0)
    answer = scheduler.answer(slot, span("a"), 1000, None)
    gate.wait()
    closer = threading.Thread(target=scheduler.close)
    closer.start()
    with pytest.raises(EngineError, match="closed"):
        next(answer)
    gate.release()
    closer.join(PATIENCE_S)
    assert not closer.is_alive()
    scheduler.prepare(slot, span("changes nothing"))
    for verb in (scheduler.answer, scheduler.note, scheduler.note_now):
        with pytest.raises(EngineError, match="closed"):
            verb(slot, span("a"), 9, None)
    with pytest.raises(EngineError, match="closed"):
        scheduler.weigh_now(slot, span("a"), ids("N"))
    with pytest.raises(EngineError, match="closed"):
        scheduler.take(0)


wishes = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["answer", "prepare", "note", "cancel", "read"]),
        st.sampled_from(["Be brief.", "Be long.", "Be kind, and brief."]),
        st.integers(1, 3),
    ),
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(wishes)
def test_whatever_is_asked_in_whatever_order_answers_are_those_of_a_slot_alone(wishes) -> None:
    with scheduler_of(FakeRunner(slots=3)) as scheduler:
        slots = [scheduler.take(0) for _ in range(3)]
        latest = {}
        for call, verb, text, size in wishes:
            slot, wanted = slots[call], span(text, size)
            match verb:
                case "answer":
                    tokens = scheduler.answer(slot, wanted, 99, None)
                    latest[call] = (tokens, [], alone(span(text, size)))
                case "note":
                    note = scheduler.note(slot, wanted, 99, None)
                    latest.pop(call, None)
                    assert list(note) == alone(span(text, size))
                case "prepare":
                    scheduler.prepare(slot, wanted[:-1])
                case "cancel" if call in latest:
                    latest.pop(call)[0].cancel()
                case "read" if call in latest:
                    tokens, read, _ = latest[call]
                    read += islice(tokens, size)
        for tokens, read, expected in latest.values():
            assert [*read, *tokens] == expected
