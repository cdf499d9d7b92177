"""silero's voice activity model, run by onnxruntime.

The ONNX file inside the silero-vad package is found without importing the package, because that
import calls torch.set_num_threads(1) for the whole process. The values are those of its own
OnnxWrapper (checked by a test). About 0.25 ms a window on one core.
"""

from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime as ort

from agent.audio.frame import HEAR_HZ, Samples
from agent.audio.window import WINDOW
from agent.engines import MEMORY
from agent.errors import ConfigError
from agent.onnx import packaged, session

_CONTEXT = 64  # samples of the window before, put in front of each window
_CELL = 1  # of its state, [2, 1, MEMORY]: the hidden layer, and the cell of the LSTM
_RATE = np.array(HEAR_HZ, dtype=np.int64)


def model_path() -> Path:
    """Where the installed silero-vad keeps its model. Raises ConfigError if it does not."""
    path = packaged("silero_vad", "data/silero_vad.onnx")
    if path is None:
        raise ConfigError(
            "silero-vad is not installed or has no model; run: pip install silero-vad"
        )
    return path


@cache
def _session() -> ort.InferenceSession:
    """One for all calls: it keeps no state, and its run() may be called from any of them."""
    return session(model_path().read_bytes())


def load() -> None:
    """Load the model, which takes 0.1 s, before the first call. Raises ConfigError."""
    Silero().probability(np.zeros(WINDOW, np.float32))


class Silero:
    """The state of one call."""

    def __init__(self) -> None:
        self._state = np.zeros((2, 1, MEMORY), np.float32)
        self._context = np.zeros((1, _CONTEXT), np.float32)

    def probability(self, window: Samples) -> float:
        """Speech probability of the next window, [512] at HEAR_HZ."""
        framed = np.concatenate([self._context, window[None]], axis=1)  # [1, 576]
        out, self._state = _session().run(
            None, {"input": framed, "state": self._state, "sr": _RATE}
        )
        self._context = framed[:, -_CONTEXT:]
        return float(out[0, 0])

    @property
    def memory(self) -> Samples:
        """[MEMORY] the cell of its LSTM: what it has kept of all windows so far."""
        cell: Samples = self._state[_CELL, 0]
        return cell
