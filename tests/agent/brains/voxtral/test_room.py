"""Memory: who fits is told before anything is loaded, and what fits is used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.voxtral.room import WORK_BYTES, share_out
from agent.config import Config, Limits, Voxtral
from agent.errors import ConfigError

GIB = 2**30
MINI, SLOT = 9_352_000_000, 480 * 2**20  # bf16 weights, and 4096 positions


def config(calls: int = 0, limit: int = 8) -> Config:
    return Config(limits=Limits(calls=limit), voxtral=Voxtral(calls=calls))


def test_a_large_gpu_is_bounded_by_the_calls_that_may_come() -> None:
    room = share_out(config(), 130 * GIB, MINI, SLOT, WORK_BYTES)
    assert room.slots == 8
    assert share_out(config(limit=64), 130 * GIB, MINI, SLOT, WORK_BYTES).slots == 64


def test_a_small_gpu_takes_what_fits() -> None:
    assert share_out(config(), 14 * GIB, MINI, SLOT, WORK_BYTES).slots == 7
    assert share_out(config(), 12 * GIB, MINI, SLOT, WORK_BYTES).slots == 2


def test_a_smaller_one_is_refused_with_every_way_out() -> None:
    with pytest.raises(ConfigError, match=r"needs 11\.1 GiB .*10\.0 are free.*int8.*4096"):
        share_out(config(), 10 * GIB, MINI, SLOT, WORK_BYTES)


def test_calls_that_were_asked_for_are_taken_or_refused() -> None:
    assert share_out(config(calls=3), 14 * GIB, MINI, SLOT, WORK_BYTES).slots == 3
    assert share_out(config(calls=12, limit=8), 40 * GIB, MINI, SLOT, WORK_BYTES).slots == 12
    with pytest.raises(ConfigError, match=r"voxtral\.calls=12: memory is left for 7"):
        share_out(config(calls=12), 14 * GIB, MINI, SLOT, WORK_BYTES)


@given(
    st.integers(0, 200 * GIB),
    st.integers(1, 20 * GIB),
    st.integers(1, 4 * GIB),
    st.integers(0, 64),
    st.integers(1, 1000),
)
def test_what_is_shared_out_is_there(free, weights, slot, calls, limit) -> None:
    try:
        room = share_out(config(calls, limit), free, weights, slot, WORK_BYTES)
    except ConfigError:
        assert weights + WORK_BYTES + (max(calls, 1) + 1) * slot > free
    else:
        assert weights + WORK_BYTES + (room.slots + 1) * slot <= free
        assert 1 <= room.slots
        assert room.slots == calls or (calls == 0 and room.slots <= limit)


def test_it_reads_as_a_line() -> None:
    room = share_out(config(), 14 * GIB, MINI, SLOT, WORK_BYTES)
    assert str(room) == "8.7 GiB of weights and 7 slots of 480 MiB in 14.0 GiB"
