"""The caller's voice says the same words the same way each time, whatever was said before."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest

from agent.audio.frame import SPEAK_HZ
from agent.errors import ConfigError, EngineError
from benchmarks.dialogue.voice import Saying, say, work

HELLO = Saying("Hello, my friend.")


def test_a_saying_is_the_same_in_each_process() -> None:
    [first] = say([HELLO])
    [second] = say([HELLO])
    assert np.array_equal(first.samples, second.samples)
    assert first.words == second.words


def test_the_library_itself_says_it_differently_the_second_time() -> None:
    """The reason for all this. Where it holds no more, the processes can go."""
    first, second = say([HELLO, HELLO])
    assert len(first.samples) != len(second.samples) or not np.array_equal(
        first.samples, second.samples
    )


def test_words_lie_within_their_sound_and_in_order() -> None:
    [said] = say([HELLO])
    assert len(said.words) == 3
    assert sorted(said.words) == list(said.words)
    assert 0.5 < len(said.samples) / SPEAK_HZ < 2.0
    assert 0 <= said.words[0] < said.words[-1] < len(said.samples)
    assert said.samples.dtype == np.float32


def test_voice_and_speed_are_heeded() -> None:
    plain, slow, other = say([HELLO, Saying(HELLO.text, speed=0.5), Saying(HELLO.text, "de")])
    assert len(slow.samples) > 1.5 * len(plain.samples)
    assert len(other.samples) != len(plain.samples)


def test_nothing_to_say_starts_no_process(monkeypatch) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    assert say([]) == []


def test_a_voice_that_there_is_not_is_the_operators_mistake() -> None:
    with pytest.raises(ConfigError, match="say: espeak-ng has no voice 'klingon'"):
        say([Saying("Hello", "klingon")])


def test_the_worker_writes_what_say_reads() -> None:
    out = io.BytesIO()
    work([HELLO], out)
    out.seek(0)
    samples, words = np.load(out), np.load(out)
    assert samples.ndim == 1 and len(words) == 3
    with pytest.raises(EngineError):
        work([Saying("Hello", "klingon")], io.BytesIO())


def test_the_worker_is_a_command() -> None:
    asked = json.dumps([{"text": "Yes."}]).encode()
    command = [sys.executable, "-m", "benchmarks.dialogue.voice"]
    done = subprocess.run(command, input=asked, capture_output=True, check=True)
    assert len(np.load(io.BytesIO(done.stdout))) > 0


def test_the_worker_says_what_it_is_for() -> None:
    command = [sys.executable, "-m", "benchmarks.dialogue.voice", "--help"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    assert "stdin" in done.stdout
