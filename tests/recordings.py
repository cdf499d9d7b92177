"""Real human speech beside the project: read by path, never copied in, skipped where absent."""

import os
from pathlib import Path

import pytest
import soundfile

FOLDER = Path(
    os.environ.get("VOXLINE_RECORDINGS", Path(__file__).parents[2] / "shared" / "recordings")
)


def recording(name: str):
    """Samples [n] float32 at 16 kHz of a recording; skips the test where there is none."""
    path = FOLDER / f"{name}.flac"
    if not path.exists():
        pytest.skip(
            f"{path} is not there; set VOXLINE_RECORDINGS to the recordings' folder",
            allow_module_level=True,
        )
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == 16_000
    return samples
