"""Choosing tokens: as transformers' own warpers allow, as often as they should come."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import TemperatureLogitsWarper, TopPLogitsWarper

from agent.brains.voxtral.sampling import GREEDY, Sampling, draw, greedy, uniform


def how(rows: int, temperature: float, top_p: float) -> torch.Tensor:
    return torch.tensor([[temperature] * rows, [top_p] * rows])


def many(logits: torch.Tensor, rows: int, temperature: float, top_p: float) -> torch.Tensor:
    """One token for each of `rows` positions."""
    positions = torch.arange(rows)
    seeds = torch.full((rows,), 5)
    return draw(logits.expand(rows, -1), how(rows, temperature, top_p), seeds, positions)


@settings(max_examples=40)
@given(
    st.lists(st.integers(-60, 60), min_size=2, max_size=12, unique=True),
    st.sampled_from([0.3, 1.0, 2.0]),
    st.sampled_from([0.1, 0.5, 0.95, 1.0]),
)
def test_exactly_what_the_warpers_leave_can_come(values, temperature, top_p) -> None:
    logits = torch.tensor([values]) / 10
    left = TemperatureLogitsWarper(temperature)(None, logits)
    left = TopPLogitsWarper(top_p)(None, left) if top_p < 1 else left
    chances = left.softmax(-1)[0]
    drawn = many(logits, 4000, temperature, top_p)
    counts = torch.bincount(drawn, minlength=len(values)) / 4000
    assert torch.all(chances[counts > 0] > 0)
    assert torch.allclose(counts, chances, atol=0.05)


def test_no_temperature_takes_the_likeliest_and_the_first_of_equals() -> None:
    logits = torch.tensor([[1.0, 3.0, 3.0, 2.0], [5.0, 1.0, 1.0, 1.0]])
    numbers = torch.tensor([7, 8])
    assert greedy(logits).tolist() == [1, 0]
    assert draw(logits, how(2, 0.0, 0.9), numbers, numbers).tolist() == [1, 0]


def test_rows_are_drawn_apart() -> None:
    logits = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    seeds, positions = torch.tensor([1, 2, 3]), torch.tensor([10, 20, 30])
    each = torch.tensor([[1.0, 0.0, 2.0], [0.9, 1.0, 0.8]])
    together = draw(logits, each, seeds, positions)
    for row in range(3):
        one = slice(row, row + 1)
        alone = draw(logits[one], each[:, one], seeds[one], positions[one])
        assert alone.item() == together[row].item()


def test_half_precision_is_drawn_from_in_full() -> None:
    logits = torch.randn(1, 1000, generator=torch.Generator().manual_seed(1))
    low = logits.to(torch.bfloat16)
    assert torch.equal(many(low, 50, 1.0, 0.9), many(low.float(), 50, 1.0, 0.9))


@given(st.integers(0, 2**62), st.integers(0, 32_768))
def test_draws_are_within_bounds_and_repeat(seed, position) -> None:
    one = uniform(torch.tensor([seed]), torch.tensor([position]))
    assert 0 < one.item() < 1
    assert torch.equal(one, uniform(torch.tensor([seed]), torch.tensor([position])))


def test_draws_are_spread_over_positions_and_over_seeds() -> None:
    numbers, zeros = torch.arange(20_000), torch.zeros(20_000, dtype=torch.long)
    for draws in (uniform(zeros, numbers), uniform(numbers, zeros), uniform(numbers, numbers)):
        counts = torch.histc(draws, bins=20, min=0, max=1)
        assert counts.min() > 850
        assert counts.max() < 1150
        pairs = torch.corrcoef(torch.stack([draws[:-1], draws[1:]]))
        assert abs(pairs[0, 1]) < 0.03


def test_only_a_temperature_makes_it_random() -> None:
    assert GREEDY.is_greedy
    assert Sampling(top_p=0.5, seed=3).is_greedy
    assert not Sampling(temperature=0.1).is_greedy
