"""Capturing: on a CPU the function itself, on a GPU what replays it."""

import threading

import pytest
import torch

from agent.accelerator.capture import Pool, capture

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
    assert (x + 1).sum().item() == 6


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
def test_graphs_of_one_pool_may_follow_each_other() -> None:
    x = torch.ones(1 << 12, device="cuda")
    pool = Pool(x.device)
    double = capture(lambda: (x * 2).sum(), x.device, pool)
    triple = capture(lambda: (x * 3).sum(), x.device, pool)
    for _ in range(3):
        assert double().item() == 2 << 12
        assert triple().item() == 3 << 12
