"""What stands at the beginning of a flight record: what it is, and what held in the call.

Only the sections of the configuration that a replay needs are kept: no addresses, no servers,
no credentials.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from agent.config import Config
from agent.config_file import load
from agent.engines import Tool
from agent.errors import ConfigError
from agent.flight.packing import Damaged, value_of
from agent.requests import CallSettings

FORMAT = "voxline flight"
VERSION = 1
_SECTIONS = ("limits", "receive", "send", "playout", "vad", "echo", "turns", "agent")


@dataclass(frozen=True, slots=True)
class Header:
    """`when` is the wall clock's, in UTC; `tools` are the operator's functions."""

    name: str
    when: str
    voxline: str
    config: Mapping[str, Mapping[str, Any]]
    settings: CallSettings
    tools: tuple[Tool, ...]

    @classmethod
    def of(
        cls,
        name: str,
        when: str,
        config: Config,
        settings: CallSettings,
        tools: tuple[Tool, ...],
    ) -> "Header":
        sections = asdict(config)
        kept = {section: sections[section] for section in _SECTIONS}
        return cls(name, when, own_version(), kept, settings, tools)

    def configured(self, overrides: Mapping[str, Any]) -> Config:
        """What held in the call, with `overrides` laid over it. Raises ConfigError."""
        flat = {
            f"{section}.{key}": value
            for section, keys in self.config.items()
            for key, value in keys.items()
        }
        try:
            return load(None, {**flat, **overrides})
        except ConfigError as error:
            raise ConfigError(f"{error} (recorded by Voxline {self.voxline!r})") from None

    def plain(self) -> dict[str, Any]:
        """For `packing.pack_header`."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "voxline": self.voxline,
            "name": self.name,
            "when": self.when,
            "config": self.config,
            "settings": self.settings,
            "tools": self.tools,
        }

    @classmethod
    def read(cls, value: Any) -> "Header":
        """Take what `plain` gave. Raises ConfigError for another version, else Damaged."""
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise Damaged("it is no flight record")
        if value.get("version") != VERSION:
            raise ConfigError(
                f"it has version {value.get('version')!r:.20} of the format, made by Voxline "
                f"{value.get('voxline')!r:.40}; this Voxline reads version {VERSION}"
            )
        texts = [value.get(key) for key in ("name", "when", "voxline")]
        config, settings = value.get("config"), value_of(value.get("settings"))
        tools = value_of(value.get("tools"))
        if (
            not all(isinstance(text, str) for text in texts)
            or not isinstance(config, dict)
            or not all(isinstance(section, dict) for section in config.values())
            or not isinstance(settings, CallSettings)
            or not isinstance(tools, list)
            or not all(isinstance(tool, Tool) for tool in tools)
        ):
            raise Damaged("its header is none")
        name, when, voxline = map(str, texts)
        return cls(name, when, voxline, config, settings, tuple(tools))


@cache
def own_version() -> str:
    try:
        return version("voxline")
    except PackageNotFoundError:
        return "(not installed)"
