"""The kinds of pass: sizes that a cache can hold, inputs that are fit to compare by."""

import pytest
import tiny_voxtral
import torch

from agent.accelerator.ladder import (
    COMPILE_MODE,
    COMPILE_OPTIONS,
    COMPILED_GRAPHS,
    EAGER,
    FUSED_GRAPHS,
    GRAPHS,
)
from agent.brains.voxtral.kinds import Ways, kinds


@pytest.fixture(scope="module")
def passes(checkpoint):
    return tiny_voxtral.passes(checkpoint, slots=5)


def test_no_batch_is_larger_than_padding_makes_it(checkpoint) -> None:
    for slots, sizes in ((1, (1,)), (2, (1, 2)), (5, (1, 2, 4, 8)), (40, (1, 2, 4, 8, 16))):
        passes = tiny_voxtral.passes(checkpoint, slots=slots, context=256)
        assert kinds(passes, Ways())[0].sizes == sizes


def test_each_kind_tries_what_pays(passes) -> None:
    step, fill, hear = kinds(passes, Ways(tails=(1, 6), sampled=(False, True)))
    plain = (COMPILED_GRAPHS, GRAPHS, COMPILE_MODE, COMPILE_OPTIONS, EAGER)
    assert step.rungs == (FUSED_GRAPHS, *plain)
    assert fill.rungs == (FUSED_GRAPHS, GRAPHS, EAGER)
    assert hear.rungs == (FUSED_GRAPHS, GRAPHS)
    assert hear.sizes == (1, 6)
    assert fill.sizes == (16, 64, 256)
    assert step.sampled == fill.sampled == hear.sampled == (False, True)


def test_examples_stay_inside_their_slots(passes) -> None:
    step, fill, hear = kinds(passes, Ways())
    for _ in range(20):
        control, _ = step.example(8, 1024)
        slots, starts, _, tokens = control
        assert sorted(slots.tolist()) == [0, 1, 2, 3, 4, 5, 5, 5]
        assert starts.max() < 1024
        assert tokens.max() < tiny_voxtral.VOCABULARY
        control, _, x = fill.example(64, 1024)
        assert x.shape == (64, 32)
        assert control[1] + 64 <= 1024
        assert control[3] == 63
        control, _, samples, ids = hear.example(1, 1024)
        assert control[1] + 377 <= 1024
        assert samples.shape == (480_000,)
        assert ids.shape == (2,)


def test_examples_are_fresh(passes) -> None:
    for kind in kinds(passes, Ways()):
        one, other = (kind.example(kind.sizes[-1], 1024) for _ in range(2))
        assert any(not torch.equal(a, b) for a, b in zip(one, other, strict=True))
