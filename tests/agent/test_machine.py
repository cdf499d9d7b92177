"""GPUs as the driver tells them, without torch."""

import re
import subprocess
import sys
from types import SimpleNamespace

import nvidia
import pytest

from agent import machine


def test_a_gpu_is_read_from_the_drivers_line(monkeypatch, tmp_path):
    nvidia.install(monkeypatch, tmp_path, nvidia.H100)
    [gpu] = machine.gpus().gpus
    assert (gpu.name, gpu.driver, gpu.capability) == (
        "NVIDIA H100 80GB HBM3",
        "580.95.05",
        (9, 0),
    )
    assert gpu.total_bytes == 81_559 * 2**20
    assert gpu.free_bytes == 81_000 * 2**20
    assert "84.9 of 85.5 GB free, compute capability 9.0" in str(gpu)


@pytest.mark.parametrize(
    ("visible", "indexes"),
    [
        ("0,1", [0, 1]),
        ("1", [1]),
        ("1,0", [1, 0]),
        ("GPU-bbb", [1]),
        (" 1 , 0 ", [1, 0]),
        ("1,7,0", [1]),  # CUDA stops at the first that there is not
        ("-1", []),
        ("", []),
    ],
)
def test_what_cuda_hides_is_not_there(monkeypatch, tmp_path, visible, indexes):
    nvidia.install(monkeypatch, tmp_path, nvidia.H100, nvidia.T4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = machine.gpus()
    assert [gpu.index for gpu in found.gpus] == indexes
    assert ("CUDA_VISIBLE_DEVICES" in found.why_none) is not bool(indexes)


def test_a_machine_without_a_driver_says_so(monkeypatch, tmp_path):
    nvidia.uninstall(monkeypatch, tmp_path)
    assert machine.gpus() == machine.Gpus((), "there is no NVIDIA driver (no nvidia-smi)")


@pytest.mark.parametrize(
    ("lines", "status", "why"),
    [
        (["NVIDIA-SMI has failed: driver mismatch"], 9, "driver mismatch"),
        (["nonsense"], 0, "nothing that can be read"),
        (["0, GPU-a, X, 1, x, 2, 9.0"], 0, "nothing that can be read"),
        ([], 0, "sees no GPU"),
    ],
)
def test_a_driver_that_fails_is_no_traceback(monkeypatch, tmp_path, lines, status, why):
    nvidia.install(monkeypatch, tmp_path, *lines, status=status)
    found = machine.gpus()
    assert found.gpus == ()
    assert why in found.why_none


@pytest.mark.parametrize("word", ["[N/A]", "[Insufficient Permissions]", "[Not Supported]"])
def test_a_gpu_that_does_not_tell_its_memory_is_one_all_the_same(monkeypatch, tmp_path, word):
    """As in a container with a slice of a GPU, and where it shares the machine's memory."""
    nvidia.install(
        monkeypatch, tmp_path, f"0, GPU-c, NVIDIA GB10, 580.95.05, {word}, {word}, 12.1"
    )
    [gpu] = machine.gpus().gpus
    assert (gpu.name, gpu.total_bytes, gpu.free_bytes) == ("NVIDIA GB10", 0, 0)
    assert "memory not told" in str(gpu)


LISTED = """\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-aaa1)
  MIG 1g.20gb     Device  0: (UUID: MIG-c6d4)
  MIG 3g.40gb     Device  1: (UUID: MIG-77aa)
GPU 1: Tesla T4 (UUID: GPU-bbb2)
"""


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("MIG-77aa", ["NVIDIA H100 80GB HBM3, MIG 3g.40gb"]),
        ("MIG-c6", ["NVIDIA H100 80GB HBM3, MIG 1g.20gb"]),
        ("MIG-0000", []),
    ],
)
def test_a_slice_of_a_gpu_is_found_by_its_name(monkeypatch, tmp_path, visible, names):
    nvidia.install(monkeypatch, tmp_path, nvidia.H100, nvidia.T4, listed=LISTED)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = machine.gpus().gpus
    assert [gpu.name for gpu in found] == names
    assert all((gpu.total_bytes, gpu.capability) == (0, (9, 0)) for gpu in found)


SMALL = "0, GPU-s, NVIDIA T400, 580.95.05, 2048, 1900, 7.5"
FULL = "1, GPU-f, NVIDIA A40, 580.95.05, 46068, 900, 8.6"
ROOM = "2, GPU-r, NVIDIA L4, 580.95.05, 23034, 22500, 8.9"


