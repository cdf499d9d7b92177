"""What a scripted caller heard: each packet's arrival and loudness, and all of it as one sound.

Fed by the receive path; knows no socket. Times are the loop's.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from itertools import islice

import numpy as np

from agent.audio.frame import FRAME_MS, HEAR_HZ, Samples
from agent.media.jitter import RtpAudio
from agent.media.opus import BadPayload, Decoder

# Peak from which a packet carries speech, -40 dBFS: Opus makes up to 0.003 of digital silence,
# and a voice is past 0.01 within its first 10 ms.
SPEECH_PEAK = 0.01
KEPT_S = 1800.0  # what comes after that is not kept


class Heard:
    """One call's. `began_s` is where the sound begins: the moment the call was connected."""

    def __init__(self, began_s: float, kept_s: float = KEPT_S) -> None:
        self.began_s = began_s
        self._kept_samples = int(kept_s * HEAR_HZ)
        # a decoder of its own: what a packet holds must not depend on those that wait before it
        self._decoder = Decoder()
        self._speech_s: deque[float] = deque(maxlen=int(kept_s * 1000 / FRAME_MS))
        self._loudness: deque[tuple[float, float, float]] = deque(maxlen=self._speech_s.maxlen)
        self._pieces: list[Samples] = []
        self._samples = 0
        self.packets = 0

    def take_packet(self, packet: RtpAudio, now: float) -> None:
        """Take a packet as it came out of the socket. Call before `take_audio` of the same."""
        if self.packets == 0:
            self._keep(np.zeros(max(0, int((now - self.began_s) * HEAR_HZ)), np.float32))
        self.packets += 1
        try:
            sound = self._decoder.decode(packet.payload)
        except BadPayload:  # it arrived, and nobody can hear anything in it
            return
        peak = float(np.abs(sound).max())
        self._loudness.append((now, peak, float(np.sqrt(np.mean(sound**2)))))
        if peak >= SPEECH_PEAK:
            self._speech_s.append(now)

    def take_audio(self, samples: Samples) -> None:
        """Take [n] at HEAR_HZ, in order and without gaps: what the receive path made of it."""
        self._keep(samples)

    @property
    def speech_s(self) -> tuple[float, ...]:
        """When each packet with speech in it arrived, ascending."""
        return tuple(self._speech_s)

    @property
    def peaks(self) -> tuple[tuple[float, float], ...]:
        """Each packet that holds a sound: when it arrived, and its peak, 0..1."""
        return tuple((at_s, peak) for at_s, peak, _ in self._loudness)

    @property
    def levels(self) -> tuple[tuple[float, float], ...]:
        """When each packet arrived, and how loud it is: 1 is a square wave at full scale."""
        return tuple((at_s, level) for at_s, _, level in self._loudness)

    @property
    def last_speech_s(self) -> float | None:
        return self._speech_s[-1] if self._speech_s else None

    def speech_from(self, time_s: float) -> float | None:
        """Return when the first packet with speech arrived at or after `time_s`."""
        return next(self._from(time_s), None)

    def sound(self) -> Samples:
        """Return all that was heard, [n] at HEAR_HZ, silence included."""
        return np.concatenate([np.zeros(0, np.float32), *self._pieces])

    def _from(self, time_s: float) -> Iterator[float]:
        return islice(self._speech_s, bisect_left(self._speech_s, time_s), None)

    def _keep(self, samples: Samples) -> None:
        room = self._kept_samples - self._samples
        if room > 0:
            self._pieces.append(samples[:room])
            self._samples += len(self._pieces[-1])
