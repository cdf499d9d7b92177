"""Loading in the log: a line for each tenth, and nothing drawn."""

import logging

import pytest

from agent.brains.voxtral.progress import Progress


@pytest.fixture(autouse=True)
def _log_everything(caplog):
    caplog.set_level(logging.INFO, logger="agent.brains.voxtral.progress")


def told(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_it_ends_at_all_of_it_and_never_goes_back(caplog, capsys) -> None:
    assert list(Progress(range(200), desc="Loading weights")) == list(range(200))
    lines = told(caplog)
    assert lines[-1] == "Loading weights: 100 %"
    assert len(lines) == len(set(lines)) <= 11
    assert capsys.readouterr() == ("", "")


def test_bytes_of_a_download(caplog) -> None:
    with Progress(
        total=1000, unit="B", desc="model.safetensors: ", name="hub", mininterval=0
    ) as bar:
        for _ in range(10):
            bar.update(100)
    assert told(caplog) == [f"model.safetensors: {percent} %" for percent in range(0, 101, 10)]


def test_of_an_unknown_total_only_the_beginning_is_told(caplog) -> None:
    with Progress(desc="x") as bar:
        bar.update(5)
    assert told(caplog) == ["x: 0 %"]
