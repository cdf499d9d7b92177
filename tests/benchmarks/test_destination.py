"""What cannot be written is told before the work whose result it is."""

import os

import pytest

from agent.errors import ConfigError
from benchmarks.destination import check, json_file


def test_a_new_file_and_one_to_replace_are_fine(tmp_path) -> None:
    check("--json", tmp_path / "new.json")
    (tmp_path / "old.png").touch()
    check("--plot", tmp_path / "old.png", ".png")
    check("--plot", None, ".png")


def test_nothing_is_left_behind(tmp_path) -> None:
    check("--json", tmp_path / "new.json")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"--json .*x\.json: there is no folder .*missing$"):
        check("--json", tmp_path / "missing" / "x.json")


def test_a_folder_is_no_file(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"--save .*: is a folder"):
        check("--save", tmp_path)


def test_another_kind_of_file_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"--picture .*: must end in \.png"):
        check("--picture", tmp_path / "a.weird", ".png")
    check("--picture", tmp_path / "A.PNG", ".png")


def test_what_is_not_ours_is_told(tmp_path, monkeypatch) -> None:
    """By a stand-in: root, who may run this, may write everywhere."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ConfigError, match="cannot be written"):
        check("--json", tmp_path / "x.json")


def test_json_goes_to_a_file_or_to_the_standard_output(tmp_path) -> None:
    assert json_file(None) is None is json_file("-")
    assert json_file(str(tmp_path / "x.json")) == tmp_path / "x.json"
    with pytest.raises(ConfigError, match=r"--json .*: is a folder"):
        json_file(str(tmp_path))
