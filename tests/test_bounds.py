"""The versions that pyproject.toml allows are those that this was tested with, and more.

That the lower ones work is seen by `make lowest`.
"""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())[
    "project"
]
EXTRAS = PROJECT["optional-dependencies"]
OURS = [Requirement(line) for line in PROJECT["dependencies"]]
ALL = [*OURS, *(Requirement(line) for lines in EXTRAS.values() for line in lines)]
HERE = [each for each in ALL if each.marker is None or each.marker.evaluate()]


@pytest.mark.parametrize("requirement", HERE, ids=str)
def test_what_is_installed_is_allowed(requirement) -> None:
    try:
        installed = Version(version(requirement.name))
    except PackageNotFoundError:
        if requirement in OURS:
            raise
        pytest.skip("an extra that is not installed")
    assert installed in requirement.specifier


@pytest.mark.parametrize("requirement", OURS, ids=str)
def test_whatever_we_need_has_an_oldest_and_a_newest(requirement) -> None:
    assert not requirement.specifier.contains("0")
    assert not requirement.specifier.contains("9999")


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_each_package_is_named_once_for_a_python(python) -> None:
    named = [
        each.name
        for each in OURS
        if each.marker is None or each.marker.evaluate({"python_version": python})
    ]
    assert sorted(named) == sorted({each.name for each in OURS})
