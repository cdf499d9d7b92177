"""KModel in two stages of fixed shape, equal to it on the valid part of each row.

Stage `plan`: tokens -> how many frames each lasts, and what is said. Stage `sound`: frames ->
audio. Between them the rows are stretched by their durations (`stretch`), the only place where
the device is waited for. KModel itself, which takes one text at a time and asks the device
about forty times on its way, is the slow twin.
Shapes: B rows, N tokens, T frames of 25 ms, 512 and 640 channels in Kokoro-82M.
"""

import contextlib
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import remove_weight_norm

from agent.voices.kokoro.harmonics import hum, samples, spectra
from agent.voices.kokoro.masked import PaddedLSTM, Span, resblock, snake_block, span

FRAME_SAMPLES = 600  # 25 ms at 24 kHz: 2 pitch values, 120 spectra
NOISE_CHANNELS = 9  # the fundamental and eight harmonics
_SPECTRA = 120
_TIMBRE = 128  # of a style's 256 numbers the first half; the rest is prosody


class Plan(NamedTuple):
    """What stage one says of each token."""

    prosody: Tensor  # [B, N, 640]
    text: Tensor  # [B, N, 512]
    frames: Tensor  # [B, N] integers, 0 in padding


class Stages(nn.Module):
    """Takes a KModel over: its weight norms are fused, its LSTMs replaced."""

    window: Tensor

    def __init__(self, model: Any, dtype: torch.dtype = torch.float32) -> None:
        """`dtype` of the decoder's convolutions; all else stays as it is."""
        super().__init__()
        fuse(model)
        predictor = model.predictor
        self.model = model
        self.durations = nn.ModuleList(
            PaddedLSTM(layer) if isinstance(layer, nn.LSTM) else layer
            for layer in predictor.text_encoder.lstms
        )
        self.duration_lstm = PaddedLSTM(predictor.lstm)
        self.frame_lstm = PaddedLSTM(predictor.shared)
        self.text_lstm = PaddedLSTM(model.text_encoder.lstm)
        self.register_buffer("window", model.decoder.generator.stft.window)
        self._dtype = dtype
        self.eval().requires_grad_(False)

    def plan(self, ids: Tensor, tokens: Tensor, style: Tensor, speed: Tensor) -> Plan:
        """`ids` [B, N], padding of any kind; `tokens` [B], `style` [B, 256], `speed` [B]."""
        model, predictor = self.model, self.model.predictor
        size = ids.shape[1]
        valid = span(tokens, size, style)
        inside = valid.mask.transpose(1, 2)
        prosody = style[:, None, _TIMBRE:].expand(-1, size, -1)
        # four dimensions: taken as it is. Of two, transformers asks the device for all-true.
        bias = torch.zeros_like(valid.mask).masked_fill_(valid.mask == 0, -torch.inf)
        hidden = model.bert(ids, attention_mask=bias[:, None].expand(-1, 1, size, -1))
        x = torch.cat((model.bert_encoder(hidden), prosody), -1) * inside
        for layer in self.durations:
            if isinstance(layer, PaddedLSTM):
                x = layer(x, valid)
            else:
                x = torch.cat((layer(x, style[:, _TIMBRE:]), prosody), -1) * inside
        steps = predictor.duration_proj(self.duration_lstm(x, valid))
        frames = torch.round(torch.sigmoid(steps).sum(-1) / speed[:, None]).clamp(min=1)
        encoder = model.text_encoder
        text = encoder.embedding(ids).transpose(1, 2) * valid.mask
        for layer in encoder.cnn:
            text = layer(text) * valid.mask
        text = self.text_lstm(text.transpose(1, 2), valid)
        return Plan(x, text, (frames * valid.mask[:, 0]).long())

    def sound(
        self,
        prosody: Tensor,
        text: Tensor,
        frames: Tensor,
        style: Tensor,
        noise: Tensor,
        decode: Callable[..., Tensor] | None = None,
    ) -> Tensor:
        """The audio [B, 600 T] of stretched rows; silence 10 samples behind the end of each.

        `prosody` [B, T, 640], `text` [B, T, 512], `frames` [B] valid ones, `style` [B, 256],
        `noise` [1 or B, 600 T, 9] from a normal distribution. `decode` stands in for the method
        of that name.
        """
        valid = span(frames, prosody.shape[1], style)
        pitch, energy = self.melody(prosody, valid, style)
        return (decode or self.decode)(text, pitch, energy, frames, style, noise)

    def melody(self, prosody: Tensor, valid: Span, style: Tensor) -> tuple[Tensor, Tensor]:
        """Pitch in Hz and energy, [B, 2T] each."""
        predictor = self.model.predictor
        shared = self.frame_lstm(prosody, valid).transpose(1, 2)
        curves = []
        for blocks, project in (
            (predictor.F0, predictor.F0_proj),
            (predictor.N, predictor.N_proj),
        ):
            x, at = shared, valid
            for block in blocks:
                x, at = resblock(block, x, style[:, _TIMBRE:], at)
            curves.append((project(x) * at.mask)[:, 0])
        return curves[0], curves[1]

    def decode(
        self,
        text: Tensor,
        pitch: Tensor,
        energy: Tensor,
        frames: Tensor,
        style: Tensor,
        noise: Tensor,
    ) -> Tensor:
        """The decoder and its vocoder; see `sound`."""
        decoder = self.model.decoder
        timbre = style[:, :_TIMBRE]
        valid = span(frames, text.shape[1], style)
        harmonics, ends = self._harmonics(pitch, frames, noise)
        text = text.transpose(1, 2) * valid.mask
        with self._precision(style.device):
            curves = (
                torch.cat(
                    (decoder.F0_conv(pitch[:, None]), decoder.N_conv(energy[:, None])), 1
                ).to(style.dtype)
                * valid.mask
            )
            x, at = resblock(decoder.encode, torch.cat((text, curves), 1), timbre, valid)
            beside = torch.cat((decoder.asr_res(text).to(style.dtype) * valid.mask, curves), 1)
            for block in decoder.decode:
                if x.shape[-1] == beside.shape[-1]:
                    x = torch.cat((x, beside), 1)
                x, at = resblock(block, x, timbre, at)
            x = self._generate(x, at, harmonics, ends, timbre)
        return self._samples(x.to(style.dtype), ends)

    def _harmonics(self, pitch: Tensor, frames: Tensor, noise: Tensor) -> tuple[Tensor, Span]:
        """The hum's spectra [B, 22, 120 T + 1], and which of them are valid."""
        generator = self.model.decoder.generator
        source = hum(generator.m_source, pitch, noise)
        hop = generator.stft.hop_length
        ends = span(frames * _SPECTRA + 1, source.shape[1] // hop + 1, pitch)
        return spectra(source, frames * FRAME_SAMPLES, self.window, hop, ends), ends

    def _generate(
        self, x: Tensor, at: Span, harmonics: Tensor, ends: Span, timbre: Tensor
    ) -> Tensor:
        """[B, 512, 2T] -> [B, 22, 120 T + 1]: the logarithm of magnitudes, and angles."""
        generator = self.model.decoder.generator
        kernels = generator.num_kernels
        for i, up in enumerate(generator.ups):
            x = up(F.leaky_relu(x, 0.1))
            if i + 1 < len(generator.ups):
                (rate,) = up.stride
                at = Span(at.mask.repeat_interleave(rate, -1), at.steps * rate)
            else:
                x, at = generator.reflection_pad(x), ends
            source = generator.noise_convs[i](harmonics).to(timbre.dtype) * at.mask
            source = snake_block(generator.noise_res[i], source, timbre, at)
            x = x.to(timbre.dtype) * at.mask + source
            blocks = generator.resblocks[i * kernels : (i + 1) * kernels]
            total = torch.zeros_like(x)
            for block in blocks:
                total = total + snake_block(block, x, timbre, at)
            x = total / kernels
        y: Tensor = generator.conv_post(F.leaky_relu(x))
        return y

    def _samples(self, x: Tensor, ends: Span) -> Tensor:
        stft = self.model.decoder.generator.stft
        bins = len(self.window) // 2 + 1
        return samples(
            torch.exp(x[:, :bins]), torch.sin(x[:, bins:]), self.window, stft.hop_length, ends
        )

    def _precision(self, device: torch.device) -> contextlib.AbstractContextManager[Any]:
        if self._dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(device.type, self._dtype, cache_enabled=False)


def stretch(plan: Tensor, rows: Tensor, places: Tensor) -> Tensor:
    """Repeat each token for its frames: [B, N, C] -> [R, T, C].

    `rows` [R] says which row of the plan, `places` [R, T] which token each frame belongs to.
    """
    return plan[rows[:, None], places]


def fuse(model: nn.Module) -> None:
    """Bake the weight norms in: 89 products less each time, the same numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it points to another API
        for module in model.modules():
            with contextlib.suppress(ValueError):  # has none
                remove_weight_norm(module)
