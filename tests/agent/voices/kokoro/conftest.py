"""One checkpoint and one model for all of these tests: each takes seconds to make."""

import pytest

pytest.importorskip("kokoro", reason="needs pip install '.[voxtral]'")

import tiny_kokoro

from agent.config import Kokoro, Torch
from agent.voices.kokoro.voice import KokoroVoice


@pytest.fixture(scope="session")
def checkpoint_folder(tmp_path_factory):
    return tiny_kokoro.make(tmp_path_factory.mktemp("kokoro") / "checkpoint")


@pytest.fixture(scope="session")
def voice(checkpoint_folder):
    return KokoroVoice(Kokoro(model=str(checkpoint_folder)), Torch(device="cpu"))
