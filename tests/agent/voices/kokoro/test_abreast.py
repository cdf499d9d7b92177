"""Forks go out from the current stream and come back to it, and nothing passes by a join."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from agent.accelerator.capture import capture
from agent.voices.kokoro import abreast
from agent.voices.kokoro.abreast import Lanes


class Gpu:
    """Streams of a GPU that is not there: for each, which work it knows to be done before."""

    def __init__(self, monkeypatch):
        self.streams = []
        self.current = self.stream("main")
        self.order = []
        cuda = SimpleNamespace(
            current_stream=lambda _: self.current,
            Stream=lambda _, priority: self.stream(f"side {len(self.streams)}", priority),
            stream=self.use,
        )
        monkeypatch.setattr(
            abreast, "torch", SimpleNamespace(cuda=cuda, compiler=torch.compiler)
        )

    def stream(self, name, priority=-1):
        made = SimpleNamespace(device="gpu", name=name, priority=priority, done=set())
        made.wait_stream = lambda other: made.done.update(other.done)
        self.streams.append(made)
        return made

    @contextmanager
    def use(self, stream):
        before, self.current = self.current, stream
        try:
            yield
        finally:
            self.current = before

    def work(self, name, inside=lambda: None):
        """A work that notes what is done before it, by the streams' own account."""

        def run():
            inside()
            self.order.append((name, self.current.name, frozenset(self.current.done)))
            self.current.done.add(name)
            return name

        return run


NEAR = SimpleNamespace(is_cuda=True, device="gpu")
ON_CPU = torch.zeros(1)


@pytest.fixture
def gpu(monkeypatch):
    return Gpu(monkeypatch)


def test_on_a_cpu_one_comes_after_another():
    order = []
    works = [lambda n=n: order.append(n) or n for n in range(3)]
    assert Lanes().each(works, ON_CPU) == [0, 1, 2] == order
    assert Lanes().both(lambda: 1, lambda: "two", ON_CPU) == (1, "two")


def test_each_has_a_stream_and_the_first_stays(gpu):
    gpu.work("before")()
    made = Lanes().each([gpu.work(name) for name in "abc"], NEAR)
    gpu.work("after")()
    assert made == ["a", "b", "c"]
    assert sorted(gpu.order[1:4]) == [
        ("a", "main", frozenset({"before"})),
        ("b", "side 1", frozenset({"before"})),
        ("c", "side 2", frozenset({"before"})),
    ]
    assert gpu.order[4] == ("after", "main", frozenset({"before", "a", "b", "c"}))


def test_what_stays_is_begun_last(gpu):
    """Memory that it lets go of must not be given to a side that does not wait for it."""
    Lanes().each([gpu.work(name) for name in "abc"], NEAR)
    assert [name for name, *_ in gpu.order] == ["b", "c", "a"]


def test_the_streams_are_made_once_and_as_urgent_as_the_current_one(gpu):
    lanes = Lanes()
    for count in (2, 3, 2):
        lanes.each([gpu.work(str(n)) for n in range(count)], NEAR)
    assert [stream.name for stream in gpu.streams] == ["main", "side 1", "side 2"]
    assert {stream.priority for stream in gpu.streams} == {-1}
    with gpu.use(gpu.stream("idle", priority=0)):
        lanes.each([gpu.work("a"), gpu.work("b")], NEAR)
    assert [stream.priority for stream in gpu.streams[3:]] == [0, 0]


def test_a_fork_inside_a_fork_runs_beside_the_outer_one(gpu):
    outer, inner = Lanes(), Lanes()
    outer.both(
        gpu.work("x", lambda: inner.both(gpu.work("a"), gpu.work("b"), NEAR)),
        gpu.work("y"),
        NEAR,
    )
    gpu.work("after")()
    known = {name: done for name, _, done in gpu.order}
    assert known["b"] == known["a"] == known["y"] == set()
    assert known["x"] == {"a", "b"}
    assert known["after"] == {"a", "b", "x", "y"}


@pytest.mark.parametrize("where", [0, 1])
def test_a_work_that_fails_leaves_no_stream_behind(gpu, where):
    def fail():
        raise KeyError("ours")

    works = [gpu.work("a"), gpu.work("b"), gpu.work("c")]
    works[where] = gpu.work("x", fail)
    with pytest.raises(KeyError):
        Lanes().each(works, NEAR)
    begun = {name for name, *_ in gpu.order}
    assert gpu.current.name == "main"
    assert gpu.current.done == begun


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_a_graph_computes_with_forks_what_it_computes_without():
    x = torch.randn(256, 256, device="cuda", dtype=torch.float64)
    lanes, inner = Lanes(), Lanes()

    def chain(times, start):
        y = start
        for _ in range(times):
            y = torch.tanh(y @ x)
        return y

    def forked(near):
        def one():
            return sum(inner.both(lambda: chain(40, x), lambda: chain(20, x), near))

        total = x
        for _ in range(5):  # memory is given back and taken again between the forks
            made = lanes.each([one, lambda: chain(30, x), lambda: chain(10, x)], near)
            total = total + sum(made)
        return total

    wanted = forked(ON_CPU)
    replay = capture(lambda: forked(x), x.device)
    for _ in range(3):
        assert torch.allclose(replay(), wanted, atol=1e-12)
    assert torch.allclose(forked(x), wanted, atol=1e-12)
