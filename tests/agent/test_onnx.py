"""A model is found in a package that is not imported, and run in the caller's thread."""

import importlib
import sys

import pytest

from agent.onnx import packaged, session
from agent.vad.silero import model_path


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package whose import fails."""
    folder = tmp_path / "package_of_a_test"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError")
    (folder / "data/model.onnx").touch()
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return folder


def test_a_model_is_found_without_the_import_of_its_package(package) -> None:
    assert packaged(package.name, "data/model.onnx") == package / "data/model.onnx"
    assert package.name not in sys.modules


@pytest.mark.parametrize("name", ["package_of_a_test", "no_package", "json.decoder", "sys"])
def test_what_is_not_there_is_none(package, name) -> None:
    assert packaged(name, "data/other.onnx") is None


def test_a_session_has_no_threads_of_its_own() -> None:
    options = session(model_path().read_bytes()).get_session_options()
    assert options.intra_op_num_threads == options.inter_op_num_threads == 1
