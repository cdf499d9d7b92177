"""What a caller's microphone gets of the agent's voice: a room, a delay, noise; no codec."""

import numpy as np

from agent.audio.frame import HEAR_HZ, SPEAK_FRAME

TEXT = (
    "Seven trains leave for the coast between nine and noon, and the tickets cost twelve "
    "pounds each. If you would rather take the bus, it stops in front of the library."
)


def echo(sound, level_db=-12.0, delay_ms=180, fall_s=0.4, seed=0):
    """Of [n] at HEAR_HZ: [n], through noise that decays by 60 dB in `fall_s`."""
    count = int(fall_s * HEAR_HZ)
    response = np.random.default_rng(seed).standard_normal(count)
    response *= 10 ** (-3 * np.arange(count) / count)
    response *= 10 ** (level_db / 20) / np.sqrt(np.sum(response**2))
    response = np.pad(response, (delay_ms * HEAR_HZ // 1000, 0))
    size = 1 << (len(sound) + len(response)).bit_length()
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)
    return wet[: len(sound)].astype(np.float32)


def room_noise(count, level_db=-65.0, seed=0):
    noise = np.random.default_rng(seed).standard_normal(count) * 10 ** (level_db / 20)
    return noise.astype(np.float32)


def call_with(
    guard, played, heard, at_s=lambda n: n * 0.02, late_s=0.0, hole_hop=0, hole_s=0.0
):
    """Let frames [n, SPEAK_FRAME] leave while [m] at HEAR_HZ is heard; yield after each hop.

    `at_s` says when a frame leaves; what is heard arrives `late_s` after it was said, and
    nothing for `hole_s` before `hole_hop`.
    """
    played = iter(enumerate(played))
    frame = next(played, None)
    for n in range(len(heard) // 160):
        now = (n + 1) * 0.01 + late_s + hole_s * (n >= hole_hop)
        while frame is not None and at_s(frame[0]) <= now:
            guard.played(frame[1], at_s(frame[0]))
            frame = next(played, None)
        guard.arrived(160, now)
        guard.hear(heard[None, n * 160 : n * 160 + 160])
        guard.go_on()
        yield n


def frames(sound):
    """[n, SPEAK_FRAME] of a sound at SPEAK_HZ."""
    return sound[: len(sound) // SPEAK_FRAME * SPEAK_FRAME].reshape(-1, SPEAK_FRAME)
