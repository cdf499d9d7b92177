"""Floors: counts that agree with the published architecture and the model's own weights."""

import pytest
import torch

from benchmarks.model_floors import Ceilings, VoxtralWork, Work, kokoro, measure

transformers = pytest.importorskip("transformers")

H200 = Ceilings(flop_per_s=790e12, bytes_per_s=4.3e12)


@pytest.fixture(scope="module")
def config():
    """Voxtral-Mini-3B's own sizes."""
    return transformers.VoxtralConfig(
        audio_token_id=24, text_config={"model_type": "llama", "num_attention_heads": 32}
    )


@pytest.fixture(scope="module")
def work(config):
    return VoxtralWork(config)


def test_the_counts_are_those_of_the_real_model(config, work) -> None:
    with torch.device("meta"):
        model = transformers.VoxtralForConditionalGeneration(config)

    def matrices(module):
        return sum(p.numel() for p in module.parameters() if p.ndim == 2)

    assert work.layer_weights == matrices(model.model.language_model.layers)
    assert work.head_weights == matrices(model.lm_head)
    assert work.encoder_weights == matrices(model.model.audio_tower.layers)


def test_the_floors_of_a_turn_on_a_large_gpu(work) -> None:
    assert work.encode(1500).floor_ms(H200) == pytest.approx(2.9, abs=0.1)
    assert work.prefill(379, past=200).floor_ms(H200) == pytest.approx(3.2, abs=0.1)
    assert work.decode(1, 600).floor_ms(H200) == pytest.approx(1.7, abs=0.02)


def test_eight_bit_weights_halve_a_token(config, work) -> None:
    half = VoxtralWork(config, weight_bytes=1).decode(1, 0)
    assert half.floor_ms(H200) == pytest.approx(work.decode(1, 0).floor_ms(H200) / 2)


def test_a_batch_shares_the_weights_until_arithmetic_bounds_it(work) -> None:
    one, sixteen, many = (work.decode(n, 600).floor_ms(H200) for n in (1, 16, 4096))
    assert one < sixteen < 1.2 * one
    assert many > 5 * one


def test_steps_in_a_row_add_up_before_they_are_bounded() -> None:
    assert Work(1, 2) + Work(10, 20) == Work(11, 22)
    assert Work(79e12, 0).floor_ms(H200) == pytest.approx(100)
    assert Work(0, 43e9).floor_ms(H200) == pytest.approx(10)


def test_a_longer_phrase_is_more_work_but_no_more_weights() -> None:
    short, long = kokoro(1.5), kokoro(6.0)
    assert long.flop == 4 * short.flop
    assert long.bytes == short.bytes
    assert kokoro(1.5, batch=4).flop == long.flop


def test_a_device_is_measured() -> None:
    seen = measure(torch.device("cpu"), torch.float32)
    assert 1e9 < seen.flop_per_s < 1e14
    assert 1e8 < seen.bytes_per_s < 1e13
