"""Memory: who fits is told before anything is loaded, and what fits is used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.voxtral.room import WORK_BYTES, audio_bytes, share_out
from agent.config import Config, Limits, Voxtral
from agent.errors import ConfigError

GIB = 2**30
MINI, SLOT = 9_352_000_000, 480 * 2**20  # bf16 weights, and 4096 positions
AUDIO = 24 * 2**20  # of 4096 positions


def config(calls: int = 0, limit: int = 8, *, transcript=False, judge_end=False) -> Config:
    voxtral = Voxtral(calls=calls, transcript=transcript, judge_end=judge_end)
    return Config(limits=Limits(calls=limit), voxtral=voxtral)


def test_a_large_gpu_is_bounded_by_the_calls_that_may_come() -> None:
    room = share_out(config(), 130 * GIB, MINI, SLOT, AUDIO, WORK_BYTES)
    assert room.slots == 8
    assert share_out(config(limit=64), 130 * GIB, MINI, SLOT, AUDIO, WORK_BYTES).slots == 64


def test_a_small_gpu_takes_what_fits() -> None:
    assert share_out(config(), 14 * GIB, MINI, SLOT, AUDIO, WORK_BYTES).slots == 6
    assert share_out(config(), 12 * GIB, MINI, SLOT, AUDIO, WORK_BYTES).slots == 2


def test_a_smaller_one_is_refused_with_every_way_out() -> None:
    with pytest.raises(ConfigError, match=r"needs 11\.2 GiB .*10\.0 are free.*int8.*4096"):
        share_out(config(), 10 * GIB, MINI, SLOT, AUDIO, WORK_BYTES)


def test_calls_that_were_asked_for_are_taken_or_refused() -> None:
    assert share_out(config(calls=3), 14 * GIB, MINI, SLOT, AUDIO, WORK_BYTES).slots == 3
    assert (
        share_out(config(calls=12, limit=8), 40 * GIB, MINI, SLOT, AUDIO, WORK_BYTES).slots
        == 12
    )
    with pytest.raises(ConfigError, match=r"voxtral\.calls=12: memory is left for 6"):
        share_out(config(calls=12), 14 * GIB, MINI, SLOT, AUDIO, WORK_BYTES)


def test_transcripts_take_a_slot_more() -> None:
    wanted = config(calls=3, transcript=True)
    assert share_out(wanted, 14 * GIB, MINI, SLOT, AUDIO, WORK_BYTES).slots == 4
    wanted = config(limit=4, transcript=True)
    assert share_out(wanted, 14 * GIB, MINI, SLOT, AUDIO, WORK_BYTES).slots == 5
    wanted = config(limit=8, transcript=True)
    assert share_out(wanted, 14 * GIB, MINI, SLOT, AUDIO, WORK_BYTES).slots == 6


@pytest.mark.parametrize("transcript", [False, True])
def test_whoever_judges_ends_shares_that_slot(transcript) -> None:
    wanted = config(calls=3, transcript=transcript, judge_end=True)
    assert share_out(wanted, 14 * GIB, MINI, SLOT, AUDIO, WORK_BYTES).slots == 4


@pytest.mark.parametrize(
    ("aside", "told"),
    [
        ({"judge_end": True}, "the judge of ends .*or 0, voxtral.judge_end to false, or"),
        (
            {"transcript": True, "judge_end": True},
            "transcripts and the judge of ends .*voxtral.transcript to false,"
            " voxtral.judge_end to false, or",
        ),
    ],
)
def test_what_may_be_given_up_for_a_call_more_is_named(aside, told) -> None:
    with pytest.raises(ConfigError, match=f"memory is left for 5 beside {told}"):
        share_out(config(6, **aside), 14 * GIB, MINI, SLOT, AUDIO, WORK_BYTES)


@pytest.mark.parametrize(
    ("calls", "gib", "told"),
    [
        (8, 14, "calls=8: memory is left for 5 beside tr.*; set .*calls to 5 or 0, or v"),
        (6, 14, "calls=6: memory is left for 5 .*calls to 5 or 0, voxtral.transcript to false"),
        (1, 11.25, "calls=1: memory is left for 0 .*calls to 0, voxtral.transcript to false"),
    ],
)
def test_the_remedy_is_one_in_the_operators_own_numbers(calls, gib, told) -> None:
    """Killed: of 6 asked for "voxtral.calls=7: ...; set voxtral.calls to 6", which it was."""
    free = int(gib * GIB)
    with pytest.raises(ConfigError, match=rf"^voxtral\.{told}"):
        wanted = config(calls, transcript=True)
        share_out(wanted, free, MINI, SLOT, AUDIO, WORK_BYTES)
    for way in (
        config(max(calls - 3, 0), transcript=True),
        config(min(calls, 6)),
        config(transcript=True),
    ):
        share_out(way, free, MINI, SLOT, AUDIO, WORK_BYTES)


@given(
    st.integers(0, 200 * GIB),
    st.integers(1, 20 * GIB),
    st.integers(1, 4 * GIB),
    st.integers(0, GIB),
    st.integers(0, 64),
    st.integers(1, 1000),
    st.booleans(),
)
def test_what_is_shared_out_is_there(
    free, weights, slot, audio, calls, limit, transcript
) -> None:
    wanted = config(calls, limit, transcript=transcript)
    pen = int(transcript)
    try:
        room = share_out(wanted, free, weights, slot, audio, WORK_BYTES)
    except ConfigError:
        least = calls + pen if calls else 1
        assert weights + WORK_BYTES + slot + least * (slot + audio) > free
    else:
        assert weights + WORK_BYTES + slot + room.slots * (slot + audio) <= free
        assert 1 <= room.slots
        assert room.slots == calls + pen or (calls == 0 and room.slots <= limit + pen)


def test_it_reads_as_a_line() -> None:
    room = share_out(config(), 14 * GIB, MINI, SLOT, AUDIO, WORK_BYTES)
    assert str(room) == "8.7 GiB of weights and 6 slots of 504 MiB in 14.0 GiB"


def test_a_conversation_keeps_as_much_sound_as_its_slot_has_positions_for() -> None:
    assert audio_bytes(4096, 3072, 2) == AUDIO
    assert audio_bytes(375, 3072, 2) == 2_304_000, "30 s of it"


def test_slots_are_given_up_for_what_is_missing() -> None:
    room = share_out(config(), 14 * GIB, MINI, SLOT, AUDIO, WORK_BYTES)
    assert room.call_bytes == SLOT + AUDIO
    assert room.without(1).slots == room.slots - 1
    assert room.without(SLOT + AUDIO).slots == room.slots - 1
    assert room.without(SLOT + AUDIO + 1).slots == room.slots - 2
    assert room.without((room.slots - 1) * room.call_bytes).slots == 1
    assert room.without(room.slots * room.call_bytes) is None
