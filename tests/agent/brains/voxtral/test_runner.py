"""The runner: whatever way a conversation got into a slot, the next tokens are generate()'s."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
import tiny_voxtral
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent.accelerator.ladder import COMPILE_OPTIONS, COMPILED_GRAPHS, EAGER, GRAPHS
from agent.brains.voxtral import runner as module
from agent.brains.voxtral.attention import Plain
from agent.brains.voxtral.kinds import Ways
from agent.brains.voxtral.passes import Passes
from agent.brains.voxtral.runner import Runner
from agent.brains.voxtral.sampling import Sampling
from agent.errors import EngineError

COUNT = 16
TAIL = [4]  # [/INST]
BEGIN_AUDIO = 25
CONTEXT = 1000
UTTERANCES = (tiny_voxtral.noise(2.3, 1), tiny_voxtral.noise(0.7, 2), tiny_voxtral.noise(5, 3))
TEXTS = ("Be brief.", "You are a voice agent. Answer briefly.", "Go.")


def build(checkpoint, ways: Ways) -> Runner:
    return Runner(tiny_voxtral.passes(checkpoint), CONTEXT, BEGIN_AUDIO, ways)


@pytest.fixture(scope="module")
def slow(checkpoint) -> Runner:
    return build(checkpoint, Ways())


# On a CPU a recorded pass runs its function anew, on the tensors it was recorded with: what is
# copied where, and what is padded to what, is as on a GPU.
@pytest.fixture(scope="module")
def recorded(checkpoint) -> Runner:
    return build(checkpoint, Ways(rungs=(GRAPHS,), sampled=(False, True)))


@pytest.fixture(params=["slow", "recorded"])
def runner(request) -> Runner:
    return request.getfixturevalue(request.param)


class Case:
    """A prompt with one utterance, and what generate() answers to it."""

    def __init__(self, checkpoint, text: str, samples) -> None:
        content = [
            {"type": "text", "text": text},
            {"type": "audio", "base64": tiny_voxtral.base64_wav(samples)},
        ]
        inputs = tiny_voxtral.processor(checkpoint).apply_chat_template(
            [{"role": "user", "content": content}]
        )
        ids = inputs["input_ids"][0].tolist()
        self.samples = samples
        self.prefix = ids[: ids.index(BEGIN_AUDIO)]
        self.inputs = inputs
        self.answer = tiny_voxtral.generate(checkpoint, inputs, COUNT)


@pytest.fixture(scope="module")
def cases(checkpoint) -> list[Case]:
    return [Case(checkpoint, *pair) for pair in zip(TEXTS, UTTERANCES, strict=True)]


def go_on(runner: Runner, slot: int, token: int, count: int = COUNT) -> list[int]:
    tokens = [token]
    while len(tokens) < count:
        tokens += runner.step([slot])
    return tokens


def answer(runner: Runner, slot: int, case: Case) -> list[int]:
    runner.free(slot)
    runner.extend(slot, case.prefix)
    _, token = runner.hear_and_answer(slot, case.samples, TAIL)
    return go_on(runner, slot, token)


def test_the_answers_differ_and_vary_so_that_these_tests_can_fail(cases) -> None:
    assert len({tuple(case.answer) for case in cases}) == len(cases)
    assert all(len(set(case.answer)) > 4 for case in cases)


def test_from_sound_to_answer_is_what_generate_says(runner, cases) -> None:
    for slot, case in enumerate(cases):
        assert answer(runner, slot, case) == case.answer
        assert runner.position(slot) == len(case.prefix) + 377 + COUNT - 1


def test_the_fast_path_equals_its_parts(runner, cases) -> None:
    case = cases[0]
    runner.free(0)
    runner.free(1)
    runner.extend(0, case.prefix)
    fast_audio, fast = runner.hear_and_answer(0, case.samples, TAIL)
    audio = runner.embed_audio(case.samples)
    assert fast == runner.first(1, [*case.prefix, BEGIN_AUDIO, audio, *TAIL])
    assert audio.positions == fast_audio.positions == 375
    assert torch.equal(audio.embeddings, fast_audio.embeddings)
    assert runner.position(0) == runner.position(1)


def test_tokens_are_as_likely_as_the_model_itself_finds_them(runner, checkpoint, cases) -> None:
    """And nothing is chosen: the slot goes on as from any prefix."""
    case, asked = cases[0], [70, 99, 4, 2]
    model = tiny_voxtral.reference(checkpoint)
    with torch.no_grad():
        expected = model(**case.inputs).logits[0, -1].softmax(-1)[asked]
    audio = runner.embed_audio(case.samples)
    runner.free(0)
    runner.extend(0, case.prefix)
    chances = runner.weigh(0, [BEGIN_AUDIO, audio, *TAIL], asked)
    assert chances == pytest.approx(expected.tolist(), rel=1e-3)
    assert len(set(chances)) == len(asked) and 0 < sum(chances) < 1
    runner.rewind(0, runner.position(0) - len(TAIL))
    assert go_on(runner, 0, runner.first(0, TAIL)) == case.answer


def test_a_prefix_may_come_in_pieces(runner, cases) -> None:
    case = cases[1]
    audio = runner.embed_audio(case.samples)
    runner.free(0)
    for token in case.prefix:
        runner.extend(0, [token])
    runner.extend(0, [BEGIN_AUDIO, audio])
    assert go_on(runner, 0, runner.first(0, TAIL)) == case.answer


def test_a_rewound_slot_has_forgotten(runner, cases) -> None:
    first, second, _ = cases
    runner.free(2)
    runner.extend(2, first.prefix)
    kept = runner.position(2)
    for samples in (second.samples, first.samples, second.samples):
        _, token = runner.hear_and_answer(2, samples, TAIL)
        go_on(runner, 2, token, 5)
        runner.rewind(2, kept)
    _, token = runner.hear_and_answer(2, first.samples, TAIL)
    assert go_on(runner, 2, token) == first.answer


def test_an_answer_can_be_taken_up_where_it_was_cut(runner, cases) -> None:
    """As when a reply was heard in part: what was not is forgotten, the rest said again."""
    case = cases[0]
    tokens = answer(runner, 0, case)
    end = len(case.prefix) + 377
    runner.rewind(0, end + 5)
    assert go_on(runner, 0, runner.first(0, [tokens[5]]), COUNT - 6) == tokens[6:]
    runner.rewind(0, end + 3)
    assert runner.first(0, [tokens[3]]) == tokens[4]


def test_slots_in_one_batch_are_as_each_alone(runner, cases) -> None:
    tokens = []
    for slot, case in enumerate(cases):
        runner.free(slot)
        runner.extend(slot, case.prefix)
        tokens.append([runner.hear_and_answer(slot, case.samples, TAIL)[1]])
        for earlier in range(slot):  # so that each is somewhere else in its answer
            tokens[earlier] += runner.step([earlier])
    while any(len(said) < COUNT for said in tokens):
        slots = [slot for slot, said in enumerate(tokens) if len(said) < COUNT]
        for slot, token in zip(slots, runner.step(slots), strict=True):
            tokens[slot].append(token)
    assert tokens == [case.answer for case in cases]


@pytest.fixture(params=[16, 2])
def widest(request, monkeypatch) -> int:
    """So many slots go into one step; more are stepped in parts."""
    sizes = tuple(size for size in module.BATCHES if size <= request.param)
    monkeypatch.setattr(module, "BATCHES", sizes)
    return request.param


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.lists(st.integers(0, 2), min_size=1, unique=True), max_size=10))
@example(order=[[0, 1, 2], [2], [0, 1, 2], [1, 0, 2], [0, 1, 2], [2, 0], [0, 1, 2]])
def test_any_order_of_steps_gives_each_slot_its_own_answer(
    recorded, cases, widest, order
) -> None:
    said = []
    for slot, case in enumerate(cases):
        recorded.free(slot)
        recorded.extend(slot, case.prefix)
        said.append([recorded.hear_and_answer(slot, case.samples, TAIL)[1]])
    for slots in order:
        for slot, token in zip(slots, recorded.step(slots), strict=True):
            said[slot].append(token)
    for case, tokens in zip(cases, said, strict=True):
        assert tokens == case.answer[: len(tokens)]


def launches(runner, monkeypatch) -> list[tuple[int, ...]]:
    """The steps that are begun from here on."""
    begun = []
    launch = runner._launch
    monkeypatch.setattr(runner, "_launch", lambda slots: begun.append(slots) or launch(slots))
    return begun


def test_a_recorded_step_is_begun_before_it_is_asked_for(recorded, cases, monkeypatch) -> None:
    begun = launches(recorded, monkeypatch)
    for slot, case in enumerate(cases[:2]):
        recorded.free(slot)
        recorded.extend(slot, case.prefix)
        recorded.hear_and_answer(slot, case.samples, TAIL)
    found = [recorded.step([0, 1]) for _ in range(4)]
    assert begun == [(0, 1)] * 5
    assert [list(pair) for pair in zip(*found, strict=True)] == [
        c.answer[1:5] for c in cases[:2]
    ]
    assert recorded.step([1]) == [cases[1].answer[5]]
    assert begun[5:] == [(1,)] * 2, "another batch: what was begun for both is left"
    assert recorded.step([0, 1]) == [cases[0].answer[5], cases[1].answer[6]]


def test_more_slots_than_a_step_takes_cost_a_launch_for_each_part(
    recorded, cases, monkeypatch
) -> None:
    """Killed: two for each, since what was begun for one part was left for the next."""
    monkeypatch.setattr(module, "BATCHES", (1, 2))
    begun = launches(recorded, monkeypatch)
    for slot, case in enumerate(cases):
        recorded.free(slot)
        recorded.extend(slot, case.prefix)
        recorded.hear_and_answer(slot, case.samples, TAIL)
    found = [recorded.step([0, 1, 2]) for _ in range(6)]
    assert begun == [(0, 1)] * 2 + [(2,)] * 2 + [(0, 1), (2,)] * 5
    assert [list(said) for said in zip(*found, strict=True)] == [c.answer[1:7] for c in cases]
    recorded.rewind(2, recorded.position(2) - 1)
    assert recorded.first(2, [cases[2].answer[5]]) == cases[2].answer[6]
    assert recorded.step([0, 1, 2]) == [case.answer[7] for case in cases]
    assert begun[14:] == [(0, 1)] + [(2,)] * 2, "of the part that did not change it counts"


@pytest.mark.parametrize("change", ["more", "rewind"])
def test_what_was_begun_counts_no_more_when_its_slot_changes(
    recorded, slow, cases, change
) -> None:
    found = []
    for runner in (recorded, slow):
        runner.free(0)
        runner.extend(0, cases[0].prefix)
        runner.hear_and_answer(0, cases[0].samples, TAIL)
        runner.step([0])
        if change == "rewind":
            runner.rewind(0, runner.position(0) - 1)
        runner.first(0, [40])
        found.append([runner.step([0]) for _ in range(3)])
    assert found[0] == found[1]


def test_where_nothing_is_recorded_nothing_is_begun_ahead(slow, cases, monkeypatch) -> None:
    begun = launches(slow, monkeypatch)
    slow.free(0)
    slow.first(0, cases[0].prefix)
    slow.step([0])
    assert begun == [(0,)]


def test_a_prefill_touches_only_its_slot(runner, cases) -> None:
    said = answer(runner, 0, cases[0])[:4]
    runner.rewind(0, runner.position(0) - COUNT + 4)
    token = runner.first(0, [cases[0].answer[3]])
    answer(runner, 1, cases[1])
    answer(runner, 2, cases[2])
    said += go_on(runner, 0, token, COUNT - 4)
    assert said == cases[0].answer


def test_more_than_a_chunk_of_sound_is_heard_whole(runner, checkpoint) -> None:
    samples = tiny_voxtral.noise(31, 4)
    case = Case(checkpoint, TEXTS[0], samples)
    runner.free(0)
    runner.extend(0, case.prefix)
    audio, token = runner.hear_and_answer(0, samples, TAIL)
    assert audio.positions == 750
    assert go_on(runner, 0, token) == case.answer


def test_several_utterances_in_one_conversation(runner, checkpoint) -> None:
    turns = [
        {"role": role, "content": [{"type": "audio", "base64": tiny_voxtral.base64_wav(u)}]}
        if role == "user"
        else {"role": role, "content": "Hi."}
        for role, u in (("user", UTTERANCES[0]), ("assistant", None), ("user", UTTERANCES[1]))
    ]
    inputs = tiny_voxtral.processor(checkpoint).apply_chat_template(turns)
    ids = inputs["input_ids"][0].tolist()
    second = 376 + ids[376:].index(BEGIN_AUDIO)
    audio = runner.embed_audio(UTTERANCES[0])
    runner.free(3)
    runner.extend(3, [*ids[:2], BEGIN_AUDIO, audio, *ids[378:second]])
    _, token = runner.hear_and_answer(3, UTTERANCES[1], TAIL)
    assert go_on(runner, 3, token) == tiny_voxtral.generate(checkpoint, inputs, COUNT)


def test_a_full_slot_says_so_and_is_unharmed(runner, cases) -> None:
    runner.free(0)
    runner.extend(0, [7] * (CONTEXT - 1))
    with pytest.raises(EngineError, match=r"1376 positions .* 1000.*context_tokens"):
        runner.hear_and_answer(0, cases[0].samples, TAIL)
    with pytest.raises(EngineError):
        runner.extend(0, [7, 7])
    token = runner.first(0, [7])
    assert runner.position(0) == CONTEXT
    answer(runner, 1, cases[1])
    with pytest.raises(EngineError):
        runner.step([1, 0])
    assert runner.position(1) == len(cases[1].prefix) + 377 + COUNT - 1
    assert isinstance(token, int)


def test_what_a_call_left_behind_reaches_no_other(runner, cases) -> None:
    """Not even a number that is none, which a mask does not keep out: 0 times it is it."""
    answer(runner, 0, cases[0])
    cache = runner._passes.cache
    for layer in cache.layers:
        layer[: cache.stride] = float("nan")
    assert answer(runner, 1, cases[1]) == cases[1].answer
    assert answer(runner, 0, cases[2]) == cases[2].answer


def test_the_widest_of_everything_is_done_once_and_leaves_no_trace(
    recorded, cases, monkeypatch
) -> None:
    heard, listen = [], recorded._passes.ears.listen
    monkeypatch.setattr(
        recorded._passes.ears, "listen", lambda mel: heard.append(len(mel)) or listen(mel)
    )
    recorded.rehearse(Sampling(temperature=0.5))
    assert heard == [CONTEXT // 375]
    assert [recorded.position(slot) for slot in range(recorded.slots)] == [0] * 4
    assert all((layer[: 4 * 1024] == 0).all() for layer in recorded._passes.cache.layers)
    assert answer(recorded, 0, cases[0]) == cases[0].answer


def test_a_long_prefill_is_bounded_where_nothing_was_recorded(slow, monkeypatch) -> None:
    widths, fill = [], Passes.fill
    monkeypatch.setattr(
        Passes, "fill", lambda self, *given: widths.append(len(given[-1])) or fill(self, *given)
    )
    slow.free(0)
    slow.extend(0, [7] * 900)
    assert widths == [512, 388]


class Stream:
    """Of a GPU that is not there."""

    waited = 0

    def synchronize(self) -> None:
        self.waited += 1


def test_a_failure_is_over_when_it_is_told(slow, monkeypatch) -> None:
    """Else its work goes on in what the next call is given."""
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(slow, "_stream", stream := Stream())
    slow.rewind(0, 0)
    with pytest.raises(EngineError):
        slow.hear_and_answer(0, UTTERANCES[0], [7] * CONTEXT)
    assert stream.waited == 1


def test_the_last_positions_of_a_slot_are_not_padded_into_the_next(recorded, cases) -> None:
    answer(recorded, 1, cases[1])
    recorded.rewind(1, recorded.position(1) - COUNT + 1)
    token = recorded.first(1, [cases[1].answer[0]])
    recorded.free(0)
    recorded.extend(0, [9] * (CONTEXT - 30))
    recorded.extend(0, [9] * 30)
    assert go_on(recorded, 1, token, COUNT - 1) == cases[1].answer[1:]


@pytest.mark.parametrize("rungs", [(), (GRAPHS,), (EAGER,)], ids=str)
def test_a_conversation_grows_past_a_length_without_a_seam(checkpoint, rungs) -> None:
    """Passes look at 1024 positions until the 1025th; it and what follows must see them all."""
    context = 1100
    passes = tiny_voxtral.passes(checkpoint, slots=2, context=context)
    runner = Runner(passes, context, BEGIN_AUDIO, Ways(rungs=rungs))
    random = torch.Generator().manual_seed(0)
    for count in (1021, 1024):
        ids = torch.randint(64, 320, (count,), generator=random).tolist()
        runner.free(0)
        tokens = [runner.first(0, ids)]
        while len(tokens) < 1026 - count:
            tokens += runner.step([0])
        inputs = {"input_ids": torch.tensor([ids])}
        assert tokens == tiny_voxtral.generate(checkpoint, inputs, len(tokens))


class Strict(Plain):
    """Refuses to look at less than it should."""

    def plan(self, cache, slots, starts, new, length):
        assert starts.max() + new <= length
        return Plain.plan(self, cache, slots, starts, new, length)


def test_no_pass_looks_at_fewer_positions_than_there_are(checkpoint) -> None:
    passes = tiny_voxtral.passes(checkpoint, slots=2, context=1100)
    runner = Runner(replace(passes, attention=Strict()), 1100, BEGIN_AUDIO, Ways())
    runner.extend(1, [7] * 1023)
    runner.first(0, [7])
    runner.first(1, [7])
    for _ in range(3):
        runner.step([0, 1])
    assert runner.position(1) == 1027
    runner.rewind(1, 650)
    runner.hear_and_answer(1, UTTERANCES[0], TAIL)


def test_a_sampled_answer_follows_from_its_seed_alone(runner, cases) -> None:
    def sampled(slot: int, seed: int, beside: int | None = None) -> list[int]:
        case, how = cases[0], Sampling(temperature=1.5, top_p=0.9, seed=seed)
        runner.free(slot)
        runner.extend(slot, case.prefix)
        tokens = [runner.hear_and_answer(slot, case.samples, TAIL, how)[1]]
        while len(tokens) < COUNT:
            slots = [slot] if beside is None else [beside, slot]
            tokens.append(runner.step(slots)[-1])
        return tokens

    alone = sampled(0, 7)
    answer(runner, 2, cases[2])
    assert sampled(1, 7, beside=2) == alone
    assert sampled(0, 8) != alone
    assert sampled(0, 7) != cases[0].answer


def test_a_greedy_slot_stays_greedy_beside_a_sampled_one(runner, cases) -> None:
    runner.free(0)
    runner.extend(0, cases[0].prefix)
    runner.hear_and_answer(0, cases[0].samples, TAIL, Sampling(temperature=2.0, seed=3))
    runner.free(1)
    runner.extend(1, cases[1].prefix)
    tokens = [runner.hear_and_answer(1, cases[1].samples, TAIL)[1]]
    while len(tokens) < COUNT:
        tokens.append(runner.step([0, 1])[1])
    assert tokens == cases[1].answer


def test_the_chosen_ways_can_be_exported(recorded, slow) -> None:
    assert [str(choice).partition(" after")[0] for choice in recorded.chosen] == [
        "decode step: CUDA graphs, SDPA",
        "prefill: CUDA graphs, SDPA",
        "utterance to first token: CUDA graphs, SDPA",
    ]
    assert {choice.rung for choice in slow.chosen} == {f"{EAGER}, plain attention"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # inductor's own
@pytest.mark.parametrize("rung", [COMPILE_OPTIONS, COMPILED_GRAPHS])
def test_a_compiled_layer_says_the_same(checkpoint, cases, rung) -> None:
    passes = tiny_voxtral.passes(checkpoint, slots=1)
    compiled = Runner(passes, CONTEXT, BEGIN_AUDIO, Ways(rungs=(rung,)))
    assert compiled.chosen[0].rung == f"{rung}, SDPA", compiled.chosen[0].passed
    assert answer(compiled, 0, cases[0]) == cases[0].answer
