"""Entries become bytes and come back; bytes of a stranger become entries or an error."""

import dataclasses

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import agent.flight.entries as en
from agent import commands, engines, events, notices, requests
from agent.engines import Act, Action, Heard, Sense, Speech, Text, ToolCall, Word
from agent.flight.packing import (
    MAX_VALUE_BYTES,
    Damaged,
    Unpacker,
    entry_of,
    pack,
    pack_header,
    value_of,
)


def there_and_back(entry):
    [value] = Unpacker().feed(pack(entry))
    return entry_of(value)


TOLD = [
    notices.StateChanged("paused"),
    notices.ReplyDone(3, "cancelled", "turn_detected", "One,", " two.", 480),
    notices.TurnMeasured(1, 250.5, (("vad", 0.0, 70.0), ("wait", 70.0, 240.0))),
    notices.CallEnding(events.EndReason.LOST),
]
EVENTS = [
    events.Connected(),
    events.PauseJudged(70, 400, 0.25),
    events.HungUp(events.EndReason.CALLER),
]
ENTRIES = [
    en.Packet(1.5, 2**32 - 1, 65535, 7, b"\x00\xff"),
    en.Joined(0.0),
    en.Opened(0.25),
    en.Began(0.000001),
    en.Asked(1.0, (requests.CreateReply(), requests.TypeText("hé\x1b[2J"))),
    en.Asked(
        1.0,
        (requests.ChangeSettings(requests.CallSettings(speed=1.5, tools=(("a", "b", "{}"),))),),
    ),
    en.Opined(1.0, "smart_turn", 0.75),
    en.Heard(1.0, 320),
    en.Voiced(1.0, 0.125),
    *(en.Stepped(1.0, event, (commands.PrepareReply(1),)) for event in EVENTS),
    en.Ticked(
        1.0, 0.75, (commands.SayPrompt(2, events.Prompt.GREETING), commands.CommitUtterance())
    ),
    *(en.Told(2.0, notice) for notice in TOLD),
    en.Wanted(1.0, 1, "speak", "Hello."),
    en.Got(1.0, 1, Heard("hello")),
    en.Got(1.0, 1, Sense(0.125)),
    en.Got(1.0, 1, Text(" world")),
    en.Got(1.0, 1, Act(Action.HANG_UP)),
    en.Got(1.0, 1, ToolCall("c", "weather", "{}")),
    en.Got(1.0, 2, '{"rain": true}'),
    en.Ended(1.0, 1, None),
    en.Ended(1.0, 1, "the engines died"),
    en.Sent(1.0),
    en.Left(1.0, 3, 480),
    en.Sounded(1.0, 0.99375),
    en.Full(9.0),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: type(entry).__name__)
def test_what_goes_in_comes_out(entry) -> None:
    assert there_and_back(entry) == entry


def test_every_kind_of_entry_is_tried() -> None:
    kinds = {
        kind
        for kind in vars(en).values()
        if dataclasses.is_dataclass(kind) and kind.__module__ == en.__name__
    }
    assert {type(entry) for entry in ENTRIES} == kinds - {en.Foreign, en.Decision}


@given(st.lists(st.floats(-1, 1, width=32), max_size=50))
def test_speech_comes_back_to_16_bits(samples) -> None:
    """Killed: samples that are cut off, not rounded."""
    speech = Speech(np.array(samples, np.float32), (Word("a", 0), Word("b.", 7)))
    back = there_and_back(en.Got(1.0, 1, speech)).piece
    assert back.words == speech.words
    assert back.samples.dtype == np.float32
    np.testing.assert_allclose(back.samples, speech.samples, atol=1 / 65000)


def test_speech_louder_than_it_may_be_is_limited() -> None:
    speech = Speech(np.array([3.0, -3.0], np.float32))
    assert list(there_and_back(en.Got(1.0, 1, speech)).piece.samples) == [1.0, -1.0]


def every(module, base):
    return [kind for kind in base.__args__ if kind.__module__ == module.__name__]


@pytest.mark.parametrize(
    ("module", "union", "wrap"),
    [
        (events, events.Event, lambda value: en.Stepped(1.0, value, ())),
        (commands, commands.Command, lambda value: en.Ticked(1.0, 1.0, (value,))),
        (notices, notices.Notice, lambda value: en.Told(1.0, value)),
        (requests, requests.Request, lambda value: en.Asked(1.0, (value,))),
    ],
)
def test_new_kinds_need_no_change_here(module, union, wrap) -> None:
    """Whatever is in the closed lists can be recorded, by the types of its fields alone."""
    example = {int: 1, int | None: 1, str: "x", float: 0.5, bool: True}
    example |= {
        events.EndReason: events.EndReason.CALLER,
        events.Prompt: events.Prompt.GREETING,
    }
    example |= {requests.CallSettings: requests.CallSettings()}
    for kind in every(module, union):
        values = [example.get(field.type, ()) for field in dataclasses.fields(kind)]
        value = kind(*values)
        assert there_and_back(wrap(value)) == wrap(value)


