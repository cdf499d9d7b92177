"""Families: what is recorded equals its slow twin, and what does not is found out."""

import re
from dataclasses import replace

import pytest
import tiny_voxtral
import torch

from agent.accelerator.capture import Pool
from agent.accelerator.ladder import COMPILE_MODE, EAGER, GRAPHS
from agent.brains.voxtral import family as family_module
from agent.brains.voxtral.attention import Packed, Plain, _split
from agent.brains.voxtral.family import Family, Recorded, _builder, differs, fastest, tolerance
from agent.brains.voxtral.kinds import Ways, kinds

CPU = torch.device("cpu")


@pytest.fixture
def passes(checkpoint):
    return tiny_voxtral.passes(checkpoint)


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.no_grad():
        yield


def step_of(passes):
    return kinds(passes, Ways())[0]


class Forgetful(Packed):
    """Attends to the first position alone, as a wrong mask would."""

    def plan(self, cache, slots, starts, new, length):
        return Packed.plan(self, cache, slots, starts * 0, new, length)


class Untried(Packed):
    """Fails as a missing kernel does."""

    def plan(self, cache, slots, starts, new, length):
        raise RuntimeError("no kernel for this GPU")


class Hidden(Packed):
    """Right once: what it looked at is remembered, as by a recording with a stray tensor."""

    __slots__ = ("seen",)

    def plan(self, cache, slots, starts, new, length):
        if not hasattr(self, "seen"):
            object.__setattr__(self, "seen", (slots.clone(), starts.clone()))
        return Packed.plan(self, cache, *self.seen, new, length)


def test_what_is_recorded_wins_and_knows_its_sizes(passes) -> None:
    chosen = fastest(step_of(passes), passes, (GRAPHS, EAGER), (Packed(),))
    assert chosen.rung == f"{GRAPHS}, SDPA"
    family = chosen.run
    assert sorted(family.fast) == [(1, 1024, False), (2, 1024, False), (4, 1024, False)]
    assert [family.size(n) for n in (1, 2, 3, 4, 5)] == [1, 2, 4, 4, 5]
    assert family.records(4, 1000, False)
    assert not family.records(4, 1000, True)
    assert not family.records(3, 1000, False)


@pytest.mark.parametrize("wrong", [Forgetful(), Hidden()], ids=["mask", "stray tensor"])
def test_a_wrong_way_to_attend_is_passed_over_for_the_next(passes, wrong) -> None:
    chosen = fastest(step_of(passes), passes, (GRAPHS,), (wrong, Packed()))
    assert chosen.rung == f"{GRAPHS}, SDPA"
    assert type(chosen.run.passes.attention) is Packed
    assert "logits are off by" in chosen.passed[0].reason


def test_what_cannot_run_at_all_ends_with_the_slow_twin(passes) -> None:
    kind = step_of(passes)
    chosen = fastest(kind, passes, (GRAPHS, EAGER), (Untried(),))
    assert chosen.rung == f"{EAGER}, plain attention"
    assert [p.reason for p in chosen.passed] == ["RuntimeError: no kernel for this GPU"] * 2
    assert chosen.run.fast == {}


def test_each_rung_records_into_a_pool_of_its_own(passes, monkeypatch) -> None:
    """A recording that fails spoils its pool."""
    pools = []

    def refuse(run, device, pool):
        pools.append(pool)
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(family_module, "capture", refuse)
    fastest(step_of(passes), passes, (GRAPHS, EAGER), (Packed(), Plain()))
    assert len(pools) == 2
    assert pools[0] is not pools[1]


def test_what_is_recorded_is_urgent_itself(passes, monkeypatch) -> None:
    """torch replays a graph at the priority it was recorded with, not at its stream's."""
    asked = []
    monkeypatch.setattr(family_module, "Pool", lambda *given: asked.append(given) or Pool(CPU))
    fastest(step_of(passes), passes, (GRAPHS,), (Packed(),))
    assert asked == [(CPU, -1)]


