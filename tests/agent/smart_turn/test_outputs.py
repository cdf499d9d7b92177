"""Tried on a published model that is always installed: silero's."""

import numpy as np
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from agent.onnx import session
from agent.smart_turn.outputs import with_outputs
from agent.vad.silero import model_path

PUBLISHED = model_path().read_bytes()
STEP = {
    "input": np.linspace(-1, 1, 576, dtype=np.float32)[None],
    "state": np.zeros((2, 1, 128), np.float32),
    "sr": np.array(16_000, np.int64),
}


def test_what_is_asked_for_is_said_besides() -> None:
    asked = session(with_outputs(PUBLISHED, ["input", "state"]))
    assert [o.name for o in asked.get_outputs()] == ["output", "stateN", "input", "state"]
    *said, heard, state = asked.run(None, STEP)
    assert np.array_equal(heard, STEP["input"])
    assert np.array_equal(state, STEP["state"])
    for ours, theirs in zip(said, session(PUBLISHED).run(None, STEP), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("length", [1, 60, 127, 128, 300, 20_000])
def test_a_name_arrives_whole_however_long(length) -> None:
    """Its length takes one byte, two, or three. A name that nobody computes is told."""
    name = "n" * length
    with pytest.raises(Fail, match=rf"Graph output \({name}\) does not exist"):
        session(with_outputs(PUBLISHED, [name]))
