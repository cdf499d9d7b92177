"""A caller's loudspeaker, room and microphone: what the agent says comes back into the call.

Knows sound; knows no call and no clock: a frame of 20 ms in, a frame out.
"""

from dataclasses import dataclass

import numpy as np
import soxr

from agent.audio.frame import HEAR_FRAME, HEAR_HZ, SPEAK_FRAME, SPEAK_HZ, Samples

_SPEAKER_HZ = 250.0  # what is lower, a small loudspeaker does not play
_DRIVE = 2.0  # and what is loud it bends
_BUFFER = HEAR_HZ * 40 // 1000  # samples a browser waits for before it plays
_MOST_BUFFER = HEAR_HZ * 150 // 1000
_SILENT = 0.003  # peak of what may be left out
_TAIL = 1.2  # of the time to fall by 60 dB


@dataclass(frozen=True, slots=True)
class Room:
    """How the agent's voice gets back. `direct_db`: of the direct sound over the room's."""

    level_db: float  # of the echo, against what was played
    delay_ms: float
    fall_s: float  # time to fall by 60 dB
    direct_db: float | None = None  # None: no direct sound, only the room
    seed: int = 0

    def response(self) -> Samples:
        """Impulse response [n] at HEAR_HZ, without the delay: noise that decays."""
        random = np.random.default_rng(self.seed)
        count = int(HEAR_HZ * self.fall_s * _TAIL)
        tail = random.standard_normal(count) * 10 ** (
            -3 * np.arange(count) / HEAR_HZ / self.fall_s
        )
        tail /= np.sqrt(np.sum(tail**2))
        if self.direct_db is not None:
            tail *= 10 ** (-self.direct_db / 20)
            tail[0] += 1.0
        size = 2 * count
        hz = np.fft.rfftfreq(size, 1 / HEAR_HZ)
        spectrum = np.fft.rfft(tail, size) * hz**2 / (hz**2 + _SPEAKER_HZ**2)
        sounding = np.fft.irfft(spectrum, size)[:count]
        sounding *= 10 ** (self.level_db / 20) / np.sqrt(np.sum(sounding**2))
        return sounding.astype(np.float32)


class Echo:
    """Frames of what is played in, frames of what the microphone gets of it out.

    Convolution in partitions of a frame, so that a call costs a caller little.
    """

    def __init__(self, room: Room) -> None:
        response = room.response()
        count = -(-len(response) // HEAR_FRAME)
        parts = np.pad(response, (0, count * HEAR_FRAME - len(response)))
        self._parts = np.fft.rfft(parts.reshape(count, HEAR_FRAME), 2 * HEAR_FRAME)
        self._spectra = np.zeros_like(self._parts)  # of the latest frames, newest first
        self._before: Samples = np.zeros(HEAR_FRAME, np.float32)
        self._late: Samples = np.zeros(round(room.delay_ms * HEAR_HZ / 1000), np.float32)

    def feed(self, frame: Samples) -> Samples:
        """Take the next [HEAR_FRAME]; return the echo of the same 20 ms."""
        bent = np.tanh(_DRIVE * frame) / _DRIVE
        self._spectra[1:] = self._spectra[:-1]
        self._spectra[0] = np.fft.rfft(np.concatenate([self._before, bent]))
        self._before = bent
        wet = np.fft.irfft(np.einsum("pf,pf->f", self._parts, self._spectra))[HEAR_FRAME:]
        late: Samples = np.concatenate([self._late, wet.astype(np.float32)])
        self._late = late[HEAR_FRAME:]
        return late[:HEAR_FRAME]


class Loudspeaker:
    """A caller's device that cancels no echo: `play` what is heard, ask for what comes back."""

    def __init__(self, room: Room) -> None:
        self._echo = Echo(room)
        self._resampler = soxr.ResampleStream(HEAR_HZ, SPEAK_HZ, 1, dtype="float32")
        self._waiting: Samples = np.zeros(0, np.float32)  # to be played
        self._ready: Samples = np.zeros(SPEAK_FRAME, np.float32)  # covers the resampler's delay

    def play(self, samples: Samples) -> None:
        """Take [n] at HEAR_HZ, as they came out of the receive path."""
        if not len(self._waiting):
            samples = np.pad(samples, (_BUFFER, 0))
        most = _MOST_BUFFER if np.abs(samples).max() > _SILENT else _BUFFER
        self._waiting = np.concatenate([self._waiting, samples])[-most:]

    def frame(self) -> Samples:
        """Return what the microphone gets in the next 20 ms, [SPEAK_FRAME] at SPEAK_HZ."""
        playing, self._waiting = self._waiting[:HEAR_FRAME], self._waiting[HEAR_FRAME:]
        echo = self._echo.feed(np.pad(playing, (0, HEAR_FRAME - len(playing))))
        ready = np.concatenate([self._ready, self._resampler.resample_chunk(echo)])
        self._ready = ready[SPEAK_FRAME:]
        return np.pad(ready[:SPEAK_FRAME], (0, max(0, SPEAK_FRAME - len(ready))))
