"""Starting Voxtral: what works answers as generate() does, what cannot work says so first."""

import json
import logging
import shutil
from dataclasses import replace
from importlib.util import find_spec

import pytest
import tiny_voxtral
import torch
from safetensors.torch import load_file, save_file
from torch.nn.modules.module import register_module_forward_hook

from agent.accelerator.device import Accelerator
from agent.accelerator.ladder import (
    COMPILE_MODE,
    COMPILED_GRAPHS,
    EAGER,
    FUSED_GRAPHS,
    GRAPHS,
)
from agent.brains.voxtral import start as module
from agent.brains.voxtral.attention import Flash, Packed, Plain
from agent.brains.voxtral.prompt import User, chat
from agent.brains.voxtral.runner import Runner
from agent.brains.voxtral.sampling import Sampling
from agent.brains.voxtral.span import Utterance
from agent.brains.voxtral.start import choose_attention, start
from agent.config import Config, Limits, Torch, Voxtral
from agent.errors import ConfigError

needs_torchao = pytest.mark.skipif(find_spec("torchao") is None, reason="torchao is optional")


def config(checkpoint, **voxtral) -> Config:
    tiny = {"model": str(checkpoint), "dtype": "float32", "context_tokens": 1024, **voxtral}
    return Config(
        limits=Limits(calls=2),
        torch=Torch(device="cpu"),
        voxtral=Voxtral(transcript=False, **tiny),
    )


def gpu(capability: tuple[int, int] = (9, 0)) -> Accelerator:
    return Accelerator(torch.device("cuda", 0), "a GPU", "", 2**40, capability, ())


def answer(started, count: int) -> list[int]:
    runner = started.runner
    utterance = Utterance(tiny_voxtral.noise(2.3, 1))
    span = chat(started.tekken, [User(("Be brief.", utterance))])
    at = span.index(utterance)
    tekken, audio = started.tekken, runner.embed_audio(utterance.samples)
    tokens = [runner.first(0, [*span[:at], tekken.begin_audio, audio, *span[at + 1 :]])]
    while len(tokens) < count:
        tokens += runner.step([0])
    return tokens


def generated(checkpoint, count: int) -> list[int]:
    content = [
        {"type": "text", "text": "Be brief."},
        {"type": "audio", "base64": tiny_voxtral.base64_wav(tiny_voxtral.noise(2.3, 1))},
    ]
    inputs = tiny_voxtral.processor(checkpoint).apply_chat_template(
        [{"role": "user", "content": content}]
    )
    return tiny_voxtral.generate(checkpoint, inputs, count)


@pytest.mark.parametrize("attention", ["auto", "sdpa", "eager", "flash_attention_2"])
def test_it_answers_as_generate_does(checkpoint, attention) -> None:
    started = start(config(checkpoint, attention=attention))
    assert answer(started, 12) == generated(checkpoint, 12)
    assert started.runner.slots == started.room.slots == 2
    assert started.runner.context == 1024


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("text_config", "hidden_size", "16"),
        ("text_config", "hidden_act", "x"),
        ("text_config", "num_hidden_layers", -1),
        ("text_config", "num_hidden_layers", 0),
        ("text_config", "num_key_value_heads", 3),
        ("text_config", "head_dim", 0),
        ("text_config", "rope_parameters", {"rope_theta": None, "rope_type": "default"}),
        ("audio_config", "num_hidden_layers", None),
        ("audio_config", "num_hidden_layers", -1),
        ("audio_config", "num_attention_heads", -1),
        ("audio_config", "model_type", 5),
    ],
)
def test_a_config_of_which_no_model_can_be_made_is_named_and_nothing_is_loaded(
    checkpoint, tmp_path, monkeypatch, section, key, value
) -> None:
    """Killed: a traceback of transformers', minutes after the start."""
    folder = shutil.copytree(checkpoint, tmp_path / "voxtral")
    told = json.loads((folder / "config.json").read_text())
    told[section] |= {key: value}
    (folder / "config.json").write_text(json.dumps(told))
    monkeypatch.setattr(module, "load", lambda *_: pytest.fail("weights were loaded"))
    with pytest.raises(
        ConfigError, match=r"config\.json has a value of a wrong kind .*; delete"
    ) as caught:
        start(config(folder))
    if value in (0, -1, 3):
        assert key in str(caught.value)


