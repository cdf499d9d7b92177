"""Whether an engine can run, and the first thing that is in its way."""

import nvidia
import pytest
import torch
from chat_server import MODEL, chat_server

from agent import capable, machine, weights
from agent.brains.voxtral.cache import Shape
from agent.brains.voxtral.room import WORK_BYTES, audio_bytes, share_out
from agent.config_file import load

MINI_BYTES = 2 * 4_676_000_000  # of weights


@pytest.fixture
def able(monkeypatch, tmp_path):
    """A machine with a GPU, a torch for it, all packages, and both models in folders."""
    nvidia.install(monkeypatch, tmp_path, nvidia.H100)
    monkeypatch.setattr(machine, "version", lambda name: "2.13.0")
    monkeypatch.setattr(machine, "find_spec", lambda name: name)
    monkeypatch.setattr(machine, "torch_cuda", lambda: (13, 0))
    monkeypatch.setattr(capable, "_PYTHON", (3, 12))
    models = {}
    for name, file in (("voxtral", "model.safetensors"), ("kokoro", "kokoro.pth")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        (folder / file).write_bytes(bytes(1000))
        models[f"{name}.model"] = str(folder)
    return models


def test_a_machine_with_everything_can_run_both(able):
    config = load(None, able)
    assert capable.voxtral_lacks(config) == ""
    assert capable.kokoro_lacks(config) == ""


def test_a_configured_cpu_is_respected(able):
    config = load(None, {**able, "torch.device": "cpu"})
    assert capable.voxtral_lacks(config) == "torch.device is cpu"
    assert capable.kokoro_lacks(config) == "torch.device is cpu"


def test_no_gpu_comes_before_anything_else(able, monkeypatch, tmp_path):
    nvidia.uninstall(monkeypatch, tmp_path / "empty")
    monkeypatch.setattr(weights, "find", None)  # nobody asks the hub about weights of no use
    assert "no NVIDIA driver" in capable.voxtral_lacks(load(None))


def test_a_torch_for_cpus_is_named_with_its_remedy(able, monkeypatch):
    monkeypatch.setattr(machine, "version", lambda name: "2.13.0+cpu")
    assert "make setup TORCH=cuda" in capable.voxtral_lacks(load(None, able))


def test_a_driver_too_old_for_torch_is_no_gpu(able, monkeypatch):
    monkeypatch.setattr(machine, "torch_cuda", lambda: (14, 0))
    for lacks in (capable.voxtral_lacks, capable.kokoro_lacks):
        assert "580.95.05 is for CUDA 13.0" in lacks(load(None, able))


def test_a_gpu_without_bfloat16_is_named_with_what_it_has(able, monkeypatch, tmp_path):
    """Chosen in spite of it, Voxtral would refuse to start, and `auto` must not end so."""
    nvidia.install(monkeypatch, tmp_path, nvidia.T4)
    assert "Tesla T4 has no bfloat16; set voxtral.dtype" in capable.voxtral_lacks(
        load(None, able)
    )
    assert capable.voxtral_lacks(load(None, {**able, "voxtral.dtype": "float16"})) == ""
    assert capable.kokoro_lacks(load(None, able)) == ""


def test_a_gpu_that_another_server_filled_has_no_room_for_kokoro(able, monkeypatch, tmp_path):
    """As vLLM does, which takes nine tenths unless it is told otherwise."""
    nvidia.install(monkeypatch, tmp_path, "0, GPU-l, NVIDIA L4, 580, 23034, 2100, 8.9")
    lack = capable.kokoro_lacks(load(None, able))
    assert "NVIDIA L4 has 2.2 GB free and it takes 2.3; free some" in lack
    nvidia.install(monkeypatch, tmp_path, "0, GPU-l, NVIDIA L4, 580, 23034, 4200, 8.9")
    assert capable.kokoro_lacks(load(None, able)) == ""


def test_memory_that_is_not_told_is_left_to_the_start(able, monkeypatch, tmp_path):
    nvidia.install(monkeypatch, tmp_path, "0, GPU-a, A100 MIG, 580, [N/A], [N/A], 8.0")
    assert capable.voxtral_lacks(load(None, able)) == ""
    assert capable.kokoro_lacks(load(None, able)) == ""


def test_both_engines_are_weighed_by_one_answer_of_the_driver(able, tmp_path):
    """It takes some 20 ms to ask, and seconds where its daemon does not run."""
    assert capable.voxtral_lacks(load(None, able)) == ""
    assert capable.kokoro_lacks(load(None, able)) == ""
    asked = (tmp_path / "asked").read_text().split()
    assert [question.partition("=")[0] for question in asked] == ["--query-gpu", "-q"]


def test_missing_packages_are_named(able, monkeypatch):
    monkeypatch.setattr(machine, "find_spec", lambda name: None if name == "kokoro" else name)
    config = load(None, able)
    assert capable.voxtral_lacks(config) == ""
    assert capable.kokoro_lacks(config).startswith("kokoro not installed; run: ")
    monkeypatch.setattr(machine, "find_spec", lambda name: None)
    assert "transformers, mistral_common, accelerate not" in capable.voxtral_lacks(config)


def test_a_python_without_a_release_of_kokoro_is_told_so(able, monkeypatch):
    monkeypatch.setattr(machine, "find_spec", lambda name: None if name == "kokoro" else name)
    monkeypatch.setattr(capable, "_PYTHON", (3, 13))
    config = load(None, able)
    assert capable.voxtral_lacks(config) == ""
    assert capable.kokoro_lacks(config) == (
        "Kokoro has no release for Python 3.13 yet; run Voxline with Python 3.11 or 3.12"
    )


def test_missing_weights_are_named(able):
    config = load(None, {**able, "voxtral.model": "/no/such/folder", "kokoro.model": "/none"})
    assert capable.voxtral_lacks(config).startswith("there is no folder /no/such/folder")
    assert capable.kokoro_lacks(config).startswith("there is no folder /none")


def test_too_small_a_gpu_is_named_with_what_it_takes(able, monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "find", lambda model: weights.Weights(None))
    nvidia.install(monkeypatch, tmp_path, "0, GPU-c, RTX 3060, 580, 12288, 12000, 8.6")
    lack = capable.voxtral_lacks(load(None, able))
    assert "RTX 3060 has 11.6 GB free and it takes 14.3" in lack
    assert "int8" in lack
    int8 = load(None, {**able, "voxtral.quantization": "int8", "voxtral.context_tokens": 1024})
    assert capable.voxtral_lacks(int8) == ""


def test_memory_grows_with_the_weights_the_dtype_and_the_context():
    small = capable.voxtral_bytes(load(None), weights.Weights(None, 1_000_000))
    config = load(None)
    usual = capable.voxtral_bytes(config, weights.Weights(None))
    long = capable.voxtral_bytes(
        load(None, {"voxtral.context_tokens": 8192}), weights.Weights(None)
    )
    wide = capable.voxtral_bytes(
        load(None, {"voxtral.dtype": "float32"}), weights.Weights(None, 9_350_000_000)
    )
    assert small < usual < long < wide
    assert long - usual == 2 * 4096 * 126 * 1024


@pytest.mark.parametrize("settings", [{}, {"voxtral.context_tokens": 16_384}])
def test_what_is_let_through_has_room_for_a_call_when_it_starts(settings):
    """Else `auto` would choose Voxtral, and the server would not start."""
    config = load(None, settings)
    need = capable.voxtral_bytes(config, weights.Weights(None))
    free = need - capable._KOKORO_BYTES - capable._CONTEXT_BYTES
    mini, context = Shape(30, 32, 8, 128), config.voxtral.context_tokens
    slot, audio = mini.slot_bytes(context, torch.bfloat16), audio_bytes(context, 3072, 2)
    assert share_out(config, int(free), MINI_BYTES, slot, audio, WORK_BYTES).slots == 1


def test_a_chat_server_is_asked():
    with chat_server() as server:
        settings = {"openai_chat.url": server.url, "openai_chat.model": MODEL}
        assert capable.server_lacks(load(None, settings)) == ""
        settings["openai_chat.model"] = "typo"
        assert "does not serve 'typo'" in capable.server_lacks(load(None, settings))
