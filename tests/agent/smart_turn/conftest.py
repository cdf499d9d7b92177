"""Here it is what is tested."""

import pytest


@pytest.fixture(autouse=True)
def smart_turn_is_not_installed() -> None:
    """It may be."""
