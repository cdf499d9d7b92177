"""Whether an engine can run here, and if not, why: in a few words, for a line in the log.

Asks the driver, the disk and, where one is named, the chat server. Imports no model.
"""

import sys
from typing import Final

from agent import machine, weights
from agent.config import Config
from agent.errors import ConfigError, installs

VOXTRAL_PACKAGES = ("transformers", "mistral_common", "accelerate")
KOKORO_PACKAGES = ("kokoro", "misaki")
EXTRA = installs("voxtral")
_PYTHON: Final = sys.version_info[:2]
_PYTHON_WITHOUT_KOKORO: Final = (3, 13)  # and newer ones; pyproject.toml leaves it out there

# What Voxtral-Mini-3B takes of a GPU, by dtype: 4.68 billion parameters, of which int8 packs
# the 3.2 billion of the language model's layers.
_BYTES = {"bfloat16": 9_350_000_000, "float16": 9_350_000_000, "float32": 18_700_000_000}
_INT8_SAVES = 0.34
_KOKORO_BYTES = 1_800_000_000  # weights, and what its widest step on a small GPU works in
_CONTEXT_BYTES = 500_000_000  # CUDA's own, of a process
_WORK_BYTES = 1_600_000_000  # what voxtral/room.py leaves for a pass
_TOKEN_BYTES = 126 * 1024  # of keys and values, and of what was heard


def voxtral_lacks(config: Config) -> str:
    """Why Voxtral cannot run; "" if it can."""
    if lack := _gpu_lacks(config):
        return lack
    gpu = machine.gpus().gpus[0]
    if config.voxtral.dtype == "bfloat16" and not gpu.has_bfloat16:
        return f"{gpu.name} has no bfloat16; set voxtral.dtype to float16"
    if absent := machine.missing_packages(*VOXTRAL_PACKAGES):
        return f"{', '.join(absent)} not installed; run: {EXTRA}"
    found = weights.find(config.voxtral.model)
    if found.lacks:
        return f"{found.lacks}; {found.remedy}"
    need = voxtral_bytes(config, found)
    free = gpu.free_bytes - gpu.total_bytes * (1 - config.torch.memory_fraction)
    if gpu.total_bytes and need > free:
        return (
            f"{gpu.name} has {free / 1e9:.1f} GB free and it takes {need / 1e9:.1f}; "
            "set voxtral.quantization to int8, or free some"
        )
    return ""


def voxtral_bytes(config: Config, found: weights.Weights) -> float:
    """GPU memory for Voxtral with one call, and Kokoro beside it."""
    voxtral = config.voxtral
    load: float = _BYTES[voxtral.dtype]
    if found.size_bytes:  # as they lie on the disk, in two bytes each
        load = found.size_bytes * (2 if voxtral.dtype == "float32" else 1)
    if voxtral.quantization == "int8":
        load *= 1 - _INT8_SAVES
    slots = 2 * voxtral.context_tokens * _TOKEN_BYTES  # the call's, and one to scratch in
    return load + slots + _KOKORO_BYTES + _WORK_BYTES + _CONTEXT_BYTES


def kokoro_lacks(config: Config) -> str:
    """Why Kokoro cannot run, or not fast enough to talk with; "" if it can."""
    if lack := _gpu_lacks(config):
        return lack
    gpu, need = machine.gpus().gpus[0], _KOKORO_BYTES + _CONTEXT_BYTES
    if gpu.total_bytes and gpu.free_bytes < need:
        return (
            f"{gpu.name} has {gpu.free_bytes / 1e9:.1f} GB free and it takes {need / 1e9:.1f}; "
            "free some, as with vLLM's --gpu-memory-utilization"
        )
    if lack := python_lacks():
        return lack
    if absent := machine.missing_packages(*KOKORO_PACKAGES):
        return f"{', '.join(absent)} not installed; run: {EXTRA}"
    found = weights.find(config.kokoro.model)
    return f"{found.lacks}; {found.remedy}" if found.lacks else ""


def python_lacks() -> str:
    """Why Kokoro cannot be installed for this Python; "" if it can."""
    if _PYTHON < _PYTHON_WITHOUT_KOKORO:
        return ""
    return (
        f"Kokoro has no release for Python {_PYTHON[0]}.{_PYTHON[1]} yet; run Voxline with"
        " Python 3.11 or 3.12"
    )


def server_lacks(config: Config) -> str:
    """Why the chat server cannot be used; "" if it can."""
    from agent.brains.openai_chat.brain import address
    from agent.brains.openai_chat.served import check

    try:
        check(config.openai_chat, address(config.openai_chat))
    except ConfigError as error:
        return str(error)
    return ""


def _gpu_lacks(config: Config) -> str:
    if config.torch.device == "cpu":
        return "torch.device is cpu"
    return machine.gpus().why_none or machine.torch_lacks(machine.gpus())
