"""The fused layers are the decoder's, and their attention is the textbook's."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_voxtral
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from interpreted import DEVICE, fused, kernels
from torch import nn

from agent.accelerator.ladder import EAGER, FUSED_GRAPHS
from agent.brains.voxtral.attention import Plain
from agent.brains.voxtral.cache import Cache, Shape
from agent.brains.voxtral.decoder import Layer, pass_through
from agent.brains.voxtral.family import fastest
from agent.brains.voxtral.kinds import Ways, kinds

ROOT = Path(__file__).parents[4]
SHAPE = Shape(layers=1, heads=4, kv_heads=2, head_dim=16)
MINI = Shape(layers=1, heads=32, kv_heads=8, head_dim=128)
needs_gpu = pytest.mark.skipif(DEVICE.type == "cpu", reason="needs a CUDA device")


def layer(shape: Shape, hidden: int, inner: int, dtype: torch.dtype = torch.float32) -> Layer:
    """Random weights, the same each time."""
    torch.manual_seed(0)
    width = shape.heads * shape.head_dim

    def matrix(columns: int, rows: int) -> nn.Linear:
        found = nn.Linear(columns, rows, bias=False).requires_grad_(False)
        return found.to(DEVICE, dtype)

    return Layer(
        torch.rand(hidden).to(DEVICE, dtype) + 0.5,
        matrix(hidden, width + 2 * shape.kv_heads * shape.head_dim),
        matrix(width, hidden),
        torch.rand(hidden).to(DEVICE, dtype) + 0.5,
        matrix(hidden, 2 * inner),
        matrix(inner, hidden),
        1e-5,
    )


def both(
    one: Layer, shape: Shape, slots: list[int], starts: list[int], new: int
) -> tuple[float, float]:
    """How far the twins are apart, in what they return and in what they keep."""
    dtype = one.before.dtype
    cache = Cache(4, 500, shape, dtype, DEVICE)
    cache.layers[0].normal_()
    at, begin = torch.tensor(slots, device=DEVICE), torch.tensor(starts, device=DEVICE)
    positions = begin[:, None] + torch.arange(new, device=DEVICE)
    rows = cache.rows(at, positions)
    count, every = len(slots) * new, shape.heads + 2 * shape.kv_heads
    x = torch.randn(count, len(one.before)).to(DEVICE, dtype)
    cos, sin = torch.randn(2, count, every, shape.head_dim).to(DEVICE, dtype)
    found = []
    for way, attention in ((pass_through, Plain()), (fused.pass_through, fused.Tiled())):
        kept = cache.layers[0].clone()
        attend = attention.plan(cache, at, begin, new, cache.stride)
        found.append((way(x, one, kept, rows, cos, sin, attend), kept))
    (slow, kept_slow), (fast, kept_fast) = found
    return off(fast, slow), off(kept_fast, kept_slow)


def off(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).float().norm() / other.float().norm())


@settings(max_examples=15)
@given(
    slots=st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True),
    new=st.sampled_from([1, 1, 1, 3, 20]),
    data=st.data(),
)
def test_a_fused_layer_is_the_decoders(slots, new, data) -> None:
    starts = [data.draw(st.integers(0, 500 - new)) for _ in slots]
    apart = both(layer(SHAPE, 64, 64), SHAPE, slots, starts, new)
    assert max(apart) < (1e-5 if DEVICE.type == "cpu" else 1e-2)


def test_a_slots_place_is_looked_at(monkeypatch) -> None:
    """The comparison above can fail: attention one position off is far from the twin."""
    plan = fused.Tiled.plan

    def shifted(self, cache, slots, starts, new, length):
        return plan(self, cache, slots, (starts - 1).clamp(min=0), new, length)

    monkeypatch.setattr(fused.Tiled, "plan", shifted)
    assert both(layer(SHAPE, 64, 64), SHAPE, [1], [5], 1)[0] > 0.01


def test_a_matrix_with_a_bias_or_of_another_kind_is_refused() -> None:
    one = layer(SHAPE, 64, 64)
    biased = nn.Linear(64, 64, device=DEVICE)
    for wrong in (biased, nn.Identity()):
        with pytest.raises(TypeError, match="ordinary matrices"):
            both(replace(one, out=wrong), SHAPE, [0], [0], 1)


@pytest.mark.parametrize(
    ("wanted", "of", "part"), [(8, 24, 8), (8, 12, 4), (4, 7, 1), (1, 5, 1)]
)
def test_a_tile_divides_what_it_is_laid_over(wanted, of, part) -> None:
    assert fused._part(wanted, of) == part


def test_the_keys_of_one_call_are_divided_and_those_of_many_are_not(monkeypatch) -> None:
    grids = []

    class Counted:
        def __getitem__(self, grid):
            grids.append(grid)
            return lambda *_, **__: None

    monkeypatch.setattr(kernels, "attend", Counted())
    cache = Cache(16, 256, MINI, torch.float32, DEVICE)
    for batch, new in ((1, 1), (2, 1), (16, 1), (1, 40)):
        slots = torch.arange(batch, device=DEVICE)
        attend = fused.Tiled().plan(cache, slots, slots * 0, new, 256)
        attend(torch.zeros(batch * new, 32, 128, device=DEVICE), cache.layers[0])
    assert grids == [(1, 8, 16), (1, 16, 8), (1, 128, 1), (3, 8, 1)]


def test_early_launches_are_for_one_call_on_a_gpu_that_has_them(monkeypatch) -> None:
    assert fused._launch(torch.device("cpu"), 1) == {"EARLY": False}
    for capability, early in (((9, 0), True), ((10, 0), True), ((8, 9), False)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _, c=capability: c)
        assert fused._launch(torch.device("cuda", 0), 1)["EARLY"] is early
        assert fused._launch(torch.device("cuda", 0), 2) == {"EARLY": False}
    assert not fused._how(torch.zeros(2, 64))["EARLY"]


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize(("count", "new"), [(1, 1), (2, 1), (5, 1), (16, 1), (1, 16), (1, 377)])
def test_on_a_gpu_a_layer_of_the_real_size_is_the_decoders(count, new) -> None:
    shape = replace(MINI)
    slots = list(range(min(count, 5)))
    starts = [(190 * slot) % (500 - new) for slot in slots]
    with torch.no_grad():
        apart = both(layer(shape, 3072, 8192, torch.bfloat16), shape, slots, starts, new)
    assert max(apart) < 0.02


@pytest.mark.gpu
@needs_gpu
def test_on_a_gpu_a_recorded_step_gives_the_same_each_time() -> None:
    """Splits are joined by whichever program is last, and the sum is the same sum."""
    cache = Cache(4, 4096, MINI, torch.bfloat16, DEVICE)
    cache.layers[0].normal_()
    slots, starts = (torch.tensor([n], device=DEVICE) for n in (2, 3000))
    attend = fused.Tiled().plan(cache, slots, starts, 1, cache.stride)
    queries = torch.randn(1, 32, 128).to(DEVICE, torch.bfloat16)
    first = attend(queries, cache.layers[0])
    for _ in range(50):
        assert torch.equal(attend(queries, cache.layers[0]), first)


# Shared memory that a program may have at most, by architecture (CUDA's programming guide).
SHARED_BYTES = {89: 99 * 1024, 120: 99 * 1024}  # RTX 40, L4, L40S; RTX 50


@pytest.mark.slow
def test_the_kernels_can_be_built_for_gpus_that_nobody_measured(tmp_path) -> None:
    """Else such a GPU would go without them, and a line in its log would be all to see."""
    environment = {**os.environ, "TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    built = subprocess.run(
        [sys.executable, "-m", "built_kernels", *map(str, SHARED_BYTES)],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    found = [json.loads(line) for line in built.stdout.splitlines()]
    assert {"attend", "turned_qkv", "gated", "add_product"} < {name for name, _, _ in found}
    assert {architecture for _, architecture, _ in found} == set(SHARED_BYTES)
    for name, architecture, shared in found:
        assert shared <= SHARED_BYTES[architecture], f"{name} for {architecture}"
    assert max(shared for _, _, shared in found) > 48 * 1024  # there is something to exceed


def test_the_ladder_takes_it_where_it_can_be_had(checkpoint) -> None:
    passes = tiny_voxtral.passes(checkpoint)
    for kind in kinds(passes, Ways()):
        assert kind.rungs[0] == FUSED_GRAPHS
    chosen = fastest(kinds(passes, Ways())[0], passes, (FUSED_GRAPHS, EAGER), (Plain(),))
    assert (chosen.rung, chosen.passed) == (f"{FUSED_GRAPHS}, plain attention", ())
