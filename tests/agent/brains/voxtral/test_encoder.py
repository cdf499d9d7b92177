"""The encoder: transformers' own by fewer kernels, number for number within rounding."""

from collections import Counter
from copy import deepcopy

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import VoxtralForConditionalGeneration

from agent.brains.voxtral.encoder import Encoder, unchanged
from agent.brains.voxtral.mel import CHUNK_FRAMES
from agent.errors import ConfigError

pytestmark = pytest.mark.usefixtures("without_gradients")


@pytest.fixture
def without_gradients():
    with torch.no_grad():
        yield


def tower_of(checkpoint, dtype=torch.float32):
    """transformers' own, with positions and norms that say something."""
    whole = VoxtralForConditionalGeneration.from_pretrained(checkpoint, dtype=dtype)
    tower = whole.model.audio_tower.eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(5)
    for weight in tower.parameters():
        if weight.ndim == 1:
            weight += 0.1 * torch.randn(weight.shape, generator=generator).to(dtype)
    return tower


def sounds(chunks: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(chunks)
    return torch.randn(chunks, 128, CHUNK_FRAMES, generator=generator)


def apart(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """The worst difference, as a part of the largest number."""
    assert found.shape == wanted.shape
    return float((found - wanted).abs().max() / wanted.abs().max())


@pytest.mark.parametrize("chunks", [1, 3])
@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-13), (torch.float32, 1e-5)])
def test_it_hears_what_transformers_hears(checkpoint, dtype, most, chunks) -> None:
    tower, features = tower_of(checkpoint, dtype), sounds(chunks)
    wanted = tower(features).last_hidden_state
    found = Encoder(tower)(features)
    assert found.dtype == dtype
    assert found.is_contiguous()
    assert apart(found, wanted) < most


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_half_precision_it_is_as_near_the_truth(checkpoint, dtype) -> None:
    tower, features = tower_of(checkpoint, dtype), sounds(2)
    truth = deepcopy(tower).double()(features).last_hidden_state
    theirs = tower(features).last_hidden_state
    ours = Encoder(tower)(features)
    assert ours.dtype == theirs.dtype == dtype
    assert (ours - truth).abs().mean() < 1.1 * (theirs - truth).abs().mean()


def test_chunks_do_not_hear_each_other(checkpoint) -> None:
    encoder, features = Encoder(tower_of(checkpoint)), sounds(3)
    together = encoder(features)
    for chunk, found in zip(features.split(1), together.split(1), strict=True):
        assert apart(found, encoder(chunk)) < 1e-5


def test_what_float16_cannot_hold_is_limited_as_transformers_limits_it(checkpoint) -> None:
    tower, features = tower_of(checkpoint, torch.float16), sounds(1)
    for layer in tower.layers:
        layer.fc2.bias[3] = 60000  # and the second time 120000
    wanted = tower(features).last_hidden_state
    found = Encoder(tower)(features)
    assert wanted.isfinite().all()
    assert apart(found, wanted) < 2e-3


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_the_tower_computes_as_before(checkpoint, attention) -> None:
    tower, features = tower_of(checkpoint), sounds(2)
    tower.set_attn_implementation(attention)
    wanted = tower(features).last_hidden_state
    encoder, theirs = Encoder(tower), unchanged(tower)
    assert apart(theirs(features), wanted) < 1e-5
    assert apart(encoder(features), wanted) < 1e-5


def test_transformers_own_way_is_untouched(checkpoint) -> None:
    tower, features = tower_of(checkpoint), sounds(2)
    wanted = tower(features).last_hidden_state
    assert torch.equal(unchanged(tower)(features), wanted)


def stored_bytes(weights) -> int:
    """What they take together, views of one counted once."""
    storages = {weight.untyped_storage().data_ptr(): weight for weight in weights}
    return sum(weight.untyped_storage().nbytes() for weight in storages.values())


def test_no_weight_is_kept_twice(checkpoint) -> None:
    tower = tower_of(checkpoint)
    before = stored_bytes(tower.parameters())
    encoder = Encoder(tower)
    fused = [layer.qkv for layer in encoder._layers]
    after = stored_bytes([*tower.parameters(), *(w for qkv in fused for w in qkv.parameters())])
    missing = sum(qkv.bias.nbytes // 3 for qkv in fused)  # the keys' are zeros of ours
    assert after - before == missing > 0


class Counted(TorchDispatchMode):
    """What torch is asked to compute, views left out."""

    def __init__(self) -> None:
        super().__init__()
        self.names: Counter[str] = Counter()

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        if not any(
            arg.alias_info and not arg.alias_info.is_write for arg in op._schema.arguments
        ):
            self.names[op.overloadpacket.__name__] += 1
        return op(*args, **(kwargs or {}))


def counted(encoder: Encoder) -> Counter[str]:
    with Counted() as counted:
        encoder(sounds(1))
    return counted.names


def test_a_layer_is_ten_kernels_and_nothing_is_copied(checkpoint) -> None:
    whole = tower_of(checkpoint)
    half = deepcopy(whole)
    del half.layers[1:]
    two, one = counted(Encoder(whole)), counted(Encoder(half))
    layer = two - one
    attention = layer.pop("_scaled_dot_product_flash_attention_for_cpu")
    assert attention == 1
    assert layer == {"native_layer_norm": 2, "addmm": 4, "add": 2, "gelu": 1}
    around = one - layer
    assert around["_to_copy"] == 1  # the features, to channels last
    assert around["convolution"] == 2
    assert not {"clone", "copy_", "mul"} & set(two)
    for convolution in (whole.conv1, whole.conv2):  # or its weight would be copied below torch
        weight = convolution.weight[:, :, None]
        assert weight.is_contiguous(memory_format=torch.channels_last)


def test_it_reads_no_value_so_that_it_can_be_recorded(checkpoint) -> None:
    """Tensors without values do: shapes are all that it depends on."""
    encoder = Encoder(tower_of(checkpoint).to("meta"))
    assert encoder(sounds(2).to("meta")).shape == (2, 1500, 16)


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("activation_function", "relu", "voxtral_encoder with relu"),
        ("model_type", "qwen2_audio_encoder", "qwen2_audio_encoder with gelu"),
    ],
)
def test_another_encoder_is_refused(checkpoint, key, value, found) -> None:
    tower = tower_of(checkpoint)
    setattr(tower.config, key, value)
    with pytest.raises(ConfigError, match=f"is a {found}, and only voxtral_encoder with gelu"):
        Encoder(tower)
    unchanged(tower)(sounds(1))  # as the message promises