@pytest.mark.parametrize("part", ["text_config", "audio_config"])
def test_a_config_of_fewer_layers_than_there_are_weights_is_refused(
    checkpoint, tmp_path, part
) -> None:
    """Killed: a model that lost a layer, and talks nonsense."""
    folder = shutil.copytree(checkpoint, tmp_path / "voxtral")
    told = json.loads((folder / "config.json").read_text())
    told[part]["num_hidden_layers"] = 1
    (folder / "config.json").write_text(json.dumps(told))
    with pytest.raises(ConfigError, match=r"weights of more layers .*layers\.1\..*; delete"):
        start(config(folder))


def of_another_type(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes().replace(b'"F32"', b'"X32"'))


def for_too_little_memory(folder):
    told = json.loads((folder / "config.json").read_text())
    told["text_config"]["vocab_size"] = 10**12
    (folder / "config.json").write_text(json.dumps(told))


@pytest.mark.parametrize("spoil", [of_another_type, for_too_little_memory])
def test_what_transformers_cannot_load_is_told_with_the_folder(
    checkpoint, tmp_path, spoil
) -> None:
    """Killed: a traceback of transformers'."""
    folder = shutil.copytree(checkpoint, tmp_path / "voxtral")
    spoil(folder)
    with pytest.raises(ConfigError, match=r"cannot load .*/voxtral: .*Error: .*; unless"):
        start(config(folder))


