"""Memory and disk."""

import os

import pytest

from agent.config_file import load
from agent.doctor.check import OK, WARN
from agent.doctor.resources import disk, memory


def test_more_calls_than_memory_warn():
    assert memory(load(None, {"limits.calls": 1})).status == OK
    check = memory(load(None, {"limits.calls": 1000}))
    assert check.status == WARN
    assert "limits.calls=1000" in check.remedy


@pytest.mark.parametrize(
    ("gib", "quantization", "heavy", "status"),
    [
        (4, "none", ("voxtral", "kokoro"), WARN),
        (8, "none", ("voxtral", "kokoro"), OK),
        (8, "int8", ("voxtral",), WARN),
        (16, "int8", ("voxtral",), OK),
        (4, "int8", ("kokoro",), OK),
        (4, "none", (), OK),
    ],
)
def test_a_machine_on_which_loading_would_be_ended_warns(
    monkeypatch, gib, quantization, heavy, status
):
    numbers = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": gib * 2**18}
    monkeypatch.setattr(os, "sysconf", numbers.__getitem__)
    check = memory(load(None, {"voxtral.quantization": quantization}), heavy)
    assert check.status == status
    assert bool(check.remedy) is (status == WARN)


def test_weights_that_have_no_room_warn_with_the_size(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "not" / "yet" / "made"))
    check = disk(0)
    assert check.status == OK
    assert str(tmp_path) in check.found
    check = disk(10**18)
    assert check.status == WARN
    assert "1000000000 GB of weights" in check.found
    assert "HF_HOME" in check.remedy
