"""Whether a fast way of running a stage says what its slow twin says.

No number is exact: Kokoro amplifies rounding errors, with random weights until they are as loud
as the speech. So the measure is the twin itself, fed with inputs a rounding error away: a
candidate may be as far from it as that is, or inaudibly far.
"""

from collections.abc import Callable, Sequence

from torch import Tensor

from agent.voices.kokoro.model import Plan

_NEAR = 0.05  # of the twin's RMS: 26 dB down, where TF32 is too
_SLACK = 4.0  # times the twin's own sensitivity
_ROUNDING = 1e-6
_MISCOUNTED = 0.1  # share of tokens whose duration may fall to the other side of a half


def plan_differs(
    twin: Callable[..., Plan], candidate: Callable[..., Plan], inputs: Sequence[Tensor]
) -> str:
    """How the candidate's plan differs from the twin's, or ""."""
    want, got = twin(*inputs), candidate(*inputs)
    off = (want.frames - got.frames).abs()
    share = float((off > 0).float().mean())
    if int(off.max()) > 1 or share > _MISCOUNTED:
        return f"{share:.0%} of the durations differ, by up to {int(off.max())} frames"
    for name, ours, theirs in (
        ("prosody", want.prosody, got.prosody),
        ("text", want.text, got.text),
    ):
        if not (error := _relative(ours, theirs)) <= _NEAR:
            return f"its {name} is {error:.1%} off"
    return ""


def sound_differs(
    twin: Callable[..., Tensor], candidate: Callable[..., Tensor], inputs: Sequence[Tensor]
) -> str:
    """How the candidate's audio differs from the twin's, or ""."""
    prosody, *rest = inputs
    want, got = twin(*inputs), candidate(*inputs)
    error = _relative(want, got)
    if error <= _NEAR:
        return ""
    shaken = _relative(want, twin(prosody * (1 + _ROUNDING), *rest))
    if error <= _SLACK * shaken:
        return ""
    return f"its audio is {error:.1%} off, {shaken:.1%} by rounding alone"


def _relative(want: Tensor, got: Tensor) -> float:
    return float((want - got).pow(2).mean().sqrt() / want.pow(2).mean().sqrt().clamp(min=1e-9))
