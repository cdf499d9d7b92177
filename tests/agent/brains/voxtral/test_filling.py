"""A slot's cache is brought to a span: only the rest is computed, the answer is the same."""

import numpy as np
from fake_runner import BEGIN_AUDIO, END_INST, INST, FakeRunner, ids
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.brains.voxtral.filling import Slot
from agent.brains.voxtral.span import CHUNK_SAMPLES, Utterance, positions

HEAD = [1, INST, *ids("Be brief.")]
TAIL = [END_INST]


def utterance(samples=16_000, value=0.1):
    return Utterance(np.full(samples, value, np.float32))


def slot_of(runner, number):
    return Slot(runner, number, BEGIN_AUDIO)


def run(work):
    """All its pieces; what it returned, and how many pieces came before that."""
    count = 0
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value, count
        count += 1


def test_a_prepared_prefix_leaves_one_step_to_the_answer() -> None:
    runner = FakeRunner()
    slot, spoken = slot_of(runner, 1), utterance()
    run(slot.prepare(HEAD))
    runner.computed.clear()
    _, before = run(slot.answer([*HEAD, spoken, *TAIL], None))
    assert before == 0
    assert runner.computed == [("hear_and_answer", 1, 377)]
    assert spoken.sound is not None


def test_what_is_held_is_not_computed_again() -> None:
    runner = FakeRunner()
    slot, span = slot_of(runner, 0), [*HEAD, utterance(), *TAIL]
    token, _ = run(slot.answer(span, None))
    runner.computed.clear()
    assert run(slot.answer(span, None)) == (token, 0)
    assert runner.computed == [("first", 0, 1)], "a token must be taken in to get the next"


def test_a_prefix_of_what_is_held_leaves_the_rest_alone() -> None:
    runner = FakeRunner()
    slot, span = slot_of(runner, 0), [*HEAD, utterance(), *TAIL, *ids("Yes")]
    run(slot.prepare(span))
    runner.computed.clear()
    run(slot.prepare(span[:-2]))
    run(slot.prepare(span))
    assert runner.computed == []
    assert runner.position(0) == positions(span)


def test_a_discarded_utterance_is_rewound() -> None:
    runner = FakeRunner()
    slot = slot_of(runner, 0)
    run(slot.answer([*HEAD, utterance(), *TAIL], None))
    runner.computed.clear()
    run(slot.answer([*HEAD, utterance(17_000), *TAIL], None))
    assert runner.computed == [("hear_and_answer", 0, 377)]


def test_a_long_prefix_comes_in_pieces_that_others_may_come_between() -> None:
    runner = FakeRunner()
    slot = slot_of(runner, 0)
    span = [*HEAD, *ids("x" * 1200), utterance(), *TAIL]
    _, before = run(slot.answer(span, None))
    assert before == 3
    assert max(count for _, _, count in runner.computed) <= 512
    assert runner.position(0) == positions(span)


def test_more_than_30_s_are_embedded_first() -> None:
    runner = FakeRunner()
    slot, spoken = slot_of(runner, 0), utterance(CHUNK_SAMPLES + 1)
    run(slot.answer([*HEAD, spoken, *TAIL], None))
    assert spoken.sound.positions == 750
    assert "hear_and_answer" not in {verb for verb, _, _ in runner.computed}
    assert runner.position(0) == len(HEAD) + 1 + 750 + 1


def test_past_utterances_are_heard_again_without_their_samples() -> None:
    runner = FakeRunner()
    slot, past, now = slot_of(runner, 0), utterance(), utterance(20_000)
    span = [*HEAD, past, *TAIL, *ids("Yes."), 2, INST, now, *TAIL]
    run(slot_of(runner, 1).answer([*HEAD, past, *TAIL], None))
    run(slot.answer(span, None))
    assert ("hear_and_answer", 0, 377) in runner.computed


