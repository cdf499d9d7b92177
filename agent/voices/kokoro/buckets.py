"""The shapes that the model runs in: a few on a GPU, the exact one on a CPU. Pure.

A CUDA graph has one shape, so texts are padded to the next of a few sizes; padding costs a GPU
little. A CPU pays for every padded frame and gains nothing from a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Buckets:
    """Sizes in rising order; what exceeds the last, or finds none, is its own size."""

    rows: tuple[int, ...] = ()
    tokens: tuple[int, ...] = ()
    frames: tuple[int, ...] = ()
    most: int = 0  # rows * frames of one step; 0: one row a step
    lone_tokens: tuple[int, ...] = ()  # the sizes of one row, if it has others
    lone_frames: tuple[int, ...] = ()

    def plan_shape(self, rows: int, tokens: int) -> tuple[int, int]:
        """(rows, tokens) that hold so many of so many."""
        rows = fit(rows, self.rows)
        return rows, fit(tokens, self._tokens(rows))

    def sound_shape(self, rows: int, frames: int) -> tuple[int, int]:
        """(rows, frames) that hold so many of so many."""
        rows = fit(rows, self.rows)
        return rows, fit(frames, self._frames(rows))

    def steps(self, frames: Sequence[int]) -> list[list[int]]:
        """Divide rows by their frames into steps, the shortest (soonest heard) first."""
        found: list[list[int]] = []
        for row in sorted(range(len(frames)), key=lambda row: frames[row]):
            if found:
                rows, size = self.sound_shape(len(found[-1]) + 1, frames[row])
                if rows * size <= self.most:
                    found[-1].append(row)
                    continue
            found.append([row])
        return found

    def plan_shapes(self, calls: int) -> list[tuple[int, int]]:
        """Every (rows, tokens) worth preparing for so many calls, small ones first."""
        return [(rows, size) for rows in self._rows(calls) for size in self._tokens(rows)]

    def sound_shapes(self, calls: int) -> list[tuple[int, int]]:
        """Every (rows, frames) that `steps` can ask for with so many calls."""
        return [
            (rows, size)
            for rows in self._rows(calls)
            for size in self._frames(rows)
            if rows == 1 or rows * size <= self.most
        ]

    def _tokens(self, rows: int) -> tuple[int, ...]:
        return self.lone_tokens if rows == 1 and self.lone_tokens else self.tokens

    def _frames(self, rows: int) -> tuple[int, ...]:
        return self.lone_frames if rows == 1 and self.lone_frames else self.frames

    def _rows(self, calls: int) -> tuple[int, ...]:
        return tuple(rows for rows in self.rows if rows <= fit(calls, self.rows))


def fit(size: int, sizes: Sequence[int]) -> int:
    """The smallest of `sizes` that holds `size`, else `size`."""
    return next((bucket for bucket in sizes if bucket >= size), size)


# A phrase of agent.phrases has 230 phonemes and 530 frames at most, the first one 40 and 100.
# One row alone, as most are, pays for padding in time: its LSTMs take it step by step.
GPU = Buckets(
    rows=(1, 2, 4, 8, 16, 32, 64),
    tokens=(32, 64, 128, 256, 512),
    frames=(40, 80, 160, 320, 640, 1280),
    most=2560,
    lone_tokens=(24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 384, 512),
    lone_frames=(40, 60, 80, 100, 120, 140, 160, 200, 240, 280, 320, 400, 480, 640, 960, 1280),
)
CPU = Buckets()
# The widest step of the above works in 3.4 GB, which a GPU of 16 GB has not to spare beside
# Voxtral: 1.3 GB here. What is longer than 24 s runs eagerly.
SMALL_GPU = replace(
    GPU,
    frames=GPU.frames[:-1],
    most=960,
    lone_frames=GPU.lone_frames[:-1],
)
_SMALL_BYTES = 20e9


def for_gpu(free_bytes: int) -> Buckets:
    """Those for a GPU that has so much left, for the brain too."""
    return SMALL_GPU if free_bytes < _SMALL_BYTES else GPU
