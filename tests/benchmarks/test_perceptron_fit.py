"""What a network learns, and what it leaves to the rest."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.perceptron_fit import Examples, Way, train

WAY = Way(networks=2, units=16, epochs=400, deaf=0.1, least=0.05)
RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.standard_normal((800, 3)) * [1.0, 5.0, 0.0] + [0.0, 40.0, 7.0]
LINEAR = RANDOM.standard_normal((800, 1)) + 3
# who is far from the middle ends: no sum tells that
ENDS = (np.abs(INPUTS[:, 0]) + LINEAR[:, 0] > 3.8).astype(float)
KNOWN = Examples(INPUTS, LINEAR, np.zeros(800), ENDS, np.ones(800))


def right(examples, network, linear):
    logits = network(examples.inputs.astype(np.float32)) + examples.linear @ linear
    return np.mean((logits > 0) == (examples.ends > 0.5))


def test_it_learns_what_no_sum_tells_and_scales_what_it_is_given() -> None:
    """Killed: a mean or a scale that training has, and the network that is returned lacks."""
    fitted = train(KNOWN, WAY)
    assert right(KNOWN, *fitted) > 0.93
    assert fitted[1][0] > 0.5
    fitted = train(replace(KNOWN, inputs=INPUTS * 30 - 9, linear=LINEAR / 40), WAY)
    again = replace(KNOWN, inputs=INPUTS * 30 - 9, linear=LINEAR / 40)
    assert right(again, *fitted) > 0.93


def test_the_same_is_learnt_again_whatever_else_is_drawn() -> None:
    """Killed: no seed of its own; and one that is left behind for whoever draws next."""
    first, linear = train(KNOWN, replace(WAY, epochs=3))
    torch.rand(1)
    before = torch.get_rng_state()
    again, same = train(KNOWN, replace(WAY, epochs=3))
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(first.inner, again.inner) and np.array_equal(linear, same)


def test_several_are_one_that_says_their_mean() -> None:
    both, mean = train(KNOWN, replace(WAY, epochs=3))
    first, linear = train(KNOWN, replace(WAY, epochs=3, networks=1))
    assert both.inner.shape == (3, 32)
    assert np.allclose(both.inner[:, :16], first.inner)
    assert np.allclose(both.outer[:16] * 2, first.outer)
    assert not np.allclose(both.inner[:, 16:], first.inner)  # one that began otherwise
    assert not np.allclose(mean, linear) and both.bias != first.bias


def test_what_is_known_beside_is_not_learnt_again() -> None:
    told = replace(KNOWN, beside=np.where(ENDS > 0.5, 9.0, -9.0))
    network, linear = train(told, WAY)
    assert np.abs(network(INPUTS.astype(np.float32)) + LINEAR @ linear).mean() < 2


def test_who_has_no_vote_teaches_nothing() -> None:
    """Half of the rows say the opposite, and do not count."""
    both = Examples(
        np.concatenate([INPUTS, INPUTS]),
        np.concatenate([LINEAR, LINEAR]),
        np.zeros(1600),
        np.concatenate([ENDS, 1 - ENDS]),
        np.repeat([1.0, 0.0], 800),
    )
    assert right(KNOWN, *train(both, WAY)) > 0.9


def test_what_never_stirs_does_not_count() -> None:
    """Killed: the chance by which a network begins stays in it."""
    network, _ = train(KNOWN, replace(WAY, epochs=3))
    at = np.array([0.5, 40.0, 7.0], np.float32)
    assert network(at) == pytest.approx(network(at + np.array([0, 0, 5], np.float32)), abs=1e-5)


@pytest.mark.parametrize("columns", [0, 1])
def test_nothing_need_stand_beside_it(columns) -> None:
    _, linear = train(replace(KNOWN, linear=LINEAR[:, :columns]), replace(WAY, epochs=1))
    assert linear.shape == (columns,)
