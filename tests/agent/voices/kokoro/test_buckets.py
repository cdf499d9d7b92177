"""Shapes: few on a GPU, exact on a CPU."""

import weakref
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from agent import capable
from agent.phrases import MAX_CHARS
from agent.voices.kokoro.abreast import Lanes
from agent.voices.kokoro.buckets import CPU, GPU, SMALL_GPU, Buckets, fit, for_gpu
from agent.voices.kokoro.model import Stages
from benchmarks.model_checkpoints import KOKORO, new_kokoro, write_kokoro_config

FRAMES = st.lists(st.integers(1, 3000), min_size=1, max_size=16)


def test_a_size_fits_into_the_next_bucket_and_beyond_the_last_is_its_own():
    assert [fit(n, (32, 64)) for n in (1, 32, 33, 64, 65)] == [32, 32, 64, 64, 65]
    assert fit(7, ()) == 7


def test_the_buckets_hold_what_a_phrase_can_have():
    for tokens, frames in (
        (GPU.tokens, GPU.frames),
        (GPU.lone_tokens, GPU.lone_frames),
    ):
        assert tokens[-1] >= 512
        assert frames[-1] * 25 >= MAX_CHARS / 15 * 1000 * 2  # at half the speed


class Held(TorchDispatchMode):
    """Counts the bytes that are held at most on each stream, of which none uses another's."""

    def __init__(self) -> None:
        super().__init__()
        self.stream = "main"
        self._now: Counter = Counter()
        self.most: Counter = Counter()
        self._seen: set[int] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        return tree_map_only(torch.Tensor, self._hold, made)

    def _hold(self, tensor):
        storage, stream = tensor.untyped_storage(), self.stream
        key, size = storage._cdata, storage.nbytes()
        if key not in self._seen:
            self._seen.add(key)
            self._now[stream] += size
            self.most[stream] = max(self.most[stream], self._now[stream])
            weakref.finalize(storage, self._let_go, key, stream, size)
        return tensor

    def _let_go(self, key, stream, size) -> None:
        self._seen.discard(key)
        self._now[stream] -= size

    def each(self, lanes, works, near):
        """As on a GPU: the first stays on the current stream and is begun last."""
        first, *others = works
        here, made = self.stream, []
        for number, work in enumerate(others):
            self.stream = f"{id(lanes)} {number}"
            made.append(work())
        self.stream = here
        return [first(), *made]


@pytest.fixture(scope="module")
def full_size(tmp_path_factory) -> Stages:
    """Kokoro's real widths; tensors without numbers."""
    config = write_kokoro_config(tmp_path_factory.mktemp("full"), {**KOKORO, "vocab": {"a": 1}})
    return Stages(new_kokoro(config)).to("meta")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("buckets", "most_bytes"),
    [(SMALL_GPU, capable._KOKORO_BYTES), (GPU, 4_000_000_000)],
    ids=["small", "usual"],
)
def test_the_widest_step_fits_into_what_is_reckoned(
    full_size, buckets, most_bytes, monkeypatch
) -> None:
    rows, frames = max(buckets.sound_shapes(16), key=lambda shape: shape[0] * shape[1])
    assert rows * frames == buckets.most
    given = [
        torch.empty(*shape, device="meta")
        for shape in ((rows, frames, 640), (rows, frames, 512), (rows, 256))
    ]
    counts = torch.full((rows,), frames, device="meta")
    noise = torch.empty(1, 600 * frames, 9, device="meta")
    held = Held()

    def at_once(self, x, *_):
        """As on a GPU; without numbers torch takes it step by step, in half a minute."""
        return x.new_empty(*x.shape[:-1], 2 * self.hidden_size), None

    monkeypatch.setattr(torch.nn.LSTM, "forward", at_once)
    monkeypatch.setattr(Lanes, "each", lambda *args: held.each(*args))
    with torch.no_grad(), held:
        full_size.sound(given[0], given[1], counts, given[2], noise)
    weights = sum(p.numel() * p.element_size() for p in full_size.parameters())
    took = weights + sum(held.most.values())
    assert most_bytes / 2 < took < most_bytes, f"{took / 1e9:.2f} GB at {rows} x {frames}"


def test_a_small_gpu_has_fewer_shapes_and_the_same_small_ones() -> None:
    assert for_gpu(int(15e9)) is SMALL_GPU
    assert for_gpu(int(22e9)) is GPU
    assert SMALL_GPU.most < GPU.most
    assert set(SMALL_GPU.sound_shapes(16)) < set(GPU.sound_shapes(16))
    assert SMALL_GPU.sound_shape(1, 108) == GPU.sound_shape(1, 108)
    assert SMALL_GPU.lone_frames[-1] * 25 >= 24_000


def test_one_row_has_sizes_of_its_own_where_there_are_any():
    assert GPU.sound_shape(1, 108) == (1, 120)
    assert GPU.sound_shape(2, 108) == (2, 160)
    assert GPU.sound_shape(3, 2000) == (4, 2000)
    assert GPU.plan_shape(1, 33) == (1, 40)
    assert GPU.plan_shape(2, 33) == (2, 64)
    coarse = Buckets(rows=(1, 2), tokens=(8,), frames=(24,))
    assert coarse.sound_shape(1, 20) == (1, 24)
    assert coarse.plan_shape(1, 5) == (1, 8)
    assert CPU.sound_shape(3, 108) == (3, 108)


@given(st.integers(1, 1280))
def test_one_row_of_a_reply_is_never_padded_by_half(frames):
    _, size = GPU.sound_shape(1, frames)
    assert frames <= size <= max(40, 1.5 * frames)


def test_a_cpu_makes_one_row_at_a_time_the_shortest_first():
    assert CPU.steps([30, 10, 20]) == [[1], [2], [0]]


def test_a_gpu_makes_first_phrases_of_sixteen_calls_in_one_step():
    assert GPU.steps([60] * 16) == [list(range(16))]


@given(FRAMES)
def test_each_row_is_in_one_step_and_steps_are_bounded(frames):
    steps = GPU.steps(frames)
    assert sorted(row for step in steps for row in step) == list(range(len(frames)))
    for step in steps:
        rows, longest = GPU.sound_shape(len(step), max(frames[row] for row in step))
        assert len(step) == 1 or rows * longest <= GPU.most
    flat = [frames[row] for step in steps for row in step]
    assert flat == sorted(flat)


@given(FRAMES, st.integers(1, 64))
def test_every_shape_that_is_asked_for_was_prepared(frames, calls):
    shapes = GPU.sound_shapes(calls)
    for step in GPU.steps(frames[:calls]):
        longest = max(frames[row] for row in step)
        if longest <= GPU.frames[-1]:
            assert GPU.sound_shape(len(step), longest) in shapes


@given(st.lists(st.integers(1, 512), min_size=1, max_size=64))
def test_every_plan_that_is_asked_for_was_prepared(tokens):
    assert GPU.plan_shape(len(tokens), max(tokens)) in GPU.plan_shapes(len(tokens))


def test_plans_are_prepared_for_as_many_rows_as_there_are_calls():
    assert {rows for rows, _ in GPU.plan_shapes(5)} == {1, 2, 4, 8}
    assert GPU.plan_shapes(1)[0] == (1, 24)
    assert CPU.plan_shapes(4) == CPU.sound_shapes(4) == []
