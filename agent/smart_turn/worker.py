"""The process that asks the model: one question after the other, for all calls of a server.

In: a function's pickle that loads it, then sounds, each with its length before it. Out: a
line of JSON each. Started by `agent.smart_turn.process`, as `python -m agent.smart_turn`.
"""

import json
import logging
import pickle
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

import numpy as np

from agent.audio.frame import HEAR_HZ
from agent.audio.pcm16 import from_pcm16
from agent.smart_turn.mel import HEARD_S
from agent.smart_turn.model import Analyze

HEAD = struct.Struct("<I")  # how many bytes follow
_WARMING = 3  # answers; the first ones take longer

log = logging.getLogger(__name__)


def framed(data: bytes) -> bytes:
    """With its length."""
    return HEAD.pack(len(data)) + data


def frames(file: BinaryIO) -> Iterator[bytes]:
    """Yield what was framed, until the other side is gone."""
    while len(head := file.read(HEAD.size)) == HEAD.size:
        (length,) = HEAD.unpack(head)
        data = file.read(length)
        if len(data) < length:
            return
        yield data


def warm(analyze: Analyze) -> float:
    """Return what an answer takes, in seconds."""
    sound = np.zeros(HEARD_S * HEAR_HZ, np.float32)
    took_s = []
    for _ in range(_WARMING):
        began = time.perf_counter()
        analyze(sound)
        took_s.append(time.perf_counter() - began)
    return min(took_s)


def serve(questions: Iterator[bytes], say: BinaryIO) -> None:
    """Load, say that it is ready, and answer; or say what failed."""

    def tell(kind: str, what: object) -> None:
        with suppress(OSError):  # who asked is gone, and asks no more
            say.write(json.dumps([kind, what]).encode() + b"\n")
            say.flush()

    try:
        load = pickle.loads(next(questions, b""))
        analyze: Analyze = load()
        tell("ready", warm(analyze))
        for question in questions:
            tell("odds", analyze(from_pcm16(question)))
    except Exception as error:  # whatever it is, the server must hear of it
        log.debug("the model failed", exc_info=True)
        tell("failed", str(error) or type(error).__name__)


def main() -> None:
    """Serve the socket whose file descriptor is the first argument; end when its peer does."""
    connected = socket.socket(fileno=int(sys.argv[1]))
    with connected, connected.makefile("rb") as heard, connected.makefile("wb") as say:
        serve(frames(heard), say)
