"""Passes of one kind at the sizes that occur, each recorded once where that can be done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from agent.accelerator.capture import URGENT, Pool, capture
from agent.accelerator.ladder import (
    COMPILED_GRAPHS,
    EAGER,
    FUSED_GRAPHS,
    GRAPHS,
    Chosen,
    Rung,
    climb,
    compiled,
)
from agent.brains.voxtral.attention import Attention, Packed
from agent.brains.voxtral.passes import Found, Passes

_SLACK = 4.0  # times what the twin is off by rounding: it rounds otherwise in attention only
_MOST = 0.5  # whatever rounding makes of it

Inputs = tuple[torch.Tensor, ...]
Run = Callable[..., Found]  # of the inputs of a pass
Key = tuple[int, int, bool]  # size (slots or positions), length, sampled
# of passes: the one of this kind, with length and sampled given
Of = Callable[[Passes, int, bool], Run]


@dataclass(frozen=True, slots=True)
class Kind:
    """What is recorded: one of the passes, at these sizes."""

    name: str
    of: Of
    sizes: tuple[int, ...]
    # fresh random inputs, of a size and a length; of the first the first row is slots
    example: Callable[[int, int], Inputs]
    sampled: tuple[bool, ...] = (False,)
    rungs: tuple[str, ...] = (FUSED_GRAPHS, GRAPHS, EAGER)  # those that pay


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of pass, the fast way where there is one and the slow way elsewhere."""

    kind: Kind
    passes: Passes
    fast: Mapping[Key, Run] = field(default_factory=dict)

    def size(self, wanted: int) -> int:
        """To what `wanted` is to be padded: the next recorded size, or itself."""
        sizes = [size for size, _, _ in self.fast if size >= wanted]
        return min(sizes, default=wanted)

    @property
    def is_recorded(self) -> bool:
        """Whether a pass is begun at once, and over when the device says so."""
        return any(isinstance(run, Recorded) for run in self.fast.values())

    def records(self, size: int, reach: int, sampled: bool) -> bool:
        return (size, self._length(reach), sampled) in self.fast

    def __call__(self, size: int, reach: int, sampled: bool, inputs: Inputs) -> Found:
        """Run on `inputs`, on whatever device they are; no position is at or beyond `reach`."""
        length = self._length(reach)
        fast = self.fast.get((size, length, sampled))
        if fast is not None:
            return fast(*inputs)
        device = self.passes.cache.layers[0].device
        moved = (given.to(device, non_blocking=True) for given in inputs)
        return self.kind.of(self.passes, length, sampled)(*moved)

    def _length(self, reach: int) -> int:
        lengths = self.passes.attention.lengths(self.passes.cache.stride)
        return min(length for length in lengths if length >= reach)


class Recorded:
    """A pass over tensors of its own, into which inputs are copied."""

    def __init__(self, run: Run, inputs: Inputs, device: torch.device, pool: Pool) -> None:
        self._own = tuple(given.to(device, copy=True) for given in inputs)
        self._replay = capture(lambda: run(*self._own), device, pool)

    def __call__(self, *inputs: torch.Tensor) -> Found:
        """What it returns is overwritten by the next pass."""
        for own, given in zip(self._own, inputs, strict=True):
            own.copy_(given, non_blocking=True)
        return self._replay()


def fastest(
    kind: Kind,
    slow: Passes,
    rungs: Sequence[str],
    attentions: Sequence[Attention],
) -> Chosen[Family]:
    """Climb the ladder for one kind; `attentions` are those to try, best first.

    `slow` is the twin that the others are held against, and the last resort. Overwrites the
    cache with noise while comparing.
    """
    ways: list[Rung[Family]] = []
    for name in (name for name in rungs if name in kind.rungs):
        for attention in attentions:
            passes = replace(slow, attention=attention)
            ways.append(Rung(f"{name}, {attention.name}", _builder(kind, passes, name)))
    ways.append(Rung(f"{EAGER}, {slow.attention.name}", lambda: Family(kind, slow)))
    return climb(kind.name, ways, lambda family: differs(family, slow))


def differs(family: Family, slow: Passes, rounds: int = 2) -> str:
    """How `family` differs from its slow twin on fresh random inputs, or ""."""
    kind, cache = family.kind, slow.cache
    for layer in cache.layers:
        layer.normal_()
    keys = list(family.fast) or [(kind.sizes[0], family._length(1), kind.sampled[0])]
    for size, length, sampled in keys:
        for _ in range(rounds):
            inputs = kind.example(size, length)
            fast = family(size, length, sampled, inputs)
            logits, audio = fast.logits.clone(), fast.audio
            audio = None if audio is None else audio.clone()
            length_of_twin = Family(kind, slow)._length(length)
            device = cache.layers[0].device
            there = [i.to(device) for i in inputs]
            twin = kind.of(slow, length_of_twin, sampled)(*there)
            for what, one, other in (
                ("logits", logits, twin.logits),
                ("audio", audio, twin.audio),
            ):
                if one is None or other is None:
                    continue
                off = apart(one, other)
                if off <= tolerance(one.dtype):
                    continue
                by_rounding = replace(slow, attention=Packed())
                again = getattr(kind.of(by_rounding, length_of_twin, sampled)(*there), what)
                shaken = apart(again, other)
                if not off <= min(_SLACK * shaken, _MOST):
                    return (
                        f"{what} are off by {off:.2g} at size {size} of {length}, and by"
                        f" {shaken:.2g} by rounding alone"
                    )
    return ""


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    """How far, of the whole of `other`."""
    return float((one - other).float().norm() / other.float().norm())


def tolerance(dtype: torch.dtype) -> float:
    """Relative, of a whole vector; another order of sums is allowed, another result is not.

    Of random weights in half precision, thirty layers are up to 0.067 apart by rounding alone
    (seen on an H200); one position too far makes it 0.9. Other weights may magnify rounding
    more: beyond this, the twin with another order of sums in its attention is the measure.
    """
    return 0.01 if dtype == torch.float32 else 0.1


def _builder(kind: Kind, passes: Passes, name: str) -> Callable[[], Family]:
    """It works in the scratch slot alone and records into a pool of its own: left behind, it
    is in nobody's way, and a recording that fails spoils no other's."""
    device = passes.cache.layers[0].device

    def build() -> Family:
        if name == EAGER:
            return Family(kind, passes)
        way = passes
        if name == FUSED_GRAPHS:
            from agent.brains.voxtral import fused  # needs Triton

            way = replace(passes, through=fused.pass_through)
        elif name != GRAPHS:
            way = replace(passes, through=compiled(passes.through, name))
        fast: dict[Key, Run] = {}
        pool = Pool(device, URGENT)
        for length in passes.attention.lengths(passes.cache.stride):
            for size in kind.sizes:
                for sampled in kind.sampled:
                    run, inputs = kind.of(way, length, sampled), kind.example(size, length)
                    inputs[0][0] = passes.cache.scratch
                    if name in (FUSED_GRAPHS, COMPILED_GRAPHS, GRAPHS):
                        run = Recorded(run, inputs, device, pool)
                    else:
                        run(*(given.to(device) for given in inputs))
                    fast[size, length, sampled] = run
        return Family(kind, way, fast)

    return build
