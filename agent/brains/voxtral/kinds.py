"""The three kinds of pass that are worth recording, the sizes of each, and inputs to try."""

from dataclasses import dataclass

import torch

from agent.accelerator.ladder import (
    COMPILE_MODE,
    COMPILE_OPTIONS,
    COMPILED_GRAPHS,
    EAGER,
    FUSED_GRAPHS,
    GRAPHS,
)
from agent.brains.voxtral.attention import Attention, Packed
from agent.brains.voxtral.family import Inputs, Kind
from agent.brains.voxtral.mel import CHUNK
from agent.brains.voxtral.passes import Passes

BATCHES = (1, 2, 4, 8, 16)  # slots of a decode step
_FILLS = (16, 64, 256)  # positions appended in one pass


@dataclass(frozen=True, slots=True)
class Ways:
    """Which optimisations may be tried, best first; without rungs it is the slow way."""

    rungs: tuple[str, ...] = ()
    attentions: tuple[Attention, ...] = (Packed(),)
    sampled: tuple[bool, ...] = (False,)  # which ways of choosing are worth recording
    tails: tuple[int, ...] = (1,)  # how many ids follow an utterance in `hear_and_answer`


def kinds(passes: Passes, ways: Ways) -> tuple[Kind, Kind, Kind]:
    """Decode step, prefill, utterance to first token."""
    cache = passes.cache
    return (
        Kind(
            "decode step",
            lambda of, *fixed: lambda *given: of.step(*fixed, *given),
            tuple(size for size in BATCHES if size < 2 * cache.slots),
            lambda size, length: _step(passes, size, length),
            ways.sampled,
            rungs=(
                *(FUSED_GRAPHS, COMPILED_GRAPHS, GRAPHS),
                *(COMPILE_MODE, COMPILE_OPTIONS, EAGER),
            ),
        ),
        Kind(
            "prefill",
            lambda of, *fixed: lambda *given: of.fill(*fixed, *given),
            tuple(size for size in _FILLS if size <= cache.stride),
            lambda size, length: _fill(passes, size, length),
            ways.sampled,
        ),
        Kind(
            "utterance to first token",
            lambda of, *fixed: lambda *given: of.hear(*fixed, *given),
            ways.tails,
            lambda size, length: _hear(passes, size, length),
            ways.sampled,
            rungs=(FUSED_GRAPHS, GRAPHS),  # else it is done in parts
        ),
    )


def _step(passes: Passes, size: int, length: int) -> Inputs:
    scratch = passes.cache.scratch
    slots = torch.randperm(scratch)[:size]  # each slot once; the rest is padding
    slots = torch.cat([slots, torch.full((size - len(slots),), scratch)])
    tokens = torch.randint(len(passes.decoder.embedding.weight), (size,))
    return _control(slots, torch.randint(length, (size,)), tokens)


def _fill(passes: Passes, size: int, length: int) -> Inputs:
    weight = passes.decoder.embedding.weight
    x = torch.randn(size, weight.shape[1], dtype=weight.dtype, device=weight.device)
    return (*_one(passes, length, size), x * weight.std())


def _hear(passes: Passes, size: int, length: int) -> Inputs:
    weight = passes.decoder.embedding.weight
    samples = torch.zeros(CHUNK, device=weight.device)
    samples[: CHUNK // 10].normal_(std=0.1)
    ids = torch.randint(len(weight), (1 + size,))
    new = len(ids) + passes.ears.chunk_positions
    return (*_one(passes, length, new), samples, ids)


def _one(passes: Passes, length: int, new: int) -> Inputs:
    """For a pass of `new` positions of one slot, the last of them true."""
    slots = torch.randint(passes.cache.slots, (1,))
    starts = torch.randint(length - new + 1, (1,))
    return _control(slots, starts, torch.tensor([new - 1]))


def _control(slots: torch.Tensor, starts: torch.Tensor, extra: torch.Tensor) -> Inputs:
    seeds = torch.randint(2**31, slots.shape)
    how = torch.rand(2, len(slots)) + torch.tensor([[0.1], [0.0]])
    return torch.stack([slots, starts, seeds, extra]), how
