"""Fit agent/perceptron.py: several small networks, averaged, which then are a wider one.

Each is trained with dropout and weight decay by AdamW; what else is known stands beside it: a
logit that stays as it is, and columns that count linearly. Knows columns of numbers.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits

from agent.perceptron import Perceptron

Numbers = NDArray[np.float64]

_BATCH = 512
_RATE, _DECAY = 2e-3, 0.1


@dataclass(frozen=True, slots=True)
class Way:
    """How to train. What each is good for was tried on speakers held out (DECISIONS.md)."""

    networks: int
    units: int
    epochs: int
    deaf: float  # share of the inputs that a step goes without
    least: float  # deviation that an input is scaled by, if it hardly stirs
    idle: float = 0.5  # share of the units that a step goes without


@dataclass(frozen=True, slots=True)
class Examples:
    """What is learnt from, one row each."""

    inputs: Numbers  # [n, inputs], to the network
    linear: Numbers  # [n, columns], beside it; may have none
    beside: Numbers  # [n], a logit that is known already
    ends: Numbers  # [n], 1 or 0
    votes: Numbers  # [n], by which each counts


def train(examples: Examples, way: Way) -> tuple[Perceptron, Numbers]:
    """Return the network and the weights of the linear columns. Again the same, if repeated."""
    middle = examples.inputs.mean(axis=0)
    scale = np.maximum(way.least, examples.inputs.std(axis=0))
    around = examples.linear.mean(axis=0)
    spread = np.maximum(1e-6, examples.linear.std(axis=0))
    standard = Examples(
        (examples.inputs - middle) / scale,
        (examples.linear - around) / spread,
        examples.beside,
        examples.ends,
        examples.votes / examples.votes.mean(),
    )
    found = [_one(standard, way, seed) for seed in range(way.networks)]
    inner = np.concatenate([each.inner for each, _ in found], axis=1) / scale[:, None]
    thresholds = np.concatenate([each.thresholds for each, _ in found]) - middle @ inner
    linear = np.mean([weights for _, weights in found], axis=0) / spread
    network = Perceptron(
        inner.astype(np.float32),
        thresholds.astype(np.float32),
        (np.concatenate([each.outer for each, _ in found]) / way.networks).astype(np.float32),
        float(np.mean([each.bias for each, _ in found]) - around @ linear),
    )
    return network, linear


def _one(standard: Examples, way: Way, seed: int) -> tuple[Perceptron, Numbers]:
    """Train one, on columns that have a mean of 0 and deviate by 1."""
    inputs, linear, beside, ends, votes = (
        torch.tensor(column, dtype=torch.float32)
        for column in (
            standard.inputs,
            standard.linear,
            standard.beside,
            standard.ends,
            standard.votes,
        )
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inner = torch.nn.Linear(inputs.shape[1], way.units)
        with torch.no_grad():
            inner.weight *= inputs.std(dim=0)  # what never stirs must not count by chance
        outer = torch.nn.Linear(way.units, 1)
        network = torch.nn.Sequential(
            torch.nn.Dropout(way.deaf),
            inner,
            torch.nn.ReLU(),
            torch.nn.Dropout(way.idle),
            outer,
        )
        columns = torch.nn.Parameter(torch.zeros(linear.shape[1]))
        decay: list[dict[str, Any]] = [
            {"params": [*network.parameters()], "weight_decay": _DECAY},
            {"params": [columns], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(decay, lr=_RATE)
        steps = way.epochs * -(-len(ends) // _BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
        for _ in range(way.epochs):
            for rows in torch.split(torch.randperm(len(ends)), _BATCH):
                logits = network(inputs[rows])[:, 0] + linear[rows] @ columns + beside[rows]
                loss = binary_cross_entropy_with_logits(logits, ends[rows], votes[rows])
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
                schedule.step()
    with torch.no_grad():
        found = Perceptron(
            inner.weight.T.numpy(),
            inner.bias.numpy(),
            outer.weight[0].numpy(),
            float(outer.bias.item()),
        )
        return found, columns.numpy().astype(float)
