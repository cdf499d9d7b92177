"""Somebody's own brain or voice: loaded by name, and checked against the port at the start.

Runs in the engine process, where their libraries belong. A class that lacks something is
refused before any call is taken, not by the first caller.
"""

import inspect
from collections.abc import Mapping
from typing import Any, cast

from agent.config import Config
from agent.engines import Brain, Listener, Voice
from agent.errors import ConfigError
from agent.named import find

_SPECIAL = ("__init__", "__subclasshook__")


def brain(path: str, config: Config) -> Brain:
    """Make `package.module:Class` and begin a call with it. Raises ConfigError."""
    made = _made(path, config, "agent.brain")
    _satisfies(made, Brain, f"agent.brain: {path}")
    listener = made.listen()
    _satisfies(listener, Listener, f"agent.brain: what {path}.listen() returns")
    listener.close()
    return cast(Brain, made)


def voice(path: str, config: Config) -> Voice:
    """Make `package.module:Class`. Raises ConfigError."""
    made = _made(path, config, "agent.voice")
    _satisfies(made, Voice, f"agent.voice: {path}")
    names = made.voices()
    if not isinstance(names, tuple) or not names or not all(isinstance(n, str) for n in names):
        raise ConfigError(
            f"agent.voice: {path}.voices() returns {names!r}; it must return a tuple of names, "
            "the default first"
        )
    return cast(Voice, made)


def _made(path: str, config: Config, key: str) -> Any:
    make: Any = find(path, key, "class", inspect.isclass)
    if _takes(make, 0):
        return make()
    if _takes(make, 1):
        return make(config)
    raise ConfigError(
        f"{key}: {path} cannot be made: its constructor must take nothing, or the Config"
    )


def _satisfies(made: object, port: type, what: str) -> None:
    for name, law in _methods(port).items():
        method = getattr(made, name, None)
        wanted = f"{name}({', '.join(list(law.parameters)[1:])})"
        if not callable(method):
            raise ConfigError(
                f"{what} has no method {name}; add {wanted}, as in agent/engines.py"
            )
        if not _takes(method, len(law.parameters) - 1):
            raise ConfigError(
                f"{what} has {name}{_signature(method)}, which cannot be called as {wanted}; "
                "change it to that, as in agent/engines.py"
            )


def _methods(port: type) -> Mapping[str, inspect.Signature]:
    return {
        name: inspect.signature(member)
        for name, member in vars(port).items()
        if inspect.isfunction(member) and name not in _SPECIAL and not name.startswith("_")
    }


def _takes(function: Any, arguments: int) -> bool:
    """Whether it can be called with so many arguments by position."""
    try:
        inspect.signature(function).bind(*[None] * arguments)
    except TypeError:
        return False
    except ValueError:  # native code tells nothing: the call will
        return True
    return True


def _signature(function: Any) -> str:
    try:
        return str(inspect.signature(function))
    except (TypeError, ValueError):
        return "(...)"
