"""A model's work on a stream of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def on(stream: torch.cuda.Stream | None) -> Iterator[None]:
    """Without gradients, on `stream`; None: where a CPU works, which has none."""
    with torch.no_grad(), torch.cuda.stream(stream):
        yield


@contextmanager
def aside(stream: torch.cuda.Stream | None) -> Iterator[None]:
    """The same, and over when it is left.

    What was begun is over when this ends, by an error too: else it would go on in memory that
    the next call is given, and what is wrong with it would be that call's error.
    """
    with on(stream):
        try:
            yield
        finally:
            if stream is not None:
                stream.synchronize()
