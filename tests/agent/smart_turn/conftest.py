"""Here it is what is tested."""

import pytest

from agent.errors import ConfigError
from agent.smart_turn.model import model_path


@pytest.fixture(autouse=True)
def smart_turn_is_not_installed() -> None:
    """It may be."""


@pytest.fixture(scope="session")
def published() -> None:
    """The published model, which may be missing; one that cannot be loaded is a failure."""
    try:
        model_path()
    except ConfigError as error:
        pytest.skip(str(error))
