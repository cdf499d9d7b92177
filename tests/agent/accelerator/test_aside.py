"""Work on a stream of its own: there while it lasts, over when it is left."""

from contextlib import contextmanager

import pytest
import torch

from agent.accelerator.aside import aside


class Stream:
    """Of a GPU that is not there: notes what happens, and fails when it is told to."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.log, self.fault = [], fault

    def synchronize(self) -> None:
        self.log.append("waited")
        if self.fault is not None:
            raise self.fault


@pytest.fixture(autouse=True)
def _streams(monkeypatch):
    @contextmanager
    def use(stream):
        if stream is not None:
            stream.log.append("entered")
        yield
        if stream is not None:
            stream.log.append("left")

    monkeypatch.setattr(torch.cuda, "stream", use)


def test_it_is_waited_for_before_it_is_left() -> None:
    stream = Stream()
    with aside(stream):
        stream.log.append("worked")
    assert stream.log == ["entered", "worked", "waited", "left"]


def test_no_gradients_are_kept() -> None:
    with aside(None):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()


def test_a_failure_is_waited_for_too() -> None:
    stream = Stream()
    with pytest.raises(KeyError), aside(stream):
        raise KeyError("ours")
    assert stream.log == ["entered", "waited"]


def test_what_the_device_says_is_the_error() -> None:
    """A lost GPU ends the process; what it broke in Python on its way is only the context."""
    stream = Stream(RuntimeError("an illegal memory access was encountered"))
    with pytest.raises(RuntimeError, match="illegal memory access") as caught, aside(stream):
        raise IndexError("a token that there is not")
    assert isinstance(caught.value.__context__, IndexError)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_nothing_is_under_way_afterwards(monkeypatch) -> None:
    monkeypatch.undo()
    stream = torch.cuda.Stream()
    with pytest.raises(KeyError), aside(stream):
        assert torch.cuda.current_stream() == stream
        torch.cuda._sleep(100_000_000)
        raise KeyError("ours")
    assert stream.query()
    assert torch.cuda.current_stream() != stream
