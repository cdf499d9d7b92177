"""From config.yaml to a runner: everything that can be wrong is said before a call is taken."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from agent.accelerator.device import AMPERE, DTYPES, Accelerator, accelerator
from agent.accelerator.ladder import COMPILED_GRAPHS, FUSED_GRAPHS, GRAPHS, rung_names
from agent.brains.voxtral.admission import give_back, settle
from agent.brains.voxtral.attention import Attention, Flash, Packed, Plain
from agent.brains.voxtral.cache import Cache, Shape, stride
from agent.brains.voxtral.checkpoint import Checkpoint, find, unfit
from agent.brains.voxtral.decoder import Decoder
from agent.brains.voxtral.ears import Ears
from agent.brains.voxtral.encoder import Encoder, unchanged
from agent.brains.voxtral.kinds import Ways
from agent.brains.voxtral.passes import Passes
from agent.brains.voxtral.progress import Progress
from agent.brains.voxtral.room import WORK_BYTES, Room, audio_bytes, share_out
from agent.brains.voxtral.runner import Runner
from agent.brains.voxtral.sampling import Sampling
from agent.brains.voxtral.tekken import Tekken
from agent.config import Config, Torch, Voxtral
from agent.errors import ConfigError, first_line

log = logging.getLogger(__name__)

_COUNTS = ("num_hidden_layers", "num_attention_heads")  # in either part of a config
_MARGIN_BYTES = 2**28  # the voice's longest phrases, and what breaks up


@dataclass(frozen=True, slots=True)
class Started:
    """Voxtral, ready."""

    runner: Runner
    tekken: Tekken
    room: Room
    accelerator: Accelerator


def found(wanted: Voxtral, config: Torch) -> Checkpoint:
    """The checkpoint, after all that can be refused before anything is loaded.

    Raises ConfigError.
    """
    device = accelerator(config)
    if not device.computes(DTYPES[wanted.dtype]):
        raise ConfigError(
            f"voxtral.dtype is {wanted.dtype}, which {device.name} has no arithmetic for;"
            " set it to float16"
        )
    if wanted.quantization == "int8" and find_spec("torchao") is None:
        raise ConfigError(
            "voxtral.quantization is int8, which needs torchao; run:"
            " pip install --no-deps torchao==0.18.0"
        )
    checkpoint = find(wanted.model, Progress)
    if wanted.context_tokens > checkpoint.positions:
        raise ConfigError(
            f"voxtral.context_tokens={wanted.context_tokens}: the model was made for"
            f" {checkpoint.positions}; set it to that or less"
        )
    return checkpoint


def start(config: Config) -> Started:
    """Load and record, which takes minutes on a GPU. Raises ConfigError."""
    logging.getLogger("mistral_common").setLevel(logging.WARNING)  # it counts its vocabulary
    wanted, device = config.voxtral, accelerator(config.torch)
    log.info("Voxtral on %s (%s)", device.name, device.why)
    checkpoint = found(wanted, config.torch)
    dtype = DTYPES[wanted.dtype]
    attentions = choose_attention(wanted, device, dtype)
    tekken = Tekken(checkpoint.tokenizer)
    shape, hidden = _shape(checkpoint)
    int8 = wanted.quantization == "int8"
    room = share_out(
        config,
        device.free_bytes(),
        checkpoint.weight_bytes(dtype.itemsize, lambda name: int8 and _is_quantized(name)),
        shape.slot_bytes(wanted.context_tokens, dtype),
        audio_bytes(wanted.context_tokens, hidden, dtype.itemsize),
        WORK_BYTES if device.is_cuda else WORK_BYTES // 8,
    )
    log.info("Voxtral: %s", room)
    decoder, ears = load(checkpoint, wanted, device, dtype)

    def build(slots: int, graphs: bool) -> Runner:
        cache = Cache(slots, wanted.context_tokens, shape, dtype, device.device)
        allowed = config.torch if graphs else replace(config.torch, graphs=False)
        ways = _ways(wanted, allowed, device, attentions)
        passes = Passes(decoder, ears, cache)
        return Runner(passes, wanted.context_tokens, tekken.begin_audio, ways)

    runner, room = settle(room, build, partial(_lacks, wanted, device), _starved)
    return Started(runner, tekken, room, device)


def _ways(
    wanted: Voxtral, config: Torch, device: Accelerator, attentions: tuple[Attention, ...]
) -> Ways:
    names = rung_names(config, is_cuda=device.is_cuda)
    if GRAPHS in names and config.compile == "auto":
        # uncompiled, int8 weights are widened in memory before each product; fused kernels are
        # for ordinary ones
        int8 = wanted.quantization == "int8"
        names = (COMPILED_GRAPHS if int8 else FUSED_GRAPHS, *names)
    fast = len(names) > 1 or attentions != (Plain(),)
    return Ways(
        names if fast else (),
        attentions,
        (False,) if wanted.temperature == 0 else (False, True),
    )


def _lacks(wanted: Voxtral, device: Accelerator, runner: Runner, room: Room) -> int:
    """How many bytes more the calls may come to need. On a GPU it is tried: what that took
    stays reserved."""
    if device.is_cuda:
        give_back()
        runner.rehearse(Sampling(wanted.temperature, wanted.top_p))
    return room.slots * room.audio_bytes + _MARGIN_BYTES - device.left_bytes()


def _starved(runner: Runner) -> bool:
    return any(passed.starved for chosen in runner.chosen for passed in chosen.passed)


def choose_attention(
    wanted: Voxtral, device: Accelerator, dtype: torch.dtype
) -> tuple[Attention, ...]:
    """Those worth trying, best first. Says so where what was asked for cannot be had."""
    match wanted.attention:
        case "eager":
            return (Plain(),)
        case "sdpa":
            return (Packed(),)
    why = _no_flash(device, dtype)
    if why:
        if wanted.attention == "flash_attention_2":
            log.warning("voxtral.attention is flash_attention_2, but %s; using sdpa", why)
        return (Packed(),)
    if wanted.attention == "auto" and find_spec("triton") is not None:
        from agent.brains.voxtral.fused import Tiled

        return (Tiled(), Flash(), Packed())
    return (Flash(), Packed())


def load(
    checkpoint: Checkpoint, wanted: Voxtral, device: Accelerator, dtype: torch.dtype
) -> tuple[Decoder, Ears]:
    """The weights on the device, by transformers. Raises ConfigError."""
    from transformers import VoxtralForConditionalGeneration

    int8 = wanted.quantization == "int8"
    straight = device.is_cuda and not int8  # else by way of the CPU: a layer at a time
    try:
        with _progress():
            loaded: Any = VoxtralForConditionalGeneration.from_pretrained(
                checkpoint.folder,
                dtype=dtype,
                attn_implementation="eager" if wanted.attention == "eager" else "sdpa",
                device_map={"": device.device} if straight else None,
                local_files_only=True,
                ignore_mismatched_sizes=True,  # told below: its own error names no weight
                output_loading_info=True,
            )
    except torch.OutOfMemoryError as error:
        raise ConfigError(
            f"voxtral.model: {checkpoint.folder} does not fit into {device.name}; stop what"
            " else uses it, or set voxtral.quantization to int8"
        ) from error
    except Exception as error:  # whatever its files, and too little memory, make them raise
        raise ConfigError(
            f"voxtral.model: transformers cannot load {checkpoint.folder}:"
            f" {type(error).__name__}: {first_line(error)[:200]}; unless it is for lack of"
            " memory, download it again"
        ) from error
    model, about = loaded
    again = "; delete it and download it again"
    unread = [name for name in about["unexpected_keys"] if name.endswith(".weight")]
    if more := sorted(name for name in unread if ".layers." in name):
        raise ConfigError(
            f"voxtral.model: {checkpoint.folder} has weights of more layers than its"
            f" config.json says, {more[0]} for one{again}"
        )
    if lost := sorted(about["missing_keys"]):
        raise ConfigError(
            f"voxtral.model: {checkpoint.folder} lacks {len(lost)} weights, {lost[0]} for one"
            + again
        )
    if other := sorted(name for name, *_ in about["mismatched_keys"]):
        raise ConfigError(
            f"voxtral.model: in {checkpoint.folder} {len(other)} weights have other shapes than"
            f" its config.json says, {other[0]} for one{again}"
        )
    model.eval().requires_grad_(False)
    inner = model.model
    for part in (inner.audio_tower, inner.multi_modal_projector, model.lm_head):
        part.to(device.device)
    positions = stride(wanted.context_tokens)
    quantize = _quantize if int8 else None
    decoder = Decoder(inner.language_model, model.lm_head, positions, device.device, quantize)
    encoder = unchanged if wanted.attention == "eager" else Encoder
    return decoder, Ears(inner.audio_tower, inner.multi_modal_projector, encoder)


def _no_flash(device: Accelerator, dtype: torch.dtype) -> str:
    """Why FlashAttention cannot be had; "" if it can."""
    if not device.is_cuda:
        return "it needs a GPU"
    if device.capability < AMPERE:
        return f"{device.name} is older than Ampere"
    if dtype == torch.float32:
        return "it computes in half precision only"
    if not torch.backends.cuda.is_flash_attention_available():
        return f"torch {torch.__version__} is built without it"
    return ""


def _is_quantized(name: str) -> bool:
    """Of the weights in the file: the layers' matrices, nothing else."""
    return "language_model" in name and ".layers." in name and "proj" in name


