"""Build the kernels of a decode step and of a prefill for GPUs that are not here.

A program, because Triton either interprets kernels in a process or builds them. Prints a line
of JSON for each kernel: its name, the architecture, and the shared memory that it takes.
"""

import json
import sys
from typing import Any

import torch
import triton
from torch import nn
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from agent.brains.voxtral import fused, kernels
from agent.brains.voxtral.cache import Cache, Shape
from agent.brains.voxtral.decoder import Layer

HIDDEN, INNER, CONTEXT = 3072, 8192, 4096  # Voxtral-Mini-3B
SHAPE = Shape(layers=1, heads=32, kv_heads=8, head_dim=128)
PASSES = [(1, 1), (16, 1), (1, 377)]  # slots, new positions of each
KERNELS = (
    "norm",
    "turned_qkv",
    "gated",
    "add_product",
    "turn_and_keep",
    "silu_product",
    "attend",
)
POINTERS = {torch.bfloat16: "*bf16", torch.float32: "*fp32", torch.int64: "*i64"}
POINTERS |= {torch.int32: "*i32"}
OPTIONS = ("num_warps", "num_stages", "launch_pdl")


class Launched:
    """In place of a kernel: remembers with what it is launched."""

    def __init__(self, kernel: Any, seen: list[Any]) -> None:
        self._kernel, self._seen = kernel, seen

    def __getitem__(self, grid: Any) -> Any:
        return lambda *args, **how: self._seen.append((self._kernel, args, how))


def launches(capability: tuple[int, int]) -> list[Any]:
    """What one layer launches in each of PASSES; nothing is computed."""
    seen: list[Any] = []
    for name in KERNELS:
        kernel = getattr(kernels, name)
        setattr(kernels, name, Launched(getattr(kernel, "_kernel", kernel), seen))
    torch.cuda.get_device_capability = lambda _: capability
    torch.set_default_dtype(torch.bfloat16)
    torch.set_default_device("meta")
    width, kept = SHAPE.heads * SHAPE.head_dim, 2 * SHAPE.kv_heads
    every = (SHAPE.heads + kept) * SHAPE.head_dim

    def matrix(columns: int, rows: int) -> nn.Linear:
        return nn.Linear(columns, rows, bias=False)

    layer = Layer(
        torch.ones(HIDDEN), matrix(HIDDEN, every), matrix(width, HIDDEN), torch.ones(HIDDEN),
        matrix(HIDDEN, 2 * INNER), matrix(INNER, HIDDEN), 1e-5,
    )  # fmt: skip
    cache = Cache(16, CONTEXT, SHAPE, torch.bfloat16, torch.device("meta"))
    for slots, new in PASSES:
        at = torch.zeros(slots, dtype=torch.long)
        attend = fused.Tiled().plan(cache, at, at, new, CONTEXT)
        count = slots * new
        turn = torch.ones(count, SHAPE.heads + kept, SHAPE.head_dim)
        rows = torch.zeros(count, dtype=torch.long)
        x = torch.ones(count, HIDDEN)
        fused.pass_through(x, layer, cache.layers[0], rows, turn, turn, attend)
    return seen


def build(kernel: Any, args: tuple[Any, ...], how: dict[str, Any], architecture: int) -> int:
    """Shared memory of it, in bytes. Raises what the compiler raises."""
    options = {name: how.pop(name) for name in OPTIONS if name in how}
    values = {**dict(zip(kernel.arg_names, args, strict=False)), **how}
    signature, constants, aligned = {}, {}, {}
    for i, parameter in enumerate(kernel.params):
        value = values[parameter.name]
        if parameter.is_constexpr or (isinstance(value, int) and value == 1):
            signature[parameter.name], constants[parameter.name] = "constexpr", value
        elif isinstance(value, torch.Tensor):
            signature[parameter.name] = POINTERS[value.dtype]
            aligned[i,] = [["tt.divisibility", 16]]
        else:
            signature[parameter.name] = "i32" if isinstance(value, int) else "fp32"
    source = ASTSource(kernel, signature, constants, aligned)
    target = GPUTarget("cuda", architecture, 32)
    return triton.compile(source, target=target, options=options).metadata.shared


def main() -> None:
    for architecture in map(int, sys.argv[1:]):
        for kernel, args, how in launches(divmod(architecture, 10)):
            shared = build(kernel, args, dict(how), architecture)
            print(json.dumps([kernel.fn.__name__, architecture, shared]))


if __name__ == "__main__":
    main()
