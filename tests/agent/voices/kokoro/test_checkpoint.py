"""What is missing is named, with the remedy; nothing is fetched that was not asked for."""

import json
import shutil
import sys

import pytest
import tiny_kokoro
import torch
from huggingface_hub.errors import LocalEntryNotFoundError, XetDownloadError

from agent.errors import ConfigError, EngineError
from agent.voices.kokoro.checkpoint import Voices, find, load


@pytest.fixture
def folder(checkpoint_folder, tmp_path):
    """A copy whose files may be spoiled; the weights are a link."""
    shutil.copytree(checkpoint_folder, tmp_path / "x", ignore=lambda *_: ["kokoro-v1_0.pth"])
    (tmp_path / "x" / "kokoro-v1_0.pth").symlink_to(checkpoint_folder / "kokoro-v1_0.pth")
    return tmp_path / "x"


def test_a_folder_is_loaded_as_it_was_saved(folder):
    loaded = load(str(folder))
    assert loaded.vocabulary == tiny_kokoro.VOCAB
    assert loaded.voices.names == ("af_heart", "bm_george", "ff_siwis")
    assert not loaded.model.training
    wanted = tiny_kokoro.build(folder).state_dict()
    for name, values in loaded.model.state_dict().items():
        assert torch.equal(values, wanted[name]), name


def test_the_default_voice_comes_first_else_the_alphabets_first(folder):
    (folder / "voices" / "af_alloy.pt").touch()
    assert Voices(folder / "voices").names[:2] == ("af_heart", "af_alloy")
    (folder / "voices" / "af_heart.pt").unlink()
    assert Voices(folder / "voices").names[0] == "af_alloy"


def test_a_style_is_the_row_for_its_number_of_phonemes(folder):
    voices = Voices(folder / "voices")
    pack = torch.load(folder / "voices" / "bm_george.pt", weights_only=True)
    assert torch.equal(voices.style("bm_george", 20), pack[19, 0])
    assert torch.equal(voices.style("bm_george", 9999), pack[509, 0])
    assert torch.equal(voices.style("bm_george", 0), pack[0, 0])


@pytest.mark.parametrize("content", ["garbage", {"a": 1}, torch.zeros(3, 3)])
def test_a_broken_voice_fails_by_itself(folder, content):
    path = folder / "voices" / "af_bad.pt"
    if isinstance(content, str):
        path.write_text(content)
    else:
        torch.save(content, path)
    voices = Voices(folder / "voices")
    with pytest.raises(EngineError, match=r"af_bad\.pt is damaged; delete it and download"):
        voices.style("af_bad", 5)
    assert len(voices.style("af_heart", 5)) == 256


def test_a_voice_that_may_not_be_read_is_not_called_damaged(folder):
    (folder / "voices" / "af_folder.pt").mkdir()
    with pytest.raises(EngineError, match=r"af_folder\.pt cannot be read: Is a directory"):
        Voices(folder / "voices").style("af_folder", 5)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("config.json", "has no config.json; it must be a folder with"),
        ("kokoro-v1_0.pth", "has no .pth file; .* kokoro-v1_0.pth of hexgrad/Kokoro-82M"),
        ("voices", "no voices in .*one .pt file a voice"),
    ],
)
def test_what_a_folder_lacks_is_named(folder, missing, message):
    path = folder / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ConfigError, match=rf"kokoro\.model: .*{message}"):
        load(str(folder))


def test_a_file_in_the_older_format_of_torch_is_read_too(folder):
    path = folder / "kokoro-v1_0.pth"
    stored = torch.load(path, weights_only=True)
    named = {
        part: {f"module.{name}": tensor for name, tensor in tensors.items()}
        for part, tensors in stored.items()
    }  # as the released file has them
    path.unlink()
    torch.save(named, path, _use_new_zipfile_serialization=False)
    loaded = load(str(folder)).model.state_dict()
    for part, tensors in stored.items():
        for name, tensor in tensors.items():
            assert torch.equal(loaded[f"{part}.{name}"], tensor), name


def test_two_pth_files_are_one_too_many(folder):
    (folder / "other.pth").touch()
    with pytest.raises(ConfigError, match=r"2 \.pth files"):
        load(str(folder))


