"""Capturing: on a CPU the function itself, on a GPU what replays it."""

import threading
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch

from agent.accelerator import capture as module
from agent.accelerator.capture import MOST_URGENT, URGENT, Pool, capture

CPU = torch.device("cpu")
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_on_a_cpu_the_function_is_not_touched() -> None:
    calls = []
    run = capture(lambda: calls.append(1), CPU)
    assert calls == []
    run()
    run()
    assert calls == [1, 1]


def test_results_come_through() -> None:
    x = torch.zeros(3)
    run = capture(lambda: x + 1, CPU)
    x.fill_(4)
    assert run().tolist() == [5, 5, 5]


@pytest.mark.gpu
@gpu
def test_a_replay_reads_its_inputs_anew_and_writes_where_it_wrote() -> None:
    x = torch.zeros(3, device="cuda")
    total = torch.zeros(3, device="cuda")

    def run() -> torch.Tensor:
        total.add_(x)
        return x * 2

    replay = capture(run, x.device)
    total.zero_()
    x.fill_(4)
    assert replay().tolist() == [8, 8, 8]
    x.fill_(5)
    first = replay()
    assert first.tolist() == [10, 10, 10]
    assert total.tolist() == [9, 9, 9]
    assert replay() is first


@pytest.mark.gpu
@gpu
def test_what_waits_for_the_gpu_cannot_be_recorded_and_leaves_it_usable() -> None:
    x = torch.ones(3, device="cuda")
    with pytest.raises(RuntimeError):
        capture(lambda: x.sum().item(), x.device)
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    assert (x + 1).sum().item() == 6
    assert capture(lambda: x + 1, x.device)().tolist() == [2, 2, 2], "in a pool of its own"


@pytest.mark.gpu
@gpu
def test_another_thread_may_work_meanwhile() -> None:
    x, stop, done = torch.ones(8, device="cuda"), threading.Event(), []

    def work() -> None:
        while not stop.is_set():
            done.append(torch.ones(1 << 16, device="cuda").sum().item())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        runs = [capture(lambda: x * 3, x.device) for _ in range(5)]
    finally:
        stop.set()
        thread.join()
    assert all(run().tolist() == [3.0] * 8 for run in runs)
    assert done


def test_a_pool_of_a_cpu_holds_nothing() -> None:
    pool = Pool(CPU)
    assert not hasattr(pool, "stream")
    assert capture(good := (lambda: 3), CPU, pool) is good


@pytest.mark.gpu
@gpu
def test_a_pool_may_be_urgent() -> None:
    device = torch.device("cuda", 0)
    pools = Pool(device), Pool(device, URGENT), Pool(device, MOST_URGENT)
    assert [pool.stream.priority for pool in pools] == [0, -1, -2]


@pytest.mark.gpu
@gpu
def test_graphs_of_one_pool_may_follow_each_other() -> None:
    x = torch.ones(1 << 12, device="cuda")
    pool = Pool(x.device)
    double = capture(lambda: (x * 2).sum(), x.device, pool)
    triple = capture(lambda: (x * 3).sum(), x.device, pool)
    for _ in range(3):
        assert double().item() == 2 << 12
        assert triple().item() == 3 << 12


class Driver:
    """As much of torch.cuda as a recording needs, on a machine without: it keeps account of
    the current stream, of memory that is being recorded into, and of who ran on which stream.
    """

    def __init__(self) -> None:
        self.current = "the default stream"
        self.under_way, self.held = [], []
        self.spoilt = False

    def graph(self, graph, *, pool, stream, capture_error_mode):
        assert capture_error_mode == "thread_local"
        driver = self

        class Recording:
            def __enter__(self) -> None:
                self.before, driver.current = driver.current, stream
                driver.under_way.append(pool)
                driver.held.append(pool)

            def __exit__(self, *_) -> None:
                if driver.spoilt:  # torch's own leaves both as they are
                    raise RuntimeError("operation failed due to a previous error")
                driver.under_way.remove(pool)
                driver.current = self.before

        return Recording()

    def end(self, device, pool) -> None:
        if pool not in self.under_way:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")
        self.under_way.remove(pool)

    def release(self, device, pool) -> None:
        assert pool not in self.under_way
        self.held.remove(pool)


@pytest.fixture
def driver(monkeypatch):
    driver = Driver()
    stream = SimpleNamespace(wait_stream=lambda other: None)

    class Graph:
        def replay(self) -> None:
            """Nothing was recorded."""

    for name, what in {
        "device": lambda _: nullcontext(),
        "stream": lambda _: nullcontext(),
        "current_stream": lambda: stream if driver.current == "the default stream" else None,
        "set_stream": lambda _: setattr(driver, "current", "the default stream"),
        "synchronize": lambda: None,
        "CUDAGraph": Graph,
        "graph": driver.graph,
    }.items():
        monkeypatch.setattr(torch.cuda, name, what)
    monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", driver.end, raising=False)
    monkeypatch.setattr(torch._C, "_cuda_releasePool", driver.release, raising=False)
    monkeypatch.setattr(module, "_FAILED", [])
    return driver


@pytest.fixture
def pool(driver):
    pool = Pool(CPU)
    pool.stream, pool.memory = SimpleNamespace(wait_stream=lambda other: None), (0, 1)
    return pool


def test_a_recording_runs_three_times_before(driver, pool) -> None:
    ran = []
    replay = capture(lambda: ran.append(driver.current) or len(ran), torch.device("cuda"), pool)
    assert (ran[:3], len(ran)) == (["the default stream"] * 3, 4)
    assert ran[3] is pool.stream
    assert replay() == 4
    assert (driver.under_way, module._FAILED) == ([], [])


@pytest.mark.parametrize("spoilt", [True, False], ids=["by the driver", "by its own error"])
def test_a_recording_that_fails_leaves_nothing_under_way(driver, pool, spoilt) -> None:
    ran = []

    def run() -> None:
        ran.append(1)
        if len(ran) == 4:
            driver.spoilt = spoilt
            raise torch.OutOfMemoryError("no memory")

    with pytest.raises(RuntimeError):
        capture(run, torch.device("cuda"), pool)
    assert (driver.current, driver.under_way) == ("the default stream", [])
    # torch goes on asking a spoilt one; another lets go of its memory when it goes itself
    assert (len(module._FAILED), driver.held) == ((1, []) if spoilt else (0, [(0, 1)]))
