"""A published ONNX model inside an installed package, and a session that runs it."""

from importlib.util import find_spec
from pathlib import Path

import onnxruntime as ort


def packaged(package: str, file: str) -> Path | None:
    """Where `package`, which is not imported, keeps `file`; None where it does not."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / file
        if path.is_file():
            return path
    return None


def session(model: bytes) -> ort.InferenceSession:
    """On the CPU, in the thread of who runs it."""
    options = ort.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