def as_the_hub_has_it(checkpoint, folder):
    """The same weights in the files of mistralai/Voxtral-Mini-3B-2507, which transformers 4.54
    wrote: shards in bfloat16, the rotation's base and the dtype under their old names, keys
    that nobody reads any more, and Mistral's own format beside it."""
    weights = load_file(checkpoint / "model.safetensors")
    index = {}
    for number, names in enumerate((sorted(weights)[:30], sorted(weights)[30:]), 1):
        shard = f"model-0000{number}-of-00002.safetensors"
        half = {name: weights[name].to(torch.bfloat16) for name in names}
        save_file(half, folder / shard, metadata={"format": "pt"})
        index |= dict.fromkeys(names, shard)
    assert "language_model.model.layers.0.self_attn.q_proj.weight" in index
    assert {"language_model.lm_head.weight", "audio_tower.conv1.bias"} < set(index)
    config = json.loads((checkpoint / "config.json").read_text())
    text = config["text_config"]
    text |= {"rope_theta": text.pop("rope_parameters")["rope_theta"] / 100}
    text |= {"rope_scaling": None, "max_position_embeddings": 131_072}
    del text["tie_word_embeddings"]
    config["audio_config"] |= {"head_dim": 8, "num_key_value_heads": 2}
    config |= {"torch_dtype": "bfloat16", "transformers_version": "4.54.0.dev0"}
    del config["dtype"]
    files = {
        "config.json": {**config, "vocab_size": text["vocab_size"]},
        "model.safetensors.index.json": {"metadata": {"total_size": 1}, "weight_map": index},
        "generation_config.json": {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 11},
        "params.json": {"dim": 3072},
        "consolidated.safetensors": "what vLLM reads",
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    shutil.copy(checkpoint / "tekken.json", folder)
    return folder


def test_the_files_of_the_hub_are_read_as_they_are_meant(checkpoint, tmp_path) -> None:
    started = start(config(as_the_hub_has_it(checkpoint, tmp_path), context_tokens=8448))
    decoder, stored = (
        started.runner._passes.decoder,
        load_file(checkpoint / "model.safetensors"),
    )
    rounded = {name: weight.bfloat16().float() for name, weight in stored.items()}
    assert torch.equal(decoder.head.weight, rounded["language_model.lm_head.weight"])
    embedding = rounded["language_model.model.embed_tokens.weight"]
    assert torch.equal(decoder.embedding.weight, embedding)
    assert not torch.equal(decoder.head.weight, embedding), "they are not tied"
    turns = torch.arange(8448)[:, None] / 1e6 ** (torch.arange(0, 8, 2) / 8)
    assert torch.allclose(decoder._turns[0, :, :4], turns.cos(), atol=1e-3)
    assert answer(started, 12)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_only_eager_hears_by_transformers_own_encoder(checkpoint, attention) -> None:
    runner, seen = start(config(checkpoint, attention=attention)).runner, set()
    with register_module_forward_hook(lambda module, *_: seen.add(type(module).__name__)):
        runner.embed_audio(tiny_voxtral.noise(1))
    assert "VoxtralMultiModalProjector" in seen
    assert ("VoxtralEncoder" in seen) == (attention == "eager")


def test_what_was_chosen_is_known_and_logged(checkpoint, caplog) -> None:
    with caplog.at_level(logging.INFO):
        started = start(config(checkpoint))
    told = "\n".join(record.getMessage() for record in caplog.records)
    assert "Voxtral on CPU" in told
    assert "GiB of weights and 2 slots" in told
    assert "Loading weights: 100 %" in told
    assert [choice.rung for choice in started.runner.chosen] == [
        f"{EAGER}, SDPA",
        f"{EAGER}, SDPA",
        f"{EAGER}, plain attention",
    ]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_near_full(checkpoint, dtype) -> None:
    """Not token for token; but the same sound must give nearly the same embeddings."""
    full = start(config(checkpoint)).runner.embed_audio(tiny_voxtral.noise(1)).embeddings
    half = start(config(checkpoint, dtype=dtype)).runner.embed_audio(tiny_voxtral.noise(1))
    assert half.embeddings.dtype == getattr(torch, dtype)
    off = (half.embeddings.float() - full).norm() / full.norm()
    assert off < 0.1


@needs_torchao
@pytest.mark.filterwarnings("ignore")  # torchao's own, about kernels for other machines
def test_int8_weights_load_and_answer(checkpoint) -> None:
    started = start(config(checkpoint, quantization="int8"))
    layer = started.runner._passes.decoder.layers[0]
    assert type(layer.qkv.weight) is not torch.nn.Parameter
    assert len(answer(started, 12)) == 12


def test_int8_without_torchao_is_refused(checkpoint, monkeypatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install .*torchao"):
        start(config(checkpoint, quantization="int8"))


def test_a_context_beyond_the_model_is_refused(checkpoint) -> None:
    with pytest.raises(ConfigError, match=r"context_tokens=16384: .* 8192"):
        start(config(checkpoint, context_tokens=16_384))


def test_bfloat16_on_an_old_gpu_is_refused(checkpoint, monkeypatch) -> None:
    monkeypatch.setattr(module, "accelerator", lambda _: gpu((7, 5)))
    with pytest.raises(ConfigError, match="set it to float16"):
        start(config(checkpoint, dtype="bfloat16"))


def test_too_little_memory_is_found_out_before_loading(checkpoint, monkeypatch) -> None:
    monkeypatch.setattr(Accelerator, "free_bytes", lambda _: 2**20)
    monkeypatch.setattr(module, "load", lambda *_: pytest.fail("it was loaded"))
    with pytest.raises(ConfigError, match="GiB of memory"):
        start(config(checkpoint))


def test_what_is_missing_when_all_stands_costs_slots(checkpoint, monkeypatch, caplog) -> None:
    """The first look is of a GPU whose graphs took what a slot was reckoned to have."""
    looks = iter([2**28 + 2**17, 2**40])
    monkeypatch.setattr(Accelerator, "left_bytes", lambda _: next(looks))
    started = start(config(checkpoint))
    assert started.runner.slots == started.room.slots == 1
    assert "2 slots are too many" in caplog.text
    assert answer(started, 12) == generated(checkpoint, 12)


def test_on_a_gpu_the_widest_is_tried_before_it_is_measured(checkpoint, monkeypatch) -> None:
    started = start(config(checkpoint))
    done = []
    monkeypatch.setattr(Runner, "rehearse", lambda _, how: done.append(how))
    monkeypatch.setattr(Accelerator, "left_bytes", lambda _: done.append("measured") or 2**40)
    wanted = Voxtral(temperature=0.7, top_p=0.8)
    assert module._lacks(wanted, gpu(), started.runner, started.room) < 0
    assert done == [Sampling(0.7, 0.8), "measured"]


def test_weights_that_are_missing_are_not_made_up(checkpoint, tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(checkpoint, tmp_path / "voxtral")
    weights = load_file(folder / "model.safetensors")
    weights = {name: w.clone() for name, w in weights.items() if "lm_head" not in name}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ConfigError, match=r"lacks 1 weights, lm_head\.weight"):
        start(config(folder))


def test_weights_of_other_shapes_than_the_config_says_are_refused(checkpoint, tmp_path) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "other")
    path = folder / "config.json"
    about = json.loads(path.read_text())
    about["text_config"]["intermediate_size"] *= 2
    path.write_text(json.dumps(about))
    told = (
        r"6 weights have other shapes than its config\.json says, \S*down_proj\.weight for one"
    )
    with pytest.raises(ConfigError, match=told + ".*download"):
        start(config(folder))


def test_attention_is_what_the_gpu_and_the_dtype_allow(monkeypatch, caplog) -> None:
    monkeypatch.setattr(torch.backends.cuda, "is_flash_attention_available", lambda: True)
    auto, asked = Voxtral(), Voxtral(attention="flash_attention_2")
    half = torch.bfloat16
    monkeypatch.setattr(module, "find_spec", lambda _: None)  # no Triton
    assert choose_attention(auto, gpu(), half) == (Flash(), Packed())
    assert choose_attention(asked, gpu(), half) == (Flash(), Packed())
    assert choose_attention(Voxtral(attention="sdpa"), gpu(), half) == (Packed(),)
    assert choose_attention(Voxtral(attention="eager"), gpu(), half) == (Plain(),)
    for device, dtype, why in (
        (gpu((7, 5)), torch.float16, "older than Ampere"),
        (gpu(), torch.float32, "half precision only"),
        (replace(gpu(), device=torch.device("cpu")), half, "needs a GPU"),
    ):
        caplog.clear()
        assert choose_attention(auto, device, dtype) == (Packed(),)
        assert not caplog.records
        assert choose_attention(asked, device, dtype) == (Packed(),)
        assert why in caplog.text
    monkeypatch.setattr(torch.backends.cuda, "is_flash_attention_available", lambda: False)
    choose_attention(asked, gpu(), half)
    assert "built without it" in caplog.text


def test_where_triton_is_its_kernels_are_tried_first(monkeypatch) -> None:
    pytest.importorskip("triton")
    from agent.brains.voxtral.fused import Tiled

    monkeypatch.setattr(torch.backends.cuda, "is_flash_attention_available", lambda: True)
    half = torch.bfloat16
    assert choose_attention(Voxtral(), gpu(), half) == (Tiled(), Flash(), Packed())
    asked = Voxtral(attention="flash_attention_2")
    assert choose_attention(asked, gpu(), half) == (Flash(), Packed())
    for wanted, how, first in (
        (Voxtral(), Torch(), FUSED_GRAPHS),
        (Voxtral(quantization="int8"), Torch(), COMPILED_GRAPHS),
        (Voxtral(), Torch(compile=""), GRAPHS),
        (Voxtral(), Torch(graphs=False), COMPILE_MODE),
    ):
        assert module._ways(wanted, how, gpu(), (Tiled(),)).rungs[0] == first


def test_int8_is_for_the_layers_matrices_alone(checkpoint) -> None:
    from agent.brains.voxtral.checkpoint import examine

    quantized = {name for name in examine(checkpoint).sizes if module._is_quantized(name)}
    assert len(quantized) == 2 * 7
    assert not any("audio_tower" in name or "projector" in name for name in quantized)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_gpu_records_every_pass_and_agrees_with_its_slow_twin(checkpoint, dtype) -> None:
    """The ladder itself compares; here it must not have fallen."""
    on_gpu = replace(config(checkpoint, dtype=dtype), torch=Torch(device="cuda"))
    started = start(on_gpu)
    for choice in started.runner.chosen:
        assert choice.rung.startswith("CUDA graphs"), choice
    assert started.accelerator.left_bytes() > started.room.slots * started.room.audio_bytes
    slow = start(replace(on_gpu, torch=Torch(device="cuda", graphs=False, compile="")))
    fast, twin = (s.runner.embed_audio(tiny_voxtral.noise(2)) for s in (started, slow))
    assert torch.allclose(fast.embeddings, twin.embeddings, atol=0.05)
    started.runner.free(0)
    first, _ = started.runner.hear_and_answer(0, tiny_voxtral.noise(2), [4])
    held = first.embeddings.clone()
    started.runner.free(1)
    started.runner.hear_and_answer(1, tiny_voxtral.noise(3, 9), [4])
    assert torch.equal(first.embeddings, held)  # a replay overwrites what the last one returned
    assert torch.allclose(held, fast.embeddings, atol=0.05)
    started.runner.free(0)
    assert len(answer(started, 12)) == 12
