"""What this machine has for models: GPUs, packages, memory. Loads no model and no torch.

Torch takes 2.7 s to import and then threads and memory, which the media process has no use
for; the driver's own nvidia-smi tells as much.
"""

import os
import re
import subprocess
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

_QUERY = "index,uuid,name,driver_version,memory.total,memory.free,compute_cap"
_PATIENCE_S = 20.0  # without its daemon the driver loads first
_AMPERE = (8, 0)
_TURING = (7, 5)  # the first of which CUDA 13 still knows

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Gpu:
    index: int
    uuid: str
    name: str
    driver: str
    total_bytes: int  # 0: the driver does not tell, as of a slice or of shared memory
    free_bytes: int
    capability: Version  # (9, 0) is Hopper

    @property
    def has_bfloat16(self) -> bool:
        return self.capability >= _AMPERE

    def __str__(self) -> str:
        free = f"{self.free_bytes / 1e9:.1f} of {self.total_bytes / 1e9:.1f} GB free"
        return (
            f"{self.name}, {free if self.total_bytes else 'memory not told'}, compute "
            f"capability {_dotted(self.capability)}, driver {self.driver}"
        )


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs that torch would see, the one that is used first; or why there are none."""

    gpus: tuple[Gpu, ...] = ()
    why_none: str = ""
    cuda: Version | None = None  # the newest that the driver knows; None: it does not tell


@cache
def gpus() -> Gpus:
    """Ask the driver, once a process: later answers would know what it has taken itself. Never
    raises.
    """
    try:
        asked = _ask(f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits")
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
    if not found:
        return Gpus(why_none="the driver sees no GPU")
    visible = _visible(found, os.environ.get("CUDA_VISIBLE_DEVICES"))
    if not visible:
        return Gpus(why_none="CUDA_VISIBLE_DEVICES hides every GPU")
    known = _version(r"^CUDA Version\s*: *(\d+)\.(\d+)", _told("-q", "-d", "COMPUTE"))
    return Gpus(visible, cuda=known)


def claim(environment: MutableMapping[str, str]) -> None:
    """Of several GPUs, let torch in this process see only the first of `gpus`.

    Torch by itself takes the one that CUDA thinks the fastest, which nvidia-smi does not tell,
    and which others may have filled. An operator's own choice stands. Of use only before torch
    asks the driver.
    """
    if "CUDA_VISIBLE_DEVICES" not in environment and len(found := gpus().gpus) > 1:
        environment["CUDA_VISIBLE_DEVICES"] = found[0].uuid


def torch_lacks(found: Gpus) -> str:
    """Why the installed torch cannot use these GPUs; "" if nothing is known against it."""
    if torch_is_for_cpu():
        return "the installed torch is a build for CPUs; run: make setup TORCH=cuda"
    wanted, known = torch_cuda(), found.cuda
    if wanted is None:
        return ""
    first = found.gpus[0]
    if known is not None and known[0] < wanted[0]:
        return (
            f"the driver {first.driver} is for CUDA {_dotted(known)} and the installed torch "
            f"for {_dotted(wanted)}; update the driver to one for CUDA {wanted[0]}"
        )
    if wanted[0] >= 13 and first.capability < _TURING:
        return f"{first.name} is too old for a torch of CUDA 13; use Turing or newer"
    return ""


def missing_packages(*names: str) -> tuple[str, ...]:
    """Those that cannot be imported. Imports none of them."""
    return tuple(name for name in names if find_spec(name) is None)


def torch_is_for_cpu() -> bool:
    """Whether the installed torch is a build that cannot use any GPU."""
    try:
        return version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return True


def torch_cuda() -> Version | None:
    """The CUDA that the installed torch was built for. Reads its version.py, not torch."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        text = Path(spec.origin).with_name("version.py").read_text()
    except OSError:
        return None
    return _version(r"^cuda\b.*'(\d+)\.(\d+)'", text)


def _version(pattern: str, text: str) -> Version | None:
    match = re.search(pattern, text, re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else None


def _dotted(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


def _ask(*what: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["nvidia-smi", *what], capture_output=True, text=True, timeout=_PATIENCE_S
    )


def _told(*what: str) -> str:
    """What it prints when it is asked once more; "" where it fails this time."""
    try:
        return _ask(*what).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _gpu(line: str) -> Gpu:
    index, uuid, name, driver, total, free, capability = (f.strip() for f in line.split(","))
    major, _, minor = capability.partition(".")
    return Gpu(
        int(index),
        uuid,
        name,
        driver,
        _bytes(total),
        _bytes(free),
        (int(major), int(minor)),
    )


def _bytes(mebibytes: str) -> int:
    """ "[N/A]" and the like are 0."""
    return 0 if mebibytes.startswith("[") else int(mebibytes) * 2**20


def _visible(found: list[Gpu], listed: str | None) -> tuple[Gpu, ...]:
    """As CUDA reads the variable: in its order, and up to the first that there is not.
    Without one, in `claim`'s order: the one with the most room first."""
    if listed is None:
        return tuple(sorted(found, key=lambda gpu: -gpu.free_bytes))
    slices = _slices(found) if "MIG-" in listed else []
    visible: list[Gpu] = []
    for name in listed.split(","):
        name = name.strip()
        matches = [gpu for gpu in found if name == str(gpu.index)]
        if name.startswith(("GPU-", "MIG-")):
            matches = [gpu for gpu in (*found, *slices) if gpu.uuid.startswith(name)]
        if len(matches) != 1:
            break
        visible += matches
    return tuple(visible)


def _slices(found: list[Gpu]) -> list[Gpu]:
    """Parts of a GPU (MIG), each with a name of its own; what memory they have is not told."""
    slices: list[Gpu] = []
    whole: Gpu | None = None
    for line in _told("-L").splitlines():  # under each GPU its parts
        name, _, uuid = line.strip().removesuffix(")").partition("(UUID: ")
        if line.startswith("GPU "):
            whole = next((gpu for gpu in found if gpu.uuid == uuid), None)
        elif uuid.startswith("MIG-") and whole is not None:
            name = f"{whole.name}, {' '.join(name.split()[:2])}"
            slices.append(replace(whole, uuid=uuid, name=name, total_bytes=0, free_bytes=0))
    return slices
