"""Opus by ctypes: 24 kHz mono out, 16 kHz mono in. Knows packets; knows neither RTP nor time.

PyAV's codec decodes to 48 kHz stereo only and hides what the receive path is about: redundancy
(FEC, RFC 6716 section 2.1.7) and concealment of what is lost (PLC, section 4.4). Decoding 20 ms
straight to 16 kHz costs 40 us. Calls release the interpreter lock.
"""

import ctypes
import weakref
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_void_p
from functools import cache
from pathlib import Path

import av
import numpy as np

from agent.audio.frame import HEAR_HZ, RTP_HZ, SPEAK_FRAME, SPEAK_HZ, Samples
from agent.config import Send
from agent.errors import ConfigError

# opus_defines.h
_APPLICATION = {"voip": 2048, "lowdelay": 2051}
_SET_BITRATE, _SET_COMPLEXITY, _SET_FEC, _SET_LOSS_PERCENT = 4002, 4010, 4012, 4014
_GET_LOOKAHEAD = 4027

_MAX_PAYLOAD_BYTES = 1275 + 1  # one frame and its TOC (RFC 6716 section 3.2.1)
_Payload = ctypes.c_char * _MAX_PAYLOAD_BYTES  # made once: a new array type costs 0.1 ms
_MAX_PACKET_MS = 120
_CONCEAL_STEP = HEAR_HZ // 400  # samples; libopus conceals in units of 2.5 ms


class BadPayload(ValueError):
    """A payload that is no Opus packet. The decoder that refused it remains usable."""


class Encoder:
    """Frames of 20 ms to packets. Not for use by two threads at once."""

    def __init__(self, send: Send) -> None:
        lib, error = _libopus(), c_int()
        pointer = lib.opus_encoder_create(SPEAK_HZ, 1, _APPLICATION[send.mode], byref(error))
        _check(error.value)
        self._encoder = c_void_p(pointer)
        weakref.finalize(self, lib.opus_encoder_destroy, self._encoder)
        self._encode = lib.opus_encode_float
        self._payload = _Payload()
        for request, value in (
            (_SET_BITRATE, send.bitrate_kbps * 1000),
            (_SET_COMPLEXITY, send.complexity),
            (_SET_FEC, int(send.expected_loss_percent > 0)),
            (_SET_LOSS_PERCENT, send.expected_loss_percent),
        ):
            _check(lib.opus_encoder_ctl(self._encoder, request, c_int(value)))
        lookahead = c_int32()
        _check(lib.opus_encoder_ctl(self._encoder, _GET_LOOKAHEAD, byref(lookahead)))
        self.lookahead_samples: int = (
            lookahead.value
        )  # at SPEAK_HZ; what goes in comes out later

    def encode(self, samples: Samples) -> bytes:
        """Encode [480] samples at SPEAK_HZ. Raises ValueError for any other shape or type."""
        if samples.shape != (SPEAK_FRAME,) or samples.dtype != np.float32:
            raise ValueError(
                f"expected {SPEAK_FRAME} float32 samples, got {samples.dtype}{samples.shape}"
            )
        frame = np.ascontiguousarray(samples)
        size = self._encode(
            self._encoder, frame.ctypes.data, SPEAK_FRAME, self._payload, _MAX_PAYLOAD_BYTES
        )
        return self._payload.raw[: _check(size)]


