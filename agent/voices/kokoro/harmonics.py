"""The two ends of Kokoro's vocoder: the hum that it shapes, and spectra to and from samples.

Written without torch.stft and torch.istft: the first pads at the end of the tensor and not of
the row, the second asks the device whether its windows add up, which a CUDA graph cannot.
Shapes: B rows, T frames of 25 ms, K spectra.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from agent.voices.kokoro.masked import Span

_ENVELOPE_FLOOR = 1e-11  # torch.istft's own


def hum(module: Any, pitch: Tensor, noise: Tensor) -> Tensor:
    """SourceModuleHnNSF: harmonics where there is a pitch, noise where there is none.

    `pitch` [B, 2T] in Hz, two a frame; `noise` [1 or B, 600T, 9] from a normal distribution.
    Returns [B, 600T]. Kokoro's random initial phases are left out: they are added to a sample
    that the interpolation after them never reads.
    """
    sines = module.l_sin_gen
    scale = noise.shape[1] // pitch.shape[1]  # samples a pitch value
    harmonics = torch.arange(1, sines.dim + 1, device=pitch.device, dtype=pitch.dtype)
    turns = (pitch[:, :, None] * harmonics / sines.sampling_rate) % 1
    phase = turns.cumsum(1) * (2 * torch.pi)
    phase = F.interpolate(phase.transpose(1, 2) * scale, scale_factor=scale, mode="linear")
    voiced = (pitch > sines.voiced_threshold).to(pitch.dtype)
    voiced = voiced.repeat_interleave(scale, 1)[:, :, None]
    level = voiced * sines.noise_std + (1 - voiced) * sines.sine_amp / 3
    waves = torch.sin(phase.transpose(1, 2)) * sines.sine_amp * voiced + level * noise
    return torch.tanh(module.l_linear(waves)).squeeze(-1)


def spectra(signal: Tensor, valid: Tensor, window: Tensor, hop: int, span: Span) -> Tensor:
    """Magnitudes and angles [B, 2 * bins, K] of `signal` [B, L], mirrored at a row's own end.

    `valid` [B] samples.
    """
    half = len(window) // 2
    last = valid[:, None] - 1
    place = torch.arange(-half, signal.shape[1] + half, device=signal.device).abs()[None]
    place = torch.where(place > last, 2 * last - place, place).clamp(min=0)
    frames = signal.gather(1, place).unfold(1, len(window), hop)  # [B, K, window]
    bins = torch.fft.rfft(frames * window)
    return torch.cat((bins.abs(), bins.angle()), -1).transpose(1, 2) * span.mask


def samples(magnitude: Tensor, angle: Tensor, window: Tensor, hop: int, span: Span) -> Tensor:
    """The inverse: [B, bins, K] twice -> [B, hop * (K - 1)]."""
    bins = torch.polar(magnitude * span.mask, angle).transpose(1, 2)
    frames = torch.fft.irfft(bins, n=len(window)) * window  # [B, K, window]
    envelope = overlap(span.mask.transpose(1, 2) * window**2, hop)
    half = len(window) // 2
    signal = overlap(frames, hop) / torch.where(envelope > _ENVELOPE_FLOOR, envelope, 1)
    return signal[:, half:-half]


def overlap(frames: Tensor, hop: int) -> Tensor:
    """Add up [B, K, window] at distances of `hop`; a window is a multiple of it."""
    rows, count, window = frames.shape
    parts = window // hop
    blocks = frames.view(rows, count, parts, hop)
    total = frames.new_zeros(rows, count + parts - 1, hop)
    for part in range(parts):
        total[:, part : part + count] += blocks[:, :, part]
    return total.flatten(1)
