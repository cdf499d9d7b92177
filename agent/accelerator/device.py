"""Where the models run, and every process-wide setting of torch, in one place.

Both heavy engines live in one process and share what is set here, so neither sets anything
itself. `voxline doctor` prints `Accelerator.settings`.
"""

import os
import warnings
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import torch

from agent.config import Torch
from agent.errors import ConfigError, first_line

DTYPES: Mapping[str, torch.dtype] = MappingProxyType(
    {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
)
AMPERE = (8, 0)  # the first with bfloat16 and FlashAttention 2
_CUDA_WHEEL = "make setup TORCH=cuda"
_ALLOCATOR = "PYTORCH_ALLOC_CONF"
_EXPANDABLE = "expandable_segments:True"  # growing blocks: no fragments from odd lengths


@dataclass(frozen=True, slots=True)
class Accelerator:
    """What was chosen and applied."""

    device: torch.device
    name: str  # for people
    why: str  # "auto" explained, in one line
    memory_bytes: int  # that this process may use
    capability: tuple[int, int]  # of the GPU; (0, 0) on a CPU
    settings: tuple[str, ...]  # one line each, for people

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    def computes(self, dtype: torch.dtype) -> bool:
        """Whether the device has arithmetic for it; an emulated dtype counts as none."""
        return not self.is_cuda or dtype != torch.bfloat16 or self.capability >= AMPERE

    def free_bytes(self) -> int:
        """Of `memory_bytes`, what neither we nor another process hold at the moment."""
        if not self.is_cuda:
            return _available_bytes()
        # memory that torch has reserved and nobody uses is ours, though the driver counts it
        ours = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(
            self.device
        )
        return max(0, self.left_bytes() + ours)

    def left_bytes(self) -> int:
        """The same, but what torch has reserved counts as held: some of it may be needed where
        it is. Negative where others have taken of our share."""
        if not self.is_cuda:
            return _available_bytes()
        free, total = torch.cuda.mem_get_info(self.device)
        return free - (total - self.memory_bytes)


@cache
def accelerator(config: Torch) -> Accelerator:
    """Choose the device and apply the settings, once for each `config`. Raises ConfigError."""
    _allocator(os.environ)
    trouble = "" if config.device == "cpu" else _trouble()
    if config.device == "cuda" and trouble:
        raise ConfigError(f"torch.device is cuda, but {trouble}")
    if config.device == "cpu" or trouble:
        why = f"no GPU: {trouble}" if trouble else "torch.device is cpu"
        return Accelerator(
            torch.device("cpu"),
            f"CPU, {torch.get_num_threads()} threads",
            why,
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            (0, 0),
            ("float32 matrix products in full precision",),
        )
    device = torch.device("cuda", torch.cuda.current_device())
    seen = torch.cuda.get_device_properties(device)
    return Accelerator(
        device,
        f"{seen.name}, {seen.total_memory / 2**30:.0f} GiB",
        "torch.device is cuda" if config.device == "cuda" else "a GPU is there",
        int(seen.total_memory * config.memory_fraction),
        (seen.major, seen.minor),
        _apply(config, device),
    )


def _available_bytes() -> int:
    """Of main memory: Linux counts what it caches as available, sysconf does not."""
    try:
        with open("/proc/meminfo") as lines:
            found = dict(line.split(":") for line in lines)
        return int(found["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _allocator(environment: MutableMapping[str, str]) -> None:
    """For this process and its children; an operator's own choice stands."""
    if "PYTORCH_CUDA_ALLOC_CONF" not in environment:
        environment.setdefault(_ALLOCATOR, _EXPANDABLE)


def _trouble() -> str:
    """Why there is no usable GPU, with the remedy; "" if there is one."""
    if torch.version.cuda is None:
        return f"this torch ({torch.__version__}) is built without it; run: {_CUDA_WHEEL}"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        there = torch.cuda.is_available()
    if not there:
        why = "no NVIDIA driver or GPU is visible to it"
        for warning in told[-1:]:  # such as a driver that is too old
            why = str(warning.message).removeprefix("CUDA initialization: ").partition(". ")[0]
        return (
            f"torch {torch.__version__} for CUDA {torch.version.cuda} finds none: {why}; check"
            " nvidia-smi (in a container: start it with --gpus all) and CUDA_VISIBLE_DEVICES"
        )
    try:
        torch.ones(1, device="cuda").item()
    except RuntimeError as error:  # too old for this build, or in an exclusive mode and taken
        why = first_line(error)
        return f"the GPU does not compute: {why}; check nvidia-smi and the driver's version"
    return ""


def _apply(config: Torch, device: torch.device) -> tuple[str, ...]:
    """The older names, on purpose: they set the newer ones too, and inductor reads both."""
    torch.backends.cuda.matmul.allow_tf32 = config.tf32
    torch.backends.cudnn.allow_tf32 = config.tf32
    torch.backends.cudnn.benchmark = config.cudnn_benchmark
    torch.cuda.set_per_process_memory_fraction(config.memory_fraction, device)
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    allocator = os.environ.get(_ALLOCATOR) or os.environ.get("PYTORCH_CUDA_ALLOC_CONF", "")
    if allocator == _EXPANDABLE:  # torch may have read the environment when it was imported
        torch._C._accelerator_setAllocatorSettings(allocator)
    return (
        f"TF32 {'on' if config.tf32 else 'off'} for float32 matrix products and convolutions",
        f"cuDNN {cudnn}, "
        + ("timing its algorithms" if config.cudnn_benchmark else "choosing by its heuristics"),
        f"at most {config.memory_fraction:.0%} of the GPU's memory",
        f"allocator: {allocator}",
    )
