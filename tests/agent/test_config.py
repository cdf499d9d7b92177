"""config.yaml's values: every key documented, every bound in words an operator understands."""

from pathlib import Path

import pytest
import yaml
from config_keys import keys

from agent.config import Between, Config, OneOf, OneOfOrClass
from agent.config_file import load

ROOT = Path(__file__).parents[2]


def test_the_shipped_file_is_the_defaults() -> None:
    assert load(ROOT / "config.yaml") == load(None) == Config()


def test_the_shipped_file_has_every_key_and_a_reason_for_it() -> None:
    text = (ROOT / "config.yaml").read_text()
    tree = yaml.safe_load(text)
    assert {f"{s}.{k}" for s, branch in tree.items() for k in branch} == set(keys(Config()))
    lines = text.splitlines()
    for n, line in enumerate(lines):
        if line.startswith("  ") and not line.lstrip().startswith("#"):
            assert lines[n - 1].startswith("  # "), f"no reason above {line.strip()!r}"


@pytest.mark.parametrize(
    ("bound", "allowed", "refused", "words"),
    [
        (Between(1, 3), 3, 4, "between 1 and 3"),
        (OneOf("a", "b"), "b", "x:Y", "one of a, b"),
        (OneOfOrClass("a"), "mine.voices:Robot", "mine.voices", "own package.module:Class"),
        (OneOfOrClass("a"), "mine:Robot", ".mine:Robot", "own package.module:Class"),
        (OneOfOrClass("a"), "mine:Robot", "mine..voices:Robot", "own package.module:Class"),
    ],
)
def test_a_bound_holds_and_says_what_it_allows(bound, allowed, refused, words) -> None:
    assert bound.holds(allowed)
    assert not bound.holds(refused)
    assert words in str(bound)
