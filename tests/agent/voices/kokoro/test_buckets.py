"""Shapes: few on a GPU, exact on a CPU."""

from hypothesis import given
from hypothesis import strategies as st

from agent.phrases import MAX_CHARS
from agent.voices.kokoro.buckets import CPU, GPU, Buckets, fit

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
