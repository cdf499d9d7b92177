"""What a model's step must cost at least: operations and bytes by count, times by ceiling.

A floor is the larger of two times: the step's multiplications at the device's matrix rate, and
the bytes it cannot avoid reading at the device's memory rate. Both rates are measured in the
same run (`measure`). Counts are those of the real architectures, read from their configs;
norms, softmax and activations are left out: the floors are a little low, never high.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

KOKORO_FLOP_PER_AUDIO_S = 54e9  # counted on the full model; its decoder is nearly all of it
KOKORO_WEIGHTS = 81.8e6
_AUDIO_FRAMES_PER_TOKEN = 4
_COPY_BYTES = {"cuda": 2 << 30, "cpu": 256 << 20}
_MATRIX = {"cuda": 8192, "cpu": 1024}
_REPEATS = 10


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What this device was seen to do."""

    flop_per_s: float  # matrix product of the model's dtype, random values
    bytes_per_s: float  # read plus written, of a large copy


@dataclass(frozen=True, slots=True)
class Work:
    """What a step cannot do without."""

    flop: float
    bytes: float

    def __add__(self, other: "Work") -> "Work":
        return Work(self.flop + other.flop, self.bytes + other.bytes)

    def floor_ms(self, ceilings: Ceilings) -> float:
        return 1000 * max(self.flop / ceilings.flop_per_s, self.bytes / ceilings.bytes_per_s)


class VoxtralWork:
    """Counts of one VoxtralConfig (transformers), weights of `weight_bytes` each."""

    def __init__(self, config: Any, weight_bytes: float = 2) -> None:
        audio, text = config.audio_config, config.text_config
        self._audio, self._text, self._weight_bytes = audio, text, weight_bytes
        heads = text.num_attention_heads * text.head_dim
        kept = text.num_key_value_heads * text.head_dim
        self.layer_weights = text.num_hidden_layers * (
            text.hidden_size * (2 * heads + 2 * kept)
            + 3 * text.hidden_size * text.intermediate_size
        )
        self.head_weights = text.vocab_size * text.hidden_size
        self.kv_bytes = 2 * text.num_hidden_layers * kept * 2  # of one position, 16 bits each
        self.encoder_weights = audio.num_hidden_layers * (
            4 * audio.hidden_size**2 + 2 * audio.hidden_size * audio.intermediate_size
        )

    def encode(self, positions: int) -> Work:
        """The audio encoder and projector over so many positions (20 ms each)."""
        audio, text = self._audio, self._text
        attention = 4 * audio.num_hidden_layers * positions**2 * audio.hidden_size
        stem = 3 * positions * audio.hidden_size * (2 * audio.num_mel_bins + audio.hidden_size)
        stacked = audio.hidden_size * _AUDIO_FRAMES_PER_TOKEN
        projector = text.hidden_size * (stacked + text.hidden_size)
        tokens = positions // _AUDIO_FRAMES_PER_TOKEN
        flop = 2 * (self.encoder_weights * positions + stem + projector * tokens) + attention
        return Work(flop, self._weight_bytes * (self.encoder_weights + projector))

    def prefill(self, positions: int, past: int = 0) -> Work:
        """The language model over so many new positions, and the head over the last."""
        text = self._text
        heads = text.num_attention_heads * text.head_dim
        seen = positions * past + positions**2 / 2
        attention = 4 * text.num_hidden_layers * heads * seen
        flop = 2 * (self.layer_weights * positions + self.head_weights) + attention
        weights = self._weight_bytes * (self.layer_weights + self.head_weights)
        return Work(flop, weights + self.kv_bytes * past)

    def decode(self, batch: int, context: int) -> Work:
        """One token for each of `batch` sequences of `context` positions."""
        weights = self.layer_weights + self.head_weights
        moved = self._weight_bytes * weights + batch * self.kv_bytes * context
        return Work(2 * batch * weights, moved)


def kokoro(audio_s: float, batch: int = 1) -> Work:
    """`batch` phrases of `audio_s` each."""
    return Work(batch * KOKORO_FLOP_PER_AUDIO_S * audio_s, 4 * KOKORO_WEIGHTS)


def measure(device: torch.device, dtype: torch.dtype) -> Ceilings:
    """This device's rates: the best of ten copies and of ten matrix products."""
    source = torch.empty(_COPY_BYTES[device.type], dtype=torch.uint8, device=device).random_()
    target = torch.empty_like(source)
    n = _MATRIX[device.type]
    a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    copy_s = _best_s(lambda: target.copy_(source), device)
    product_s = _best_s(lambda: a @ b, device)
    return Ceilings(2 * n**3 / product_s, 2 * source.numel() / copy_s)


def _best_s(work: Callable[[], object], device: torch.device) -> float:
    work()
    taken = []
    for _ in range(_REPEATS):
        _wait(device)
        began = time.perf_counter()
        work()
        _wait(device)
        taken.append(time.perf_counter() - began)
    return min(taken)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
