"""KModel in two stages of fixed shape, equal to it on the valid part of each row.

Stage `plan`: tokens -> how many frames each lasts, and what is said. Stage `sound`: frames ->
audio. Between them the rows are stretched by their durations (`stretch`), the only place where
the device is waited for. KModel itself, which takes one text at a time and asks the device
about forty times on its way, is the slow twin.
Shapes: B rows, N tokens, T frames of 25 ms, 512 and 640 channels in Kokoro-82M.
"""

import contextlib
import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import remove_weight_norm

from agent.voices.kokoro.abreast import Lanes
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
    """Takes a KModel over: its norms' weights are fused, its LSTMs replaced."""

    window: Tensor

    def __init__(self, model: Any, dtype: torch.dtype = torch.float32) -> None:
        """`dtype` of the decoder's convolutions; all else stays as it is."""
        super().__init__()
        fuse(model)
        predictor = model.predictor
        self.model = model
        self._lanes = Lanes()
        self._inner = Lanes()  # for what forks while others run in `_lanes`
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
        valid = span(tokens, ids.shape[1], style)
        (prosody, frames), text = self._lanes.both(
            lambda: self._durations(ids, valid, style[:, _TIMBRE:], speed),
            lambda: self._read(ids, valid),
            style,
        )
        return Plan(prosody, text, frames)

    def _durations(
        self, ids: Tensor, valid: Span, style: Tensor, speed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """How it is said [B, N, 640], and for how many frames [B, N]."""
        model, size = self.model, ids.shape[1]
        inside = valid.mask.transpose(1, 2)
        prosody = style[:, None].expand(-1, size, -1)
        # four dimensions: taken as it is. Of two, transformers asks the device for all-true.
        bias = torch.zeros_like(valid.mask).masked_fill_(valid.mask == 0, -torch.inf)
        hidden = model.bert(ids, attention_mask=bias[:, None].expand(-1, 1, size, -1))
        x = torch.cat((model.bert_encoder(hidden), prosody), -1) * inside
        for layer in self.durations:
            if isinstance(layer, PaddedLSTM):
                x = layer(x, valid)
            else:
                x = torch.cat((layer(x, style), prosody), -1) * inside
        steps = model.predictor.duration_proj(self.duration_lstm(x, valid))
        frames = torch.round(torch.sigmoid(steps).sum(-1) / speed[:, None]).clamp(min=1)
        return x, (frames * valid.mask[:, 0]).long()

    def _read(self, ids: Tensor, valid: Span) -> Tensor:
        """What is said [B, N, 512]."""
        encoder = self.model.text_encoder
        text = encoder.embedding(ids).transpose(1, 2) * valid.mask
        for layer in encoder.cnn:
            text = layer(text) * valid.mask
        read: Tensor = self.text_lstm(text.transpose(1, 2), valid)
        return read

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

        def curve(blocks: Any, project: Any) -> Tensor:
            x, at = shared, valid
            for block in blocks:
                x, at = resblock(block, x, style[:, _TIMBRE:], at)
            drawn: Tensor = (project(x) * at.mask)[:, 0]
            return drawn

        return self._lanes.both(
            functools.partial(curve, predictor.F0, predictor.F0_proj),
            functools.partial(curve, predictor.N, predictor.N_proj),
            prosody,
        )

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
        timbre = style[:, :_TIMBRE]
        valid = span(frames, text.shape[1], style)
        spans = self._spans(frames, valid)
        x, sources = self._lanes.both(
            lambda: self._articulate(text, pitch, energy, valid, timbre),
            lambda: self._sources(pitch, frames, noise, spans, timbre),
            text,
        )
        return self._samples(self._generate(x, sources, spans, timbre), spans[-1])

    def _articulate(
        self, text: Tensor, pitch: Tensor, energy: Tensor, valid: Span, timbre: Tensor
    ) -> Tensor:
        """The decoder before its vocoder: [B, 512, 2T]."""
        decoder = self.model.decoder
        text = text.transpose(1, 2) * valid.mask
        with self._precision(timbre.device):
            curves = (
                torch.cat(
                    (decoder.F0_conv(pitch[:, None]), decoder.N_conv(energy[:, None])), 1
                ).to(timbre.dtype)
                * valid.mask
            )
            x, at = resblock(decoder.encode, torch.cat((text, curves), 1), timbre, valid)
            beside = torch.cat((decoder.asr_res(text).to(timbre.dtype) * valid.mask, curves), 1)
            for block in decoder.decode:
                if x.shape[-1] == beside.shape[-1]:
                    x = torch.cat((x, beside), 1)
                x, at = resblock(block, x, timbre, at)
        return x

    def _spans(self, frames: Tensor, valid: Span) -> list[Span]:
        """Of each of the vocoder's stages; the last has one step more than it has spectra."""
        *ups, _ = self.model.decoder.generator.ups
        spans, at = [], valid.twice()
        for up in ups:
            (rate,) = up.stride
            at = Span(at.mask.repeat_interleave(rate, -1), at.steps * rate)
            spans.append(at)
        steps = valid.mask.shape[-1] * _SPECTRA + 1
        return [*spans, span(frames * _SPECTRA + 1, steps, valid.mask)]

    def _sources(
        self,
        pitch: Tensor,
        frames: Tensor,
        noise: Tensor,
        spans: Sequence[Span],
        timbre: Tensor,
    ) -> list[Tensor]:
        """The hum, as each of the vocoder's stages adds it."""
        generator = self.model.decoder.generator
        signal = hum(generator.m_source, pitch, noise)
        hop = generator.stft.hop_length
        harmonics = spectra(signal, frames * FRAME_SAMPLES, self.window, hop, spans[-1])

        def source(into: Any, block: Any, at: Span) -> Tensor:
            with self._precision(timbre.device):
                return snake_block(
                    block, into(harmonics).to(timbre.dtype) * at.mask, timbre, at
                )

        stages = zip(generator.noise_convs, generator.noise_res, spans, strict=True)
        return self._inner.each([functools.partial(source, *each) for each in stages], timbre)

    def _generate(
        self, x: Tensor, sources: Sequence[Tensor], spans: Sequence[Span], timbre: Tensor
    ) -> Tensor:
        """[B, 512, 2T] -> [B, 22, 120 T + 1]: the logarithm of magnitudes, and angles."""
        generator = self.model.decoder.generator
        kernels = generator.num_kernels
        stages = zip(generator.ups, sources, spans, strict=True)
        with self._precision(timbre.device):
            for i, (up, source, at) in enumerate(stages):
                x = up(F.leaky_relu(x, 0.1))
                if i + 1 == len(spans):
                    x = generator.reflection_pad(x)
                x = x.to(timbre.dtype) * at.mask + source
                blocks = generator.resblocks[i * kernels : (i + 1) * kernels]
                works = [functools.partial(snake_block, b, x, timbre, at) for b in blocks]
                x = functools.reduce(torch.add, self._lanes.each(works, x)) / kernels
            y: Tensor = generator.conv_post(F.leaky_relu(x)).to(timbre.dtype)
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
    """Bake into their neighbours the weight norms, and each AdaIN1d's second scale and shift.

    The model computes the same numbers as before, with fewer operations. What a convolution
    adds to all of a channel goes too where a norm, which takes it away again, comes next.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it points to another API
        for module in model.modules():
            with contextlib.suppress(ValueError):  # has none
                remove_weight_norm(module)
            if isinstance(getattr(module, "norm", None), nn.InstanceNorm1d):
                _fuse_affine(module.norm, module.fc)
            for before in _normed(module):
                before.bias = None


def _normed(block: Any) -> Sequence[Any]:
    """The convolutions of AdaINResBlock1 or AdainResBlk1d that end in a norm."""
    if hasattr(block, "convs1") and hasattr(block, "adain2"):
        return list(block.convs1)
    return [block.conv1] if hasattr(block, "conv1") and hasattr(block, "norm2") else []


@torch.no_grad()
def _fuse_affine(norm: Any, fc: Any) -> None:
    """(1 + gamma) * (w * x + b) + beta = (1 + gamma') * x + beta', both linear in the style."""
    gamma, beta = fc.weight.chunk(2)
    one, zero = fc.bias.chunk(2)  # views: beta first, since it needs the old gamma
    beta += gamma * norm.bias[:, None]
    zero += (1 + one) * norm.bias
    gamma *= norm.weight[:, None]
    one.copy_((1 + one) * norm.weight - 1)
    norm.weight.fill_(1)
    norm.bias.zero_()
