"""Synthetic callers: what espeak-ng says, as a brain would hear it."""

from functools import cache

import numpy as np
import soxr

from agent.audio.frame import HEAR_HZ, SPEAK_HZ
from agent.engines import Style
from agent.voices.espeak import EspeakVoice

_BEFORE, _AFTER = HEAR_HZ * 3 // 10, HEAR_HZ * 4 // 10


@cache
def voice():
    return EspeakVoice()


@cache
def say(text, name="en-us", speed=0.95):
    """Samples [n] at HEAR_HZ: the words, preroll before, and the silence of a turn's end."""
    spoken = voice().speak(text, Style(name, speed=speed))
    speech = np.concatenate([stretch.samples for stretch in spoken])
    samples = soxr.resample(speech, SPEAK_HZ, HEAR_HZ).astype(np.float32)
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return np.pad(samples[loud[0] : loud[-1] + 1], (_BEFORE, _AFTER))
