"""Which faults end the process, and which only a job."""

import pytest
import torch

from agent.accelerator.lost import STATUS, end_if_lost


def ended(error):
    statuses = []
    end_if_lost(error, statuses.append)
    return statuses


def test_a_fault_of_the_device_ends_the_process_and_says_so(caplog) -> None:
    assert ended(torch.AcceleratorError("CUDA error: device-side assert triggered")) == [STATUS]
    assert "device-side assert" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("shapes do not match"),
        ValueError("no"),
    ],
)
def test_any_other_fault_ends_nothing(error, caplog) -> None:
    assert ended(error) == []
    assert not caplog.text