def test_building_works_in_the_scratch_slot_alone(passes, monkeypatch) -> None:
    """A rung that is overdue is left behind, and builds on while calls are answered."""
    monkeypatch.setattr(family_module, "compiled", lambda run, _: run)
    cache = passes.cache
    for layer in cache.layers:
        layer.fill_(7)
    for kind in kinds(passes, Ways()):
        _builder(kind, replace(passes, attention=Packed()), COMPILE_MODE)()
    for layer in cache.layers:
        slots, scratch = layer.split([cache.slots * cache.stride, cache.stride])
        assert (slots == 7).all()
        assert (scratch != 7).any()


def test_a_rung_that_does_not_pay_is_not_tried(passes) -> None:
    hear = kinds(passes, Ways())[2]
    chosen = fastest(hear, passes, (COMPILE_MODE, EAGER), (Packed(),))
    assert chosen.rung == f"{EAGER}, plain attention"
    assert chosen.passed == ()


def test_without_a_recording_the_inputs_go_straight_through(passes) -> None:
    kind = step_of(passes)
    family, inputs = Family(kind, passes), kind.example(3, 1024)
    found = family(3, 1024, False, inputs)
    wanted = passes.step(1024, False, *inputs)
    assert torch.equal(found.logits, wanted.logits)
    assert family.size(3) == 3


def test_the_shortest_length_that_reaches_is_taken(checkpoint) -> None:
    long = replace(tiny_voxtral.passes(checkpoint, context=3000), attention=Packed())
    family = Family(step_of(long), long)
    assert [family._length(n) for n in (1, 1024, 1025, 2048, 2049, 3072)] == [
        *(1024, 1024, 2048, 2048, 3072, 3072)
    ]


def test_inputs_are_copied_and_not_kept(passes) -> None:
    kind = step_of(passes)
    one, other = kind.example(2, 1024), kind.example(2, 1024)
    recorded = Recorded(lambda *given: passes.step(1024, False, *given), one, CPU, Pool(CPU))
    wanted = passes.step(1024, False, *other).logits
    assert torch.equal(recorded(*other).logits, wanted)
    assert torch.equal(recorded(*one).logits, passes.step(1024, False, *one).logits)


def test_nan_is_a_difference(passes) -> None:
    kind = step_of(passes)
    broken = replace(passes, through=lambda x, *_: x * float("nan"))
    assert "logits are off by nan" in differs(Family(kind, broken), passes)
    assert differs(Family(kind, passes), passes) == ""


def test_weights_that_magnify_rounding_are_measured_by_the_twin(passes, monkeypatch) -> None:
    """What no order of sums gives to a bit is no fault of the fast way; what is wrong is."""
    kind = step_of(passes)
    monkeypatch.setattr(family_module, "tolerance", lambda _: 1e-12)
    assert differs(Family(kind, replace(passes, attention=Packed())), passes) == ""
    wrong = differs(Family(kind, replace(passes, attention=Forgetful())), passes)
    assert re.search(r"off by \d\.?\d* at size 1 of 1024, and by [\d.]+e-0\d by", wrong)


def test_rounding_excuses_nothing_that_is_plainly_wrong(passes, monkeypatch) -> None:
    """Even of weights of which the twin would make anything."""
    kind = step_of(passes)
    monkeypatch.setattr(family_module, "_SLACK", 1e12)
    scaled = replace(passes, through=lambda x, *given: passes.through(x, *given) * -1)
    assert "logits are off by" in differs(Family(kind, scaled), passes)


def test_rounding_is_none() -> None:
    assert tolerance(torch.float32) < tolerance(torch.bfloat16) <= 0.1


def test_keys_come_before_values() -> None:
    keys, values = _split(torch.arange(4).view(1, 4, 1))
    assert (keys.flatten().tolist(), values.flatten().tolist()) == ([0, 1], [2, 3])
    assert Plain().lengths(256) == (256,)
