"""Weights are found where they lie, and what is missing is named."""

import json
import socket
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from agent import weights

HUB_ID = "someone/some-model"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def nothing_cached(monkeypatch, tmp_path):
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", *PROXIES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")


def checkpoint(folder, *files, index=()):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    for name in files:
        (folder / name).write_bytes(bytes(1000))
    if index:
        names = {f"layer.{n}": name for n, name in enumerate(index)}
        text = json.dumps({"weight_map": names})
        (folder / "model.safetensors.index.json").write_text(text)
    return folder


def cached(tmp_path, *files, index=()):
    repository = tmp_path / "hub" / "models--someone--some-model"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc123\n")
    return checkpoint(repository / "snapshots" / "abc123", *files, index=index)


def test_a_folder_is_found_with_its_size(tmp_path):
    folder = checkpoint(tmp_path / "model", "model.safetensors")
    found = weights.find(str(folder))
    assert (found.folder, found.size_bytes, found.lacks) == (folder, 1000, "")
    assert str(folder) in str(found)


@pytest.mark.parametrize("look", [weights.here, weights.find])
def test_where_one_may_not_look_is_said_and_not_raised(tmp_path, look):
    """The system refuses a name of this length, to root, too."""
    found = look(f"{tmp_path}/{'x' * 300}")
    assert found.folder is None
    assert "cannot be read: File name too long" in found.lacks
    assert found.remedy


def test_kokoros_kind_of_file_counts(tmp_path):
    folder = checkpoint(tmp_path / "kokoro", "kokoro-v1_0.pth")
    assert weights.find(str(folder)).size_bytes == 1000


def whole(path):
    """A file of weights as it should be."""
    if path.suffix == ".pth":
        torch.save({"a": torch.zeros(100)}, path)
    else:
        save_file({"a": torch.zeros(100), "b": torch.zeros(9)}, path)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["model.safetensors", "kokoro-v1_0.pth"])
def test_a_file_that_was_cut_off_is_not_taken_for_whole(tmp_path, name):
    folder = checkpoint(tmp_path / "m", name)
    data = whole(folder / name)
    assert weights.find(str(folder)).size_bytes == len(data)
    for kept in (len(data) - 1, len(data) // 2, 30, 0):
        (folder / name).write_bytes(data[:kept])
        found = weights.find(str(folder))
        assert found.folder is None
        assert found.lacks == f"{folder / name} was cut off"
        assert found.remedy == f"delete it and copy the whole checkpoint into {folder}"


def test_only_what_the_index_names_is_counted(tmp_path):
    shards = ["model-1.safetensors", "model-2.safetensors"]
    folder = checkpoint(tmp_path / "m", *shards, "consolidated.safetensors", index=shards)
    assert weights.find(str(folder)).size_bytes == 2000


@pytest.mark.parametrize(
    ("files", "index", "lacks"),
    [
        (["a.safetensors"], ["a.safetensors", "b.safetensors"], "no b.safetensors"),
        ([], [], "no weights"),
    ],
)
def test_half_a_checkpoint_is_none(tmp_path, files, index, lacks):
    folder = checkpoint(tmp_path / "m", *files, index=index)
    found = weights.find(str(folder))
    assert found.folder is None
    assert lacks in found.lacks
    assert "copy the whole checkpoint" in found.remedy


def test_a_folder_of_something_else_is_named(tmp_path):
    assert "no config.json" in weights.find(str(tmp_path)).lacks
    folder = checkpoint(tmp_path / "m")
    for index in ("[", "[]", '{"weight_map": 5}'):
        (folder / "model.safetensors.index.json").write_text(index)
        assert "cannot be read" in weights.find(str(folder)).lacks
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": 5, "b": "c"}}')
    assert "has no 5, c" in weights.find(str(folder)).lacks


def test_a_path_that_is_not_there_is_no_hub_id():
    found = weights.find("/no/such/folder")
    assert found.lacks == "there is no folder /no/such/folder"


def test_the_hubs_cache_is_looked_into(tmp_path):
    folder = cached(tmp_path, "model.safetensors")
    assert weights.find(HUB_ID).folder == folder


def test_a_download_that_was_cut_is_not_taken_for_whole(tmp_path):
    cached(tmp_path, "a.safetensors", index=["a.safetensors", "b.safetensors"])
    found = weights.find(HUB_ID)
    assert found.folder is None
    assert f"hf download {HUB_ID}" in found.remedy


def test_what_a_hub_that_can_be_reached_has_is_not_lacking(monkeypatch):
    with socket.socket() as hub:
        hub.bind(("127.0.0.1", 0))
        hub.listen()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.getsockname()[1]}")
        found = weights.find(HUB_ID)
    assert (found.folder, found.lacks) == (None, "")
    assert "fetched from the hub" in str(found)


@pytest.mark.parametrize("written", ["http://127.0.0.1:{}", "127.0.0.1:{}"])
def test_a_hub_behind_a_proxy_is_not_lacking(monkeypatch, written):
    """Its own address cannot be reached from here, and need not be."""
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.invalid")
    assert "hub.invalid cannot be reached" in weights.find(HUB_ID).lacks
    with socket.socket() as proxy:
        proxy.bind(("127.0.0.1", 0))
        proxy.listen()
        monkeypatch.setenv("https_proxy", written.format(proxy.getsockname()[1]))
        assert weights.find(HUB_ID).lacks == ""
        monkeypatch.setenv("no_proxy", "hub.invalid")
        assert "hub.invalid cannot be reached" in weights.find(HUB_ID).lacks
    monkeypatch.delenv("no_proxy")
    assert "127.0.0.1 cannot be reached" in weights.find(HUB_ID).lacks


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"HF_HOME": "~/weights"},
        {"XDG_CACHE_HOME": "/x/cache"},
        {"HF_HOME": "/h", "XDG_CACHE_HOME": "/x"},
        {"HUGGINGFACE_HUB_CACHE": "/older", "HF_HOME": "/h"},
        {"HF_HUB_CACHE": "/newer", "HUGGINGFACE_HUB_CACHE": "/older"},
        {"HF_HOME": "$HOME/h"},
    ],
)
def test_the_hubs_files_are_looked_for_where_its_library_puts_them(monkeypatch, variables):
    """Read once, when it is imported: hence in a process of its own."""
    for name in ("HF_HOME", "XDG_CACHE_HOME", "HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    code = "from huggingface_hub.constants import HF_HUB_CACHE; print(HF_HUB_CACHE)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert str(weights.cache()) == shown.stdout.strip()


def test_without_a_hub_it_says_what_to_do():
    found = weights.find(HUB_ID)
    assert "127.0.0.1 cannot be reached" in found.lacks
    assert "hf download" in found.remedy


@pytest.mark.parametrize("switch", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_asks_nobody(monkeypatch, switch):
    monkeypatch.setenv(switch, "1")
    assert f"{switch} is set" in weights.find(HUB_ID).lacks