def _quantize(layer: nn.Module) -> None:
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    quantize_(layer, Int8WeightOnlyConfig())


def _shape(checkpoint: Checkpoint) -> tuple[Shape, int]:
    """What a position takes in the cache, and how long its embedding is.

    Raises ConfigError for values of which no model can be made: it is tried without memory.
    """
    from transformers import AutoConfig, VoxtralForConditionalGeneration

    try:
        config = AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True)
        text = config.text_config
        _check(text, *_COUNTS, "num_key_value_heads", "head_dim")
        _check(config.audio_config, *_COUNTS)
        shape = Shape.of(text)
        if shape.heads % shape.kv_heads:
            raise ValueError("num_key_value_heads does not divide num_attention_heads")
        with torch.device("meta"):
            VoxtralForConditionalGeneration(config)
    except Exception as error:  # whatever a value makes them raise
        raise unfit(checkpoint.folder / "config.json", error) from error
    return shape, text.hidden_size


def _check(part: Any, *counts: str) -> None:
    """One at least of each. Raises ValueError: they make a model of none, too."""
    for key in counts:
        if getattr(part, key) < 1:
            raise ValueError(f"{key} of {part.model_type} is {getattr(part, key)}")


@contextmanager
def _progress() -> Iterator[None]:
    """Lines in the log while transformers loads, instead of its bars."""
    from transformers.utils.logging import set_tqdm_hook

    def line(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return Progress(*args, **kwargs)

    before = set_tqdm_hook(line)
    try:
        yield
    finally:
        set_tqdm_hook(before)
