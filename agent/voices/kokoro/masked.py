"""Kokoro's layers over rows of different length in one tensor, each equal to the row alone.

Kokoro normalises over the whole time axis and reads it in both directions, so padding changes
every number unless each layer is told where a row ends. A `Span` says it; nothing here waits
for the device or has a shape that depends on data, so all of it can stand in a CUDA graph.
Shapes: B rows, C channels, X steps of time.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

_SHUT = -1e4  # added to a gate before its sigmoid: exactly 0 in every float
_FLAGS = 8  # input channels for the padding flag; one is used, eight keep products aligned


class Span(NamedTuple):
    """The valid steps of each row."""

    mask: Tensor  # [B, 1, X] of 0 and 1
    steps: Tensor  # [B, 1, 1], as a float

    def twice(self) -> "Span":
        """After an upsampling by two."""
        return Span(self.mask.repeat_interleave(2, -1), self.steps * 2)


def span(valid: Tensor, steps: int, like: Tensor) -> Span:
    """`valid` [B] integers; of `like` the float type and the device."""
    inside = torch.arange(steps, device=like.device) < valid[:, None]
    return Span(inside.to(like.dtype)[:, None], valid.to(like.dtype)[:, None, None])


def adain(layer: Any, x: Tensor, style: Tensor, span: Span) -> Tensor:
    """AdaIN1d of a fused model: instance norm over the valid steps, scale and shift by style.

    `x` [B, C, X] is zero in padding, and so is the result. In the style's precision whatever
    that of `x`: sums of squares overflow a half. Written for few passes over `x`; on a GPU each
    is a kernel.
    """
    x = x.to(style.dtype)
    gamma, beta = layer.fc(style).to(style.dtype)[:, :, None].chunk(2, 1)
    mean = x.sum(-1, keepdim=True) / span.steps
    centred = torch.addcmul(x, mean, span.mask, value=-1)
    variance = torch.linalg.vector_norm(centred, dim=-1, keepdim=True).square() / span.steps
    scale = torch.rsqrt(variance + layer.norm.eps)
    return torch.addcmul(beta * span.mask, centred, torch.addcmul(scale, gamma, scale))


def resblock(block: Any, x: Tensor, style: Tensor, span: Span) -> tuple[Tensor, Span]:
    """AdainResBlk1d, which may double the steps."""
    after = span if block.upsample_type == "none" else span.twice()
    y = block.actv(adain(block.norm1, x, style, span))
    y = block.conv1(block.pool(y) * after.mask) * after.mask
    y = block.conv2(block.actv(adain(block.norm2, y, style, after)))
    y = (y + block._shortcut(x)).to(style.dtype) * (after.mask * 0.5**0.5)
    return y, after


def snake_block(block: Any, x: Tensor, style: Tensor, span: Span) -> Tensor:
    """AdaINResBlock1: three pairs of convolutions between sines."""
    for conv1, conv2, norm1, norm2, alpha1, alpha2 in zip(
        block.convs1,
        block.convs2,
        block.adain1,
        block.adain2,
        block.alpha1,
        block.alpha2,
        strict=True,
    ):
        y = conv1(snake(adain(norm1, x, style, span), alpha1)) * span.mask
        y = conv2(snake(adain(norm2, y, style, span), alpha2))
        x = torch.addcmul(x, y.to(style.dtype), span.mask)
    return x


def snake(x: Tensor, alpha: Tensor) -> Tensor:
    """A sine for an activation; zero stays zero."""
    return torch.addcdiv(x, torch.sin(alpha * x).square(), alpha)


class PaddedLSTM(nn.Module):
    """A bidirectional LSTM whose backward pass begins at the end of each row.

    Padding carries a flag that shuts the input gate: state that was zero stays exactly zero, so
    the backward pass reaches a row's last step as if it began there. One library call for all
    rows and both directions, which cuDNN runs together (5.4 us a step on an H200, 9.5 as two
    calls on two streams); the usual packed sequence wants their lengths on the CPU.
    """

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        inputs, hidden = lstm.input_size, lstm.hidden_size
        self.lstm = nn.LSTM(inputs + _FLAGS, hidden, batch_first=True, bidirectional=True)
        self.lstm.to(next(lstm.parameters()))  # its type and device
        own, given = self.lstm.state_dict(), lstm.state_dict()
        for name, values in own.items():
            if name.startswith("weight_ih"):
                values.zero_()
                values[:, :inputs] = given[name]
                values[:hidden, inputs] = _SHUT  # gates stand in the order i, f, g, o
            else:
                values.copy_(given[name])

    def forward(self, x: Tensor, span: Span) -> Tensor:
        """`x` [B, X, C] -> [B, X, 2 * hidden], zero where a row is over."""
        inside = span.mask.transpose(1, 2)
        flags = (1 - inside).expand(-1, -1, _FLAGS)
        y: Tensor = self.lstm(torch.cat((x, flags), -1))[0]
        return y * inside
