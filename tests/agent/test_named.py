"""What an operator names is found where they stand; else they are told what to do."""

import inspect
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from agent.errors import ConfigError
from agent.named import find

MODULE = """
    from json import dumps
    from pathlib import Path

    class Robot: ...
    class _Hidden: ...
    def price(): ...
    def stock(): ...
    NUMBER = 1
"""


@pytest.fixture(autouse=True)
def write(tmp_path, monkeypatch):
    """Writes a module into the current folder, which is not on the path; forgets it again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    names = []

    def write(name, text):
        Path(f"{name}.py").write_text(dedent(text))
        names.append(name)

    write("shop", MODULE)
    yield write
    for name in names:
        sys.modules.pop(name, None)


def function(path):
    return find(path, "agent.tools", "function", inspect.isfunction)


def test_a_module_in_the_current_folder_is_found() -> None:
    assert function("shop:price").__name__ == "price"
    assert find("shop:Robot", "agent.brain", "class", inspect.isclass).__name__ == "Robot"


def test_the_current_folder_hides_nothing(write) -> None:
    write("json", "def price(): ...")  # the standard library has one
    assert function("json:dumps") is sys.modules["json"].dumps
    function("shop:price")
    assert sys.path.count(str(Path.cwd())) == 1


def test_what_another_package_has_is_found_too() -> None:
    assert function("textwrap:dedent") is dedent


@pytest.mark.parametrize(
    "path", ["shop", "shop:", ":price", ".shop:price", "shop:price()", "shop:Robot.walk", ""]
)
def test_how_to_write_it_is_told(path) -> None:
    with pytest.raises(
        ConfigError, match=r"^agent\.tools: .* write it as package\.module:func"
    ):
        function(path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere:price", "there is no module nowhere; start Voxline in the folder that holds"),
        ("nowhere.at_all:price", r"there is no module nowhere\.at_all"),
        ("shop.deeper:price", r"there is no module shop\.deeper"),
        ("shop:prize", "shop has no function prize; it has price, stock$"),
        ("shop:NUMBER", "shop has no function NUMBER"),
        ("shop:Robot", "shop has no function Robot"),
    ],
)
def test_what_is_not_there_is_named(path, reason) -> None:
    with pytest.raises(ConfigError, match=reason):
        function(path)


def test_a_package_that_it_needs_is_told_from_the_module_itself(write) -> None:
    write("hungry", "import no_such_package")
    with pytest.raises(ConfigError, match="hungry needs no_such_package, which is not inst"):
        function("hungry:price")


def test_a_bug_in_the_module_is_named_and_its_traceback_logged(write, caplog) -> None:
    write("closed", "1 / 0")
    with pytest.raises(ConfigError, match=r"closed cannot be imported \(ZeroDivisionError"):
        function("closed:price")
    assert "1 / 0" in caplog.records[-1].exc_text
