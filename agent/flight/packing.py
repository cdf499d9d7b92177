"""Entries and the header as msgpack, and back.

An entry is a list: its name, its time in microseconds, its fields in order. A value inside is
[name, {field: value}], samples are 16-bit little-endian. What is read may be anybody's: only
the dataclasses listed here are made, each checked by pydantic, and sizes are bounded.
"""

import dataclasses
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import msgpack
import numpy as np
from pydantic import TypeAdapter, ValidationError

import agent.flight.entries as en
from agent import commands, engines, events, notices, requests
from agent.audio.frame import Samples
from agent.audio.pcm16 import from_pcm16, to_pcm16
from agent.engines import Speech
from agent.flight.entries import Entry, Foreign

MAX_VALUE_BYTES = 16 * 1024 * 1024  # two minutes of speech in one piece
_DEPTH = 8
_NAME_CHARS = 64


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
        return to_pcm16(value)
    return [type(value).__name__, {f: getattr(value, f) for f in _FIELDS[type(value)]}]


class Unpacker:
    """Bytes in, as they come; the header and then entries out, as they are complete."""

    def __init__(self) -> None:
        self._unpacker = msgpack.Unpacker(
            use_list=True, strict_map_key=True, max_buffer_size=MAX_VALUE_BYTES
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
    # what a replay makes anew need not be known here; what it gives must be
    unknown = _foreign if kind in (en.Stepped, en.Ticked, en.Told) else _refused
    values = [at_us / 1e6, *(value_of(field, unknown) for field in fields)]
    hints = _HINTS[kind]
    if len(values) != len(hints) or not all(map(_fits, values, hints)):
        raise Damaged(f"a {name} that is none")
    made: Entry = kind(*(map(_tupled, values)))
    return made


def _refused(name: str, why: str) -> Any:
    raise Damaged(f"{name!r:.64}: {why}")


def _foreign(name: str, why: str) -> Any:
    return Foreign(name[:_NAME_CHARS])


def value_of(
    value: Any, unknown: Callable[[str, str], Any] = _refused, depth: int = _DEPTH
) -> Any:
    """Make the dataclasses inside; what cannot be made is for `unknown`. Raises Damaged."""
    if depth == 0:
        raise Damaged("values within values")
    match value:
        case [str(name), dict(fields)]:
            made = {key: value_of(each, unknown, depth - 1) for key, each in fields.items()}
            return _made(name, made, unknown)
        case list():
            return [value_of(each, unknown, depth - 1) for each in value]
    return value


def _made(name: str, fields: dict[str, Any], unknown: Callable[[str, str], Any]) -> Any:
    if (kind := _VALUES.get(name)) is None:
        return unknown(name, "it is not known here")
    if kind is Speech:
        fields = {**fields, "samples": _samples(fields.get("samples"))}
        words = fields.get("words", ())
        if not isinstance(words, list) or not all(isinstance(w, engines.Word) for w in words):
            raise Damaged("speech whose words are none")
        return Speech(fields["samples"], tuple(words))
    try:
        return _adapter(kind).validate_python(fields)
    except ValidationError as error:
        return unknown(name, error.errors()[0]["msg"])


def _samples(data: Any) -> Samples:
    if not isinstance(data, bytes) or len(data) % 2:
        raise Damaged("speech without samples")
    return from_pcm16(data)


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


_ENTRIES = {n: k for n, k in _dataclasses(en).items() if k.__module__ == en.__name__}
_VALUES = {
    name: kind
    for module in (events, commands, notices, requests, engines)
    for name, kind in _dataclasses(module).items()
}
_FIELDS: dict[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in dataclasses.fields(kind))
    for kind in (*_ENTRIES.values(), *_VALUES.values())
}
_HINTS = {k: [get_type_hints(k)[f] for f in _FIELDS[k]] for k in _ENTRIES.values()}
