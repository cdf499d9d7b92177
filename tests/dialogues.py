"""Dialogues of a test's own, in virtual time."""

from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from benchmarks.dialogue.scenario import read
from benchmarks.dialogue.sound import render
from benchmarks.dialogue.virtual import VirtualWorld
from benchmarks.dialogue.world import Part, Settings

PLAIN = Settings(None, {})


def scenario(*lines, **keys):
    """Lines of a caller, and whatever else stands in a scenario."""
    tree = {"about": "a test", "expect": [{"cut": 0}], "caller": list(lines), **keys}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "test.yaml"
        path.write_text(yaml.safe_dump(tree))
        return read(path)


def part(*lines, name="test", **keys):
    made = scenario(*lines, **keys)
    return Part(name, made, render(made))


def played(*lines, overrides=None, **keys):
    """What came of it."""
    [account] = accounts([part(*lines, **keys)], VirtualWorld(), overrides)
    return account


def accounts(parts, world, overrides=None):
    """What came of them, in their order."""
    done = {}
    settings = Settings(None, overrides or {})
    world.play(parts, settings, lambda part, account: done.update({part.name: account}))
    return [done[part.name] for part in parts]
