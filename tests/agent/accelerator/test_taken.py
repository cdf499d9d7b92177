"""taken.py: the last way that each step took, and no torch for whoever asks."""

import subprocess
import sys

import pytest

from agent.accelerator import taken


@pytest.fixture(autouse=True)
def nothing_taken(monkeypatch):
    monkeypatch.setattr(taken, "_TAKEN", {})


def test_the_latest_way_of_each_step_counts():
    assert taken.ways() == ()
    taken.note("decode step", "CUDA graphs")
    taken.note("prefill", "eager")
    taken.note("decode step", "eager", "; not CUDA graphs: no")
    assert taken.ways() == (
        ("decode step", "eager", "; not CUDA graphs: no"),
        ("prefill", "eager", ""),
    )


def test_to_ask_for_them_takes_no_torch():
    code = "import sys, agent.accelerator.taken; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
