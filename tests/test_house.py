"""The house's budgets: files fit in the head, and each module has its test module."""

from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path
    for folder in ("agent", "signaling", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "__init__.py"
)
WEB = sorted(path for path in (ROOT / "web").rglob("*.js") if "node_modules" not in path.parts)
NAMELESS = {"utils", "common", "helpers", "base", "manager", "misc"}


def lines(path):
    return len(path.read_text().splitlines())


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 20
    assert WEB


@pytest.mark.parametrize("path", SOURCES + WEB, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_is_over_400_lines(path) -> None:
    assert lines(path) <= 400


def test_most_files_are_near_100_lines() -> None:
    assert median(lines(path) for path in SOURCES) <= 160


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_each_module_has_its_test_module(path) -> None:
    relative = path.relative_to(ROOT)
    mirror = ROOT / "tests" / relative.with_name(f"test_{path.stem.strip('_')}.py")
    assert mirror.exists(), f"{relative} wants {mirror.relative_to(ROOT)}"


def test_each_test_module_mirrors_something() -> None:
    """tests/web and files at the top are about the whole."""
    for folder in ("agent", "signaling", "benchmarks"):
        for path in (ROOT / "tests" / folder).rglob("test_*.py"):
            relative = path.relative_to(ROOT / "tests")
            stem = path.stem.removeprefix("test_")
            homes = [relative.with_name(f"{stem}.py"), relative.with_name(f"__{stem}__.py")]
            homes.append(relative.with_name(stem) / "__init__.py")
            assert any((ROOT / home).exists() for home in homes), f"{relative} mirrors nothing"


def test_tests_are_at_least_as_long_as_the_source() -> None:
    source = sum(lines(path) for path in SOURCES)
    tests = sum(lines(path) for path in (ROOT / "tests").rglob("*.py"))
    assert tests >= source


def test_names_say_what_is_inside() -> None:
    assert not [path for path in SOURCES if path.stem in NAMELESS]


def test_source_and_documents_hold_no_leftovers() -> None:
    """No work is promised in a comment instead of done, nothing debugged in place."""
    for path in SOURCES + WEB:
        text = path.read_text()
        for leftover in ("TODO", "FIXME", "XXX", "breakpoint()", "console.log("):
            assert leftover not in text, f"{path.relative_to(ROOT)} holds {leftover}"
