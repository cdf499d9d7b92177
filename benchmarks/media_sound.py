"""What is said in benchmarks.media: a second of sound, over and over, at 24 kHz.

60 ms of a loud tone (the marker), 820 ms of something like speech, 120 ms of silence: so each
marker comes out of silence, as a reply does, while 48 packets of 50 are sent all the same.
"""

import numpy as np

from agent.audio.frame import FRAME_MS, SPEAK_FRAME, SPEAK_HZ, Samples

CYCLE_FRAMES = 1000 // FRAME_MS
MARKER_FRAMES, SILENT_FRAMES = 3, 6
MARKER_HEARD = 0.25  # peak above which a packet has the marker: it is at 0.7, the speech below
SILENCE_HEARD = 0.003  # peak below which a packet is silent; Opus makes some noise of zeros


def cycle() -> list[Samples]:
    """Return the second, as CYCLE_FRAMES frames of [SPEAK_FRAME] samples."""
    seconds = np.arange(SPEAK_HZ) / SPEAK_HZ
    pitch = np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * seconds)) / SPEAK_HZ  # in turns
    voice = sum(np.sin(2 * np.pi * k * pitch) / k for k in range(1, 20)) * 0.05
    noise = np.random.default_rng(0).normal(0, 0.002, SPEAK_HZ)
    marker = 0.7 * np.sin(2 * np.pi * 700 * seconds)
    frame = np.arange(SPEAK_HZ) // SPEAK_FRAME
    sound = np.where(frame < MARKER_FRAMES, marker, voice + noise)
    sound[frame >= CYCLE_FRAMES - SILENT_FRAMES] = 0.0
    return np.split(sound.astype(np.float32), CYCLE_FRAMES)
