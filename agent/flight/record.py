"""A flight record as a file: msgpack in gzip. Read whole, as far as it is whole.

A record may come from a stranger: nothing in it is run, and what it may grow to is bounded.
"""

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import BinaryIO

from agent.errors import ConfigError
from agent.flight.entries import Entry
from agent.flight.header import Header
from agent.flight.packing import Damaged, Unpacker, entry_of, pack, pack_header

_READ_BYTES = 1 << 16
_ENDING_S = 60.0  # what a call may take after its greatest length
MAX_BYTES = 1 << 30  # unpacked; the greatest call_mib holds less of speech


@dataclass(frozen=True, slots=True)
class Flight:
    """`damage` says why the record ends where it does, if it ends too soon."""

    header: Header
    entries: tuple[Entry, ...]
    damage: str | None = None


def read(path: Path) -> Flight:
    """Raises ConfigError for a file that cannot be read or holds no record at all."""
    header: Header | None = None
    longest_s = 0.0
    entries: list[Entry] = []
    damage: str | None = None
    unpacker = Unpacker()
    try:
        for data in _unzipped(path):
            for value in unpacker.feed(data):
                if header is None:
                    header = Header.read(value)
                    longest_s = _longest_s(header)
                    continue
                entry = entry_of(value)
                if entry.at > longest_s:
                    raise Damaged(f"it goes on at {entry.at:.0f} s, longer than a call may")
                entries.append(entry)
    except Damaged as error:
        damage = str(error)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    if header is None:
        raise ConfigError(f"{path} is no flight record: {damage or 'it is empty'}")
    return Flight(header, tuple(entries), damage)


def _longest_s(header: Header) -> float:
    """No entry comes later: a replay makes sound for all the time there is."""
    try:
        return header.configured({}).limits.call_s + _ENDING_S
    except ConfigError:  # a replay says what is wrong with it
        return inf


def _unzipped(path: Path) -> Iterator[bytes]:
    """Raises Damaged where the file ends too soon or is not what was written."""
    read = 0
    try:
        with gzip.open(path, "rb") as file:
            while data := file.read1(_READ_BYTES):
                yield data
                read += len(data)
                if read > MAX_BYTES:
                    raise Damaged(f"it is larger than {MAX_BYTES} bytes")
    except EOFError:
        raise Damaged("it was cut off") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Damaged(f"the file is damaged ({error})") from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}") from error


def _private(path: Path) -> BinaryIO:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(number, 0o600)  # it may have been there before
    return os.fdopen(number, "wb")


def write(path: Path, header: Header, entries: Sequence[Entry]) -> None:
    """Write a whole record, the same bytes for the same content, for its owner only."""
    with _private(path) as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        packed.write(pack_header(header.plain()))
        packed.writelines(map(pack, entries))
