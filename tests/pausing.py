"""A call whose caller pauses, and somebody to ask about it: the real ear, no network."""

import re

import numpy as np
from fakes import LoudnessVad
from stage import VOICE

from agent.audio.pcm16 import from_pcm16
from agent.config import VadConfig
from agent.ear import Ear
from agent.endpoint.release import Patience
from agent.metrics import Metrics
from agent.smart_turn.opinion import SecondOpinion

QUIET = np.zeros_like(VOICE)


class Scene:
    """One call's ear, and somebody who is asked and answers when the test says so."""

    def __init__(self) -> None:
        self.ear = Ear(LoudnessVad(), VadConfig(), Patience("auto", 100, 420, 650))
        self.metrics = Metrics()
        self.opinions: list[tuple[str, float]] = []
        self.free = True
        self.asked: list[tuple[int, np.ndarray]] = []  # silence in ms, sound
        self.answers = []
        self.second = SecondOpinion(
            self.ear, self, lambda *opinion: self.opinions.append(opinion), self.metrics
        )

    def ask(self, sound, answer) -> None:
        assert self.free
        self.asked.append((self.ear.silent_ms, from_pcm16(sound)))
        self.answers.append(answer)

    def feed(self, seconds, sound=QUIET) -> None:
        for _ in range(round(seconds / 0.02)):
            list(self.ear.feed(sound))
            self.second.hear(sound)
            self.second.ask_if_due()

    @property
    def fates(self):
        """How often it was asked, answered in time, and late."""
        shown = self.metrics.text().decode()
        found = dict(re.findall(r'smart_turn_answers_total{fate="(\w+)"} (\S+)', shown))
        return [float(found.get(fate, 0)) for fate in ("asked", "in_time", "late")]
