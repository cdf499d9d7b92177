"""Keys and values of all calls, allocated once: a slot a call, and one to scratch in."""

from dataclasses import dataclass
from typing import Any

import torch

TILE = 256  # positions; attention kernels work on whole tiles of rows


@dataclass(frozen=True, slots=True)
class Shape:
    """What the language model keeps of each position, and how many ask for it."""

    layers: int
    heads: int  # of the queries
    kv_heads: int
    head_dim: int

    @classmethod
    def of(cls, config: Any) -> "Shape":
        """By a text model's own config."""
        return cls(
            config.num_hidden_layers,
            config.num_attention_heads,
            config.num_key_value_heads,
            config.head_dim,
        )

    def position_bytes(self, dtype: torch.dtype) -> int:
        return 2 * self.layers * self.kv_heads * self.head_dim * dtype.itemsize

    def slot_bytes(self, context: int, dtype: torch.dtype) -> int:
        return stride(context) * self.position_bytes(dtype)


def stride(context: int) -> int:
    """Rows that a slot of `context` positions takes: whole tiles."""
    return -(-context // TILE) * TILE


class Cache:
    """Knows where a position of a slot stands; not which positions hold anything.

    One tensor a layer, [rows, 2 * kv_heads, head_dim]: row `slot * stride + position` holds a
    position's keys, then its values. A row beyond a slot's length is never read before it is
    written again, so that rewinding a slot is to forget how long it was.
    """

    def __init__(
        self,
        slots: int,
        context: int,
        shape: Shape,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.slots, self.shape, self.stride = slots, shape, stride(context)
        self.scratch = slots  # the slot that the padding of a batch works in
        size = ((slots + 1) * self.stride, 2 * shape.kv_heads, shape.head_dim)
        self.layers = [
            torch.zeros(size, dtype=dtype, device=device) for _ in range(shape.layers)
        ]
        self.newest = torch.zeros(slots + 1, dtype=torch.long, device=device)  # token of each

    def rows(self, slots: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Of [B] slots at [B, T] positions: [B * T]."""
        rows: torch.Tensor = slots[:, None] * self.stride + positions
        return rows.flatten()

    def clear(self, slot: int) -> None:
        """Zeros. A mask keeps out every number but nan, which a pass may have left behind."""
        for layer in self.layers:
            layer[slot * self.stride : (slot + 1) * self.stride].zero_()
