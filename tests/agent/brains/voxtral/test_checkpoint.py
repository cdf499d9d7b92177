"""Checkpoints that will not do: each is refused for its own reason, with the remedy."""

import json
import shutil

import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    XetDownloadError,
)

from agent.brains.voxtral.checkpoint import examine, find
from agent.errors import ConfigError


@pytest.fixture
def folder(checkpoint, tmp_path):
    """A copy to spoil."""
    return shutil.copytree(checkpoint, tmp_path / "voxtral")


def edit(path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refused(folder, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        find(str(folder))


def test_a_folder_is_taken_as_it_is(checkpoint) -> None:
    found = find(str(checkpoint))
    assert found.folder == checkpoint
    assert found.tokenizer.is_file()
    assert found.positions == 8192


def test_it_knows_what_the_weights_will_take(checkpoint) -> None:
    found = examine(checkpoint)
    numbers = sum(found.sizes.values())
    stored = (checkpoint / "model.safetensors").stat().st_size
    assert 0 <= stored - 4 * numbers < 20_000  # the header
    assert found.weight_bytes(2, lambda _: False) == 2 * numbers
    assert found.weight_bytes(2, lambda _: True) == numbers
    name = next(name for name in found.sizes if name.endswith("lm_head.weight"))
    head = found.sizes[name]
    assert found.weight_bytes(4, lambda n: n == name) == 4 * numbers - 3 * head


@pytest.mark.parametrize("model", ["/nowhere/voxtral", "./nowhere", "~/nowhere", "nowhere"])
def test_no_such_folder(model) -> None:
    refused(model, r"there is no folder .*hub id such as mistralai/")


def test_a_malformed_hub_id() -> None:
    refused("mistral ai/Voxtral", "no hub id; write owner/name")


@pytest.mark.parametrize("name", ["config.json", "tekken.json", "model.safetensors"])
def test_an_incomplete_folder(folder, name) -> None:
    (folder / name).unlink()
    refused(folder, f"incomplete: no {name}.*hf download")


def test_a_shard_is_missing(folder) -> None:
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(folder, "incomplete: no model-1.safetensors;")


def test_all_shards_are_there(folder) -> None:
    whole = examine(folder).sizes
    index = {"weight_map": dict.fromkeys(whole, "model-1.safetensors")}
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert examine(folder).sizes == whole


def test_an_index_that_names_nothing(folder) -> None:
    (folder / "model.safetensors.index.json").write_text("{}")
    refused(folder, "the weights that model.safetensors.index.json should name")


def test_mistrals_own_format_is_told_apart(folder) -> None:
    (folder / "model.safetensors").rename(folder / "consolidated.safetensors")
    refused(folder, "Mistral's own format")


def test_another_architecture(folder) -> None:
    edit(folder / "config.json", architectures=["LlamaForCausalLM"])
    refused(folder, "holds LlamaForCausalLM, not Voxtral.*use mistralai/Voxtral-Mini")
    edit(folder / "config.json", architectures=["VoxtralRealtimeForConditionalGeneration"])
    refused(folder, "Realtime only transcribes")
    edit(folder / "config.json", architectures=None)
    refused(folder, "an unnamed architecture")


def test_what_somebody_quantized_is_refused(folder) -> None:
    """transformers would want one more package for it, and our kernels ordinary weights."""
    edit(folder / "config.json", quantization_config={"quant_method": "compressed-tensors"})
    refused(folder, r"is quantized already.*use mistralai/Voxtral.*voxtral\.quantization")


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_a_config_that_cannot_be_read(folder, text) -> None:
    (folder / "config.json").write_text(text)
    refused(folder, r"config\.json is no JSON.*download it again")


@pytest.mark.parametrize(
    "changed",
    [
        {"architectures": 5},
        {"architectures": {"a": 1}},
        {"text_config": "llama"},
        {"text_config": {"max_position_embeddings": "many"}},
        {"text_config": {"max_position_embeddings": None}},
    ],
)
def test_a_config_with_a_value_of_a_wrong_kind(folder, changed) -> None:
    """Killed: a traceback."""
    edit(folder / "config.json", **changed)
    refused(folder, r"config\.json has a value of a wrong kind \(.*\); delete it and download")


def test_an_architecture_that_is_no_name(folder) -> None:
    edit(folder / "config.json", architectures=[5])
    refused(folder, "holds 5, not Voxtral")


@pytest.mark.parametrize("shards", [5, {"a": 5}, {"a": [1]}, ["a"]])
def test_an_index_of_a_wrong_kind(folder, shards) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    refused(folder, r"index\.json has a value of a wrong kind \(.*\); delete it and download")


@pytest.mark.parametrize("cut", [0, 4, 100, -1])
def test_weights_that_were_cut_off(folder, cut) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    refused(folder, r"model\.safetensors has .*delete it and download it again")


class Hub:
    """What snapshot_download would do: nothing here, then as told."""

    def __init__(self, here, there) -> None:
        self.here, self.there, self.asked = here, there, []

    def __call__(self, model, *, local_files_only, allow_patterns, tqdm_class):
        self.asked.append(local_files_only)
        assert not any("consolidated" in pattern for pattern in allow_patterns)
        found = self.here if local_files_only else self.there
        if isinstance(found, Exception):
            raise found
        return str(found)


@pytest.fixture
def hub(monkeypatch):
    def use(here, there) -> Hub:
        stand_in = Hub(here, there)
        monkeypatch.setattr("huggingface_hub.snapshot_download", stand_in)
        return stand_in

    return use


class ReadTimeout(Exception):
    """As the hub's HTTP client has it: no OSError."""


NOT_HERE = LocalEntryNotFoundError("not in the cache")


def answered(kind, status: int):
    """An error of the hub's, made without a request."""
    error = kind.__new__(kind)
    OSError.__init__(error, f"{status} from the hub")
    return error


def test_what_is_here_already_asks_nobody(hub, checkpoint) -> None:
    stand_in = hub(checkpoint, None)
    assert find("mistralai/Voxtral").folder == checkpoint
    assert stand_in.asked == [True]


def test_what_is_not_here_is_fetched(hub, checkpoint) -> None:
    stand_in = hub(NOT_HERE, checkpoint)
    assert find("mistralai/Voxtral").folder == checkpoint
    assert stand_in.asked == [True, False]


def test_what_is_here_in_part_is_fetched(hub, checkpoint, folder) -> None:
    (folder / "model.safetensors").unlink()
    stand_in = hub(folder, checkpoint)
    assert find("mistralai/Voxtral").folder == checkpoint
    assert stand_in.asked == [True, False]


@pytest.mark.parametrize(
    ("trouble", "match"),
    [
        (answered(GatedRepoError, 403), "is gated; accept its terms at .*HF_TOKEN"),
        (answered(RepositoryNotFoundError, 404), "no a/b, or it is private; check the id"),
        (OfflineModeIsEnabled("offline mode"), r"cannot be fetched.*hf download a/b"),
        (ConnectionError("no route"), r"ConnectionError: no route.*set voxtral\.model"),
        (NOT_HERE, "cannot be fetched"),
        (OSError(28, "No space left on device"), "No space left"),
        (RuntimeError("client has been closed"), "client has been closed"),
        (ReadTimeout("timed out"), "ReadTimeout: timed out"),
        (XetDownloadError("the store hung up"), "XetDownloadError: the store hung up"),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, Exception) else "",
)
def test_what_cannot_be_fetched_says_why_and_what_to_do(hub, trouble, match) -> None:
    hub(NOT_HERE, trouble)
    refused("a/b", match)
