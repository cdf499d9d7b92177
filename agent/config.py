"""config.yaml as frozen values. What cannot be is refused here, by name, before any start.

Bounds stand beside each field as `Annotated[type, Between(low, high)]` or `OneOf(...)`.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import yaml

from agent.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Between:
    low: float
    high: float

    def __str__(self) -> str:
        return f"between {self.low:g} and {self.high:g}"

    def holds(self, value: Any) -> bool:
        return bool(self.low <= value <= self.high)


@dataclass(frozen=True, slots=True, init=False)
class OneOf:
    choices: tuple[str, ...]

    def __init__(self, *choices: str) -> None:
        object.__setattr__(self, "choices", choices)

    def __str__(self) -> str:
        return "one of " + ", ".join(self.choices)

    def holds(self, value: Any) -> bool:
        return value in self.choices


@dataclass(frozen=True, slots=True)
class Server:
    host: str = "127.0.0.1"
    port: Annotated[int, Between(0, 65535)] = 8080
    cors_origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    calls: Annotated[int, Between(1, 1000)] = 8
    call_s: Annotated[int, Between(1, 86_400)] = 1800
    connect_s: Annotated[int, Between(1, 60)] = 10
    idle_s: Annotated[int, Between(10, 86_400)] = 300
    engine_s: Annotated[float, Between(1, 300)] = 10.0
    lost_s: Annotated[float, Between(0.5, 60)] = 5.0


@dataclass(frozen=True, slots=True)
class Ice:
    addresses: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receive:
    reorder_wait_ms: Annotated[int, Between(0, 100)] = 20
    conceal_ms: Annotated[int, Between(0, 500)] = 100
    stall_ms: Annotated[int, Between(40, 2000)] = 200


@dataclass(frozen=True, slots=True)
class Send:
    bitrate_kbps: Annotated[int, Between(6, 128)] = 32
    complexity: Annotated[int, Between(0, 10)] = 5
    mode: Annotated[str, OneOf("voip", "lowdelay")] = "voip"
    expected_loss_percent: Annotated[int, Between(0, 50)] = 5


@dataclass(frozen=True, slots=True)
class Playout:
    start_ms: Annotated[int, Between(20, 1000)] = 20
    depth_ms: Annotated[int, Between(100, 60_000)] = 2000
    fade_ms: Annotated[int, Between(1, 100)] = 10


@dataclass(frozen=True, slots=True)
class VadConfig:
    start_threshold: Annotated[float, Between(0.01, 0.99)] = 0.5
    stop_threshold: Annotated[float, Between(0.01, 0.99)] = 0.35
    min_speech_ms: Annotated[int, Between(0, 1000)] = 64
    min_silence_ms: Annotated[int, Between(32, 1000)] = 64
    trail_ms: Annotated[int, Between(0, 100)] = 32
    preroll_ms: Annotated[int, Between(0, 2000)] = 300


@dataclass(frozen=True, slots=True)
class Turns:
    end_of_turn_ms: Annotated[int, Between(50, 10_000)] = 420
    barge_in_ms: Annotated[int, Between(0, 5000)] = 200
    silence_prompt_s: Annotated[float, Between(1, 3600)] = 12.0
    silence_prompts: Annotated[int, Between(0, 100)] = 2


@dataclass(frozen=True, slots=True)
class Agent:
    engine: Annotated[str, OneOf("auto", "operator", "scripted")] = "auto"
    brain: Annotated[str, OneOf("", "operator", "scripted")] = ""
    voice: Annotated[str, OneOf("", "espeak", "tone")] = ""
    instructions: str = (
        "You are a friendly telephone agent. Answer in one or two short sentences."
    )
    language: str = "en-US"
    voice_name: str = ""
    speed: Annotated[float, Between(0.5, 2.0)] = 1.0
    greeting: str = "Hello, this is Voxline. How can I help you?"
    still_there: str = "Are you still there?"
    goodbye: str = "I can't hear you, so I'll hang up now. Goodbye."
    apology: str = "Sorry, something went wrong on my side. Please say that again."


@dataclass(frozen=True, slots=True)
class Log:
    level: Annotated[str, OneOf("debug", "info", "warning", "error")] = "info"


@dataclass(frozen=True, slots=True)
class Config:
    server: Server = field(default_factory=Server)
    limits: Limits = field(default_factory=Limits)
    ice: Ice = field(default_factory=Ice)
    receive: Receive = field(default_factory=Receive)
    send: Send = field(default_factory=Send)
    playout: Playout = field(default_factory=Playout)
    vad: VadConfig = field(default_factory=VadConfig)
    turns: Turns = field(default_factory=Turns)
    agent: Agent = field(default_factory=Agent)
    log: Log = field(default_factory=Log)


def load(path: Path | None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a YAML file (None: all defaults) and lay `overrides` over it.

    Overrides are keyed by path: {"turns.end_of_turn_ms": 300}.
    Raises ConfigError naming the key's path, the value and what is allowed.
    """
    tree: Any = {}
    if path is not None:
        try:
            tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not YAML: {error}") from error
    tree = {} if tree is None else tree
    for dotted, value in (overrides or {}).items():
        tree = _overlay(tree, dotted.split("."), value, dotted)
    try:
        config: Config = _build(Config, tree, "")
        _check_together(config)
    except ConfigError as error:
        raise ConfigError(
            f"{path}: {error}" if path and not overrides else str(error)
        ) from None
    return config


