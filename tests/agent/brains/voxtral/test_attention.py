"""The ways to attend: each is the textbook's, over the slots it is told and no others."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.brains.voxtral.attention import Flash, Packed, Plain, buckets
from agent.brains.voxtral.cache import Cache, Shape

SHAPE = Shape(layers=1, heads=6, kv_heads=2, head_dim=16)
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def filled(shape=SHAPE, device="cpu", dtype=torch.float32, slots=3, context=1500) -> Cache:
    cache = Cache(slots, context, shape, dtype, torch.device(device))
    for layer in cache.layers:
        layer.normal_(generator=torch.Generator(device).manual_seed(1))
    return cache


def by_hand(cache: Cache, slot: int, position: int, query: torch.Tensor) -> torch.Tensor:
    """One query [heads, dim] at one position, head by head."""
    seen = cache.layers[0].view(-1, cache.stride, *cache.layers[0].shape[1:])
    seen = seen[slot, : position + 1].double()
    kv_heads = cache.shape.kv_heads
    found = []
    for head, vector in enumerate(query.double()):
        of = head * kv_heads // len(query)
        keys, values = seen[:, of], seen[:, kv_heads + of]
        weights = (keys @ vector / len(vector) ** 0.5).softmax(0)
        found.append(weights @ values)
    return torch.cat(found)


def attended(attention, cache, slots, starts, new, length=None) -> tuple:
    queries = torch.randn(len(slots) * new, cache.shape.heads, cache.shape.head_dim)
    queries = queries.to(cache.layers[0])
    device = queries.device
    length = length or attention.lengths(cache.stride)[-1]
    attend = attention.plan(
        cache,
        torch.tensor(slots, device=device),
        torch.tensor(starts, device=device),
        new,
        length,
    )
    return queries, attend(queries, cache.layers[0])


@settings(max_examples=20)
@pytest.mark.parametrize("attention", [Packed(), Plain()], ids=lambda a: a.name)
@given(
    slots=st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True),
    new=st.integers(1, 5),
    data=st.data(),
)
def test_every_position_sees_its_slot_up_to_itself(attention, slots, new, data) -> None:
    cache = filled()
    starts = [data.draw(st.integers(0, 1024 - new)) for _ in slots]
    queries, found = attended(attention, cache, slots, starts, new, 1024)
    assert found.shape == (len(slots) * new, 6 * 16)
    for row in range(len(found)):
        slot, start = slots[row // new], starts[row // new]
        wanted = by_hand(cache, slot, start + row % new, queries[row])
        assert torch.allclose(found[row].double(), wanted, atol=1e-5)


@pytest.mark.parametrize("attention", [Packed(), Plain()], ids=lambda a: a.name)
def test_what_stands_beyond_is_not_looked_at(attention) -> None:
    cache = filled()
    torch.manual_seed(0)
    _, before = attended(attention, cache, [1], [600], 1)
    rows = cache.layers[0].view(-1, cache.stride, *cache.layers[0].shape[1:])
    rows[1, 601:] = 1e4
    rows[0] = rows[2] = 1e4
    torch.manual_seed(0)
    _, after = attended(attention, cache, [1], [600], 1)
    assert torch.equal(before, after)


def test_lengths_end_with_the_whole_slot() -> None:
    assert buckets(512) == (512,)
    assert buckets(1024) == (1024,)
    assert buckets(1280) == (1024, 1280)
    assert buckets(4096) == (1024, 2048, 4096)
    assert buckets(32_768) == (1024, 2048, 4096, 8192, 16_384, 32_768)
    assert Flash().lengths(4096) == (4096,)


def test_flash_is_asked_for_the_right_slots(monkeypatch) -> None:
    """Where it cannot run, at least what it is given stands for the textbook's result."""

    def stand_in(q, k, v, cu_q, cu_k, max_q, max_k, *, window_size, enable_gqa, seqused_k):
        found = []
        assert enable_gqa
        assert max_k == len(k) // 4
        assert window_size == ((-1, -1) if max_q == 1 else (-1, 0))
        assert all(x.dtype == torch.int32 for x in (cu_q, cu_k, seqused_k))
        assert len(cu_q) == len(cu_k) == len(seqused_k) + 1
        for i, used in enumerate(seqused_k):
            keys = k[cu_k[i] :][:used]  # [used, kv_heads, dim]
            values = v[cu_k[i] :][:used]
            here = q[cu_q[i] : cu_q[i + 1]]  # [new, heads, dim]
            unseen = torch.ones(len(here), int(used)).triu(int(used) - len(here) + 1).bool()
            each = here.shape[1] // keys.shape[1]
            keys, values = (x.repeat_interleave(each, 1) for x in (keys, values))
            scores = torch.einsum("thd,shd->hts", here, keys) / here.shape[-1] ** 0.5
            weights = scores.masked_fill(unseen, float("-inf")).softmax(-1)
            found.append(torch.einsum("hts,shd->thd", weights, values))
        return torch.cat(found)

    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", stand_in)
    cache = filled()
    for new in (1, 3):
        for slots, starts in (([2, 0], [700, 3]), ([1], [1200])):
            torch.manual_seed(new)
            _, flash = attended(Flash(), cache, slots, starts, new)
            torch.manual_seed(new)
            _, plain = attended(Plain(), cache, slots, starts, new)
            assert torch.allclose(flash, plain, atol=1e-5)


@pytest.mark.gpu
@gpu
@pytest.mark.parametrize("new", [1, 5, 377])
@pytest.mark.parametrize("attention", [Flash(), Packed()], ids=lambda a: a.name)
def test_a_gpu_attends_alike_in_half_precision(attention, new) -> None:
    shape = Shape(layers=1, heads=32, kv_heads=8, head_dim=128)
    cache = filled(shape, "cuda", torch.bfloat16, slots=4, context=2048)
    slots, starts = [3, 0, 2], [900, 0, 2048 - new]
    torch.manual_seed(0)
    _, fast = attended(attention, cache, slots, starts, new)
    torch.manual_seed(0)
    _, slow = attended(Plain(), cache, slots, starts, new)
    assert ((fast - slow).float().norm() / slow.float().norm()) < 0.02