def test_a_spoilt_slot_begins_anew() -> None:
    runner = FakeRunner()
    slot, span = slot_of(runner, 0), [*HEAD, *TAIL]
    token, _ = run(slot.answer(span, None))
    freed = []
    runner.before = lambda verb, slots: freed.extend(slots if verb == "free" else ())
    slot.spoil()
    runner.computed.clear()
    assert run(slot.answer(span, None))[0] == token
    assert runner.positions_computed("first", "extend") == len(span)
    assert run(slot.answer(span, None))[0] == token
    assert freed == [0], "once, before it is used again"


def test_a_freed_slot_holds_nothing() -> None:
    runner = FakeRunner()
    slot, span = slot_of(runner, 0), [*HEAD, *TAIL]
    token, _ = run(slot.answer(span, None))
    slot.free()
    assert runner.position(0) == 0
    assert run(slot.answer(span, None))[0] == token


UTTERANCES = [16_000, 17_000, CHUNK_SAMPLES + 5]
items = st.sampled_from([5, 70, 71, *UTTERANCES])


@settings(max_examples=60)
@given(st.lists(st.lists(items, min_size=1, max_size=6), min_size=1, max_size=5), st.data())
def test_the_answer_is_the_same_whatever_was_held(spans, data) -> None:
    """Prepared or not, abandoned between two pieces or not: as if in a slot of its own."""
    spoken = {n: utterance(n) for n in UTTERANCES}  # kept by whoever goes on talking
    runner = FakeRunner(context=8192)  # six of the longest, and more
    slot = slot_of(runner, 0)
    for span in spans:
        wanted = [*HEAD, *(spoken.get(item, item) for item in span), *TAIL]
        if data.draw(st.booleans()):
            work = slot.prepare(wanted[: data.draw(st.integers(0, len(wanted)))])
            for _ in range(data.draw(st.integers(0, 3))):
                next(work, None)
        fresh = [
            utterance(item.chunks and n) if item is spoken.get(n) else item
            for item, n in zip(wanted, [*HEAD, *span, *TAIL], strict=True)
        ]
        alone = FakeRunner(slots=1, context=8192)
        expected, _ = run(slot_of(alone, 0).answer(fresh, None))
        token, _ = run(slot.answer(wanted, None))
        assert token == expected
        assert runner.prompt(0) == alone.prompt(0)
        for _ in range(data.draw(st.integers(0, 3))):
            [following] = runner.step([0])
            slot.said(token)
            token = following


def test_tokens_are_weighed_behind_the_whole_of_a_span() -> None:
    runner = FakeRunner(says=lambda prompt: "Y" if prompt.endswith("[/INST]") else "?")
    slot, spoken = slot_of(runner, 1), utterance()
    wanted = [*HEAD, spoken, *TAIL]
    chances, _ = run(slot.weigh(wanted, ids("YN")))
    assert chances == (1.0, 0.0)
    assert runner.prompt(1).startswith("<s>[INST]Be brief.[BEGIN_AUDIO]<16000 samples")
    runner.computed.clear()
    assert run(slot.weigh(wanted, ids("NY"))) == ((0.0, 1.0), 0)
    assert runner.computed == [("weigh", 1, 1)], "the rest is held"


def test_what_was_weighed_is_held_for_an_answer() -> None:
    """As a transcript of the same utterance has it."""
    runner = FakeRunner()
    slot, spoken = slot_of(runner, 0), utterance()
    run(slot.weigh([*HEAD, spoken, *ids("Finished?"), *TAIL], ids("YN")))
    runner.computed.clear()
    token, _ = run(slot.answer([*HEAD, spoken, *TAIL], None))
    assert runner.computed == [("first", 0, 1)]
    afresh, _ = run(slot_of(FakeRunner(), 0).answer([*HEAD, utterance(), *TAIL], None))
    assert token == afresh


def test_a_long_span_is_weighed_in_pieces() -> None:
    runner = FakeRunner()
    _, before = run(slot_of(runner, 0).weigh([*HEAD, *ids("a" * 1200), *TAIL], ids("Y")))
    assert before == 2
    assert [verb for verb, _, _ in runner.computed] == ["extend", "extend", "weigh"]
