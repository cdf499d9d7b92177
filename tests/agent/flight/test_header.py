"""What stands first in a record: which call, which Voxline, which configuration."""

import json
from dataclasses import asdict, replace

import msgpack
import pytest

from agent.config import Config
from agent.config_file import load
from agent.engines import Tool
from agent.errors import ConfigError
from agent.flight.header import VERSION, Header
from agent.flight.packing import Damaged, pack_header
from agent.requests import CallSettings

SETTINGS = CallSettings(eagerness="low", tools=(("weather", "Look outside.", "{}"),))
TOOLS = (Tool("price", "What it costs.", "{}"),)


def header(**overrides):
    config = load(None, {key.replace("__", "."): value for key, value in overrides.items()})
    return Header.of("rtc_abc", "2026-01-01T00:00:00+00:00", config, SETTINGS, TOOLS)


def plain(**changes):
    """As it is read: what msgpack makes of it."""
    value = msgpack.unpackb(pack_header(header().plain()))
    return {**value, **changes}


def test_it_comes_back() -> None:
    assert Header.read(plain()) == replace(header(), config=plain()["config"])


def test_the_configuration_that_held_holds_again() -> None:
    recorded = header(turns__eagerness="high", agent__tools=["a.b:c"], vad__trail_ms=0)
    assert recorded.configured({}).turns.eagerness == "high"
    assert recorded.configured({}).agent.tools == ("a.b:c",)
    again = recorded.configured({"turns.eagerness": "low"})
    assert (again.turns.eagerness, again.vad.trail_ms) == ("low", 0)


# Sections that decide nothing in a call which is given its engines' answers.
OF_THE_SERVER = {
    *("server", "ice", "torch", "voxtral", "kokoro", "openai_chat"),
    *("targets", "record", "log"),
}


def test_each_section_that_a_replay_needs_is_kept() -> None:
    kept = set(header().config)
    assert kept | OF_THE_SERVER == set(asdict(Config()))
    assert not kept & OF_THE_SERVER
    assert not header(echo__guard=False).configured({}).echo.guard


def test_nothing_that_is_secret_or_of_the_network_is_kept() -> None:
    recorded = header(
        openai_chat__url="http://user:secret@example.com",
        ice__servers=["turn:secret.example"],
        ice__addresses=["192.0.2.7"],
        server__host="192.0.2.8",
    )
    kept = json.dumps(recorded.plain(), default=asdict)
    for private in ("secret", "192.0.2", "example"):
        assert private not in kept
    assert set(recorded.config) < set(asdict(Config()))


def test_a_key_that_this_voxline_does_not_know_is_named_with_the_version() -> None:
    config = {**plain()["config"], "turns": {"patience_ms": 3}}
    with pytest.raises(ConfigError, match=r"turns\.patience_ms.*recorded by Voxline"):
        Header.read(plain(config=config)).configured({})


def test_a_key_that_was_not_there_yet_has_its_default() -> None:
    config = {**plain()["config"], "turns": {}}
    assert Header.read(plain(config=config)).configured({}).turns == Config().turns


@pytest.mark.parametrize("version", [0, VERSION + 1, None, "1\x1b[2J" * 100])
def test_another_version_of_the_format_is_the_operators_to_know(version) -> None:
    with pytest.raises(ConfigError, match="this Voxline reads version 1") as refused:
        Header.read(plain(version=version))
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"format": "something else"},
        plain(name=7),
        plain(config=[]),
        plain(config={"turns": 5}),
        plain(settings=None),
        plain(settings=["Tool", {"name": "a", "description": "b", "parameters": "c"}]),
        plain(settings=["CallSettings", {"speed": "fast"}]),
        plain(tools=[1]),
        plain(tools={}),
    ],
)
def test_what_is_no_header_is_damage(value) -> None:
    with pytest.raises(Damaged):
        Header.read(value)
