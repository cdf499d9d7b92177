"""Memory and disk."""

from agent.config_file import load
from agent.doctor.check import OK, WARN
from agent.doctor.resources import disk, memory


def test_more_calls_than_memory_warn():
    assert memory(load(None, {"limits.calls": 1})).status == OK
    check = memory(load(None, {"limits.calls": 1000}))
    assert check.status == WARN
    assert "limits.calls=1000" in check.remedy


def test_weights_that_have_no_room_warn_with_the_size(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "not" / "yet" / "made"))
    check = disk(0)
    assert check.status == OK
    assert str(tmp_path) in check.found
    check = disk(10**18)
    assert check.status == WARN
    assert "1000000000 GB of weights" in check.found
    assert "HF_HOME" in check.remedy
