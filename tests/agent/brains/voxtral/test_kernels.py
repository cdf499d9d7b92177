"""Each kernel against the formula it stands for, at sizes that divide evenly and others."""

import pytest
import torch
from interpreted import DEVICE, kernels
from torch.nn import functional

ONE = {"BP": 1, "R": 4, "BK": 64, "EARLY": False}
MANY = {"BP": 16, "R": 16, "BK": 32, "EARLY": False}
NEAR = 1e-5 if DEVICE.type == "cpu" else 2e-3  # a GPU multiplies in TF32


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape))).to(DEVICE)


def near(one: torch.Tensor, other: torch.Tensor) -> bool:
    return float((one - other).norm() / other.norm()) < NEAR


@pytest.mark.parametrize("width", [64, 96, 200])
def test_a_norm_is_torchs(width) -> None:
    x, gain, out = random(3, width), random(width), torch.full((3, width), torch.nan).to(DEVICE)
    kernels.norm[(3,)](x, gain, out, 1e-5, K=width, BLOCK=256, EARLY=False)
    assert near(out, functional.rms_norm(x, (width,), gain, 1e-5))


@pytest.mark.parametrize(
    ("count", "how", "width"), [(1, ONE, 128), (1, ONE, 96), (2, MANY, 128), (16, MANY, 96)]
)
def test_a_product_is_added_to_what_was_there(count, how, width) -> None:
    x, weight, residual = random(count, width), random(48, width), random(count, 48)
    out = torch.full_like(residual, torch.nan)
    kernels.add_product[(48 // how["R"],)](
        x, weight, residual, out, B=count, K=width, N=48, **how
    )
    assert near(out, residual + x @ weight.T)


def test_a_row_too_many_is_not_written() -> None:
    x, weight, residual = random(3, 64), random(16, 64), random(3, 16)
    out = torch.full((16, 16), torch.nan, device=DEVICE)
    kernels.add_product[(1,)](x, weight, residual, out, B=3, K=64, N=16, **MANY)
    assert out[3:].isnan().all()
    assert not out[:3].isnan().any()


@pytest.mark.parametrize(("count", "how"), [(1, ONE), (5, MANY)])
def test_a_gate_is_opened_by_silu(count, how) -> None:
    x, weight = random(count, 64), random(2 * 32, 64)
    out = torch.full((count, 32), torch.nan, device=DEVICE)
    kernels.gated[(32 // (how["R"] // 2),)](x, weight, out, B=count, K=64, N=32, **how)
    gate, up = (x @ weight.T).chunk(2, -1)
    assert near(out, functional.silu(gate) * up)


def test_a_gate_of_many_rows_too() -> None:
    both = random(7, 2 * 40)
    out = torch.full((7, 40), torch.nan, device=DEVICE)
    kernels.silu_product[(3,)](both, out, out.numel(), N=40, BLOCK=128)
    gate, up = both.chunk(2, -1)
    assert near(out, functional.silu(gate) * up)


def turned(qkv: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    return qkv * cos + qkv.roll(qkv.shape[-1] // 2, -1) * sin


@pytest.mark.parametrize(("count", "how"), [(1, ONE), (4, MANY), (9, None)])
def test_heads_are_turned_and_keys_and_values_kept_in_their_rows(count, how) -> None:
    heads, kv, dim, width = 6, 2, 16, 64
    every = heads + 2 * kv
    x, weight = random(count, width), random(every * dim, width)
    cos, sin = random(count, every, dim), random(count, every, dim)
    rows = torch.randperm(40, generator=torch.Generator().manual_seed(0))[:count].to(DEVICE)
    queries = torch.full((count, heads, dim), torch.nan, device=DEVICE)
    cached = torch.zeros(40, 2 * kv, dim, device=DEVICE)
    qkv = (x @ weight.T).view(count, every, dim)
    sizes = {"HEADS": heads, "KV": kv, "D": dim}
    if how is None:
        kernels.turn_and_keep[(count, 1)](qkv, cos, sin, rows, queries, cached, G=16, **sizes)
    else:
        kernels.turned_qkv[(every * dim // how["R"],)](
            x, weight, cos, sin, rows, queries, cached, B=count, K=width, **sizes, **how
        )
    wanted = turned(qkv, cos, sin)
    assert near(queries, wanted[:, :heads])
    assert near(cached[rows], wanted[:, heads:])
    others = torch.ones(40, dtype=torch.bool)
    others[rows.cpu()] = False
    assert not cached[others.to(DEVICE)].any()


@pytest.mark.parametrize(
    ("new", "starts", "shares"),
    [(1, [0, 63], 1), (1, [70, 3], 4), (1, [199, 128], 8), (5, [0, 130], 1), (40, [2, 90], 1)],
)
def test_every_position_attends_to_its_slot_up_to_itself(new, starts, shares) -> None:
    heads, kv, dim, stride, slots = 6, 2, 16, 256, [2, 0]
    queries, cached = random(len(starts) * new, heads, dim), random(3 * stride, 2 * kv, dim)
    out = torch.full((len(starts) * new, heads * dim), torch.nan, device=DEVICE)
    parts = torch.full((2 * heads, shares, dim), torch.nan, device=DEVICE)
    peaks, sums = torch.full((2, 2 * heads, shares), torch.nan, device=DEVICE)
    done = torch.zeros(2 * kv, dtype=torch.int32, device=DEVICE)
    tiles = -(-new * heads // kv // 16)
    kernels.attend[(tiles, 2 * kv, shares)](
        *(queries, cached, torch.tensor(slots).to(DEVICE), torch.tensor(starts).to(DEVICE)),
        *(out, parts, peaks, sums, done, dim**-0.5, new, stride),
        **{"HEADS": heads, "KV": kv, "D": dim, "GP": 4, "S": shares, "BM": 16, "BN": 32},
        EARLY=False,
    )
    assert not done.any(), "the next layer finds it as this one did"
    for i, (slot, start) in enumerate(zip(slots, starts, strict=True)):
        for t in range(new):
            seen = cached[slot * stride : slot * stride + start + t + 1]
            keys, values = (each.repeat_interleave(heads // kv, 1) for each in seen.chunk(2, 1))
            row = i * new + t
            scores = torch.einsum("hd,shd->hs", queries[row], keys) * dim**-0.5
            wanted = torch.einsum("hs,shd->hd", scores.softmax(-1), values).flatten()
            assert near(out[row], wanted), (slot, t)
