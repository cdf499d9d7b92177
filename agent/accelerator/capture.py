"""A function over fixed tensors as a CUDA graph: one launch instead of a thousand."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch

T = TypeVar("T")
_WARM_UPS = 3  # libraries choose algorithms and allocate workspaces on first use


def capture(
    run: Callable[[], T],
    device: torch.device,
    pool: Any = None,
) -> Callable[[], T]:
    """Record `run` and return what replays it; on a CPU that is `run` itself.

    `run` reads and writes only tensors that outlive it, does the same work each time, and never
    waits for the GPU. What it returns is overwritten by the next replay, and by the replay of
    any graph that shares its `pool` (from `torch.cuda.graph_pool_handle`). It runs four times
    here, so it must not matter how often it does. Raises RuntimeError where it cannot be
    recorded.
    """
    if device.type != "cuda":
        return run
    with torch.cuda.device(device):
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UPS):
                run()
        torch.cuda.current_stream().wait_stream(aside)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        # thread_local: what another model's thread does meanwhile must not spoil the recording
        with torch.cuda.graph(
            graph, pool=pool, stream=aside, capture_error_mode="thread_local"
        ):
            result = run()

    def replay() -> T:
        graph.replay()
        return result

    return replay
