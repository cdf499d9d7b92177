"""The published encoder and our probe: absent it is said how to get it; else what it hears."""

import io
import pickle
import sys

import numpy as np
import pytest
from recordings import recording

from agent.errors import ConfigError
from agent.smart_turn import model
from agent.smart_turn.model import ENCODED, Encoder, load, model_path
from agent.smart_turn.weights import BIAS, WEIGHTS

# what pipecat 1.14.0 says of the first seconds of a recording
PUBLISHED = {0.8: 0.8548, 1.6: 0.0095, 3.0: 0.3840, 4.0: 0.0157, 11.68: 0.9777}


@pytest.fixture(scope="module")
def encoder():
    try:
        return Encoder()
    except ConfigError as error:
        pytest.skip(str(error))


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setattr(model.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"turns.smart_turn: .*pip install '.\[smart-turn\]'"):
        load()


def test_a_package_without_the_model_is_none(tmp_path, monkeypatch) -> None:
    (tmp_path / "pipecat").mkdir()
    (tmp_path / "pipecat/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    model.importlib.invalidate_caches()
    with pytest.raises(ConfigError, match="not installed"):
        model_path()


def test_another_model_is_refused(tmp_path, monkeypatch) -> None:
    """Our weights would make nonsense of it. Mutant: whatever lies there is loaded."""
    other = tmp_path / "other.onnx"
    other.write_bytes(b"another")
    monkeypatch.setattr(model, "model_path", lambda: other)
    with pytest.raises(ConfigError, match=r"turns.smart_turn: .*other\.onnx is another model"):
        load()


def test_a_process_can_be_told_to_load_it() -> None:
    assert pickle.load(io.BytesIO(pickle.dumps(load))) is load


def test_its_package_is_not_imported(encoder) -> None:
    assert "pipecat" not in sys.modules


def test_its_own_verdict_is_what_its_package_says(encoder) -> None:
    spoken = recording("lj-sentence-a")
    for end_s, odds in PUBLISHED.items():
        assert encoder(spoken[: int(end_s * 16_000)]).odds == pytest.approx(odds, abs=0.002)


def test_the_probe_sees_the_whole_and_the_end_of_it(encoder) -> None:
    spoken = recording("lj-sentence-a")
    whole = encoder(spoken).probed
    assert whole.shape == (ENCODED,)
    silent = np.concatenate([spoken, np.zeros(3200, np.float32)])
    later = encoder(silent).probed
    assert (
        np.abs(later[384:] - whole[384:]).mean() > 2 * np.abs(later[:384] - whole[:384]).mean()
    )


def test_it_tells_an_end_from_a_pause(encoder) -> None:
    analyze = load()
    spoken = recording("lj-sentence-a")
    end = analyze(np.concatenate([spoken, np.zeros(1600, np.float32)]))
    middle = analyze(spoken[: int(1.6 * 16_000)])
    assert 0 < middle < 0.5 < end < 1


def test_the_odds_are_the_probes(encoder) -> None:
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) / 10
    logit = BIAS + WEIGHTS @ encoder(noise).probed
    assert load()(noise) == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-4)
