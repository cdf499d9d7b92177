"""Memory and disk of this machine, and what is to be kept there."""

import os
import shutil
from collections.abc import Sequence

from agent import weights
from agent.config import Config
from agent.doctor.check import OK, WARN, Check
from agent.flight.store import open_records

_SERVER_MB = 600
_CALL_MB = 35  # with the operator, which takes the most
_LOADING_MB = 5_000  # Voxtral: CUDA's libraries, and weights on their way to the GPU
_INT8_MB = 10_000  # made on the CPU


def memory(config: Config, heavy: Sequence[str] = ()) -> Check:
    """Room for the calls that may come, and before them to load the `heavy` engines."""
    need_mb = _SERVER_MB + _CALL_MB * config.limits.calls
    have_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    found = f"{have_mb} MB, {os.cpu_count()} cores"
    int8 = config.voxtral.quantization == "int8"
    load_mb = _SERVER_MB + (_INT8_MB if int8 else _LOADING_MB)
    if "voxtral" in heavy and have_mb < load_mb:
        told = f"{found}; the system ends a process that takes {load_mb} MB to load Voxtral"
        remedy = "set voxtral.quantization to none, or take more" if int8 else "take more"
        return Check("memory", WARN, told, f"{remedy}, or choose another engine")
    if have_mb < need_mb:
        return Check("memory", WARN, found, f"limits.calls={config.limits.calls} is too many")
    return Check("memory", OK, found)


def disk(fetch_bytes: int) -> Check:
    """Room for the weights that have yet to be fetched."""
    free_bytes = shutil.disk_usage(_cache()).free
    found = f"{free_bytes / 1e9:.0f} GB free at {_cache()}"
    if free_bytes < fetch_bytes:
        need = f"{found}, and {fetch_bytes / 1e9:.0f} GB of weights are to be fetched"
        return Check("disk", WARN, need, "make room, or set HF_HOME to another disk")
    return Check("disk", OK, found)


def records(config: Config) -> str:
    """The folder of flight records, which is made. Raises ConfigError."""
    open_records(config).close()
    return f"written to {config.record.folder}"


def _cache() -> str:
    """The nearest folder that exists to where the hub keeps its files."""
    folder = str(weights.cache())
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder) or "/"
    return folder
