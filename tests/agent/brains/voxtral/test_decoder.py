"""The decoder: transformers' Llama by fewer kernels, number for number within rounding."""

import pytest
import tiny_voxtral
import torch
from torch import nn
from transformers import VoxtralForConditionalGeneration

from agent.brains.voxtral.attention import Plain
from agent.brains.voxtral.cache import Cache
from agent.brains.voxtral.decoder import Decoder, fused, pass_through
from agent.errors import ConfigError

CPU = torch.device("cpu")


def model_of(checkpoint):
    return VoxtralForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32)


def appended(decoder, cache, ids, slot, start) -> torch.Tensor:
    with torch.no_grad():
        hidden = decoder.forward(
            decoder.embed(torch.tensor(ids)),
            cache,
            torch.tensor([slot]),
            torch.tensor([start]),
            Plain(),
            512,
            pass_through,
        )
        return decoder.logits(hidden)


@pytest.fixture(scope="module")
def decoder(checkpoint):
    model = model_of(checkpoint)
    return Decoder(model.model.language_model, model.lm_head, 512, CPU)


@pytest.mark.parametrize("cuts", [(40,), (1, 39), (13, 13, 14)])
def test_logits_are_those_of_transformers(decoder, checkpoint, cuts) -> None:
    ids = torch.randint(320, (40,), generator=torch.Generator().manual_seed(3)).tolist()
    with torch.no_grad():
        wanted = tiny_voxtral.reference(checkpoint)(input_ids=torch.tensor([ids])).logits[0]
    cache = Cache(2, 512, decoder.shape, torch.float32, CPU)
    found, start = [], 0
    for cut in cuts:
        found.append(appended(decoder, cache, ids[start : start + cut], 1, start))
        start += cut
    assert torch.allclose(torch.cat(found), wanted, atol=1e-4, rtol=1e-4)


def test_only_the_rows_of_the_new_positions_are_written(decoder) -> None:
    cache = Cache(2, 512, decoder.shape, torch.float32, CPU)
    appended(decoder, cache, [5, 6, 7], 1, 20)
    for layer in cache.layers:
        written = layer.flatten(1).abs().sum(1).nonzero().flatten().tolist()
        assert written == [512 + 20, 512 + 21, 512 + 22]


def test_fused_matrices_take_no_second_copy() -> None:
    parts = [nn.Linear(8, size) for size in (3, 5)]
    x = torch.randn(4, 8)
    wanted = torch.cat([part(x) for part in parts], -1)
    whole = fused(parts)
    assert torch.allclose(whole(x), wanted, atol=1e-6)
    for name, stored in whole.named_parameters():
        storage = stored.untyped_storage().data_ptr()
        views = [part.get_parameter(name) for part in parts]
        assert all(view.untyped_storage().data_ptr() == storage for view in views)
    assert torch.allclose(torch.cat([part(x) for part in parts], -1), wanted, atol=1e-6)


def test_where_only_some_parts_have_a_bias_the_others_add_nothing() -> None:
    parts = [nn.Linear(8, size, bias=size != 5) for size in (3, 5, 4)]
    x = torch.randn(4, 8)
    wanted = torch.cat([part(x) for part in parts], -1)
    whole = fused(parts)
    assert torch.allclose(whole(x), wanted, atol=1e-6)
    assert torch.allclose(torch.cat([part(x) for part in parts], -1), wanted, atol=1e-6)


def test_quantizing_leaves_nothing_of_the_original_behind(checkpoint) -> None:
    inner, seen = model_of(checkpoint), []
    decoder = Decoder(inner.model.language_model, inner.lm_head, 512, CPU, seen.append)
    assert [len(list(layer)) for layer in seen] == [4, 4]
    assert all(isinstance(gone, nn.Identity) for gone in inner.model.language_model.layers)
    assert len(decoder.layers) == 2


def test_another_activation_is_refused(checkpoint) -> None:
    model = model_of(checkpoint)
    model.model.language_model.config.hidden_act = "gelu"
    with pytest.raises(ConfigError, match="gelu, and only silu is supported"):
        Decoder(model.model.language_model, model.lm_head, 512, CPU)
