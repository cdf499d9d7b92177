"""The encoder's input: log-mel spectra, bit for bit those of WhisperFeatureExtractor.

An utterance is padded to whole chunks of 30 s. Almost all of that is silence, whose value
follows from the loudest bin alone; only the frames that touch speech are computed.
"""

import torch
from transformers.audio_utils import mel_filter_bank

from agent.audio.frame import HEAR_HZ

CHUNK = 30 * HEAR_HZ  # samples
_HOP = 160
_WINDOW = 400
CHUNK_FRAMES = CHUNK // _HOP  # 3000
# A product's last bits depend on how BLAS cuts it into tiles. In whole tiles of frames they are
# those of the full product.
_TILE = 192


def chunks(samples: int) -> int:
    """How many chunks an utterance fills; the empty one fills one."""
    return max(1, -(-samples // CHUNK))


class Mel:
    """The filters, on a device."""

    def __init__(self, bins: int, device: torch.device) -> None:
        filters = mel_filter_bank(
            num_frequency_bins=1 + _WINDOW // 2,
            num_mel_filters=bins,
            min_frequency=0.0,
            max_frequency=HEAR_HZ / 2,
            sampling_rate=HEAR_HZ,
            norm="slaney",
            mel_scale="slaney",
        )  # [201, bins]
        self._filters = torch.from_numpy(filters).to(device, torch.float32)
        self._window = torch.hann_window(_WINDOW, device=device)

    def __call__(self, samples: torch.Tensor) -> torch.Tensor:
        """[n] at HEAR_HZ -> [chunks, bins, CHUNK_FRAMES]."""
        total = chunks(len(samples)) * CHUNK_FRAMES
        touched = -(-(len(samples) + _WINDOW // 2) // _HOP)
        frames = min(total, -(-touched // _TILE) * _TILE)
        padded = samples.new_zeros(min(total, frames + 2) * _HOP)
        padded[: len(samples)] = samples
        logs, loudest = self._logs(padded, frames)
        floor = (loudest - 8.0).clamp(min=-10.0)
        whole = ((floor + 4.0) / 4.0).repeat(logs.shape[0], total)
        whole[:, :frames] = (logs + 4.0) / 4.0
        return _cut(whole)

    def whole(self, samples: torch.Tensor) -> torch.Tensor:
        """The same for samples padded to whole chunks; shapes follow from theirs alone."""
        logs, _ = self._logs(samples, len(samples) // _HOP)
        return _cut((logs + 4.0) / 4.0)

    def _logs(self, samples: torch.Tensor, frames: int) -> tuple[torch.Tensor, torch.Tensor]:
        """[bins, frames] of log10, no more than 8 below the loudest; and the loudest."""
        spectra = torch.stft(
            samples[None], _WINDOW, _HOP, window=self._window, return_complex=True
        )
        powers = (spectra[..., :frames].abs() ** 2).contiguous()  # [1, 201, frames]
        logs = (self._filters.T @ powers).clamp(min=1e-10).log10()[0]
        loudest = logs.max()
        return torch.maximum(logs, loudest - 8.0), loudest


def _cut(features: torch.Tensor) -> torch.Tensor:
    """[bins, chunks * CHUNK_FRAMES] -> [chunks, bins, CHUNK_FRAMES]."""
    return features.view(len(features), -1, CHUNK_FRAMES).transpose(0, 1).contiguous()
