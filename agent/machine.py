"""What this machine has for models: GPUs, packages, memory. Loads no model and no torch.

Torch takes 2.7 s to import and then threads and memory, which the media process has no use
for; the driver's own nvidia-smi tells as much.
"""

import os
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

_QUERY = "index,uuid,name,driver_version,memory.total,memory.free,compute_cap"
_PATIENCE_S = 20.0  # without its daemon the driver loads first


@dataclass(frozen=True, slots=True)
class Gpu:
    index: int
    uuid: str
    name: str
    driver: str
    total_bytes: int
    free_bytes: int
    capability: tuple[int, int]  # (9, 0) is Hopper

    def __str__(self) -> str:
        total_gb, free_gb = self.total_bytes / 1e9, self.free_bytes / 1e9
        major, minor = self.capability
        return (
            f"{self.name}, {free_gb:.1f} of {total_gb:.1f} GB free, compute capability "
            f"{major}.{minor}, driver {self.driver}"
        )


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs that torch would see, the one it takes first; or why there are none."""

    gpus: tuple[Gpu, ...] = ()
    why_none: str = ""


def gpus() -> Gpus:
    """Ask the driver. Never raises."""
    command = ["nvidia-smi", f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S)
    except FileNotFoundError:
        return Gpus(why_none="there is no NVIDIA driver (no nvidia-smi)")
    except (OSError, subprocess.TimeoutExpired) as error:
        return Gpus(why_none=f"nvidia-smi does not answer ({error})")
    if asked.returncode != 0:
        said = (asked.stdout or asked.stderr).strip().partition("\n")[0]
        return Gpus(why_none=f"nvidia-smi fails: {said}")
    try:
        found = [_gpu(line) for line in asked.stdout.splitlines() if line.strip()]
    except ValueError:
        return Gpus(why_none="nvidia-smi tells nothing that can be read")
    visible = _visible(found, os.environ.get("CUDA_VISIBLE_DEVICES"))
    if found and not visible:
        return Gpus(why_none="CUDA_VISIBLE_DEVICES hides every GPU")
    return Gpus(visible, "" if visible else "the driver sees no GPU")


def missing_packages(*names: str) -> tuple[str, ...]:
    """Those that cannot be imported. Imports none of them."""
    return tuple(name for name in names if find_spec(name) is None)


def torch_is_for_cpu() -> bool:
    """Whether the installed torch is a build that cannot use any GPU."""
    try:
        return version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return True


def _gpu(line: str) -> Gpu:
    index, uuid, name, driver, total, free, capability = (f.strip() for f in line.split(","))
    major, _, minor = capability.partition(".")
    mebibyte = 2**20
    return Gpu(
        int(index),
        uuid,
        name,
        driver,
        int(total) * mebibyte,
        int(free) * mebibyte,
        (int(major), int(minor)),
    )


def _visible(found: list[Gpu], listed: str | None) -> tuple[Gpu, ...]:
    """As CUDA reads the variable: in its order, and up to the first that there is not."""
    if listed is None:
        return tuple(found)
    visible: list[Gpu] = []
    for name in listed.split(","):
        name = name.strip()
        matches = [
            gpu
            for gpu in found
            if name == str(gpu.index) or (name.startswith("GPU-") and gpu.uuid.startswith(name))
        ]
        if len(matches) != 1:
            break
        visible += matches
    return tuple(visible)
