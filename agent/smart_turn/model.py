"""Smart Turn v3.2, a published model of the end of a turn: its encoder, and our probe of it.

What it says itself is a small head over the encoder of Whisper tiny; a network of ours over the
same, fitted on pauses of many speakers, tells ends from pauses better (DECISIONS.md). The
model lies in pipecat-ai (extra `smart-turn`), which is not imported: that would take a second.
"""

import hashlib
import sys
from collections.abc import Callable
from math import exp
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agent.audio.frame import Samples
from agent.errors import ConfigError
from agent.onnx import packaged, session
from agent.smart_turn.mel import log_mel
from agent.smart_turn.outputs import with_outputs
from agent.smart_turn.weights import load as load_probe

Analyze = Callable[[Samples], float]  # [n] at HEAR_HZ -> odds that the turn is over

ENCODED = 768  # numbers that the probe sees

_INSTALL = f"{sys.executable} -m pip install --no-deps"  # the model needs none of them
_PACKAGE = "pipecat-ai==1.14.0"
_FILE = "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"
_SHA256 = "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f"
# names that its graph has, good for this file only
_VERDICT = "logits"
_POOLED = "sum_1"  # [1, 384]: all 8 s, by the attention of its own head
_ATTENDED = "add_483"  # [1, 400, 384]: 20 ms each, after the attention of the last layer
_LATEST = 7  # of these, 140 ms


class Encoded(NamedTuple):
    """What the model makes of the last 8 s."""

    odds: float  # its own verdict
    probed: Samples  # [ENCODED]: what all of it is like, and the end of it


def model_path() -> Path:
    """Where pipecat-ai keeps the model. Raises ConfigError where it does not."""
    path = packaged("pipecat", _FILE)
    if path is None:
        raise ConfigError(f"turns.smart_turn: it is not installed; run: {_INSTALL} {_PACKAGE}")
    return path


class Encoder:
    """Call it with [n] at HEAR_HZ. About 40 ms of one core."""

    def __init__(self) -> None:
        """Raises ConfigError where the model is missing, damaged, or another one."""
        path = model_path()
        try:
            model = path.read_bytes()
            if hashlib.sha256(model).hexdigest() != _SHA256:
                raise ValueError("not the model that our weights are for")
            self._session = session(with_outputs(model, (_POOLED, _ATTENDED)))
        except Exception as error:  # onnxruntime has a dozen of its own
            raise ConfigError(
                f"turns.smart_turn: {path}: {error}; "
                f"run: {_INSTALL} --force-reinstall {_PACKAGE}"
            ) from error

    def __call__(self, samples: Samples) -> Encoded:
        """Return what it makes of [n] at HEAR_HZ; it looks at the last 8 s."""
        odds, pooled, attended = self._session.run(
            [_VERDICT, _POOLED, _ATTENDED], {"input_features": log_mel(samples)[None]}
        )
        probed = np.concatenate([pooled[0], attended[0, -_LATEST:].mean(axis=0)])
        return Encoded(float(odds.item()), probed)


def load() -> Analyze:
    """Return the probe over the published encoder. Raises ConfigError where it is missing."""
    encoder, probe = Encoder(), load_probe()

    def analyze(samples: Samples) -> float:
        return 1 / (1 + exp(-float(probe(encoder(samples).probed))))

    return analyze
