"""GPUs as the driver tells them, without torch."""

import subprocess
import sys

import nvidia
import pytest

from agent import machine


def test_a_gpu_is_read_from_the_drivers_line(monkeypatch, tmp_path):
    nvidia.install(monkeypatch, tmp_path, nvidia.H100)
    [gpu] = machine.gpus().gpus
    assert (gpu.name, gpu.driver, gpu.capability) == (
        "NVIDIA H100 80GB HBM3",
        "570.86.15",
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
        (["0, GPU-a, X, 1, [N/A], 2, 9.0"], 0, "nothing that can be read"),
        ([], 0, "sees no GPU"),
    ],
)
def test_a_driver_that_fails_is_no_traceback(monkeypatch, tmp_path, lines, status, why):
    nvidia.install(monkeypatch, tmp_path, *lines, status=status)
    found = machine.gpus()
    assert found.gpus == ()
    assert why in found.why_none


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
