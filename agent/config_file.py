"""Reads config.yaml. What cannot be is refused here, by name, before any start."""

import dataclasses
from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from operator import attrgetter
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import yaml

from agent.config import Config, OpenaiChat
from agent.errors import ConfigError

_NOT_ABOVE = (
    ("vad.notice_threshold", "vad.start_threshold"),
    ("vad.stop_threshold", "vad.start_threshold"),
    ("playout.start_ms", "playout.depth_ms"),
    ("targets.answer_p50_ms", "targets.answer_p95_ms"),
    ("record.call_mib", "record.folder_mib"),
)
_CHAT_NOT_ABOVE = (  # by then the call has given up
    ("openai_chat.first_token_s", "limits.engine_s"),
    ("openai_chat.token_s", "limits.engine_s"),
)
_HERE = Path("config.yaml")
_SHOWN = 40  # characters of a value that cannot be read


def found(named: Path | None) -> Path | None:
    """The file that was named, else config.yaml here, if there is one."""
    return named or (_HERE if _HERE.exists() else None)


def load(path: Path | None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a YAML file (None: all defaults) and lay `overrides` over it.

    Overrides are keyed by path: {"turns.end_of_turn_ms": 300}.
    Raises ConfigError naming the key's path, the value and what is allowed.
    """
    tree = {} if path is None else read_yaml(path)
    for dotted, value in (overrides or {}).items():
        tree = _overlay(tree, dotted.split("."), value)
    try:
        config: Config = build(Config, tree, "")
        _check_together(config)
    except ConfigError as error:
        raise ConfigError(
            f"{path}: {error}" if path and not overrides else str(error)
        ) from None
    return config


def read_yaml(path: Path) -> Any:
    """What a YAML file holds, {} where it is empty. Raises ConfigError."""
    try:
        loader = _OnceEach(path.read_text(encoding="utf-8"))
        loader.name = str(path)  # which its complaints give
        tree = loader.get_single_data()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except yaml.constructor.ConstructorError as error:
        raise ConfigError(f"{path}: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    except RecursionError:
        raise ConfigError(f"{path}: brackets within brackets, too many to read") from None
    return {} if tree is None else tree


class _OnceEach(yaml.SafeLoader):
    """A safe loader that refuses a key's second value, where PyYAML would take it silently.

    And what looks like a date or a number and is none, where PyYAML raises whatever it likes.
    """

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError) as error:
            value, line = str(node.value)[:_SHOWN], node.start_mark.line + 1
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"{value!r} in line {line} is no {kind}; put text in quotes"
            ) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in lines:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"{key.value} stands twice, in line {lines[key.value]} and in line {line}; "
                    "keep one of them",
                )
            lines[key.value] = line
        return super().construct_mapping(node, deep)


def parse_override(text: str) -> tuple[str, Any]:
    """Split `turns.end_of_turn_ms=300` into key and YAML value, "" for none.

    Raises ConfigError.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {text}: write it as section.key=value")
    try:
        return key.strip(), yaml.load(value, _OnceEach) if value.strip() else ""
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(
            f"--set {text}: {value!r} is not a YAML value; put each text in double quotes, "
            "and the whole in single ones: --set 'ice.servers=[\"stun:host:3478\"]'"
        ) from error


def _overlay(tree: Any, keys: list[str], value: Any, path: str = "") -> dict[str, Any]:
    """Lay a value over what stands at `path` in the file."""
    branch, key = _keyed(tree, path), keys[0]
    if len(keys) > 1:
        value = _overlay(branch.get(key), keys[1:], value, f"{path}.{key}" if path else key)
    return {**branch, key: value}


def _keyed(tree: Any, path: str) -> dict[Any, Any]:
    if tree is None:  # a section whose every key is commented out
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{path or 'the file'}: expected keys with values, found {tree!r}")
    return tree


def build(kind: Any, tree: Any, path: str) -> Any:
    """Make a frozen dataclass of a tree of YAML values; `path` is where it stands in the file.

    Fields may be numbers, text, true or false, lists of text, further dataclasses or lists of
    them, a mapping; any of these `| None`, which only stands for a key that was left out.
    Raises ConfigError naming the key's path, the value and what is allowed.
    """
    tree = _keyed(tree, path)
    hints = get_type_hints(kind, include_extras=True)
    values = {}
    for key, value in tree.items():
        here = f"{path}.{key}" if path else str(key)
        if key not in hints:
            close = get_close_matches(str(key), hints, n=1)
            known = (
                f"; did you mean {close[0]}?" if close else f"; known are {', '.join(hints)}"
            )
            raise ConfigError(f"{here}: unknown key{known}")
        hint = _given(hints[key])
        if dataclasses.is_dataclass(hint):
            values[key] = build(hint, value, here)
        else:
            values[key] = _value(hint, value, here)
    for field in dataclasses.fields(kind):
        has_default = field.default is not field.default_factory  # both are MISSING
        if field.name not in values and not has_default:
            raise ConfigError(f"{path or 'the file'}: {field.name} is missing")
    return kind(**values)


def _given(hint: Any) -> Any:
    """The type of a value that is there: `int` of `int | None`."""
    if get_origin(hint) not in (Union, UnionType):
        return hint
    [kind] = (each for each in get_args(hint) if each is not NoneType)
    return kind


def _value(hint: Any, value: Any, path: str) -> Any:
    bounds = [a for a in getattr(hint, "__metadata__", ())]
    kind = get_args(hint)[0] if bounds else hint
    if value is None:
        empty = '""' if kind is str else "[]" if get_origin(kind) is tuple else ""
        instead = f", or write {empty} for none" if empty else ""
        raise ConfigError(f"{path}: nothing stands there; leave the key out{instead}")
    if get_origin(kind) is Mapping:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise ConfigError(f"{path}: expected keys with values, found {value!r}")
        return value
    if get_origin(kind) is tuple and dataclasses.is_dataclass(item := get_args(kind)[0]):
        if not isinstance(value, list):
            raise ConfigError(f"{path}: expected a list, found {value!r}")
        return tuple(build(item, each, f"{path}[{n}]") for n, each in enumerate(value, 1))
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{path}: {value!r} is not a list; write it as [one, two]")
        return tuple(_value(str, each, f"{path}[{n}]") for n, each in enumerate(value, 1))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        with suppress(OverflowError):  # its bound refuses it then
            value = float(value)
    if type(value) is not kind:
        allowed = f", {bounds[0]}" if bounds else ""
        names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
        written = str(value).lower() if isinstance(value, bool) else repr(value)
        raise ConfigError(f"{path}: {written} is not {names[kind]}{allowed}")
    for bound in bounds:
        if not bound.holds(value):
            raise ConfigError(f"{path}: {value!r} is not allowed; it must be {bound}")
    return value


def _check_together(config: Config) -> None:
    if not config.server.host.strip():  # which sockets take for every address
        raise ConfigError(
            f"server.host: {config.server.host!r} is not allowed; it must be an address or a "
            "name (0.0.0.0 for all)"
        )
    turns = config.turns
    if 0 < turns.end_of_turn_ms < 50:
        raise ConfigError(
            f"turns.end_of_turn_ms: {turns.end_of_turn_ms} is not allowed; it must be 0 (to "
            "judge the end of a turn) or between 50 and 10000"
        )
    if not turns.least_wait_ms <= turns.longest_wait_ms <= turns.unfinished_wait_ms:
        raise ConfigError(
            f"turns.longest_wait_ms: {turns.longest_wait_ms} is not allowed; it must be "
            f"between turns.least_wait_ms ({turns.least_wait_ms}) and turns.unfinished_wait_ms "
            f"({turns.unfinished_wait_ms})"
        )
    record = config.record
    if record.folder and not record.callers_agreed:
        raise ConfigError(
            f"record.folder: {record.folder!r} is not allowed while record.callers_agreed is "
            "false: a record holds what was said; tell your callers and have their consent, "
            "then set it to true"
        )
    for low, high in _NOT_ABOVE + (_CHAT_NOT_ABOVE if _asks_chat_server(config) else ()):
        value, limit = attrgetter(low)(config), attrgetter(high)(config)
        if value > limit:
            raise ConfigError(
                f"{low}: {value} is not allowed; it must not be above {high} ({limit})"
            )


def _asks_chat_server(config: Config) -> bool:
    """Whether the operator wants one to be asked."""
    agent = config.agent
    named = config.openai_chat.url != OpenaiChat().url
    return named or agent.engine == "vllm" or agent.brain == "openai_chat"
