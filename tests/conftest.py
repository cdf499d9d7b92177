"""For all tests: properties are judged by what they find, not by how long an example took.

Each run looks at other examples, but for CI's: its verdict is about a change, not about luck.
"""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from agent.errors import ConfigError

settings.register_profile(
    "voxline", deadline=None, max_examples=60, derandomize="CI" in os.environ
)
settings.load_profile("voxline")
if not (any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()):
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when Triton is first imported


@pytest.fixture(autouse=True)
def smart_turn_is_not_installed(monkeypatch) -> None:
    """Servers in the tests' own process do without it, unless a test says that it is installed.

    A second of computing each, and a call that depends on what is installed.
    """

    def missing():
        raise ConfigError("turns.smart_turn: not in tests")

    monkeypatch.setattr("agent.smart_turn.model.model_path", missing)
