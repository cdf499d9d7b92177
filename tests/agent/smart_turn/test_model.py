"""The published encoder and our probe: absent it is said how to get it; else what it hears."""

import hashlib
import importlib
import io
import pickle
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from recordings import recording

from agent.endpoint.odds import logit
from agent.errors import ConfigError
from agent.smart_turn import model, weights
from agent.smart_turn.model import ENCODED, Encoder, load, model_path

ENDING = ("lj-sentence-a", "austen-0870", "austen-0890", "sb-spk1_snt5", "sb-spk1_snt6", "jfk")
ROOT = Path(__file__).parents[3]
# What pipecat 1.14.0 says of the first seconds of a recording where it is sure: the model has 8
# bits, and where it is not, another machine's last digit may change what it says.
PUBLISHED = {1.6: 0.0095, 4.0: 0.0157, 11.68: 0.9777}


@pytest.fixture(scope="module")
def encoder(published):
    return Encoder()


def test_without_its_package_it_is_said_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setattr(model, "packaged", lambda package, file: None)
    with pytest.raises(
        ConfigError, match=r"turns.smart_turn: it is not installed; run: "
    ) as said:
        load()
    with (ROOT / "pyproject.toml").open("rb") as file:
        (wanted,) = tomllib.load(file)["project"]["optional-dependencies"]["smart-turn"]
    assert str(said.value).endswith(f"-m pip install --no-deps {wanted}")


def test_a_package_without_the_model_is_none(tmp_path, monkeypatch) -> None:
    (tmp_path / "pipecat").mkdir()
    (tmp_path / "pipecat/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    with pytest.raises(ConfigError, match="not installed"):
        model_path()


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"another", "not the model that our weights are for"), (None, "No such file")],
)
def test_another_or_unreadable_model_is_refused(tmp_path, monkeypatch, content, why) -> None:
    """Our weights would make nonsense of it. Mutant: whatever lies there is loaded."""
    other = tmp_path / "other.onnx"
    if content is not None:
        other.write_bytes(content)
    monkeypatch.setattr(model, "model_path", lambda: other)
    with pytest.raises(ConfigError, match=rf"smart_turn: .*other\.onnx: .*{why}") as said:
        load()
    assert "--force-reinstall" in str(said.value)


def test_what_onnxruntime_refuses_is_said_in_one_line(tmp_path, monkeypatch) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"broken")
    monkeypatch.setattr(model, "model_path", lambda: broken)
    monkeypatch.setattr(model, "_SHA256", hashlib.sha256(b"broken").hexdigest())
    with pytest.raises(ConfigError, match=r"broken\.onnx: .*; run: ") as said:
        load()
    assert "\n" not in str(said.value)


def test_a_process_can_be_told_to_load_it() -> None:
    assert pickle.load(io.BytesIO(pickle.dumps(load))) is load


def test_its_package_is_not_imported(encoder) -> None:
    assert "pipecat" not in sys.modules


def test_its_own_verdict_is_what_its_package_says(encoder) -> None:
    spoken = recording("lj-sentence-a")
    for end_s, odds in PUBLISHED.items():
        assert encoder(spoken[: int(end_s * 16_000)]).odds == pytest.approx(odds, abs=0.02)


def test_the_probe_sees_the_whole_and_the_end_of_it(encoder) -> None:
    spoken = recording("lj-sentence-a")
    whole = encoder(spoken).probed
    assert whole.shape == (ENCODED,)
    silent = np.concatenate([spoken, np.zeros(3200, np.float32)])
    later = encoder(silent).probed
    assert (
        np.abs(later[384:] - whole[384:]).mean() > 2 * np.abs(later[:384] - whole[:384]).mean()
    )


def test_it_tells_ends_from_what_is_cut_off(encoder) -> None:
    """On average: one answer of 8 bits may move by a third of a logit."""
    analyze = load()
    quiet = np.zeros(1600, np.float32)
    ends, cut_off = [], []
    for name in ENDING:
        spoken = recording(name)
        ends.append(logit(analyze(np.concatenate([spoken, quiet]))))
        cut_off += [logit(analyze(spoken[: int(s * 16_000)])) for s in (1.2, 1.6)]
    assert np.mean(ends) > np.mean(cut_off) + 0.5


def test_the_odds_are_the_probes(encoder) -> None:
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) / 10
    logit = weights.load()(encoder(noise).probed)
    assert load()(noise) == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-4)
