"""For all tests: properties are judged by what they find, not by how long an example took.

Each run looks at other examples, but for CI's: its verdict is about a change, not about luck.
"""

import os
from pathlib import Path

from hypothesis import settings

settings.register_profile(
    "voxline", deadline=None, max_examples=60, derandomize="CI" in os.environ
)
settings.load_profile("voxline")
if not (any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()):
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when Triton is first imported
