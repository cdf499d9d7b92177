"""Packages and pins, those of the extra too."""

import sys

import pytest

from agent import capable
from agent.doctor import software
from agent.doctor.check import FAIL, OK, WARN

METADATA = [
    "aiortc==1.16.0",
    "torch==2.13.0",
    "av<19,>=18",
    "sphinx>=5.1; python_version < '3'",  # of which there is no release for this Python
    "sphinx<5.1,>=5.0; python_version >= '3'",
    'transformers==5.23.0; extra == "voxtral"',
    "mistral-common[audio]==1.13.1; extra == 'voxtral'",
    'accelerate<2,>=1; extra == "voxtral"',
    "kokoro==0.9.4; (python_version > '3') and extra == 'voxtral'",
    "misaki==0.9.4; (python_version < '3') and extra == 'voxtral'",
    'pytest==9.0; extra == "dev"',
]
INSTALLED = {
    "aiortc": "1.16.0",
    "torch": "2.13.0+cpu",
    "av": "18.1.0",
    "sphinx": "5.0.4",
    "transformers": "5.23.0",
    "mistral-common": "1.13.1",
    "accelerate": "1.10.0",
    "kokoro": "0.9.4",
}


@pytest.fixture
def installed(monkeypatch):
    """What pip has installed, to be changed by the test."""
    have = dict(INSTALLED)

    def version(name):
        if name not in have:
            raise software.PackageNotFoundError(name)
        return have[name]

    monkeypatch.setattr(software, "requires", lambda name: METADATA)
    monkeypatch.setattr(software, "version", version)
    monkeypatch.setattr(capable, "_PYTHON", (3, 12))
    return have


def test_python_is_told_for_bug_reports():
    assert sys.executable in software.python().found


def test_what_is_as_wanted_is_counted(installed):
    check = software.packages()
    assert (check.status, check.found) == (OK, "4 packages as wanted, torch 2.13.0+cpu")
    check = software.extra(("voxtral",))
    assert (check.status, check.found) == (OK, "4 packages as wanted")


def test_a_wrong_pin_is_named(installed):
    installed["aiortc"] = "1.15.0"
    del installed["torch"]
    installed["torch "] = ""
    check = software.packages()
    assert check.status == FAIL
    assert check.found == "aiortc 1.15.0, wanted ==1.16.0; torch missing, wanted ==2.13.0"
    assert "make setup" in check.remedy


@pytest.mark.parametrize("have", ["17.9", "19.0"])
def test_a_release_out_of_bounds_is_named(installed, have):
    installed["av"] = have
    check = software.packages()
    assert (check.status, check.found) == (FAIL, f"av {have}, wanted <19,>=18")


def test_what_this_python_wants_is_what_counts(installed):
    installed["sphinx"] = "5.1"
    assert software.packages().found == "sphinx 5.1, wanted <5.1,>=5.0"


def test_an_extra_that_nobody_needs_may_be_missing(installed):
    del installed["kokoro"]
    check = software.extra(())
    assert (check.status, check.remedy) == (OK, "")
    assert "kokoro missing" in check.found


def test_an_extra_that_is_needed_must_be_there(installed):
    del installed["kokoro"]
    check = software.extra(("kokoro",))
    assert check.status == FAIL
    assert "pip install '.[voxtral]'" in check.remedy


def test_a_python_for_which_there_is_no_kokoro_has_no_package_to_be_as_wanted(
    installed, monkeypatch
):
    """Killed: ok, since pip leaves it out there, and a command that installs nothing."""
    monkeypatch.setattr(capable, "_PYTHON", (3, 13))
    check = software.extra(("voxtral", "kokoro"))
    assert (check.status, check.found) == (
        FAIL,
        "Kokoro has no release for Python 3.13 yet",
    )
    assert check.remedy == (
        "run Voxline with Python 3.11 or 3.12, or set agent.voice to espeak"
    )
    assert software.extra(("voxtral",)).status == OK


def test_another_version_of_an_extra_warns_even_where_nobody_needs_it(installed):
    installed["transformers"] = "4.0.0"
    assert software.extra(()).status == WARN


def test_a_bare_checkout_is_told_how_to_install(monkeypatch):
    def requires(name):
        raise software.PackageNotFoundError(name)

    monkeypatch.setattr(software, "requires", requires)
    for check in (software.packages(), software.extra(())):
        assert check.status == WARN
        assert "make setup" in check.remedy


@pytest.mark.parametrize(
    ("tools", "header", "cc", "lacks"),
    [
        (["gcc"], True, "", []),
        (["clang"], True, "", []),
        ([], True, "/opt/cc", []),
        ([], True, "", ["C compiler"]),
        (["gcc"], False, "", ["Python.h"]),
        ([], False, "", ["C compiler", "Python.h"]),
    ],
)
def test_what_triton_builds_with_is_looked_for(monkeypatch, tmp_path, tools, header, cc, lacks):
    for name in tools:
        (tmp_path / name).touch(mode=0o755)
    if header:
        (tmp_path / "Python.h").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", cc)
    monkeypatch.setattr(software.sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    check = software.compiler()
    assert check.status == (WARN if lacks else OK)
    assert all(each in check.found for each in lacks)
    assert ("python3-dev" in check.remedy) is bool(lacks)


@pytest.mark.parametrize("probe", ["upstream", "opus", "silero", "espeak"])
def test_native_libraries_are_there_on_a_machine_that_runs_tests(probe):
    assert getattr(software, probe)()
