"""As many slots as the memory really holds: built, tried at its widest, and built smaller.

room.py reckons before anything is loaded. What recorded graphs and libraries take shows when
they are there, and a call is too late to find out. Fewer slots come first, then no graphs.
"""

import gc
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import torch

from agent.brains.voxtral.room import Room
from agent.errors import ConfigError

log = logging.getLogger(__name__)

R = TypeVar("R")
_GIB = 2**30
_SHARE = 4  # of the slots one is given up when nobody knows how much is missing


def settle(
    room: Room,
    build: Callable[[int, bool], R],
    lacks: Callable[[R, Room], int],
    starved: Callable[[R], bool],
) -> tuple[R, Room]:
    """What `build` made of so many slots, with graphs or without, and the room it has.

    `lacks` tries it and says how many bytes are missing, `starved` whether a better way to run
    was passed over for want of memory. Raises ConfigError when one slot is too much.
    """
    graphs = True
    while True:
        built, missing = _tried(room, graphs, build, lacks, starved)
        if built:
            return built[0], room
        give_back()
        fewer = room.without(missing)
        if fewer is not None:
            log.warning(
                "Voxtral: %d slots are too many now that all stands (%.2f GiB are missing);"
                " trying %d",
                room.slots,
                missing / _GIB,
                fewer.slots,
            )
            room = fewer
        elif graphs:
            log.warning("Voxtral: one slot is too much beside CUDA graphs; trying without them")
            graphs = False
        else:
            raise ConfigError(
                f"voxtral.model: one call needs {missing / _GIB:.1f} GiB of memory more than"
                " there is; stop what else uses the GPU (nvidia-smi), set voxtral.quantization"
                " to int8, or lower voxtral.context_tokens"
            )


def give_back() -> None:
    """Memory that nobody uses, to the driver."""
    gc.collect()
    torch.cuda.empty_cache()


def _tried(
    room: Room,
    graphs: bool,
    build: Callable[[int, bool], R],
    lacks: Callable[[R, Room], int],
    starved: Callable[[R], bool],
) -> tuple[tuple[R] | None, int]:
    """What was built, if it will do, and the bytes it lacks."""
    try:
        built: Any = build(room.slots, graphs)
        missing = lacks(built, room)
    except torch.OutOfMemoryError:
        return None, room.call_bytes
    if missing <= 0 and starved(built) and room.slots > 1:
        missing = -(-room.slots // _SHARE) * room.call_bytes
    return (None, missing) if missing > 0 else ((built,), 0)
