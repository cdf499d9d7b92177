"""The scripted caller's microphone: a track that says what it is given, and silence otherwise.

Like a browser's it sends a packet each 20 ms, whatever is said, on an absolute schedule. It
knows when each sample was handed to the encoder, which is where a caller's latency begins.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.stream import Stream

from agent.audio.frame import FRAME_MS, RTP_FRAME, RTP_HZ, SPEAK_FRAME, Samples
from agent.config import Send
from agent.media.opus import Encoder

_TIME_BASE = Fraction(1, RTP_HZ)
_MAX_WAITING = 16  # utterances


class Utterance:
    """Something to say: [n] at SPEAK_HZ, in frames, the last one filled up with silence."""

    def __init__(self, samples: Samples) -> None:
        count = max(1, -(-len(samples) // SPEAK_FRAME))
        padded = np.zeros(count * SPEAK_FRAME, np.float32)
        padded[: len(samples)] = samples
        self.frames = padded.reshape(count, SPEAK_FRAME)
        self._handed_s: list[float] = []
        self._over = asyncio.Event()

    @property
    def begun(self) -> bool:
        return bool(self._handed_s)

    @property
    def said(self) -> bool:
        return len(self._handed_s) == len(self.frames)

    @property
    def began_s(self) -> float:
        """When its first frame was handed to the encoder. IndexError before that."""
        return self._handed_s[0]

    def handed_s(self, sample: int) -> float:
        """When a sample was handed to the encoder, on the loop's clock. IndexError before."""
        return self._handed_s[sample // SPEAK_FRAME]

    async def over(self) -> None:
        """Return when all of it was handed over, or the microphone was stopped."""
        await self._over.wait()

    def hand_over(self, now: float) -> Samples:
        """Take the next frame, [SPEAK_FRAME]. For the microphone."""
        frame: Samples = self.frames[len(self._handed_s)]
        self._handed_s.append(now)
        if self.said:
            self._over.set()
        return frame

    def give_up(self) -> None:
        self._over.set()


class Microphone(MediaStreamTrack):
    """Says utterances one after the other. One sender calls `recv`."""

    kind = "audio"

    def __init__(self, send: Send, around: Callable[[], Samples] | None = None) -> None:
        """`around` gives what else it picks up in the next 20 ms, [SPEAK_FRAME]."""
        super().__init__()
        self._around = around
        self._encode = Encoder(send).encode
        self._background = Utterance(np.zeros(SPEAK_FRAME, np.float32)).frames
        self._utterances: deque[Utterance] = deque()
        self._origin_s: float | None = None
        self._frame = 0
        self.worst_late_ms = 0.0  # behind the schedule: the caller's own fault

    def say(self, samples: Samples) -> Utterance:
        """Say samples [n] at SPEAK_HZ from the next frame on, after what waits already."""
        if len(self._utterances) == _MAX_WAITING:
            raise BufferError(f"{_MAX_WAITING} utterances wait to be said")
        utterance = Utterance(samples)
        if self.readyState == "live":
            self._utterances.append(utterance)
        else:
            utterance.give_up()
        return utterance

    def surround(self, samples: Samples) -> None:
        """Lay [n] at SPEAK_HZ under everything from now on, over and over."""
        self._background = Utterance(samples).frames

    def stop(self) -> None:
        super().stop()
        while self._utterances:
            self._utterances.popleft().give_up()

    async def recv(self) -> "av.Packet[Stream]":
        """Return the next packet when it is due; at once when it is overdue."""
        loop = asyncio.get_running_loop()
        if self._origin_s is None:
            self._origin_s = loop.time()
        due_s = self._origin_s + self._frame * FRAME_MS / 1000
        await asyncio.sleep(max(0.0, due_s - loop.time()))
        if self.readyState != "live":
            raise MediaStreamError
        now = loop.time()
        self.worst_late_ms = max(self.worst_late_ms, (now - due_s) * 1000)
        frame = self._next(now)
        if self._around is not None:
            frame = np.clip(frame + self._around(), -1.0, 1.0).astype(np.float32)
        packet = av.Packet(self._encode(frame))
        packet.pts, packet.time_base = self._frame * RTP_FRAME, _TIME_BASE
        self._frame += 1
        return packet

    def _next(self, now: float) -> Samples:
        background: Samples = self._background[self._frame % len(self._background)]
        if not self._utterances:
            return background
        frame = self._utterances[0].hand_over(now) + background
        if self._utterances[0].said:
            self._utterances.popleft()
        return frame
