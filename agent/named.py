"""What an operator names as `package.module:name`: found where they stand, or installed.

The folder of a console script is on Python's path, the one it is started in is not.
"""

import importlib
import inspect
import logging
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from agent.errors import ConfigError

log = logging.getLogger(__name__)

_SHOWN = 8  # names of those that there are


def find(path: str, key: str, kind: str, is_one: Callable[[Any], bool]) -> Any:
    """The class or function, as `kind` says, that `key` of the config names.

    Raises ConfigError with the remedy.
    """
    module_name, colon, name = path.partition(":")
    if not module_name or module_name[0] == "." or not colon or not name.isidentifier():
        raise ConfigError(f"{key}: {path!r}: write it as package.module:{kind}")
    module = _module(module_name, key)
    found = getattr(module, name, None)
    if is_one(found):
        return found
    known = [
        each
        for each, value in inspect.getmembers(module, is_one)
        if value.__module__ == module.__name__ and not each.startswith("_")
    ]
    listed = ", ".join(known[:_SHOWN]) or "none"
    raise ConfigError(f"{key}: {module_name} has no {kind} {name}; it has {listed}")


def _module(name: str, key: str) -> ModuleType:
    if os.getcwd() not in sys.path:  # at the end, where it hides nothing
        sys.path.append(os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise ConfigError(
                f"{key}: {name} needs {error.name}, which is not installed; install it where "
                "Voxline is"
            ) from error
        raise ConfigError(
            f"{key}: there is no module {name}; start Voxline in the folder that holds it, or "
            "install it where Voxline is"
        ) from error
    except Exception as error:  # a module runs whatever it likes
        log.exception("%s cannot be imported", name)
        raise ConfigError(
            f"{key}: {name} cannot be imported ({type(error).__name__}: {error}); correct it"
        ) from error
