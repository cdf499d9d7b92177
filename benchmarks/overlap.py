"""What one overlap did to the agent's speech, from what arrived at the caller. Pure.

A reply that nobody spoke over is the measure: until it is touched, packet n of a reply is as
loud as packet n of that one, and every stretch of it is heard exactly once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.audio.frame import FRAME_MS, HEAR_HZ, Samples
from benchmarks.overlap_corpus import Kind

Packet = tuple[float, float]  # when it arrived, how loud it is

SOFTER = 0.75  # of its level; a ramp to -12 dB over one packet gives 0.66
HEARD_RMS = 0.004
STOP_S = 0.1  # without a packet: the agent has stopped

_STRETCH = HEAR_HZ // 5  # samples that are looked for
_STEP = HEAR_HZ // 10
_FOUND, _ONCE_MORE = 0.6, 0.9  # likeness: half a stretch is 0.7
_APART = HEAR_HZ * 30 // 1000
_LONGEST = HEAR_HZ * 3 // 2  # that a reply stops and yet goes on, twice perhaps


@dataclass(frozen=True, slots=True)
class Trial:
    """One overlap. Times are ms from handing its first sample to the caller's encoder."""

    kind: Kind
    name: str
    duck_ms: float | None  # to the arrival of the first packet that is softer
    silent_ms: float | None  # to the end of the last sound before the agent stopped
    gone_on_ms: float | None  # to the first packet after that
    cancelled: bool
    lost: int = 0  # stretches of 0.2 s of the reply that were not heard
    repeated: int = 0  # that were heard twice
    steepest: float = 0.0  # step from sample to sample, against the steepest of the reply


def first_softer_ms(
    packets: Sequence[Packet], undisturbed: Sequence[float], onset_s: float
) -> float | None:
    """When the first packet arrived, from the onset on, that is softer than it should be."""
    for (at_s, level), should in zip(packets, undisturbed, strict=False):
        if at_s >= onset_s and should >= HEARD_RMS and level < SOFTER * should:
            return (at_s - onset_s) * 1000
    return None


def stop(
    packets: Sequence[Packet], onset_s: float, until_s: float
) -> tuple[float, float | None] | None:
    """When the sound ended that arrived last before packets stopped to come, and when they came
    again, both in ms from the onset; None: they did not stop. Nobody listened after `until_s`.
    """
    sound_s: float | None = None
    for n, (at_s, level) in enumerate(packets):
        if level >= HEARD_RMS:
            sound_s = at_s
        if at_s < onset_s or sound_s is None:
            continue
        after_s = packets[n + 1][0] if n + 1 < len(packets) else None
        if (until_s if after_s is None else after_s) - at_s > STOP_S:
            silent_ms = (sound_s - onset_s) * 1000 + FRAME_MS
            return silent_ms, None if after_s is None else (after_s - onset_s) * 1000
    return None


def coverage(heard: Samples, reply: Samples) -> tuple[int, int]:
    """Return how many stretches of `reply` were not heard, and how many were heard twice.

    Both [n] at HEAR_HZ, from the first sound on. A reply that stops and goes on comes later
    from then on, never sooner. What is not heard because the listening ended is not asked for.
    """
    late = lost = repeated = 0
    for begin in range(0, len(reply) - _STRETCH + 1, _STEP):
        if begin + late + _STRETCH > len(heard):
            break
        stretch = reply[begin : begin + _STRETCH]
        if np.sqrt(np.mean(stretch**2)) < HEARD_RMS:
            continue
        near = max(0, begin + late - _APART)
        found = _found(heard[near : begin + late + _LONGEST + _STRETCH], stretch)
        if not found:
            # half of it may be out of earshot, where the reply stopped or the listening did
            lost += begin + late + _LONGEST + _STRETCH <= len(heard)
            continue
        late = near + found[0] - begin
        around = reply[max(0, begin - _LONGEST) : begin + _LONGEST]
        repeated += len(found) > 1 and len(_found(around, stretch)) == 1
    return lost, repeated


def _found(sound: Samples, stretch: Samples) -> list[int]:
    """Where a stretch is in a sound: where it is most alike, and another nearly as good."""
    if len(sound) < len(stretch):
        return []
    size = 1 << (len(sound) + len(stretch)).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(stretch, size))
    along = np.fft.irfft(spectrum, size)[: len(sound) - len(stretch) + 1]
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    power = energy[len(stretch) :] - energy[: -len(stretch)]
    floor = 1e-3 * len(stretch) * HEARD_RMS**2
    likeness = along / np.sqrt((power + floor) * float(np.sum(stretch**2)))
    best = int(np.argmax(likeness))
    if likeness[best] < _FOUND:
        return []
    found = [best]
    likeness[max(0, best - _APART) : best + _APART] = 0
    other = int(np.argmax(likeness))
    if likeness[other] >= _ONCE_MORE:
        found.append(other)
    return found


def steepness(heard: Samples, reply: Samples) -> float:
    """The steepest step from sample to sample in what was heard, against that of the reply."""
    return float(np.abs(np.diff(heard)).max() / np.abs(np.diff(reply)).max())
