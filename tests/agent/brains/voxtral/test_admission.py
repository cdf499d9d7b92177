"""What does not fit when all stands is built smaller, and no call finds it out."""

import logging
from dataclasses import dataclass

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.brains.voxtral import admission as module
from agent.brains.voxtral.admission import settle
from agent.brains.voxtral.room import Room
from agent.errors import ConfigError

CALL = 500  # bytes
GRAPHS = 900
PLAIN = 100


@dataclass
class Gpu:
    """Holds what is built until it is let go of, and refuses what is too much."""

    total: int
    graphs: int = GRAPHS
    built: int = 0
    asked: tuple = ()

    def build(self, slots: int, graphs: bool) -> "Built":
        self.asked = (*self.asked, (slots, graphs))
        return Built(self, (slots + 1) * CALL + (self.graphs if graphs else PLAIN))

    def lacks(self, built: "Built", room: Room) -> int:
        return self.built - self.total


class Built:
    starved = False

    def __init__(self, gpu: Gpu, size: int) -> None:
        if gpu.built + size > gpu.total + 2 * CALL:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.gpu, self.size = gpu, size
        gpu.built += size

    def __del__(self) -> None:
        if hasattr(self, "size"):
            self.gpu.built -= self.size


@pytest.fixture(autouse=True)
def gave_back(monkeypatch):
    """How often: a collection of all of torch takes half a second, and frees nothing here."""
    times = []
    monkeypatch.setattr(module, "give_back", lambda: times.append(1))
    return times


def room(slots: int) -> Room:
    return Room(slots, 450, 50, 0, 0)


def settled(gpu: Gpu, slots: int, starved=lambda built: False):
    return settle(room(slots), gpu.build, gpu.lacks, starved)


def test_what_fits_is_built_once(caplog) -> None:
    gpu = Gpu(10_000)
    built, left = settled(gpu, 4)
    assert (left.slots, gpu.asked, gpu.built) == (4, ((4, True),), built.size)
    assert not caplog.records


def test_what_is_missing_costs_slots_and_is_told(caplog, gave_back) -> None:
    gpu = Gpu(6 * CALL + GRAPHS - 1)  # 1 byte less than 5 slots want
    built, left = settled(gpu, 5)
    assert (left.slots, gpu.asked) == (4, ((5, True), (4, True)))
    assert gpu.built == built.size, "the larger one was let go of"
    assert gave_back == [1]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "5 slots are too many" in caplog.text
    assert "trying 4" in caplog.text


def test_memory_that_runs_out_in_building_costs_a_slot_at_a_time() -> None:
    gpu = Gpu(4 * CALL + GRAPHS)
    _, left = settled(gpu, 8)
    assert left.slots == 3
    assert gpu.asked[:3] == ((8, True), (7, True), (6, True))


def test_graphs_go_after_the_last_slot_but_one(caplog) -> None:
    gpu = Gpu(2 * CALL + PLAIN)
    _, left = settled(gpu, 2)
    assert (left.slots, gpu.asked) == (1, ((2, True), (1, True), (1, False)))
    assert "without them" in caplog.text


def test_one_slot_that_does_not_fit_stops_the_start() -> None:
    with pytest.raises(ConfigError, match=r"more than there is.*int8.*context_tokens"):
        settled(Gpu(2 * CALL), 2)


def test_graphs_that_starved_are_worth_some_slots() -> None:
    """They were passed over for want of memory, although what is left of the ladder fits."""
    gpu = Gpu(100_000)
    built, left = settled(gpu, 8, lambda built: built.size > 6 * CALL + GRAPHS)
    assert (left.slots, [slots for slots, _ in gpu.asked]) == (4, [8, 6, 4])
    assert built.size == 5 * CALL + GRAPHS


def test_a_single_slot_may_be_slow() -> None:
    gpu = Gpu(100_000)
    _, left = settled(gpu, 2, lambda built: True)
    assert (left.slots, gpu.asked[-1]) == (1, (1, True))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 40), st.integers(0, 30_000), st.integers(100, 2_000))
def test_whatever_there_is_the_result_fits_or_the_start_stops(slots, total, graphs) -> None:
    gpu = Gpu(total, graphs)
    try:
        built, left = settled(gpu, slots)
    except ConfigError:
        assert total < 2 * CALL + PLAIN
    else:
        assert gpu.built == built.size <= total
        assert 1 <= left.slots <= slots