class Decoder:
    """Packets of any mode, duration (2.5 to 120 ms) and channel count to mono at HEAR_HZ.

    Stateful: packets, and what stands for lost ones, go in in order. Not for two threads.
    """

    def __init__(self) -> None:
        lib, error = _libopus(), c_int()
        pointer = lib.opus_decoder_create(HEAR_HZ, 1, byref(error))
        _check(error.value)
        self._decoder = c_void_p(pointer)
        weakref.finalize(self, lib.opus_decoder_destroy, self._decoder)
        self._decode = lib.opus_decode

    def decode(self, payload: bytes) -> Samples:
        """Return the packet's samples, [n] at HEAR_HZ. Raises BadPayload."""
        if not payload:  # libopus would take it for a lost packet
            raise BadPayload("empty payload")
        return self._run(payload, HEAR_HZ * _MAX_PACKET_MS // 1000, 0)

    def recover(self, next_payload: bytes, samples: int) -> Samples:
        """Return the `samples` lost just before a packet, from the redundancy it carries.

        What it does not carry is concealed, so this is never worse than `conceal`.
        The packet itself is decoded after it as usual. Raises BadPayload.
        """
        if not next_payload:
            raise BadPayload("empty payload")
        return self._run(next_payload, _whole_steps(samples), 1)[:samples]

    def conceal(self, samples: int) -> Samples:
        """Return `samples` that go on from what was last decoded and fade to silence."""
        return self._run(None, _whole_steps(samples), 0)[:samples]

    def _run(self, payload: bytes | None, samples: int, fec: int) -> Samples:
        # Not the float call: this one also limits to [-1, 1], softly.
        pcm = np.empty(samples, np.int16)
        size = 0 if payload is None else len(payload)
        count = _check(
            self._decode(self._decoder, payload, size, pcm.ctypes.data, samples, fec)
        )
        return np.multiply(pcm[:count], np.float32(1 / 32768), dtype=np.float32)


def packet_ticks(payload: bytes) -> int:
    """Return how long a packet plays, in RTP_HZ ticks. Raises BadPayload."""
    count = _check(_libopus().opus_packet_get_nb_samples(payload, len(payload), RTP_HZ))
    if not count:
        raise BadPayload("a packet without frames")
    return count


def has_redundancy(payload: bytes) -> bool:
    """Whether a packet carries a copy of the one before it. A malformed one does not.

    libopus before 1.5 cannot tell: False, though `Decoder.recover` uses what there is anyway.
    """
    ask = getattr(_libopus(), "opus_packet_has_lbrr", None)
    return ask is not None and ask(payload, len(payload)) == 1


def check() -> str:
    """Return libopus' version. Raises ConfigError where there is none, before any call."""
    version: bytes = _libopus().opus_get_version_string()
    return version.decode()


def _whole_steps(samples: int) -> int:
    return -(-samples // _CONCEAL_STEP) * _CONCEAL_STEP


def _check(result: int) -> int:
    if result >= 0:
        return result
    message: bytes = _libopus().opus_strerror(result)
    raise BadPayload(message.decode())


@cache
def _libopus() -> ctypes.CDLL:
    lib = _load()
    lib.opus_encoder_create.restype = lib.opus_decoder_create.restype = c_void_p
    lib.opus_encoder_create.argtypes = [c_int32, c_int, c_int, POINTER(c_int)]
    lib.opus_decoder_create.argtypes = [c_int32, c_int, POINTER(c_int)]
    lib.opus_encoder_destroy.restype = lib.opus_decoder_destroy.restype = None
    lib.opus_encoder_destroy.argtypes = lib.opus_decoder_destroy.argtypes = [c_void_p]
    lib.opus_encoder_ctl.argtypes = [c_void_p, c_int]  # variadic: only what is fixed
    lib.opus_encode_float.argtypes = [c_void_p, c_void_p, c_int, c_char_p, c_int32]
    lib.opus_decode.argtypes = [c_void_p, c_char_p, c_int32, c_void_p, c_int, c_int]
    lib.opus_packet_get_nb_samples.argtypes = [c_char_p, c_int32, c_int32]
    if hasattr(lib, "opus_packet_has_lbrr"):
        lib.opus_packet_has_lbrr.argtypes = [c_char_p, c_int32]
    lib.opus_strerror.restype = lib.opus_get_version_string.restype = c_char_p
    lib.opus_strerror.argtypes = [c_int]
    return lib


def _load() -> ctypes.CDLL:
    # The wheel's copy first: pinned with av, hence the one that was measured.
    package = Path(av.__file__).parent
    for folder in (package.parent / "av.libs", package / ".dylibs"):
        for path in sorted(folder.glob("libopus*")):
            return ctypes.CDLL(str(path))
    for name in ("libopus.so.0", "libopus.0.dylib"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise ConfigError(
        "no libopus: neither in the av wheel nor on this system; install av from its wheel, "
        "or the package libopus0"
    )