def parse_override(text: str) -> tuple[str, Any]:
    """Split `turns.end_of_turn_ms=300` into key and YAML value. Raises ConfigError."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {text}: write it as section.key=value")
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {text}: {value!r} is not a YAML value") from error


def _overlay(tree: Any, keys: list[str], value: Any, dotted: str) -> dict[str, Any]:
    if not isinstance(tree, dict):
        raise ConfigError(f"{dotted}: there is no such section")
    branch = (
        value if len(keys) == 1 else _overlay(tree.get(keys[0]) or {}, keys[1:], value, dotted)
    )
    return {**tree, keys[0]: branch}


def _build(kind: Any, tree: Any, path: str) -> Any:
    where = path or "the file"
    if tree is None:  # a section whose every key is commented out
        tree = {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{where}: expected keys with values, found {tree!r}")
    hints = get_type_hints(kind, include_extras=True)
    values = {}
    for key, value in tree.items():
        here = f"{path}.{key}" if path else str(key)
        if key not in hints:
            close = get_close_matches(str(key), hints, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(hints)}"
            raise ConfigError(f"{here}: unknown key{hint}")
        hint = hints[key]
        if dataclasses.is_dataclass(hint):
            values[key] = _build(hint, value, here)
        else:
            values[key] = _value(hint, value, here)
    return kind(**values)


def _value(hint: Any, value: Any, path: str) -> Any:
    bounds = [a for a in getattr(hint, "__metadata__", ())]
    kind = get_args(hint)[0] if bounds else hint
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise ConfigError(f"{path}: {value!r} is not a list; write it as [one, two]")
        return tuple(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        allowed = f", {bounds[0]}" if bounds else ""
        names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
        raise ConfigError(f"{path}: {value!r} is not {names[kind]}{allowed}")
    for bound in bounds:
        if not bound.holds(value):
            raise ConfigError(f"{path}: {value!r} is not allowed; it must be {bound}")
    return value


def _check_together(config: Config) -> None:
    vad = config.vad
    if vad.stop_threshold > vad.start_threshold:
        raise ConfigError(
            f"vad.stop_threshold: {vad.stop_threshold:g} is not allowed; it must not be above "
            f"vad.start_threshold ({vad.start_threshold:g})"
        )
    if config.playout.start_ms > config.playout.depth_ms:
        raise ConfigError(
            f"playout.start_ms: {config.playout.start_ms} is not allowed; it must not be above "
            f"playout.depth_ms ({config.playout.depth_ms})"
        )
