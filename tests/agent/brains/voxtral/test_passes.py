"""The passes: the same positions by different ways end in the same numbers."""

from dataclasses import replace

import pytest
import tiny_voxtral
import torch

from agent.brains.voxtral.attention import Packed, Plain
from agent.brains.voxtral.mel import CHUNK

HOW = torch.tensor([[0.0], [1.0]])


@pytest.fixture(scope="module")
def passes(checkpoint):
    return tiny_voxtral.passes(checkpoint)


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.no_grad():
        yield


def control(slot: int, start: int, extra: int, seed: int = 0) -> torch.Tensor:
    return torch.tensor([[slot], [start], [seed], [extra]])


def test_filling_at_once_is_stepping_one_by_one(passes) -> None:
    ids = [7, 200, 13, 99, 150]
    x = passes.decoder.embed(torch.tensor(ids))
    filled = passes.fill(1024, False, control(0, 0, len(ids) - 1), HOW, x)
    for at, token in enumerate(ids):
        stepped = passes.step(1024, False, control(1, at, token), HOW)
    assert torch.allclose(filled.logits, stepped.logits, atol=1e-4)
    assert filled.tokens.tolist() == stepped.tokens.tolist()
    assert filled.tokens.shape == (1,)
    assert filled.audio is stepped.audio is None


def test_padding_behind_the_last_true_position_changes_nothing(passes) -> None:
    x = passes.decoder.embed(torch.tensor([7, 200, 13, 99, 150]))
    alone = passes.fill(1024, False, control(0, 30, 2), HOW, x[:3])
    padded = passes.fill(1024, False, control(0, 30, 2), HOW, x)
    assert torch.allclose(alone.logits, padded.logits, atol=1e-5)


def test_hearing_is_embedding_and_filling(passes) -> None:
    samples = torch.zeros(CHUNK)
    samples[:40_000] = torch.from_numpy(tiny_voxtral.noise(2.5))
    ids = torch.tensor([25, 4, 90])
    heard = passes.hear(1024, False, control(0, 10, 0), HOW, samples, ids)
    audio = passes.ears.listen(passes.ears.mel(samples[:40_000]))
    around = passes.decoder.embed(ids)
    x = torch.cat([around[:1], audio, around[1:]])
    filled = passes.fill(1024, False, control(1, 10, len(x) - 1), HOW, x)
    assert torch.equal(heard.audio, audio)
    assert torch.allclose(heard.logits, filled.logits, atol=1e-4)


def test_a_draw_is_the_same_by_each_way_to_a_position(passes) -> None:
    """What is drawn for a position must not depend on the pass that got there."""
    ids, how = [7, 200, 13], torch.tensor([[3.0], [1.0]])
    x = passes.decoder.embed(torch.tensor(ids))
    for seed in range(5):
        filled = passes.fill(1024, True, control(0, 0, 2, seed), how, x)
        passes.fill(1024, True, control(1, 0, 1, seed), how, x[:2])
        stepped = passes.step(1024, True, control(1, 2, ids[2], seed), how)
        assert filled.tokens.tolist() == stepped.tokens.tolist()


@pytest.mark.parametrize("length", [1024])
def test_each_way_to_attend_ends_alike(passes, length) -> None:
    x = torch.randn(64, 32, generator=torch.Generator().manual_seed(0)) * 0.08
    one, other = (
        replace(passes, attention=way).fill(length, False, control(0, 100, 63), HOW, x)
        for way in (Plain(), Packed())
    )
    assert torch.allclose(one.logits, other.logits, atol=1e-4)
