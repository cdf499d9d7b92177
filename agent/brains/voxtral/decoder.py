"""Voxtral's language model over the cache: the weights are Llama's, the passes are ours.

As few kernels a layer as plain torch allows (13 for a decode step on CUDA): projections of one
input are one matrix, rotation is three kernels for all heads, residuals are added inside the
matrix products. Token-identical to transformers' own forward pass (checked by tests).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from agent.brains.voxtral.attention import Attend, Attention
from agent.brains.voxtral.cache import Cache, Shape
from agent.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Layer:
    """The weights of one layer; `qkv` and `gate_up` are fused."""

    before: torch.Tensor  # norm before attention, [hidden]
    qkv: nn.Module
    out: nn.Module
    after: torch.Tensor  # norm after it, [hidden]
    gate_up: nn.Module
    down: nn.Module
    eps: float


# x [N, hidden], a layer, its part of the cache, rows [N], cos and sin, attend -> x
Pass = Callable[..., torch.Tensor]


class Decoder:
    """The weights, and one forward pass. Which positions are filled is not known here."""

    def __init__(
        self,
        language_model: Any,
        head: nn.Linear,
        context: int,
        device: torch.device,
        quantize: Callable[[nn.Module], None] | None = None,
    ) -> None:
        """Move to `device` layer by layer; with `quantize` the layers of `language_model` are
        used up, so that there are never two copies. Raises ConfigError."""
        config = language_model.config
        if config.hidden_act != "silu":
            raise ConfigError(
                f"voxtral.model: the text model's activation is {config.hidden_act}, and only"
                " silu is supported; use a Voxtral checkpoint such as Voxtral-Mini-3B-2507"
            )
        self.shape = Shape.of(config)
        self.embedding: nn.Embedding = language_model.embed_tokens.to(device)
        self.layers: list[Layer] = []
        for i, theirs in enumerate(language_model.layers):
            layer = _layer(theirs.to(device), config.rms_norm_eps)
            if quantize is not None:
                quantize(nn.ModuleList([layer.qkv, layer.out, layer.gate_up, layer.down]))
                language_model.layers[i] = nn.Identity()
            self.layers.append(layer)
        self.norm: torch.Tensor = language_model.norm.to(device).weight
        self.head = head
        self._eps: float = config.rms_norm_eps
        self._turns = _rotation(language_model.rotary_emb.to(device), context, self.norm)

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """[...] -> [..., hidden]."""
        return self.embedding(ids)  # type: ignore[no-any-return]

    def forward(
        self,
        x: torch.Tensor,
        cache: Cache,
        slots: torch.Tensor,
        starts: torch.Tensor,
        attention: Attention,
        length: int,
        through: Pass,
    ) -> torch.Tensor:
        """Append T positions to each of B slots; x [B * T, hidden] -> the same, normed.

        `slots` and `starts` are [B]; the positions of a slot lie side by side in `x`.
        `through` is `pass_through` or what compiled from it.
        """
        new = x.shape[0] // slots.shape[0]
        positions = starts[:, None] + torch.arange(new, device=x.device)  # [B, T]
        rows = cache.rows(slots, positions)
        cos, sin = self._rotate(positions.flatten())
        attend = attention.plan(cache, slots, starts, new, length)
        for layer, cached in zip(self.layers, cache.layers, strict=True):
            x = through(x, layer, cached, rows, cos, sin, attend)
        return functional.rms_norm(x, self.norm.shape, self.norm, self._eps)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """[n, hidden] -> [n, vocabulary]."""
        return self.head(hidden)  # type: ignore[no-any-return]

    def _rotate(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """cos and sin for queries and keys, and 1 and 0 for values: [N, all heads, dim]."""
        still = self.shape.kv_heads
        turned = self.shape.heads + still
        cos, sin = self._turns[:, positions, None].unbind()  # [N, 1, dim]
        ones = torch.ones_like(cos).expand(-1, still, -1)
        zeros = torch.zeros_like(sin).expand(-1, still, -1)
        return (
            torch.cat([cos.expand(-1, turned, -1), ones], 1),
            torch.cat([sin.expand(-1, turned, -1), zeros], 1),
        )


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
    dim, kept = cached.shape[-1], cached.shape[-2]
    qkv = layer.qkv(functional.rms_norm(x, layer.before.shape, layer.before, layer.eps))
    qkv = qkv.view(x.shape[0], -1, dim)
    # sin has its first half negated, so that rolling is all that is left of rotating
    qkv = torch.addcmul(qkv * cos, qkv.roll(dim // 2, -1), sin)
    cached.index_copy_(0, rows, qkv[:, -kept:])
    x = _add(x, layer.out, attend(qkv[:, :-kept], cached))
    both = layer.gate_up(functional.rms_norm(x, layer.after.shape, layer.after, layer.eps))
    gate, up = both.chunk(2, -1)
    return _add(x, layer.down, functional.silu(gate) * up)


def _add(x: torch.Tensor, to: nn.Module, y: torch.Tensor) -> torch.Tensor:
    """x + to(y), in one kernel where the weight is an ordinary matrix."""
    weight = getattr(to, "weight", None)
    if type(weight) is nn.Parameter and getattr(to, "bias", None) is None:
        return torch.addmm(x, y, weight.t())
    return x + to(y)  # type: ignore[no-any-return]


def _layer(theirs: Any, eps: float) -> Layer:
    attention, mlp = theirs.self_attn, theirs.mlp
    return Layer(
        theirs.input_layernorm.weight,
        fused([attention.q_proj, attention.k_proj, attention.v_proj]),
        attention.o_proj,
        theirs.post_attention_layernorm.weight,
        fused([mlp.gate_proj, mlp.up_proj]),
        mlp.down_proj,
        eps,
    )


def fused(parts: Sequence[nn.Linear]) -> nn.Linear:
    """One Linear for several of the same input; the parts become views of it."""
    weight = torch.cat([part.weight.detach() for part in parts])
    whole = nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    whole.weight = nn.Parameter(weight, requires_grad=False)
    if any(part.bias is not None for part in parts):
        zeros = weight.new_zeros(weight.shape[0])  # stay so for a part without a bias
        whole.bias = nn.Parameter(zeros, requires_grad=False)
    at = 0
    for part in parts:
        rows = slice(at, at + part.out_features)
        part.weight.data = weight[rows]
        if part.bias is not None:
            whole.bias.data[rows] = part.bias.data
            part.bias.data = whole.bias.data[rows]
        at += part.out_features
    return whole


def _rotation(rotary: Any, context: int, like: torch.Tensor) -> torch.Tensor:
    """[2, context, head_dim]: cos, and sin with its first half negated."""
    positions = torch.arange(context, device=like.device)[None]
    cos, sin = rotary(like, position_ids=positions)  # [1, context, head_dim]
    half = sin.shape[-1] // 2
    sin = torch.cat([-sin[..., :half], sin[..., half:]], -1)
    return torch.cat([cos, sin])
