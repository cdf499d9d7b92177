"""The layers in few kernels (kernels.py), and attention to go with them. CUDA, half precision.

Twins of `decoder.pass_through` and of the ways in attention.py. Up to 16 positions in one pass,
as in a decode step, are seven kernels a layer; more of them are worth torch's matrix products.
"""

from dataclasses import dataclass
from typing import Any

import torch
import triton
from torch import nn
from torch.nn import functional

from agent.brains.voxtral import kernels
from agent.brains.voxtral.attention import Attend
from agent.brains.voxtral.cache import Cache
from agent.brains.voxtral.decoder import Layer

FEW = 16  # positions: as many as a tile of a matrix product has
_EARLY = (9, 0)  # the first capability with programmatic dependent launches
_PROGRAMS = 128  # of a decode step's attention, about one for each multiprocessor
_SPLITS = 16


def pass_through(
    x: torch.Tensor,
    layer: Layer,
    cached: torch.Tensor,
    rows: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    attend: Attend,
) -> torch.Tensor:
    """One layer: x [N, hidden] -> the same; writes `rows` [N] of `cached`."""
    few = _few if x.shape[0] <= FEW else _many
    return few(x.contiguous(), layer, cached, rows, cos, sin, attend)


def _few(
    x: torch.Tensor,
    layer: Layer,
    cached: torch.Tensor,
    rows: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    attend: Attend,
) -> torch.Tensor:
    count, width = x.shape
    kept, dim = cached.shape[1:]
    heads = cos.shape[1] - kept
    how = _how(x, width)
    queries = x.new_empty(count, heads, dim)
    part = _part(how["R"] // 2, dim // 2)
    kernels.turned_qkv[((heads + kept) * (dim // 2) // part,)](
        _norm(x, layer.before, layer.eps), _matrix(layer.qkv), cos, sin, rows, queries, cached,
        B=count, K=width, HEADS=heads, KV=kept // 2, D=dim, **{**how, "R": 2 * part},
    )  # fmt: skip
    x = _add(x, layer.out, attend(queries, cached))
    gate_up = _matrix(layer.gate_up)
    inner = gate_up.shape[0] // 2
    out = x.new_empty(count, inner)
    part = _part(how["R"] // 2, inner)
    kernels.gated[(inner // part,)](
        _norm(x, layer.after, layer.eps), gate_up, out,
        B=count, K=width, N=inner, **{**how, "R": 2 * part},
    )  # fmt: skip
    return _add(x, layer.down, out)


def _many(
    x: torch.Tensor,
    layer: Layer,
    cached: torch.Tensor,
    rows: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    attend: Attend,
) -> torch.Tensor:
    count = x.shape[0]
    kept, dim = cached.shape[1:]
    heads = cos.shape[1] - kept
    qkv = layer.qkv(functional.rms_norm(x, layer.before.shape, layer.before, layer.eps))
    queries = x.new_empty(count, heads, dim)
    kernels.turn_and_keep[(count, -(-(heads + kept) // FEW))](
        qkv, cos, sin, rows, queries, cached, HEADS=heads, KV=kept // 2, D=dim, G=FEW
    )
    x = torch.addmm(x, attend(queries, cached), _matrix(layer.out).t())
    both = layer.gate_up(functional.rms_norm(x, layer.after.shape, layer.after, layer.eps))
    inner = both.shape[1] // 2
    out = x.new_empty(count, inner)
    kernels.silu_product[(-(-out.numel() // 1024),)](
        both, out, out.numel(), N=inner, BLOCK=1024
    )
    return torch.addmm(x, out, _matrix(layer.down).t())


def _add(x: torch.Tensor, to: nn.Module, y: torch.Tensor) -> torch.Tensor:
    """x + to(y)."""
    weight = _matrix(to)
    out = torch.empty_like(x)
    rows, columns = weight.shape
    how = _how(x, columns)
    part = _part(how["R"], rows)
    kernels.add_product[(rows // part,)](
        y, weight, x, out, B=x.shape[0], K=columns, N=rows, **{**how, "R": part}
    )
    return out


def _norm(x: torch.Tensor, gain: torch.Tensor, eps: float) -> torch.Tensor:
    out = torch.empty_like(x)
    count, width = x.shape
    launch = _launch(x.device) if count == 1 else {"EARLY": False}
    block = triton.next_power_of_2(width)
    kernels.norm[(count,)](x, gain, out, eps, K=width, BLOCK=block, **launch)
    return out


def _how(x: torch.Tensor, width: int) -> dict[str, Any]:
    """Tiles that were fastest on an H200, for rows of `width`."""
    if x.shape[0] > 1:
        tile = {"BP": FEW, "R": 32, "BK": _part(128, width), "num_stages": 5}
        return {**tile, "num_warps": 4, "EARLY": False}  # early, they are a fifth slower
    tile = {"BP": 1, "R": 8, "BK": min(1024, triton.next_power_of_2(width))}
    return {**tile, "num_warps": 4, **_launch(x.device)}


def _early(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= _EARLY


def _launch(device: torch.device) -> dict[str, Any]:
    """Before the kernel in front of it is over, where that can be."""
    return {"EARLY": True, "launch_pdl": True} if _early(device) else {"EARLY": False}


def _part(wanted: int, of: int) -> int:
    """The largest power of two up to `wanted` (which is one) that divides `of`."""
    while of % wanted:
        wanted //= 2
    return wanted


def _matrix(module: nn.Module) -> torch.Tensor:
    weight = getattr(module, "weight", None)
    if type(weight) is not nn.Parameter or getattr(module, "bias", None) is not None:
        raise TypeError("fused kernels are for ordinary matrices without a bias")
    return weight


@dataclass(frozen=True, slots=True)
class Tiled:
    """FlashAttention for what is asked here: the heads that share keys are rows of one tile,
    and a decode step's keys are divided over the GPU."""

    name: str = "tiled attention"

    def lengths(self, stride: int) -> tuple[int, ...]:
        return (stride,)

    def plan(
        self, cache: Cache, slots: torch.Tensor, starts: torch.Tensor, new: int, length: int
    ) -> Attend:
        shape, stride = cache.shape, cache.stride
        heads, kv_heads, dim = shape.heads, shape.kv_heads, shape.head_dim
        device = slots.device
        batch, rows = len(slots), new * heads // kv_heads
        tile = 16 if rows <= 16 else 64
        splits = 1 if new > 1 else _power(max(1, min(_SPLITS, _PROGRAMS // (batch * kv_heads))))
        parts = torch.empty(batch * heads, splits, dim, device=device)
        peaks, sums = torch.empty(2, batch * heads, splits, device=device)
        done = torch.zeros(batch * kv_heads, dtype=torch.int32, device=device)
        launch = _launch(device) if batch * new == 1 else {"EARLY": False}

        def attend(queries: torch.Tensor, layer: torch.Tensor) -> torch.Tensor:
            queries = queries.contiguous()
            found = queries.new_empty(batch * new, heads * dim)
            kernels.attend[(-(-rows // tile), batch * kv_heads, splits)](
                queries, layer, slots, starts, found, parts, peaks, sums, done,
                dim**-0.5, new, stride, HEADS=heads, KV=kv_heads, D=dim,
                GP=triton.next_power_of_2(heads // kv_heads), S=splits, BM=tile, BN=64,
                num_warps=4, num_stages=3, **launch,
            )  # fmt: skip
            return found

        return attend


def _power(of: int) -> int:
    """The largest power of two that is not above."""
    return 1 << (of.bit_length() - 1)
