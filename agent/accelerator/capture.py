"""A function over fixed tensors as a CUDA graph: one launch instead of a thousand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import torch

T = TypeVar("T")
# Priorities, where several models have work for one GPU:
URGENT = -1  # ahead of others' work
MOST_URGENT = -2  # small kernels in a row, each of which would wait behind a wide one
_WARM_UPS = 3  # libraries choose algorithms and allocate workspaces on first use
_FAILED: list[torch.cuda.CUDAGraph] = []  # torch still asks them about streams: never let go


class Pool:
    """What the graphs of one engine share: memory to work in, and the stream of recording.

    cuBLAS keeps a workspace for each stream, and a graph remembers the one it was recorded
    with. Graphs of one pool must therefore never run at the same time; those of two may.
    Once a recording has failed, or all of its graphs are gone, nothing more can be recorded.
    """

    def __init__(self, device: torch.device, priority: int = 0) -> None:
        """A lower `priority` goes first; a graph keeps it on whatever stream it is replayed."""
        self.device = device
        if device.type == "cuda":
            with torch.cuda.device(device):
                self.stream = torch.cuda.Stream(priority=priority)  # type: ignore[no-untyped-call]
                self.memory = torch.cuda.graph_pool_handle()


def capture(
    run: Callable[[], T], device: torch.device, pool: Pool | None = None
) -> Callable[[], T]:
    """Record `run` and return what replays it; on a CPU that is `run` itself.

    `run` reads and writes only tensors that outlive it, does the same work each time, and never
    waits for the GPU. What it returns is overwritten by the next replay of any graph of its
    `pool`. It runs four times here, so it must not matter how often it does. Give all graphs of
    an engine one pool. Raises RuntimeError where `run` cannot be recorded.
    """
    if device.type != "cuda":
        return run
    pool = pool or Pool(device)
    with torch.cuda.device(device):
        pool.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(pool.stream):
            for _ in range(_WARM_UPS):
                run()
        torch.cuda.current_stream().wait_stream(pool.stream)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with _recording(graph, pool):
            result = run()

    def replay(_keep: Callable[[], T] = run) -> T:  # a graph knows addresses, not tensors
        graph.replay()
        return result

    return replay


@contextmanager
def _recording(graph: torch.cuda.CUDAGraph, pool: Pool) -> Iterator[None]:
    """A recording that the driver spoils torch itself never ends: its memory counts as being
    recorded into, and this thread goes on on the pool's stream. Both are put right."""
    before = torch.cuda.current_stream()
    # thread_local: what another model's thread does meanwhile must not spoil the recording
    recorded = torch.cuda.graph(
        graph, pool=pool.memory, stream=pool.stream, capture_error_mode="thread_local"
    )
    try:
        with recorded:
            yield
    except BaseException:
        torch.cuda.set_stream(before)
        with suppress(RuntimeError):  # where it was ended, and failed by something else
            torch._C._cuda_endAllocateToPool(pool.device.index or 0, pool.memory)
            torch._C._cuda_releasePool(pool.device.index or 0, pool.memory)
            _FAILED.append(graph)
        raise