def test_of_several_gpus_the_one_with_the_most_room_is_taken(monkeypatch, tmp_path):
    """Not that of the screen, though it comes first, nor the largest, where others work."""
    nvidia.install(monkeypatch, tmp_path, SMALL, FULL, ROOM)
    assert [gpu.uuid for gpu in machine.gpus().gpus] == ["GPU-r", "GPU-s", "GPU-f"]
    environment = {}
    machine.claim(environment)
    assert environment == {"CUDA_VISIBLE_DEVICES": "GPU-r"}


def test_of_gpus_with_the_same_room_the_first_is_taken(monkeypatch, tmp_path):
    nvidia.install(monkeypatch, tmp_path, SMALL, SMALL.replace("0, GPU-s", "1, GPU-t"))
    environment = {}
    machine.claim(environment)
    assert environment == {"CUDA_VISIBLE_DEVICES": "GPU-s"}


@pytest.mark.parametrize("theirs", ["1", "GPU-f", ""])
def test_an_operators_own_choice_of_gpus_stands(monkeypatch, tmp_path, theirs):
    nvidia.install(monkeypatch, tmp_path, SMALL, FULL, ROOM)
    environment = {"CUDA_VISIBLE_DEVICES": theirs}
    machine.claim(environment)
    assert environment == {"CUDA_VISIBLE_DEVICES": theirs}


@pytest.mark.parametrize("lines", [[], [ROOM]])
def test_one_gpu_or_none_needs_no_choice(monkeypatch, tmp_path, lines):
    nvidia.install(monkeypatch, tmp_path, *lines)
    environment = {}
    machine.claim(environment)
    assert environment == {}


def a_torch(monkeypatch, folder, cuda):
    """From now on the installed torch is built for `cuda`."""
    monkeypatch.setattr(machine, "version", lambda name: "2.13.0")
    package = folder / "torch"
    package.mkdir(exist_ok=True)
    line = "cuda: Optional[str] = " + (f"'{cuda}'" if cuda else "None")
    (package / "version.py").write_text(f"debug = False\n{line}\nhip: Optional[str] = None\n")
    origin = SimpleNamespace(origin=str(package / "__init__.py"))
    monkeypatch.setattr(machine, "find_spec", lambda name: origin)


@pytest.mark.parametrize(
    ("gpu", "driver", "torch", "lacks"),
    [
        (nvidia.H100, "13.0", "13.0", ""),
        (nvidia.H100, "12.4", "12.8", ""),  # within one major version they get on
        (nvidia.H100, "13.1", "12.8", ""),
        (nvidia.H100, "", "13.0", ""),  # it does not tell: torch will
        (nvidia.H100, "12.8", None, ""),
        (nvidia.H100, "12.8", "13.0", "580.95.05 is for CUDA 12.8 .* torch for 13.0; update"),
        (nvidia.T4, "13.0", "13.0", ""),
        ("0, GPU-v, Tesla V100, 580.95.05, 16384, 16000, 7.0", "13.0", "13.0", "V100 is too"),
        ("0, GPU-v, Tesla V100, 570.86.15, 16384, 16000, 7.0", "12.8", "12.8", ""),
    ],
)
def test_a_driver_or_a_gpu_too_old_for_torch_is_told_without_torch(
    monkeypatch, tmp_path, gpu, driver, torch, lacks
):
    nvidia.install(monkeypatch, tmp_path, gpu, cuda=driver)
    a_torch(monkeypatch, tmp_path, torch)
    assert re.search(lacks or "^$", machine.torch_lacks(machine.gpus()))


def test_the_installed_torch_says_for_which_cuda_it_is():
    import torch

    wanted = torch.version.cuda and tuple(map(int, torch.version.cuda.split(".")))
    assert machine.torch_cuda() == wanted


def test_no_torch_is_for_no_cuda(monkeypatch, tmp_path):
    """Whatever file of that name stands where the server was started."""
    (tmp_path / "version.py").write_text("cuda = '13.0'")
    monkeypatch.chdir(tmp_path)
    for spec in (None, SimpleNamespace(origin=None), SimpleNamespace(origin="/no/torch.py")):
        monkeypatch.setattr(machine, "find_spec", lambda name, spec=spec: spec)
        assert machine.torch_cuda() is None


def test_packages_are_looked_for_and_not_imported():
    assert machine.missing_packages("json", "no_such_package") == ("no_such_package",)


def test_a_torch_for_cpus_is_told_by_its_version(monkeypatch):
    for version, cpu in (("2.13.0+cpu", True), ("2.13.0", False), ("2.13.0+cu130", False)):
        monkeypatch.setattr(machine, "version", lambda name, version=version: version)
        assert machine.torch_is_for_cpu() is cpu


def test_the_media_process_chooses_without_torch():
    code = (
        "import sys; from agent.choose import choose; from agent.config import Config; "
        "choose(Config()); print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.split() == ["False", "False"], shown.stderr
