"""A row among longer ones comes out of each layer as if it were alone."""

from copy import deepcopy

import pytest
import torch

pytest.importorskip("kokoro")
with pytest.warns(FutureWarning):
    from kokoro.istftnet import AdaIN1d, AdainResBlk1d, AdaINResBlock1

    ADAIN = AdaIN1d(8, 6).double()
    PLAIN = AdainResBlk1d(6, 4, 8).double()
    DOUBLING = AdainResBlk1d(6, 6, 8, upsample=True).double()
    SNAKE = AdaINResBlock1(6, 3, (1, 3, 5), 8).double()

from agent.voices.kokoro.masked import PaddedLSTM, adain, resblock, snake_block, span
from agent.voices.kokoro.model import fuse

LAYERS = ADAIN, PLAIN, DOUBLING, SNAKE
LENGTHS = [3, 9, 5]
STYLE = torch.randn(3, 8, generator=torch.Generator().manual_seed(1)).double()
X = torch.randn(3, 6, 9, generator=torch.Generator().manual_seed(2)).double()
SPAN = span(torch.tensor(LENGTHS), 9, X)


@pytest.fixture(autouse=True)
def no_grad():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module", autouse=True)
def trained():
    """New layers scale by one and shift by nothing."""
    for layer in LAYERS:
        for module in layer.modules():
            if isinstance(module, torch.nn.InstanceNorm1d):
                torch.nn.init.normal_(module.weight)
                torch.nn.init.normal_(module.bias)


def fused(layer):
    if layer in LAYERS:
        each_alone(layer)  # without gradients: else its weights cannot be copied
    own = deepcopy(layer)
    fuse(own)
    return own


def test_a_span_marks_the_valid_steps():
    assert SPAN.mask.shape == (3, 1, 9)
    assert SPAN.mask.sum(-1).flatten().tolist() == LENGTHS == SPAN.steps.flatten().tolist()
    assert SPAN.twice().mask[0, 0].tolist() == [1] * 6 + [0] * 12
    assert SPAN.twice().steps.flatten().tolist() == [6, 18, 10]


def each_alone(layer):
    return [layer(X[i : i + 1, :, :n], STYLE[i : i + 1])[0] for i, n in enumerate(LENGTHS)]


def assert_rows(got, wanted):
    for row, alone in zip(got, wanted, strict=True):
        assert torch.allclose(row[:, : alone.shape[1]], alone, atol=1e-12)
        assert not row[:, alone.shape[1] :].any()


def test_instance_norm_counts_valid_steps_only():
    assert_rows(adain(fused(ADAIN), X * SPAN.mask, STYLE, SPAN), each_alone(ADAIN))


@pytest.mark.parametrize("block", [PLAIN, DOUBLING], ids=["plain", "doubling"])
def test_the_residual_block(block):
    got, after = resblock(fused(block), X * SPAN.mask, STYLE, SPAN)
    assert_rows(got, each_alone(block))
    assert after.mask.shape[-1] == got.shape[-1]


def test_the_snake_block():
    assert_rows(snake_block(fused(SNAKE), X * SPAN.mask, STYLE, SPAN), each_alone(SNAKE))


@pytest.mark.parametrize("layer", LAYERS, ids=["adain", "plain", "doubling", "snake"])
def test_fusing_changes_no_number_however_often(layer):
    for own in (fused(layer), fused(fused(layer))):
        assert not [name for name, _ in own.named_parameters() if "weight_g" in name]
        for i, alone in enumerate(each_alone(layer)):
            x, style = X[i : i + 1, :, : LENGTHS[i]], STYLE[i : i + 1]
            assert torch.allclose(own(x, style)[0], alone, atol=1e-12)


def test_statistics_of_halves_do_not_overflow():
    loud = torch.full((1, 6, 9), 300.0, dtype=torch.float16)
    loud[..., ::2] = -300
    style, layer = STYLE[:1].float(), fused(ADAIN).float()
    got = adain(layer, loud, style, span(torch.tensor([9]), 9, style))
    assert torch.isfinite(got).all()
    assert got.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_lstm_reads_each_row_from_its_own_end(dtype):
    lstm = torch.nn.LSTM(6, 4, batch_first=True, bidirectional=True).to(dtype)
    x = X.transpose(1, 2).to(dtype)
    got = PaddedLSTM(lstm)(x, span(torch.tensor(LENGTHS), 9, x))
    for row, n, i in zip(got, LENGTHS, range(3), strict=True):
        alone = lstm(x[i : i + 1, :n])[0][0]
        assert torch.allclose(row[:n], alone, atol=1e-6 if dtype == torch.float32 else 1e-14)
        assert not row[n:].any()
