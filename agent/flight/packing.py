"""Entries and the header as msgpack, and back.

An entry is a list: its name, its time in microseconds, its fields in order. A value inside is
[name, {field: value}], samples are 16-bit little-endian. What is read may be anybody's: only
the dataclasses listed here are made, each checked by pydantic, and sizes are bounded.
"""

import dataclasses
from collections.abc import Iterator
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import msgpack
import numpy as np
from pydantic import TypeAdapter, ValidationError

from agent import engines, events, requests
from agent.audio.frame import Samples
from agent.engines import Speech
from agent.flight import entries
from agent.flight.entries import Entry

MAX_VALUE_BYTES = 16 * 1024 * 1024  # two minutes of speech in one piece
_FULL_SCALE = 32767
_DEPTH = 8


class Damaged(ValueError):
    """Bytes that are no entry."""


def pack(entry: Entry) -> bytes:
    """Never raises for what a call can bring forth."""
    name, *fields = type(entry).__name__, *(getattr(entry, f) for f in _FIELDS[type(entry)])
    fields[0] = round(entry.at * 1e6)
    packed: bytes = msgpack.packb([name, *fields], default=_plain)
    return packed


def pack_header(header: dict[str, Any]) -> bytes:
    packed: bytes = msgpack.packb(header, default=_plain)
    return packed


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        clipped = np.clip(value, -1.0, 1.0) * _FULL_SCALE
        return np.rint(clipped).astype("<i2").tobytes()
    return [type(value).__name__, {f: getattr(value, f) for f in _FIELDS[type(value)]}]


class Unpacker:
    """Bytes in, as they come; the header and then entries out, as they are complete."""

    def __init__(self) -> None:
        self._unpacker = msgpack.Unpacker(
            use_list=True, strict_map_key=True, max_buffer_size=2 * MAX_VALUE_BYTES
        )

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield plain values. Raises Damaged."""
        try:
            self._unpacker.feed(data)
            yield from self._unpacker
        except Exception as error:  # whatever msgpack makes of bytes that are not its own
            raise Damaged(f"no msgpack: {type(error).__name__} {error}") from error


def entry_of(value: Any) -> Entry:
    """Raises Damaged for what is no entry."""
    match value:
        case [str(name), int(at_us), *fields] if name in _ENTRIES and at_us >= 0:
            kind = _ENTRIES[name]
        case _:
            raise Damaged("no entry")
    values = [at_us / 1e6, *(value_of(field) for field in fields)]
    hints = _HINTS[kind]
    if len(values) != len(hints) or not all(map(_fits, values, hints)):
        raise Damaged(f"a {name} that is none")
    made: Entry = kind(*(map(_tupled, values)))
    return made


def value_of(value: Any, depth: int = _DEPTH) -> Any:
    """Make the dataclasses inside. Raises Damaged."""
    if depth == 0:
        raise Damaged("values within values")
    match value:
        case [str(name), dict(fields)]:
            if (kind := _VALUES.get(name)) is None:
                raise Damaged(f"an unknown value, {name!r:.64}")
            return _made(kind, {k: value_of(v, depth - 1) for k, v in fields.items()})
        case list():
            return [value_of(each, depth - 1) for each in value]
    return value


def _made(kind: type, fields: dict[str, Any]) -> Any:
    if kind is Speech:
        fields = {**fields, "samples": _samples(fields.get("samples"))}
        words = fields.get("words", ())
        if not isinstance(words, list) or not all(isinstance(w, engines.Word) for w in words):
            raise Damaged("speech whose words are none")
        return Speech(fields["samples"], tuple(words))
    try:
        return _adapter(kind).validate_python(fields)
    except ValidationError as error:
        raise Damaged(f"a {kind.__name__} that is none: {error.errors()[0]['msg']}") from error


def _samples(data: Any) -> Samples:
    if not isinstance(data, bytes) or len(data) % 2:
        raise Damaged("speech without samples")
    return np.frombuffer(data, "<i2") * np.float32(1 / _FULL_SCALE)


def _fits(value: Any, hint: Any) -> bool:
    if get_origin(hint) is tuple:
        return isinstance(value, list) and all(_fits(each, get_args(hint)[0]) for each in value)
    if hint is float:
        return isinstance(value, float | int) and not isinstance(value, bool)
    return isinstance(value, hint)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _dataclasses(module: Any) -> dict[str, Any]:
    return {name: kind for name, kind in vars(module).items() if dataclasses.is_dataclass(kind)}


_ENTRIES = {n: k for n, k in _dataclasses(entries).items() if k.__module__ == entries.__name__}
_VALUES = {
    name: kind
    for module in (events, requests, engines)
    for name, kind in _dataclasses(module).items()
}
_FIELDS: dict[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in dataclasses.fields(kind))
    for kind in (*_ENTRIES.values(), *_VALUES.values())
}
_HINTS = {k: [get_type_hints(k)[f] for f in _FIELDS[k]] for k in _ENTRIES.values()}
