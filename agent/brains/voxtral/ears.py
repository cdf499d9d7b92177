"""From an utterance to what the language model hears of it: 375 embeddings a chunk of 30 s."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from agent.brains.voxtral.encoder import Encode, Encoder
from agent.brains.voxtral.mel import Mel


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """An utterance as the language model hears it. Two are equal when they are the same one."""

    embeddings: torch.Tensor  # [positions, hidden], on the device

    @property
    def positions(self) -> int:
        """Places it takes in a slot, without the [BEGIN_AUDIO] before it."""
        return self.embeddings.shape[0]


class Ears:
    """Mel, encoder and projector. The encoder is always given whole chunks: it was trained on
    padded ones and writes into the padding."""

    def __init__(
        self, audio_tower: Any, projector: Any, encoder: Callable[[Any], Encode] = Encoder
    ) -> None:
        """`encoder` makes of `audio_tower` what is called. Raises ConfigError."""
        config = audio_tower.config
        self._encode, self._projector = encoder(audio_tower), projector
        self._stacked: int = config.intermediate_size  # four frames side by side
        self.chunk_positions = config.max_source_positions * config.hidden_size // self._stacked
        self.mel = Mel(config.num_mel_bins, audio_tower.conv1.weight.device)

    def listen(self, features: torch.Tensor) -> torch.Tensor:
        """[chunks, bins, 3000] -> [chunks * chunk_positions, hidden]."""
        hidden = self._encode(features)  # [chunks, 1500, width]
        heard: torch.Tensor = self._projector(hidden.reshape(-1, self._stacked))
        return heard
