"""Pieces of work that need nothing of each other, at the same time on a GPU.

Kokoro is a thousand small steps one after another, each too small for a GPU. What is forked
onto side streams while a CUDA graph is recorded becomes parallel branches of it.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

One = TypeVar("One")
Other = TypeVar("Other")
Result = TypeVar("Result")


class Lanes:
    """Streams beside whichever is current and as urgent, made when first needed; of one device.

    Two `Lanes` run beside each other; work of one and the same waits for itself. So whoever
    forks inside a fork takes others, and who comes after it the same: cuBLAS keeps a workspace
    for each stream, and the allocator memory.
    """

    def __init__(self) -> None:
        self._streams: dict[int, list[torch.cuda.Stream]] = {}  # by priority

    def both(
        self, one: Callable[[], One], other: Callable[[], Other], near: Tensor
    ) -> tuple[One, Other]:
        """What each returns; see `each`."""
        made: list[Any] = self.each((one, other), near)
        return made[0], made[1]

    def each(self, works: Sequence[Callable[[], Result]], near: Tensor) -> list[Result]:
        """What each returns, to be used on the current stream of the device of `near`.

        On a CPU one after another. A work may read what its caller holds and must let go of
        nothing that it has not made itself: memory goes back to the stream it was made on, for
        which it is free at once. For the same reason the first, which stays on the current
        stream, is begun last: what it lets go of is then reused in a later fork only, and that
        waits for it.
        """
        if not near.is_cuda or torch.compiler.is_compiling():
            return [work() for work in works]
        here = torch.cuda.current_stream(near.device)
        first, *others = works
        streams = self._streams.setdefault(here.priority, [])
        while len(streams) < len(others):
            streams.append(
                torch.cuda.Stream(here.device, priority=here.priority)  # type: ignore[no-untyped-call]
            )
        lanes = streams[: len(others)]
        for lane in lanes:
            lane.wait_stream(here)
        try:
            made = []
            for work, lane in zip(others, lanes, strict=True):
                with torch.cuda.stream(lane):
                    made.append(work())
            return [first(), *made]
        finally:
            for lane in lanes:
                here.wait_stream(lane)
