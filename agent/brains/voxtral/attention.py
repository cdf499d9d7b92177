"""Attention of a few new positions over the cached ones of their slots, in three ways.

All three take B slots with T new positions each, of which the n-th stands at `starts + n` and
sees everything up to itself. `plan` does what is the same for all layers of one forward pass;
nothing in it waits for the device.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn.functional import pad, scaled_dot_product_attention

from agent.brains.voxtral.cache import Cache, Shape

# queries [B * T, heads, head_dim], a layer of the cache -> [B * T, heads * head_dim]
Attend = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Attention(Protocol):
    """One way to attend."""

    @property
    def name(self) -> str: ...

    def lengths(self, stride: int) -> tuple[int, ...]:
        """How many positions of a slot a pass may look at: the choices, ascending."""

    def plan(
        self, cache: Cache, slots: torch.Tensor, starts: torch.Tensor, new: int, length: int
    ) -> Attend:
        """`slots` and `starts` are [B]; `new` is T; no position is at or beyond `length`."""


def buckets(stride: int) -> tuple[int, ...]:
    """1024, 2048, 4096 ... up to the whole slot."""
    shorter = [size for power in range(10, 16) if (size := 2**power) < stride]
    return (*shorter, stride)


@dataclass(frozen=True, slots=True)
class Flash:
    """FlashAttention 2 as built into torch, over the cache where it stands.

    Reads only what a slot holds, splits long slots over the GPU, copies nothing. CUDA from
    Ampere on, half precision.
    """

    name: str = "FlashAttention"

    def lengths(self, stride: int) -> tuple[int, ...]:
        return (stride,)

    def plan(
        self, cache: Cache, slots: torch.Tensor, starts: torch.Tensor, new: int, length: int
    ) -> Attend:
        from torch.nn.attention.varlen import varlen_attn

        bounds = new * torch.arange(len(slots) + 1, device=slots.device, dtype=torch.int32)
        used = (starts + new).to(torch.int32)
        # Where each slot begins, in any order: of how many there are `used` knows. One more
        # than there are slots, for where a last one would end.
        begins = pad(slots * cache.stride, (0, 1)).to(torch.int32)
        # a single query needs no causal mask, and without one all heads of a group share a read
        window = (-1, -1) if new == 1 else (-1, 0)

        def attend(queries: torch.Tensor, layer: torch.Tensor) -> torch.Tensor:
            keys, values = _split(layer)
            found = varlen_attn(
                queries,
                keys,
                values,
                bounds,
                begins,
                new,
                cache.stride,
                window_size=window,
                enable_gqa=True,
                seqused_k=used,
            )
            assert isinstance(found, torch.Tensor)
            return found.flatten(1)

        return attend


@dataclass(frozen=True, slots=True)
class Packed:
    """SDPA with a mask.

    The heads that share keys queue up as further queries of one head: neither are keys repeated
    for each of them, nor does SDPA fall back to its slowest kernel.
    """

    name: str = "SDPA"

    def lengths(self, stride: int) -> tuple[int, ...]:
        return buckets(stride)

    def plan(
        self, cache: Cache, slots: torch.Tensor, starts: torch.Tensor, new: int, length: int
    ) -> Attend:
        kv_heads, unseen = cache.shape.kv_heads, _unseen(cache.shape, starts, new, length)
        mask = torch.zeros(unseen.shape, dtype=cache.layers[0].dtype, device=unseen.device)
        mask = mask.masked_fill(unseen, float("-inf")).expand(-1, kv_heads, -1, -1)

        def attend(queries: torch.Tensor, layer: torch.Tensor) -> torch.Tensor:
            keys, values = _split(_of(cache, layer, slots, length))  # [B, L, kv_heads, dim]
            found = scaled_dot_product_attention(
                _pack(queries, new, kv_heads),
                keys.transpose(1, 2),
                values.transpose(1, 2),
                attn_mask=mask,
            )
            return _unpack(found, new)

        return attend


@dataclass(frozen=True, slots=True)
class Plain:
    """Attention as the textbook has it: the slow twin of the others."""

    name: str = "plain attention"

    def lengths(self, stride: int) -> tuple[int, ...]:
        return buckets(stride)

    def plan(
        self, cache: Cache, slots: torch.Tensor, starts: torch.Tensor, new: int, length: int
    ) -> Attend:
        kv_heads, unseen = cache.shape.kv_heads, _unseen(cache.shape, starts, new, length)

        def attend(queries: torch.Tensor, layer: torch.Tensor) -> torch.Tensor:
            keys, values = _split(_of(cache, layer, slots, length))
            scores = _pack(queries, new, kv_heads) @ keys.permute(0, 2, 3, 1)
            scores = scores.float() * queries.shape[-1] ** -0.5  # [B, kv_heads, each * T, L]
            scores = scores.masked_fill(unseen, float("-inf"))
            weights = scores.softmax(-1).to(queries.dtype)
            return _unpack(weights @ values.transpose(1, 2), new)

        return attend


def _unseen(shape: Shape, starts: torch.Tensor, new: int, length: int) -> torch.Tensor:
    """[B, 1, each * T, L]: true where a packed query may not look."""
    device = starts.device
    positions = starts[:, None] + torch.arange(new, device=device)
    unseen = torch.arange(length, device=device) > positions[:, :, None]
    return unseen.repeat(1, shape.heads // shape.kv_heads, 1)[:, None]


def _of(cache: Cache, layer: torch.Tensor, slots: torch.Tensor, length: int) -> torch.Tensor:
    """The first `length` positions of `slots`: [B, L, 2 * kv_heads, head_dim], a copy."""
    return layer.view(-1, cache.stride, *layer.shape[1:])[:, :length].index_select(0, slots)


def _split(cached: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """[..., 2 * kv_heads, head_dim] -> keys and values, [..., kv_heads, head_dim] each."""
    keys, values = cached.chunk(2, dim=-2)
    return keys, values


def _pack(queries: torch.Tensor, new: int, kv_heads: int) -> torch.Tensor:
    """[B * T, heads, dim] -> [B, kv_heads, each * T, dim]; `each` heads share a kv head."""
    rows, heads, dim = queries.shape
    each = heads // kv_heads
    packed = queries.reshape(rows // new, new, kv_heads, each, dim).permute(0, 2, 3, 1, 4)
    return packed.reshape(rows // new, kv_heads, each * new, dim)


def _unpack(found: torch.Tensor, new: int) -> torch.Tensor:
    """[B, kv_heads, each * T, dim] -> [B * T, heads * dim]."""
    batch, kv_heads, queue, dim = found.shape
    found = found.view(batch, kv_heads, queue // new, new, dim).permute(0, 3, 1, 2, 4)
    return found.reshape(batch * new, -1)
