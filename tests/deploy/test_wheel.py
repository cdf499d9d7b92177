"""What `pip install .` brings: all the code, the web files, the data; and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """The files of a wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [wheel] = folder.glob("voxline-*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
def test_every_module_is_there(names):
    for package in ("agent", "signaling", "benchmarks"):
        for path in (ROOT / package).rglob("*.py"):
            assert str(path.relative_to(ROOT)) in names


@pytest.mark.slow
def test_the_weights_are_there(names):
    """Killed: a suffix that is left out; without the first nothing that judges loads."""
    assert {"agent/endpoint/weights.npz", "agent/smart_turn/weights.npz"} <= names


@pytest.mark.slow
def test_what_browsers_load_is_there(names):
    for path in (ROOT / "web").iterdir():
        if path.suffix in (".js", ".html", ".css", ".svg"):
            assert str(path.relative_to(ROOT)) in names


@pytest.mark.slow
def test_the_dialogues_are_there(names):
    paths = list((ROOT / "benchmarks" / "dialogues").glob("*.yaml"))
    assert paths and all(str(path.relative_to(ROOT)) in names for path in paths)


@pytest.mark.slow
def test_the_command_is_there_and_tests_are_not(names):
    assert any(name.endswith("entry_points.txt") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "deploy/", ".venv"))]
