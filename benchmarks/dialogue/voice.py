"""The caller's voice: espeak-ng, which says the same words the same way each time.

The library keeps a state that nothing resets: said again in one process, a sentence differs
in length, pitch and phase, enough to change how its end is judged. So what one scenario says
is made in a process of its own.
"""

import argparse
import io
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import BinaryIO

import numpy as np

from agent.audio.frame import Samples
from agent.engines import Style
from agent.errors import ConfigError, EngineError
from agent.voices.espeak import EspeakVoice


@dataclass(frozen=True, slots=True)
class Saying:
    """A text, and how to say it."""

    text: str
    voice: str = "en-us"
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Said:
    """[n] samples at SPEAK_HZ, and the sample at which each word of the text begins."""

    samples: Samples
    words: tuple[int, ...]


def say(sayings: Sequence[Saying]) -> list[Said]:
    """Say them one after the other. Raises ConfigError for a voice that there is not."""
    if not sayings:
        return []
    command = [sys.executable, "-m", __name__]
    asked = json.dumps([asdict(saying) for saying in sayings]).encode()
    done = subprocess.run(command, input=asked, capture_output=True, check=False)
    if done.returncode != 0:
        why = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ConfigError(f"say: {why}")
    made = io.BytesIO(done.stdout)
    return [Said(np.load(made), tuple(np.load(made).tolist())) for _ in sayings]


def work(asked: Iterable[Saying], out: BinaryIO) -> None:
    """Say them in this process, and write what `say` reads. Raises EngineError."""
    voice = EspeakVoice()
    for saying in asked:
        speeches = list(voice.speak(saying.text, Style(saying.voice, speed=saying.speed)))
        samples = [np.zeros(0, np.float32), *(each.samples for each in speeches)]
        words = [word.start for each in speeches for word in each.words]
        np.save(out, np.concatenate(samples))
        np.save(out, np.array(words, int))


if __name__ == "__main__":
    argparse.ArgumentParser(
        description="Say what stdin asks for (JSON), as numpy arrays. Run by benchmarks."
    ).parse_args()
    try:
        work([Saying(**each) for each in json.load(sys.stdin)], sys.stdout.buffer)
    except EngineError as error:
        sys.exit(str(error))
