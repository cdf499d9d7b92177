"""Voxtral's audio encoder: the weights are Whisper's, the pass is ours.

As few kernels as plain torch allows (10 a layer on CUDA): the convolutions work channels last,
so that all after them is contiguous; queries, keys and values are one matrix product; scaling
them is left to attention. Agrees with transformers' own pass within rounding (tests say so).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from agent.brains.voxtral.decoder import fused
from agent.errors import ConfigError

# [chunks, bins, 3000] -> [chunks, 1500, width], both on the device
Encode = Callable[[torch.Tensor], torch.Tensor]

_HALF_LIMIT = torch.finfo(torch.float16).max - 1000  # transformers', after each layer


@dataclass(frozen=True, slots=True)
class Layer:
    """The weights of one layer; `qkv` is fused."""

    before: nn.LayerNorm  # of what attention is given
    qkv: nn.Linear
    out: nn.Linear
    after: nn.LayerNorm  # of what the feed-forward half is given
    up: nn.Linear
    down: nn.Linear
    heads: int
    scale: float


class Encoder:
    """The weights, and one pass. What of a chunk is sound, what padding, is not known here."""

    def __init__(self, audio_tower: Any) -> None:
        """Share the weights of `audio_tower`, which computes as before. Raises ConfigError."""
        config = audio_tower.config
        found = f"{config.model_type} with {config.activation_function}"
        if found != "voxtral_encoder with gelu":
            raise ConfigError(
                f"voxtral.model: the audio encoder is a {found}, and only voxtral_encoder with"
                " gelu is supported; use a Voxtral checkpoint such as Voxtral-Mini-3B-2507, or"
                " set voxtral.attention to eager"
            )
        self._convolutions: list[nn.Conv1d] = [audio_tower.conv1, audio_tower.conv2]
        for convolution in self._convolutions:
            _lay_channels_last(convolution)
        self._positions: torch.Tensor = audio_tower.embed_positions.weight  # float32 always
        self._layers = [_layer(theirs) for theirs in audio_tower.layers]
        self._norm: nn.LayerNorm = audio_tower.layer_norm

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        """[chunks, bins, 3000] -> [chunks, 1500, width], contiguous."""
        dtype = self._norm.weight.dtype
        x = features[:, :, None].to(dtype, memory_format=torch.channels_last)
        for convolution in self._convolutions:
            x = functional.gelu(_convolve(x, convolution))  # [chunks, width, 1, frames]
        x = x[:, :, 0].mT.contiguous()  # copies only where a device has no channels last
        x = x.add_(self._positions)  # in float32 and rounded once, in one kernel
        chunks = x.shape[0]
        x = x.flatten(0, 1)
        for layer in self._layers:
            x = _pass_through(x, layer, chunks)
        return self._norm(x).view(chunks, *self._positions.shape)  # type: ignore[no-any-return]


def unchanged(audio_tower: Any) -> Encode:
    """transformers' own pass, by the attention that it was loaded with."""

    def encode(features: torch.Tensor) -> torch.Tensor:
        return audio_tower(features).last_hidden_state  # type: ignore[no-any-return]

    return encode


def _convolve(x: torch.Tensor, by: nn.Conv1d) -> torch.Tensor:
    """[chunks, channels, 1, frames] -> the same. conv1d would undo channels last."""
    padding = by.weight.shape[2] // 2
    return functional.conv2d(x, by.weight[:, :, None], by.bias, (1, by.stride[0]), (0, padding))


def _pass_through(x: torch.Tensor, layer: Layer, chunks: int) -> torch.Tensor:
    """One layer: x [chunks * 1500, width] -> the same."""
    qkv = layer.qkv(layer.before(x)).view(chunks, -1, 3, layer.heads, x.shape[1] // layer.heads)
    query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each [chunks, heads, 1500, dim]
    heard = functional.scaled_dot_product_attention(query, key, value, scale=layer.scale)
    # a product takes in a bias or x, not both
    x = x + layer.out(heard.transpose(1, 2).reshape(x.shape))
    x = x + layer.down(functional.gelu(layer.up(layer.after(x))))
    return x.clamp(-_HALF_LIMIT, _HALF_LIMIT) if x.dtype == torch.float16 else x


def _layer(theirs: Any) -> Layer:
    attention = theirs.self_attn
    return Layer(
        theirs.self_attn_layer_norm,
        fused([attention.q_proj, attention.k_proj, attention.v_proj]),
        attention.out_proj,
        theirs.final_layer_norm,
        theirs.fc1,
        theirs.fc2,
        attention.num_heads,
        attention.scaling,
    )


def _lay_channels_last(convolution: nn.Conv1d) -> None:
    """In place of the old weight, so that there are never two."""
    weight = convolution.weight.detach()[:, :, None]
    convolution.weight.data = weight.contiguous(memory_format=torch.channels_last)[:, :, 0]
