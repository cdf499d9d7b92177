"""A tiny random Voxtral checkpoint, by the real classes and in the real file formats.

Weights are spread out, so that tokens vary and depend on the audio: a test on it can fail.
"""

import base64
import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import torch
from transformers import VoxtralConfig, VoxtralForConditionalGeneration, VoxtralProcessor

from agent.brains.voxtral.cache import Cache, stride
from agent.brains.voxtral.decoder import Decoder
from agent.brains.voxtral.ears import Ears
from agent.brains.voxtral.passes import Passes
from benchmarks import model_checkpoints

_SPECIALS = 64
VOCABULARY = _SPECIALS + 256
_PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def write_tekken(path: Path) -> None:
    """The 256 bytes and Voxtral's special tokens, as a version 7 tokenizer with audio."""
    vocabulary = [
        {"rank": i, "token_bytes": base64.b64encode(bytes([i])).decode(), "token_str": None}
        for i in range(256)
    ]
    config = {
        "pattern": _PATTERN,
        "num_vocab_tokens": 256,
        "default_vocab_size": VOCABULARY,
        "default_num_special_tokens": _SPECIALS,
    }
    model_checkpoints.write_tekken(path, config, vocabulary)


def make(folder: Path) -> Path:
    """Write the checkpoint: 0.3 MB, every file that a real one needs."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tekken(folder / "tekken.json")
    config = VoxtralConfig(
        audio_config={
            "hidden_size": 16,
            "intermediate_size": 64,  # four frames of hidden_size side by side
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_mel_bins": 128,
            "max_source_positions": 1500,
        },
        text_config={
            "model_type": "llama",
            "vocab_size": VOCABULARY,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "max_position_embeddings": 8192,
        },
        audio_token_id=24,
    )
    torch.manual_seed(1)  # before the classes draw: the positions of the encoder stay theirs
    model = VoxtralForConditionalGeneration(config).to(torch.float32).eval()
    for name, weight in model.named_parameters():
        if weight.ndim >= 2 and "embed_positions" not in name:
            weight.data.normal_(std=_spread(name))
    return model_checkpoints.save_voxtral(model, folder)


def _spread(name: str) -> float:
    """Sharp attention and strong layers: a plain random model says one word for ever."""
    if "embed_tokens" in name:
        return 0.08
    if "audio" not in name and ("q_proj" in name or "k_proj" in name):
        return 0.6
    return 0.2


@cache
def reference(folder: Path) -> VoxtralForConditionalGeneration:
    """A model of its own for generate()."""
    return VoxtralForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()


def passes(folder: Path, slots: int = 4, context: int = 1024) -> Passes:
    """Ours, on a model and a cache of their own."""
    model = VoxtralForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    inner = model.model
    cpu = torch.device("cpu")
    decoder = Decoder(inner.language_model, model.lm_head, stride(context), cpu)
    kept = Cache(slots, context, decoder.shape, torch.float32, cpu)
    return Passes(decoder, Ears(inner.audio_tower, inner.multi_modal_projector), kept)


def generate(folder: Path, inputs: Mapping[str, torch.Tensor], count: int) -> list[int]:
    """What transformers itself answers, greedily, end tokens and all."""
    with torch.no_grad():
        out = reference(folder).generate(
            **inputs, max_new_tokens=count, do_sample=False, eos_token_id=None
        )
    return out[0, inputs["input_ids"].shape[1] :].tolist()


@cache
def processor(folder: Path) -> VoxtralProcessor:
    return VoxtralProcessor.from_pretrained(folder)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    """Samples that survive 16-bit files unchanged."""
    random = np.random.default_rng(seed)
    samples = random.uniform(-0.5, 0.5, int(seconds * 16000)) * random.uniform(0.2, 1)
    return (np.round(samples * 32767) / 32768).astype(np.float32)


def base64_wav(samples: np.ndarray) -> str:
    held = io.BytesIO()
    soundfile.write(held, samples, 16000, format="WAV", subtype="PCM_16")
    return base64.b64encode(held.getvalue()).decode()
