"""A published ONNX model that also says what it computes on the way.

Two serialized protobuf messages, one after the other, are one message that has the lists of
both: what is to be said besides is put behind the file, of which nothing is parsed.
"""

from collections.abc import Iterable

# The numbers of fields in onnx.proto.
_MODEL_GRAPH, _GRAPH_OUTPUT = 7, 12
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR = 1
_FLOATS = bytes([1 << 3, 1])  # of TypeProto.Tensor: elem_type is FLOAT


def with_outputs(model: bytes, names: Iterable[str]) -> bytes:
    """Return an ONNX `model` with the float tensors of these names among its outputs."""
    tensor = _field(_VALUE_TYPE, _field(_TYPE_TENSOR, _FLOATS))
    values = [_field(_VALUE_NAME, name.encode()) + tensor for name in names]
    return model + _field(_MODEL_GRAPH, b"".join(_field(_GRAPH_OUTPUT, v) for v in values))


def _field(number: int, content: bytes) -> bytes:
    """A field with a length and so many bytes."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """7 bits a byte, the lowest first; all but the last with the highest bit set."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
