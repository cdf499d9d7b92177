"""Random checkpoints are loaded by the product's own code, as downloaded ones are."""

import json
from pathlib import Path

import pytest
import tiny_kokoro
import torch

from agent.brains.voxtral.checkpoint import find
from agent.brains.voxtral.progress import Progress
from agent.brains.voxtral.tekken import Tekken
from benchmarks import model_checkpoints

CPU = torch.device("cpu")
PHONEMES = "h\u0259l\u02c8O w\u02c8\u025c\u0279ld."  # hello world
TINY = {
    "audio_config": {
        "hidden_size": 16,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    },
    "text_config": {
        "hidden_size": 8,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 4,
    },
}


@pytest.fixture(scope="module")
def voxtral(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints") / "voxtral"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(model_checkpoints.VOXTRAL, "tiny", TINY)
        return model_checkpoints.voxtral(folder, "tiny", torch.float32, CPU)


def test_a_checkpoint_is_found_whole_with_the_real_vocabulary(voxtral) -> None:
    checkpoint = find(str(voxtral), Progress)
    tekken = Tekken(checkpoint.tokenizer)
    assert (tekken.size, tekken.audio, tekken.begin_audio, tekken.transcribe) == (
        *(131_072, 24, 25, 34),
    )
    text = "Sure, at 10:30 — déjà vu."
    assert b"".join(tekken.spell(token) for token in tekken.encode(text)).decode() == text


def test_a_checkpoint_that_is_there_is_not_written_again(voxtral) -> None:
    before = (voxtral / "config.json").stat().st_mtime_ns
    model_checkpoints.voxtral(voxtral, "full", torch.float32, CPU)
    assert (voxtral / "config.json").stat().st_mtime_ns == before


def test_full_size_is_the_published_architecture() -> None:
    transformers = pytest.importorskip("transformers")
    shape = model_checkpoints.VOXTRAL["full"]
    text = {"model_type": "llama", "vocab_size": 131_072, **shape["text_config"]}
    config = transformers.VoxtralConfig(
        audio_config=shape["audio_config"], text_config=text, audio_token_id=24
    )
    with torch.device("meta"):
        model = transformers.VoxtralForConditionalGeneration(config)
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(4.676e9, rel=0.001)


def test_a_random_kokoro_speaks_at_the_pace_of_real_speech(tmp_path) -> None:
    checkpoint = pytest.importorskip("agent.voices.kokoro.checkpoint")
    loaded = checkpoint.load(str(model_checkpoints.kokoro(tmp_path / "kokoro")))
    assert loaded.voices.names == ("af_random",)
    assert (
        loaded.vocabulary == json.loads((tmp_path / "kokoro/config.json").read_text())["vocab"]
    )
    style = loaded.voices.style("af_random", 12)
    with torch.no_grad():
        spoken = loaded.model(
            "h\u0259l\u02c8O w\u02c8\u025c\u0279ld.", style.view(1, -1), return_output=True
        )
    assert 1.5 < float(spoken.pred_dur.float().mean()) < 6


def test_a_kokoro_is_made_without_a_file_that_another_process_may_delete(
    tmp_path, monkeypatch
) -> None:
    pytest.importorskip("kokoro")
    config = model_checkpoints.write_kokoro_config(tmp_path, tiny_kokoro.CONFIG)
    save, written = torch.save, []
    monkeypatch.setattr(torch, "save", lambda what, to: (written.append(to), save(what, to)))
    model, again = model_checkpoints.new_kokoro(config), model_checkpoints.new_kokoro(config)
    assert not [to for to in written if isinstance(to, str | Path)]
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
