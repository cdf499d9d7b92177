"""Where a result is to be written: looked at before the work, not when it is lost."""

import os
from pathlib import Path

from agent.errors import ConfigError


def json_file(text: str | None) -> Path | None:
    """Where `--json` writes; None: nowhere, or "-", the standard output. Raises ConfigError."""
    path = None if text is None or text == "-" else Path(text)
    check("--json", path)
    return path


def check(option: str, path: Path | None, suffix: str = "") -> None:
    """Raises ConfigError, naming `option`, unless a file can be written there; None is fine.

    `suffix` is that of the only kind of file that is written.
    """
    if path is None:
        return
    if not path.parent.is_dir():
        raise ConfigError(f"{option} {path}: there is no folder {path.parent}")
    if path.is_dir():
        raise ConfigError(f"{option} {path}: is a folder; name a file in it")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigError(f"{option} {path}: cannot be written; choose another place")
    if suffix and path.suffix.lower() != suffix:
        raise ConfigError(f"{option} {path}: must end in {suffix}")
