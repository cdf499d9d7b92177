"""The published model: absent it is said how to get it, present it tells ends from pauses."""

import builtins
import io
import pickle

import numpy as np
import pytest
from recordings import recording

from agent.errors import ConfigError
from agent.smart_turn.model import load


@pytest.fixture
def analyze():
    pytest.importorskip(
        "pipecat.audio.turn.smart_turn.local_smart_turn_v3",
        reason="the extra smart-turn is not installed",
    )
    return load()


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch) -> None:
    imported = builtins.__import__

    def missing(name, *rest):
        if name.startswith(("pipecat", "loguru")):
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigError, match=r"turns.smart_turn: .*pip install '.\[smart-turn\]'"):
        load()


def test_a_process_can_be_told_to_load_it() -> None:
    assert pickle.load(io.BytesIO(pickle.dumps(load))) is load


def test_the_published_model_tells_an_end_from_the_middle_of_a_word(analyze) -> None:
    spoken = recording("lj-sentence-a")
    end = analyze(np.concatenate([spoken, np.zeros(3200, np.float32)]))
    middle = analyze(spoken[: int(1.6 * 16_000)])
    assert 0 <= middle < 0.5 < end <= 1
