"""A small network: what it computes, and what of it is kept."""

import numpy as np
import pytest
import torch

from agent.perceptron import Perceptron

RANDOM = np.random.default_rng(0)
NETWORK = Perceptron(
    RANDOM.standard_normal((6, 8)).astype(np.float16).astype(np.float32),
    RANDOM.standard_normal(8).astype(np.float32),
    RANDOM.standard_normal(8).astype(np.float32),
    0.25,
)
INPUTS = RANDOM.standard_normal((5, 6)).astype(np.float32)


def test_it_computes_what_torch_does() -> None:
    inner, outer = torch.nn.Linear(6, 8), torch.nn.Linear(8, 1)
    with torch.no_grad():
        inner.weight.copy_(torch.from_numpy(NETWORK.inner.T))
        inner.bias.copy_(torch.from_numpy(NETWORK.thresholds))
        outer.weight.copy_(torch.from_numpy(NETWORK.outer[None]))
        outer.bias.fill_(NETWORK.bias)
        expected = outer(torch.relu(inner(torch.from_numpy(INPUTS))))[:, 0].numpy()
    assert np.allclose(NETWORK(INPUTS), expected, atol=1e-5)


def test_one_input_gives_one_logit() -> None:
    assert float(NETWORK(INPUTS[2])) == pytest.approx(NETWORK(INPUTS)[2], abs=1e-5)


def test_what_is_kept_is_the_same_network(tmp_path) -> None:
    np.savez(tmp_path / "kept.npz", **NETWORK.arrays())
    with np.load(tmp_path / "kept.npz") as kept:
        again = Perceptron.of(kept)
    assert np.array_equal(again(INPUTS), NETWORK(INPUTS))
    assert again.inner.dtype == np.float32


def test_more_digits_than_are_kept_hardly_matter(tmp_path) -> None:
    finer = Perceptron(
        RANDOM.standard_normal((6, 8)).astype(np.float32),
        NETWORK.thresholds,
        NETWORK.outer,
        NETWORK.bias,
    )
    assert np.allclose(Perceptron.of(finer.arrays())(INPUTS), finer(INPUTS), atol=0.02)
