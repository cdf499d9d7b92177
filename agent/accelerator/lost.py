"""A GPU that is lost: after some faults nothing in this process can use it any more.

An illegal access, a device-side assert, a GPU that fell off its bus: every later call fails
like the first. Only a new process can go on, and the host starts one when this one ends.
"""

import logging
import os
from collections.abc import Callable

import torch

log = logging.getLogger(__name__)

STATUS = 70  # EX_SOFTWARE of sysexits.h


def end_if_lost(error: BaseException, end: Callable[[int], object] = os._exit) -> None:
    """End this process if `error` is such a fault. Memory that ran out is none."""
    if isinstance(error, torch.OutOfMemoryError):
        return
    if isinstance(error, torch.AcceleratorError):
        log.critical("the GPU is lost to this process, which ends", exc_info=error)
        end(STATUS)
