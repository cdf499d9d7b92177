"""What the operator is asked here: requests by synthetic voices, and speech that is none.

Two folds that share no voice, no recording and no saying: `tune` is looked at when the operator
is made, `judge` only tells how good it became. All is drawn from seeds; only
espeak-ng never says a thing twice in quite the same way.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import soundfile
import soxr

from agent.audio.frame import HEAR_HZ, SPEAK_HZ, Samples
from agent.brains.operator.automaton import compile_expansion
from agent.brains.operator.requests import RULES, WAYS
from agent.config import Send
from agent.engines import Style
from agent.media.opus import Decoder, Encoder
from agent.voices.espeak import EspeakVoice
from benchmarks.speech import FOLDER

Fold = Literal["tune", "judge"]

VOICES: Final = {
    "tune": ("en-us", "en-us+f3", "en-us+m3", "en-us+f1", "en-us+m5", "en-gb-x-rp"),
    "judge": ("en-us+f2", "en-us+m1", "en-us+m7", "en-gb", "en-us+f5", "en-us-nyc"),
}
CONDITIONS: Final = ("clean", "opus", "noise", "clipped")
SAYINGS: Final = {
    "tune": (
        "I would like to order a large pizza with mushrooms",
        "What is the weather like tomorrow",
        "Can you play some music for me",
        "My account number is four five seven two",
        "I need to speak to a manager about my bill",
        "Yes",
        "Okay",
        "Turn on the lights in the kitchen",
        "Set an alarm for seven in the morning",
        "How old are you",
        "What did you say",
        "Happy birthday",
        "Never again",
        "The time has come to leave",
        "How do I get to the airport",
        "What is two plus two",
        "Well I do not know",
        "He counted to the last coin",
    ),
    "judge": (
        "Where is the nearest train station",
        "No",
        "Maybe later",
        "That sounds great",
        "Could you transfer me to the sales department",
        "How much does it cost to send a letter to France",
        "Who won the game last night",
        "I will call you back tomorrow",
        "She told me that he would come",
        "Let me think about that for a while",
        "It is raining again today",
        "My name is Peter and I live in London",
        "Can I have your telephone number",
        "Translate this into Spanish",
        "I do not understand",
        "The date of the wedding was changed",
        "There was no time for jokes",
        "Are you hungry",
    ),
}
# goforward is a request; all else in the folder is none
_REQUEST_RECORDINGS: Final = {"goforward": "go forward ten meters"}
_GATES_MS: Final = (100, 200, 400)  # silences at which turn-taking may hand over
_LONGEST_S: Final = 15


@dataclass(frozen=True, slots=True)
class Item:
    """One utterance as the brain gets it."""

    fold: Fold
    source: str  # voice or recording
    condition: str
    said: str  # the words, if it is a request; else ""
    samples: Samples  # [n] at HEAR_HZ


def items(sentences: int) -> Iterator[Item]:
    """All utterances; `sentences` for each kind of request and fold."""
    voice = EspeakVoice()
    for fold in ("tune", "judge"):
        drawn = random.Random(fold)
        for said in requests(sentences, drawn):
            name = drawn.choice(VOICES[fold])
            speech = _say(voice, said, name, drawn.uniform(0.75, 1.15))
            for condition in CONDITIONS:
                yield Item(fold, name, condition, said, _dress(speech, condition, drawn))
        for saying in SAYINGS[fold]:
            for name in drawn.sample(VOICES[fold], 3):
                speech = _say(voice, saying, name, drawn.uniform(0.8, 1.1))
                yield Item(fold, f"saying {name}", saying, "", _dress(speech, "opus", drawn))
    yield from _recorded()


def requests(count: int, drawn: random.Random) -> Iterator[str]:
    """Random walks through each kind of request."""
    for ways in WAYS.values():
        net = compile_expansion(" | ".join(ways), RULES)
        for _ in range(count):
            state, words = 0, list[str]()
            while arcs := [(word, to) for start, word, to in net.arcs if start == state]:
                if state in net.finals and drawn.random() < 0.5:
                    break
                word, state = drawn.choice(arcs)
                words.append(word)
            yield " ".join(words)


def _say(voice: EspeakVoice, text: str, name: str, speed: float) -> Samples:
    spoken = [speech.samples for speech in voice.speak(text, Style(name, speed=speed))]
    samples = soxr.resample(np.concatenate(spoken), SPEAK_HZ, HEAR_HZ)
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    return np.asarray(samples[loud[0] : loud[-1] + 1], np.float32)


def _dress(speech: Samples, condition: str, drawn: random.Random) -> Samples:
    """The same words as they arrive: silence around them, noise under them, Opus between."""
    lead, trail, late = drawn.randrange(500), drawn.randrange(64, 500), drawn.randrange(30, 60)
    peak, noise = drawn.uniform(0.1, 0.9), np.random.default_rng(drawn.randrange(2**32))
    below_db = 20.0 if condition == "noise" else 45.0
    if condition == "clipped":
        speech = speech[HEAR_HZ * late // 1000 :]
        lead = 0
    padded = np.pad(speech, (lead * HEAR_HZ // 1000, trail * HEAR_HZ // 1000))
    level = np.sqrt(np.mean(speech**2)) * 10 ** (-below_db / 20)
    mixed = padded + noise.standard_normal(len(padded)) * level
    mixed *= peak / np.abs(mixed).max()
    samples = mixed.astype(np.float32)
    return samples if condition == "clean" else over_opus(samples)


def over_opus(samples: Samples) -> Samples:
    """There and back at the bit rate of a browser."""
    encoder, decoder = Encoder(Send(bitrate_kbps=24)), Decoder()
    spoken = soxr.resample(samples, HEAR_HZ, SPEAK_HZ).astype(np.float32)
    frame = SPEAK_HZ // 50
    whole = np.pad(spoken, (0, -len(spoken) % frame))
    return np.concatenate(
        [
            decoder.decode(encoder.encode(whole[at : at + frame]))
            for at in range(0, len(whole), frame)
        ]
    )


def _recorded() -> Iterator[Item]:
    """Real speech and noise: whole, and in the pieces that turn-taking hands over."""
    drawn = random.Random("recorded")
    for index, path in enumerate(sorted(FOLDER.glob("*.flac"))):
        samples, _ = soundfile.read(path, dtype="float32")
        fold: Fold = "judge" if index % 2 else "tune"
        said = _REQUEST_RECORDINGS.get(path.stem, "")
        yield Item(fold, path.stem, "whole", said, samples[: _LONGEST_S * HEAR_HZ])
        if said:
            continue
        for gate_ms in _GATES_MS:
            for piece in pieces(samples, gate_ms):
                yield Item(fold, path.stem, f"pause {gate_ms} ms", "", piece)
        for _ in range(2 + len(samples) // HEAR_HZ // 3):
            length = int(drawn.uniform(0.6, 2.5) * HEAR_HZ)
            start = drawn.randrange(max(1, len(samples) - length))
            yield Item(fold, path.stem, "cut", "", samples[start : start + length])


def pieces(samples: Samples, gate_ms: int) -> list[Samples]:
    """Cut [n] at HEAR_HZ wherever it is quiet for `gate_ms`; preroll and that silence stay."""
    step = HEAR_HZ // 100
    frames = samples[: len(samples) // step * step].reshape(-1, step)
    level = np.sqrt((frames**2).mean(axis=1))
    loud = level > max(0.08 * np.percentile(level, 90), 1.5 * np.percentile(level, 5))
    found: list[tuple[int, int]] = []
    for frame in np.flatnonzero(loud).tolist():
        if found and frame - found[-1][1] <= gate_ms // 10:
            found[-1] = (found[-1][0], frame)
        else:
            found.append((frame, frame))
    return [
        samples[max(0, first - 30) * step : (last + 1 + gate_ms // 10) * step][
            : _LONGEST_S * HEAR_HZ
        ]
        for first, last in found
        if last - first >= 25  # a quarter of a second: less does not open a turn
    ]
