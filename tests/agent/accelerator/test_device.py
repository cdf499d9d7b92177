"""The device and the process-wide settings of torch."""

import os
import warnings
from dataclasses import replace

import pytest
import torch

from agent.accelerator import device
from agent.accelerator.device import DTYPES, Accelerator, accelerator
from agent.config import Torch
from agent.errors import ConfigError

NO_GPU = not torch.cuda.is_available()
needs_no_gpu = pytest.mark.skipif(not NO_GPU, reason="about machines without a GPU")


def a_gpu(capability: tuple[int, int]) -> Accelerator:
    return Accelerator(torch.device("cuda", 0), "a GPU", "", 2**30, capability, ())


def test_a_cpu_can_be_asked_for_anywhere() -> None:
    chosen = accelerator(Torch(device="cpu"))
    assert chosen.device == torch.device("cpu")
    assert not chosen.is_cuda
    assert chosen.why == "torch.device is cpu"
    assert chosen.memory_bytes > 2**28
    assert 0 < chosen.free_bytes() <= chosen.memory_bytes


@needs_no_gpu
def test_auto_without_a_gpu_is_the_cpu_and_says_why() -> None:
    chosen = accelerator(Torch(device="auto"))
    assert chosen.device.type == "cpu"
    assert chosen.why.startswith("no GPU: ")


@needs_no_gpu
def test_cuda_without_a_gpu_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigError, match=r"torch\.device is cuda, but .*(make setup|check)"):
        accelerator(Torch(device="cuda"))


def test_a_driver_that_is_missing_is_told_from_a_build_without_cuda(monkeypatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="nvidia-smi"):
        accelerator.__wrapped__(Torch(device="cuda"))


def test_a_driver_that_is_too_old_is_told_in_torchs_own_words(monkeypatch) -> None:
    """torch says there is no GPU, and why only in a warning."""

    def too_old() -> bool:
        warnings.warn(
            "CUDA initialization: The NVIDIA driver on your system is too old (found version"
            " 12080). Please update your GPU driver by downloading (Triggered internally)",
            stacklevel=1,
        )
        return False

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", too_old)
    with pytest.raises(ConfigError) as refused:
        accelerator.__wrapped__(Torch(device="cuda"))
    told = str(refused.value)
    assert "for CUDA 13.0 finds none: The NVIDIA driver on your system is too old" in told
    assert "(found version 12080); check nvidia-smi" in told


@pytest.mark.parametrize(
    ("said", "told"),
    [("no kernel image is available\nmore", "no kernel image"), ("", "Runtime")],
)
def test_a_gpu_that_is_there_but_does_not_compute_is_left_alone(
    monkeypatch, said, told
) -> None:
    def refuse(*_, **__):
        raise RuntimeError(said)

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "ones", refuse)
    chosen = accelerator.__wrapped__(Torch(device="auto"))
    assert chosen.device.type == "cpu"
    assert told in chosen.why
    assert "more" not in chosen.why


def test_what_was_chosen_is_applied_once() -> None:
    assert accelerator(Torch(device="cpu")) is accelerator(Torch(device="cpu"))


def test_the_operators_own_allocator_stands() -> None:
    ours, theirs, older = {}, {"PYTORCH_ALLOC_CONF": "x"}, {"PYTORCH_CUDA_ALLOC_CONF": "y"}
    for environment in (ours, theirs, older):
        device._allocator(environment)
    assert ours == {"PYTORCH_ALLOC_CONF": "expandable_segments:True"}
    assert theirs == {"PYTORCH_ALLOC_CONF": "x"}
    assert older == {"PYTORCH_CUDA_ALLOC_CONF": "y"}


@pytest.mark.parametrize(("environment", "told"), [(None, 1), ("max_split_size_mb:64", 0)])
def test_the_allocator_is_told_though_torch_was_imported_before(
    environment, told, monkeypatch
) -> None:
    given = []
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *_: None)
    monkeypatch.setattr(torch._C, "_accelerator_setAllocatorSettings", given.append)
    for name in ("benchmark", "allow_tf32"):
        monkeypatch.setattr(torch.backends.cudnn, name, getattr(torch.backends.cudnn, name))
    before = torch.backends.cuda.matmul.allow_tf32
    monkeypatch.delenv("PYTORCH_CUDA_ALLOC_CONF", raising=False)
    monkeypatch.delenv("PYTORCH_ALLOC_CONF", raising=False)
    if environment:
        monkeypatch.setenv("PYTORCH_ALLOC_CONF", environment)
    device._allocator(os.environ)
    try:
        lines = device._apply(Torch(), torch.device("cuda", 0))
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
    assert given == ["expandable_segments:True"] * told
    assert lines[3] == f"allocator: {environment or 'expandable_segments:True'}"


@pytest.mark.parametrize("tf32", [True, False])
def test_tf32_reads_the_same_by_every_name_that_torch_has_for_it(tf32, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *_: None)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    try:
        lines = device._apply(Torch(tf32=tf32, cudnn_benchmark=True), torch.device("cuda", 0))
        assert torch.backends.cuda.matmul.allow_tf32 is tf32
        assert torch.backends.cudnn.allow_tf32 is tf32
        assert torch.get_float32_matmul_precision() == ("high" if tf32 else "highest")
        assert (torch.backends.cuda.matmul.fp32_precision == "tf32") is tf32
        assert torch.backends.cudnn.benchmark is True
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
    assert f"TF32 {'on' if tf32 else 'off'}" in lines[0]
    assert "timing" in lines[1]
    assert "92%" in lines[2]


def test_bfloat16_needs_ampere() -> None:
    assert not a_gpu((7, 5)).computes(torch.bfloat16)
    assert a_gpu((7, 5)).computes(torch.float16)
    assert a_gpu((8, 0)).computes(torch.bfloat16)
    assert accelerator(Torch(device="cpu")).computes(torch.bfloat16)


def test_what_the_driver_counts_as_taken_but_nobody_uses_is_free(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (100, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 500)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 200)
    gpu = replace(a_gpu((9, 0)), memory_bytes=900)
    assert gpu.free_bytes() == 100 + 300 - 100
    assert replace(gpu, memory_bytes=500).free_bytes() == 0


def test_what_torch_keeps_for_later_is_not_left(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (300, 1000))
    gpu = replace(a_gpu((9, 0)), memory_bytes=900)
    assert gpu.left_bytes() == 200
    assert replace(gpu, memory_bytes=600).left_bytes() == -100, "others are in our share"
    assert accelerator(Torch(device="cpu")).left_bytes() > 0


def test_dtypes_are_those_of_the_config() -> None:
    assert set(DTYPES) == {"bfloat16", "float16", "float32"}
    for name, dtype in DTYPES.items():
        assert str(dtype) == f"torch.{name}"


@pytest.mark.gpu
@pytest.mark.skipif(NO_GPU, reason="needs a CUDA device")
def test_a_gpu_is_chosen_and_described() -> None:
    chosen = accelerator(Torch())
    assert chosen.is_cuda
    assert chosen.capability >= (5, 0)
    assert 0 < chosen.free_bytes() <= chosen.memory_bytes
    assert len(chosen.settings) == 4
    assert os.environ["PYTORCH_ALLOC_CONF"] in chosen.settings[-1]
    x = torch.ones(64 << 20, device="cuda")
    assert any(each["is_expandable"] for each in torch.cuda.memory_snapshot()), x.shape
