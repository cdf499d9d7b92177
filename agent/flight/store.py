"""The folder of flight records: named in config.yaml, tried at the start, filled by calls."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from agent.config import Config
from agent.engines import Tool
from agent.errors import ConfigError
from agent.flight.header import Header
from agent.flight.recorder import Recorder, Unwatched, Watch
from agent.flight.writer import Tape, Writer, open_own
from agent.requests import CallSettings

_PROBE_BYTES = 4096


class Records(Protocol):
    """All records of one server."""

    def watch(self, call: str, settings: CallSettings, tools: tuple[Tool, ...]) -> Watch:
        """Look on a call that begins now; `call` is what the log calls it. Never raises."""

    def close(self) -> None:
        """No call is left: return when everything is written, or when that takes too long."""


class NoRecords:
    """Nothing is recorded."""

    def watch(self, call: str, settings: CallSettings, tools: tuple[Tool, ...]) -> Watch:
        return Unwatched()

    def close(self) -> None:
        pass


class Store:
    """Each call becomes a file of its own."""

    def __init__(self, config: Config) -> None:
        """Raises ConfigError where nothing can be written."""
        self._folder = Path(config.record.folder).expanduser()
        try:
            _try(self._folder)
        except OSError as error:
            raise ConfigError(
                f"record.folder: cannot write to {self._folder}: {error.strerror}; name "
                'another folder, or "" to record nothing'
            ) from error
        self._writer = Writer(self._folder, config.record)
        self._header = Header.of("", "", config, CallSettings(), ())  # of every call

    def watch(self, call: str, settings: CallSettings, tools: tuple[Tool, ...]) -> Watch:
        when, writer = datetime.now(UTC), self._writer
        began = when.isoformat(timespec="milliseconds")
        header = replace(self._header, name=call, when=began, settings=settings, tools=tools)
        path = self._folder / f"{when:%Y%m%dT%H%M%S.%f}Z-{call}.flight"
        tape = Tape(call, path, header)
        writer.begin(tape)
        return Recorder(lambda entry: writer.write(tape, entry), lambda: writer.end(tape))

    def close(self) -> None:
        self._writer.close()


def open_records(config: Config) -> Records:
    """What config.yaml asks for. Raises ConfigError."""
    return Store(config) if config.record.folder else NoRecords()


def _try(folder: Path) -> None:
    """Make the folder, and see whether one can write there. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    probe = folder / f".probe-{os.getpid()}"
    probe.unlink(missing_ok=True)
    try:
        with open_own(probe) as file:
            file.write(bytes(_PROBE_BYTES))
    finally:
        probe.unlink(missing_ok=True)
