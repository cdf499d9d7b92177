"""From logits to tokens, on the device, for several calls at once.

A draw depends on the call's seed and the token's position, on nothing else: neither on who
else is in the batch, nor on what was drawn before.
"""

from dataclasses import dataclass

import torch

_MASK = 0xFFFFFFFF
_MIX = 0x45D9F3B  # of 27 bits: products of it with 32 bits stay inside int64


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a call's tokens are chosen. Temperature 0 takes the likeliest."""

    temperature: float = 0.0
    top_p: float = 1.0  # share of the probability, from the likeliest down, that is drawn from
    seed: int = 0

    @property
    def is_greedy(self) -> bool:
        return self.temperature == 0.0


GREEDY = Sampling()


def greedy(logits: torch.Tensor) -> torch.Tensor:
    """[B, vocabulary] -> [B]; the first of equals."""
    return logits.argmax(-1)


def draw(
    logits: torch.Tensor,
    how: torch.Tensor,
    seeds: torch.Tensor,
    positions: torch.Tensor,
) -> torch.Tensor:
    """[B, vocabulary] -> [B]. `how` [2, B] is temperatures, of which 0 is greedy, and top_p."""
    temperature, top_p = how[:, :, None]  # [B, 1]
    scaled = logits.float() / temperature.clamp(min=1e-4)
    chances, tokens = scaled.softmax(-1).sort(stable=True, dim=-1, descending=True)
    upto = chances.cumsum(-1)
    chances = chances * (upto - chances < top_p)  # the likeliest always stays
    upto = chances.cumsum(-1)
    aim = uniform(seeds, positions)[:, None] * upto[:, -1:]
    chosen = (upto <= aim).sum(-1, keepdim=True).clamp(max=logits.shape[-1] - 1)
    return torch.where(temperature > 0, tokens.gather(-1, chosen), tokens[:, :1])[:, 0]


def uniform(seeds: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """[B] and [B] -> [B] in (0, 1), the same on every device."""
    mixed = _scramble(_scramble(seeds & _MASK) ^ (positions & _MASK))
    return ((mixed >> 9).to(torch.float32) + 0.5) / 2**23


def _scramble(x: torch.Tensor) -> torch.Tensor:
    """An integer hash of 32 bits (Mueller's), in int64."""
    for _ in range(2):
        x = (((x >> 16) ^ x) * _MIX) & _MASK
    return (x >> 16) ^ x