@pytest.mark.parametrize("spoil", ["pth", "config"])
def test_files_that_are_not_kokoros_are_refused(folder, spoil):
    if spoil == "pth":
        (folder / "kokoro-v1_0.pth").unlink()
        (folder / "kokoro-v1_0.pth").write_text("garbage")
    else:
        (folder / "config.json").write_text(json.dumps({"vocab": {}}))
    with pytest.raises(ConfigError, match=r"no checkpoint of Kokoro .*download it again"):
        load(str(folder))


@pytest.mark.parametrize("vocabulary", ["x", None, {}, {"a": "1"}, {"a": 178}, {"a": -1}])
def test_a_vocabulary_that_is_none_is_refused(folder, vocabulary):
    """Killed: a voice that loads and then says nothing, or fails at the first "a"."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "vocab": vocabulary}))
    with pytest.raises(
        ConfigError, match=r"with config\.json is no .*vocab.*download it again"
    ):
        load(str(folder))


def test_tensors_that_kmodel_would_pass_over_are_missed(folder):
    sections = torch.load(folder / "kokoro-v1_0.pth", weights_only=True)
    sections["decoder"] = {f"module.{k}": v for k, v in sections["decoder"].items()}
    sections["predictor"].pop("F0_proj.weight")
    (folder / "kokoro-v1_0.pth").unlink()
    torch.save(sections, folder / "kokoro-v1_0.pth")
    with pytest.raises(ConfigError, match=r"lacks predictor\.F0_proj\.weight and 0 more"):
        load(str(folder))


def test_tensors_of_other_shapes_are_missed_too(folder):
    """Killed: a voice that loads, and fails at its first word."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_dim": 3}))
    with pytest.raises(ConfigError, match=r"kokoro-v1_0\.pth lacks .* config\.json gives them"):
        load(str(folder))


@pytest.mark.parametrize("model", ["nowhere", "./nowhere", "/no/where", "a/b/c", "~/nowhere/x"])
def test_neither_a_folder_nor_a_hub_id(model):
    with pytest.raises(ConfigError, match=r"there is no folder .*hexgrad/Kokoro-82M"):
        find(model)


def test_without_the_hub_the_remedy_is_a_folder(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        ConfigError, match=r"cannot be had from the hub: .*HF_HUB_OFFLINE.*put a"
    ):
        find("hexgrad/Kokoro-82M")


@pytest.fixture
def hub(monkeypatch):
    """What snapshot_download finds here, and then there; an error is raised."""

    def use(here, there):
        asked = []

        def snapshot(model, *, allow_patterns, local_files_only):
            assert allow_patterns == ["config.json", "*.pth", "voices/*.pt"]
            asked.append(local_files_only)
            found = here if local_files_only else there
            if isinstance(found, Exception):
                raise found
            return str(found)

        monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
        return asked

    return use


NOT_HERE = LocalEntryNotFoundError("not in the cache")


@pytest.mark.parametrize("cut", [Exception("timed out"), XetDownloadError("timed out")])
def test_a_download_that_was_cut_off_says_what_to_do(hub, cut):
    """The hub's client lets through what its transports raise, which is no OSError."""
    hub(NOT_HERE, cut)
    with pytest.raises(ConfigError, match=r"cannot be had from the hub: timed out; check"):
        find("hexgrad/Kokoro-82M")


def test_what_is_here_asks_nobody(hub, folder):
    """A hub that never answers, as behind a firewall, would hold up the start for minutes."""
    asked = hub(folder, AssertionError("the hub was asked"))
    assert find("hexgrad/Kokoro-82M") == folder
    assert asked == [True]


def test_what_is_not_here_is_fetched(hub, folder):
    asked = hub(NOT_HERE, folder)
    assert find("hexgrad/Kokoro-82M") == folder
    assert asked == [True, False]


@pytest.mark.parametrize("lost", ["config.json", "kokoro-v1_0.pth", "voices"])
def test_what_is_here_in_part_is_fetched(hub, folder, checkpoint_folder, lost):
    path = folder / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    asked = hub(folder, checkpoint_folder)
    assert find("hexgrad/Kokoro-82M") == checkpoint_folder
    assert asked == [True, False]


def test_a_malformed_hub_id_is_named():
    with pytest.raises(ConfigError, match=r"kokoro\.model: kok oro/x cannot be had"):
        find("kok oro/x")


def test_a_missing_package_is_told_with_the_command(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "kokoro", None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[voxtral\]'"):
        load(str(folder))
