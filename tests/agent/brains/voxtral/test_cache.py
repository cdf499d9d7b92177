"""The cache: where things stand, and what they weigh."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.voxtral.cache import TILE, Cache, Shape, stride

SHAPE = Shape(layers=2, heads=4, kv_heads=2, head_dim=8)
CPU = torch.device("cpu")


def test_voxtral_mini_keeps_120_kib_of_each_position() -> None:
    mini = Shape(layers=30, heads=32, kv_heads=8, head_dim=128)
    assert mini.position_bytes(torch.bfloat16) == 120 * 1024
    assert mini.slot_bytes(4096, torch.bfloat16) == 480 * 2**20
    assert mini.position_bytes(torch.float32) == 240 * 1024


@given(st.integers(1, 40_000))
def test_a_slot_is_the_fewest_whole_pages(context) -> None:
    assert stride(context) % TILE == 0
    assert context <= stride(context) < context + TILE


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 511)), min_size=2, max_size=8, unique=True
    )
)
def test_no_two_places_are_the_same(places) -> None:
    cache = Cache(3, 500, SHAPE, torch.float32, CPU)
    slots, positions = torch.tensor(places).unbind(1)
    rows = cache.rows(slots, positions[:, None])
    assert len(set(rows.tolist())) == len(places)
    assert 0 <= rows.min() <= rows.max() < len(cache.layers[0])


def test_positions_of_a_slot_lie_side_by_side() -> None:
    cache = Cache(3, 500, SHAPE, torch.float32, CPU)
    rows = cache.rows(torch.tensor([1, cache.scratch]), torch.tensor([[7, 8], [0, 1]]))
    assert rows.tolist() == [519, 520, 3 * 512, 3 * 512 + 1]


def test_it_takes_what_was_reckoned() -> None:
    cache = Cache(3, 500, SHAPE, torch.bfloat16, CPU)
    taken = sum(layer.nbytes for layer in cache.layers)
    assert taken == 4 * SHAPE.slot_bytes(500, torch.bfloat16)
    assert len(cache.layers) == SHAPE.layers


def test_a_slot_is_cleared_and_no_other() -> None:
    cache = Cache(3, 500, SHAPE, torch.float32, CPU)
    for layer in cache.layers:
        layer.fill_(float("nan"))
    cache.clear(1)
    for layer in cache.layers:
        whole = layer.view(4, cache.stride, -1)
        assert (whole[1] == 0).all()
        assert whole[[0, 2, 3]].isnan().all()
