"""One tiny checkpoint for all tests of Voxtral."""

import pytest
from tiny_voxtral import make


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """The folder of a tiny Voxtral."""
    return make(tmp_path_factory.mktemp("voxtral"))
