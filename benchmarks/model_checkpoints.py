"""Checkpoints of any size with random weights, in the real file formats.

What a model costs does not depend on what its weights say. Written once into a folder, they are
loaded by the product's own code, as downloaded ones are. Nothing here is worth listening to.
"""

import io
import json
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

VOXTRAL: dict[str, dict[str, dict[str, int]]] = {
    # Voxtral-Mini-3B-2507: transformers' own defaults
    "full": {"audio_config": {}, "text_config": {"num_attention_heads": 32}},
    # the same shape, an eighth as deep and a sixth as wide: for a CPU
    "reduced": {
        "audio_config": {
            "hidden_size": 384,
            "intermediate_size": 1536,
            "num_hidden_layers": 4,
            "num_attention_heads": 6,
        },
        "text_config": {
            "hidden_size": 512,
            "intermediate_size": 1368,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 1,
            "head_dim": 128,
        },
    },
}
_SPECIALS = {
    **{0: "<unk>", 1: "<s>", 2: "</s>", 3: "[INST]", 4: "[/INST]", 5: "[AVAILABLE_TOOLS]"},
    **{6: "[/AVAILABLE_TOOLS]", 7: "[TOOL_RESULTS]", 8: "[/TOOL_RESULTS]", 9: "[TOOL_CALLS]"},
    **{10: "[IMG]", 11: "<pad>", 12: "[IMG_BREAK]", 13: "[IMG_END]", 14: "[PREFIX]"},
    **{15: "[MIDDLE]", 16: "[SUFFIX]", 17: "[SYSTEM_PROMPT]", 18: "[/SYSTEM_PROMPT]"},
    **{19: "[TOOL_CONTENT]", 24: "[AUDIO]", 25: "[BEGIN_AUDIO]", 34: "[TRANSCRIBE]"},
}
KOKORO: dict[str, Any] = {
    "istftnet": {
        "upsample_kernel_sizes": [20, 12],
        "upsample_rates": [10, 6],
        "gen_istft_hop_size": 5,
        "gen_istft_n_fft": 20,
        "resblock_dilation_sizes": [[1, 3, 5]] * 3,
        "resblock_kernel_sizes": [3, 7, 11],
        "upsample_initial_channel": 512,
    },
    "dim_in": 64,
    "dropout": 0.2,
    "hidden_dim": 512,
    "max_conv_dim": 512,
    "max_dur": 50,
    "multispeaker": True,
    "n_layer": 3,
    "n_mels": 80,
    "n_token": 178,
    "style_dim": 128,
    "text_encoder_kernel_size": 5,
    "plbert": {
        "hidden_size": 768,
        "num_attention_heads": 12,
        "intermediate_size": 2048,
        "max_position_embeddings": 512,
        "num_hidden_layers": 12,
        "dropout": 0.1,
    },
}
_PHONEMES = ';:,.!?—…"()“” AIOQSTWYabcdefhijklmnopqrstuvwxyzɑɐɒæɔəɚɛɜɡɪŋɹɾʃʊʌʒʤʧˈˌːθðᵊᵻ'  # noqa: RUF001
_FRAMES_A_PHONEME = 3.0  # of 25 ms: the pace of real speech
_VOICE = "af_random"


def voxtral(folder: Path, size: str, dtype: torch.dtype, device: torch.device) -> Path:
    """Write a checkpoint of `size` unless it is there: 9.4 GB at full size, 16 bits."""
    hub: Any = import_module("transformers")
    if (folder / "config.json").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = _write_tekken(folder / "tekken.json")
    shape = VOXTRAL[size]
    text = {"model_type": "llama", "vocab_size": vocabulary, **shape["text_config"]}
    config = hub.VoxtralConfig(
        audio_config=dict(shape["audio_config"]), text_config=text, audio_token_id=24
    )
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = hub.VoxtralForConditionalGeneration(config)
    finally:
        torch.set_default_dtype(before)
    return save_voxtral(model, folder)


def save_voxtral(model: Any, folder: Path) -> Path:
    """A model in a folder with its tokenizer, and all else that a checkpoint needs."""
    hub: Any = import_module("transformers")
    backend: Any = import_module("transformers.tokenization_mistral_common")
    model.generation_config = hub.GenerationConfig(
        bos_token_id=1, eos_token_id=2, pad_token_id=11
    )
    extractor = hub.WhisperFeatureExtractor(
        feature_size=128, sampling_rate=16000, hop_length=160, n_fft=400, chunk_length=30
    )
    tokenizer = backend.MistralCommonBackend(tokenizer_path=folder / "tekken.json")
    hub.VoxtralProcessor(feature_extractor=extractor, tokenizer=tokenizer).save_pretrained(
        folder
    )
    model.save_pretrained(folder)
    return folder


def kokoro(folder: Path) -> Path:
    """Write a full-size Kokoro unless it is there: 328 MB, one voice."""
    if (folder / "config.json").exists():
        return folder
    vocabulary = {letter: i for i, letter in enumerate(_PHONEMES, 1)}
    config = write_kokoro_config(folder, {**KOKORO, "vocab": vocabulary})
    model = new_kokoro(config)
    duration = model.predictor.duration_proj.linear_layer
    share = _FRAMES_A_PHONEME / KOKORO["max_dur"]
    with torch.no_grad():
        duration.weight.mul_(0.1)
        duration.bias.fill_(float(np.log(share / (1 - share))))
    return save_kokoro(model, folder, [_VOICE])


def write_kokoro_config(folder: Path, config: dict[str, Any]) -> Path:
    """Its place in a new folder."""
    (folder / "voices").mkdir(parents=True, exist_ok=True)
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return path


def new_kokoro(config: Path) -> Any:
    """A KModel with random weights, the same each time."""
    from kokoro import KModel

    none = io.BytesIO()  # its constructor wants weights to read, and gets none
    torch.save({}, none)
    none.seek(0)
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: Any = KModel("hexgrad/Kokoro-82M", str(config), none)
    return model.eval()


def save_kokoro(model: Any, folder: Path, voices: Sequence[str]) -> Path:
    """Weights and random voices, as the hub has them."""
    parts = ("bert", "bert_encoder", "predictor", "text_encoder", "decoder")
    torch.save(
        {name: getattr(model, name).state_dict() for name in parts},
        folder / "kokoro-v1_0.pth",
    )
    for name in voices:
        torch.save(torch.randn(510, 1, 256) * 0.15, folder / "voices" / f"{name}.pt")
    return folder


def _write_tekken(path: Path) -> int:
    """mistral_common's own vocabulary with Voxtral's special tokens; returns its size."""
    import mistral_common

    source = Path(mistral_common.__file__).parent / "data" / "tekken_240911.json"
    whole = json.loads(source.read_text(encoding="utf-8"))
    write_tekken(path, whole["config"], whole["vocab"])
    return int(whole["config"]["default_vocab_size"])


def write_tekken(path: Path, config: dict[str, Any], vocabulary: list[Any]) -> None:
    """A version 7 tokenizer with Voxtral's special tokens and its audio."""
    specials = [
        {"rank": i, "token_str": _SPECIALS.get(i, f"<SPECIAL_{i}>"), "is_control": True}
        for i in range(config["default_num_special_tokens"])
    ]
    audio = {
        "sampling_rate": 16000,
        "frame_rate": 12.5,
        "chunk_length_s": 30.0,
        "audio_encoding_config": {"num_mel_bins": 128, "hop_length": 160, "window_size": 400},
    }
    whole = {
        "config": {**config, "version": "v7"},
        "vocab": vocabulary,
        "special_tokens": specials,
        "audio": audio,
    }
    path.write_text(json.dumps(whole))