def packed(name, at, *fields):
    [value] = Unpacker().feed(msgpack.packb([name, at, *fields]))
    return value


def test_effects_that_are_not_known_here_are_kept_by_name() -> None:
    """A replay makes them anew: an old record outlives the names of its time."""
    stepped = packed("Stepped", 0, ["Yawned", {"loud": 3}], [["SingReply", {"turn": 1}]])
    assert entry_of(stepped) == en.Stepped(
        0.0, en.Foreign("Yawned"), (en.Foreign("SingReply"),)
    )
    older = packed("Told", 0, ["ReplyDone", {"turn": 1}])
    assert entry_of(older) == en.Told(0.0, en.Foreign("ReplyDone"))
    assert len(entry_of(packed("Told", 0, ["x" * 9999, {}])).notice.name) < 100


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        [],
        ["Packet"],
        ["Packet", 1],
        ["Packet", 0, "1", 2, 3, b""],
        ["Packet", 0, 1, 2, 3, "text"],
        ["Packet", -5, 1, 2, 3, b""],
        ["Packet", 1.5, 1, 2, 3, b""],
        ["Exploit", 0],
        ["Foreign", 0],
        ["Decision", 0, 1, None],
        ["Heard", 0, 320, 1],
        ["Voiced", 0, True],
        ["Asked", 0, "HangUp"],
        ["Asked", 0, [["Yawn", {}]]],
        ["Asked", 0, [["PrepareReply", {"turn": 1}]]],
        ["Asked", 0, [["TypeText", {"text": 5}]]],
        ["Asked", 0, [["TypeText", {}]]],
        ["Stepped", 0, ["Connected", {}], [1]],
        ["Told", 0, "StateChanged"],
        ["Got", 0, 1, ["Text", {"text": 5}]],
        ["Got", 0, 1, ["Speech", {"samples": b"odd", "words": []}]],
        ["Got", 0, 1, ["Speech", {"samples": "text", "words": []}]],
        ["Got", 0, 1, ["Speech", {"samples": b"", "words": ["a"]}]],
        ["Got", 0, 1, ["Speech", {"samples": b"", "words": 3}]],
        ["Got", 0, 1, ["Act", {"action": "explode"}]],
    ],
)
def test_what_is_no_entry_is_damage_and_nothing_else(value) -> None:
    with pytest.raises(Damaged):
        entry_of(value)


def test_values_within_values_have_an_end() -> None:
    nested = []
    for _ in range(50):
        nested = [nested]
    with pytest.raises(Damaged, match="within"):
        value_of(nested)


@given(st.binary(max_size=300))
def test_any_bytes_are_entries_or_damage(data) -> None:
    """Killed: what msgpack makes of foreign bytes gets through as it is."""
    try:
        for value in Unpacker().feed(data):
            entry_of(value)
    except Damaged:
        pass


@given(st.integers(0, 2000), st.integers(1, 255))
def test_a_bit_that_fell_over_is_an_entry_or_damage(place, change) -> None:
    data = bytearray(b"".join(map(pack, ENTRIES)))
    data[place % len(data)] ^= change
    try:
        for value in Unpacker().feed(bytes(data)):
            entry_of(value)
    except Damaged:
        pass


def test_a_value_that_says_it_is_huge_is_refused_long_before() -> None:
    unpacker, chunk = Unpacker(), bytes(1 << 20)
    assert list(unpacker.feed(b"\xc6\x7f\xff\xff\xff")) == []  # 2 GiB will follow
    with pytest.raises(Damaged):
        for _ in range(MAX_VALUE_BYTES // len(chunk) + 1):
            list(unpacker.feed(chunk))


def test_a_header_is_plain_msgpack_that_others_can_read() -> None:
    assert msgpack.unpackb(pack_header({"format": "x", "n": [1, 2]})) == {
        "format": "x",
        "n": [1, 2],
    }


def test_the_engines_values_are_known() -> None:
    assert value_of(["Tool", {"name": "a", "description": "b", "parameters": "{}"}]) == (
        engines.Tool("a", "b", "{}")
    )
