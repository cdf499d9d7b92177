"""Every message arrives as it was sent, however the bytes were cut."""

import dataclasses
import socket
import typing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from agent.audio.frame import Samples
from agent.engines import Act, Action, Speech
from agent.host import wire

st.register_type_strategy(int, st.integers(0, 2**53))
st.register_type_strategy(float, st.floats(allow_nan=False))  # NaN equals nothing
samples = npst.arrays(np.float32, st.integers(0, 50), elements=st.floats(-1, 1, width=32))
KINDS = typing.get_args(wire.Message)


def values(kind):
    """Any value of a type, arrays and nested dataclasses included."""
    if kind == Samples:
        return samples
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{name: values(hint) for name, hint in hints.items()})
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if arguments:  # a union
        return st.one_of([values(argument) for argument in arguments])
    return st.from_type(kind)


messages = st.one_of([values(kind) for kind in KINDS])


def same(a, b):
    """Equality that looks into arrays."""
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if dataclasses.is_dataclass(a):
        fields = [f.name for f in dataclasses.fields(a)]
        return type(a) is type(b) and all(same(getattr(a, f), getattr(b, f)) for f in fields)
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_each_kind_arrives_as_it_was_sent(kind, data):
    message = data.draw(values(kind))
    (received,) = wire.Unpacker().feed(wire.pack(message))
    assert same(received, message)


@given(st.lists(messages, max_size=5), st.data())
def test_how_the_bytes_were_cut_does_not_matter(sent, data):
    stream = b"".join(map(wire.pack, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    unpacker, received = wire.Unpacker(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += unpacker.feed(stream[begin:end])
    assert same(tuple(received), tuple(sent))


def test_an_action_is_an_action_again():
    (received,) = wire.Unpacker().feed(wire.pack(wire.Said(1, Act(Action.HOLD))))
    assert received.piece.action is Action.HOLD


def test_samples_may_be_written_to():
    """torch.from_numpy warns of an array that may not, and the warning is an error in tests."""
    (received,) = wire.Unpacker().feed(wire.pack(wire.Hear(1, np.ones(4, np.float32))))
    assert received.samples.flags.writeable


def test_a_frame_of_hearing_costs_less_than_a_packet():
    assert len(wire.pack(wire.Hear(123_456, np.zeros(320, np.float32)))) < 1400


def test_a_long_speech_in_one_piece_passes():
    long = Speech(np.zeros(24_000 * 60, np.float32))
    unpacker = wire.Unpacker()
    data = wire.pack(wire.Said(1, long))
    received = [
        m for i in range(0, len(data), 65_536) for m in unpacker.feed(data[i : i + 65_536])
    ]
    assert len(received[0].piece.samples) == 24_000 * 60


# -- the engines' end


def test_a_connection_yields_messages_until_the_other_side_is_gone():
    ours, theirs = socket.socketpair()
    with theirs:
        connection = wire.Connection(theirs)
        with ours:
            ours.sendall(wire.pack(wire.OpenCall(1)) + wire.pack(wire.CloseCall(1)))
        assert list(connection.messages()) == [wire.OpenCall(1), wire.CloseCall(1)]


def test_sending_to_nobody_is_no_error():
    ours, theirs = socket.socketpair()
    with theirs:
        ours.close()
        wire.Connection(theirs).send(wire.Finished(1))


def test_what_is_sent_arrives():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire.Connection(theirs).send(wire.Ready(("tone",), None))
        assert list(wire.Unpacker().feed(ours.recv(1000))) == [wire.Ready(("tone",), None)]
