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
    x = x.contiguous()
    kept, dim = cached.shape[1:]
    heads = cos.shape[1] - kept
    queries = x.new_empty(len(x), heads, dim)
    sizes = {"HEADS": heads, "KV": kept // 2, "D": dim}
    normed = _norm(x, layer.before, layer.eps)
    if len(x) <= FEW:
        weight, how = _matrix(layer.qkv), _how(normed)
        part = _part(how["R"] // 2, dim // 2)
        kernels.turned_qkv[((heads + kept) * (dim // 2) // part,)](
            normed, weight, cos, sin, rows, queries, cached,
            B=len(x), K=x.shape[1], **sizes, **{**how, "R": 2 * part},
        )  # fmt: skip
    else:
        kernels.turn_and_keep[(len(x), -(-(heads + kept) // FEW))](
            layer.qkv(normed), cos, sin, rows, queries, cached, **sizes, G=FEW
        )
    x = _add(x, layer.out, attend(queries, cached))
    return _add(x, layer.down, _gated(_norm(x, layer.after, layer.eps), layer.gate_up))


def _gated(x: torch.Tensor, gate_up: nn.Module) -> torch.Tensor:
    """silu(gate) * up of what `gate_up` makes of x."""
    inner = _matrix(gate_up).shape[0] // 2
    out = x.new_empty(len(x), inner)
    if len(x) <= FEW:
        how = _how(x)
        part = _part(how["R"] // 2, inner)
        kernels.gated[(inner // part,)](
            x, _matrix(gate_up), out,
            B=len(x), K=x.shape[1], N=inner, **{**how, "R": 2 * part},
        )  # fmt: skip
    else:
        kernels.silu_product[(-(-out.numel() // 1024),)](
            gate_up(x), out, out.numel(), N=inner, BLOCK=1024
        )
    return out


def _add(x: torch.Tensor, to: nn.Module, y: torch.Tensor) -> torch.Tensor:
    """x + to(y)."""
    weight = _matrix(to)
    if len(x) > FEW:
        return torch.addmm(x, y, weight.t())
    out, how = torch.empty_like(x), _how(y)
    rows, columns = weight.shape
    part = _part(how["R"], rows)
    kernels.add_product[(rows // part,)](
        y, weight, x, out, B=len(x), K=columns, N=rows, **{**how, "R": part}
    )
    return out


def _norm(x: torch.Tensor, gain: torch.Tensor, eps: float) -> torch.Tensor:
    if len(x) > FEW:
        return functional.rms_norm(x, gain.shape, gain, eps)
    out, width = torch.empty_like(x), x.shape[1]
    block = triton.next_power_of_2(width)
    kernels.norm[(len(x),)](
        x, gain, out, eps, K=width, BLOCK=block, **_launch(x.device, len(x))
    )
    return out


def _how(x: torch.Tensor) -> dict[str, Any]:
    """Tiles for products with x that were fastest on an H200."""
    count, width = x.shape
    if count > 1:
        tile = {"BP": FEW, "R": 32, "BK": _part(128, width), "num_stages": 5}
    else:
        tile = {"BP": 1, "R": 8, "BK": min(1024, triton.next_power_of_2(width))}
    return {**tile, "num_warps": 4, **_launch(x.device, count)}


def _launch(device: torch.device, count: int) -> dict[str, Any]:
    """A kernel for one begins before that in front of it is over, where that can be; for more
    it would be a fifth slower."""
    if count > 1 or device.type == "cpu" or torch.cuda.get_device_capability(device) < _EARLY:
        return {"EARLY": False}
    return {"EARLY": True, "launch_pdl": True}


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
        launch = _launch(device, batch * new)

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
