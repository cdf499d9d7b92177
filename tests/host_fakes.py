"""Engines for tests of agent.host, in a module that the engines' process can import.

The brain does what the conversation's instructions say, the voice what the phrase says.
"""

import gc
import logging
import os
import signal
import threading
import time

import numpy as np

from agent.accelerator import taken
from agent.audio.frame import SPEAK_HZ
from agent.engines import Act, Action, Conversation, Heard, Speech, Style, Text, Word
from agent.errors import ConfigError, EngineError
from agent.voices.tone import ToneVoice

STYLE = Style("")
ENOUGH = threading.Event()  # ends what is computed now


def ask(instructions):
    """A conversation in which the brain is told what to do."""
    return Conversation(instructions, "en-US")


class Waiting:
    """An iterator that waits for somebody else, until it is cancelled."""

    def __init__(self):
        self.waits, self.cancelled = threading.Event(), threading.Event()
        self.closed = threading.Event()

    def __iter__(self):
        return self

    def __next__(self):
        self.waits.set()
        assert self.cancelled.wait(20)
        raise EngineError("cancelled")

    def cancel(self):
        self.cancelled.set()

    def close(self):
        self.closed.set()


class ObedientListener:
    """Remembers the verbs it was told, and how many samples it heard."""

    def __init__(self, hears_on):
        self.hears_on = hears_on
        self.told = []
        self.samples = 0
        self.open_replies = 0
        self.waiting = None  # a Waiting: what a transcript waits for

    def expect(self, conversation):
        self.told.append(f"expect after {len(conversation.past)}")

    def hear(self, samples):
        if len(samples) == 13:
            raise EngineError("thirteen samples are unlucky")
        if len(samples) == 14:  # a listener too slow for its caller
            assert self.hears_on.wait(20)
        self.samples += len(samples)
        self.told.append(f"hear {len(samples)}")

    def reply(self, conversation):
        self.open_replies += 1
        try:
            yield from self._reply(conversation.instructions)
        finally:
            self.open_replies -= 1

    def _reply(self, instructions):
        verb, _, rest = instructions.partition(" ")
        match verb:
            case "say":
                yield Heard(f"{self.samples} samples")
                for word in rest.split():
                    yield Text(word)
                yield Act(Action.HANG_UP)
            case "told":
                yield Text(", ".join(self.told))
            case "open":  # replies of this call that are not closed, besides this one
                yield Text(str(self.open_replies - 1))
            case "collected":  # whether a collection goes through what was loaded
                loaded = {id(item) for item in gc.get_objects()}
                yield Text(str(id(vars(threading)) in loaded))
            case "threads":
                yield Text(str(threading.active_count()))
            case "forever":
                while True:
                    yield Text("on and on")
            case "compute":  # holds the interpreter, as bad engines do
                end = time.perf_counter() + float(rest)
                while time.perf_counter() < end and not ENOUGH.is_set():
                    pass
                ENOUGH.clear()
                yield Text("computed")
            case "enough":
                ENOUGH.set()
            case "fail":
                yield Text("so far")
                raise EngineError("the brain cannot")
            case "bug":
                yield Text("so far")
                raise ZeroDivisionError("a bug")
            case "surrogate":  # half a character, as half a token makes it: not to be packed
                yield Text("so far")
                yield Text("\ud800")
            case "log":
                logging.getLogger("fake.brain").warning("the brain says %s", rest)
            case "print":
                os.write(1, b"a native library prints\n")
            case "die":
                yield Text("goodbye")
                os.kill(os.getpid(), signal.SIGKILL)

    def keep(self):
        self.told.append("keep")

    def transcribe(self):
        if not self.told:
            raise EngineError("nothing was kept")
        return self.waiting or iter([Heard(", ".join(self.told))])

    def discard(self):
        self.told.append(f"discard with {self.open_replies} open")

    def forget(self):
        self.told.append("forget")

    def close(self):
        self.told.append("close")


class ObedientBrain:
    def __init__(self):
        self.listeners = []
        self.hears_on = threading.Event()  # what a listener waits for that cannot keep up

    def capacity(self):
        return 3

    def listen(self):
        listener = ObedientListener(self.hears_on)
        self.listeners.append(listener)
        return listener


class FullBrain:
    def capacity(self):
        return 0

    def listen(self):
        raise EngineError("no more calls")


class ObedientVoice(ToneVoice):
    def speak(self, phrase, style):
        match phrase:
            case "fail":
                raise EngineError("the voice cannot")
            case "forever":
                while True:
                    yield Speech(np.zeros(SPEAK_HZ, np.float32), (Word("forever", 0),))
            case _:
                yield from super().speak(phrase, style)


class LostVoice(ToneVoice):
    """Whatever it is asked to say, and how."""

    def speak(self, phrase, style):
        raise EngineError("the device is lost; start it again")


class OnceVoice(ToneVoice):
    """It says nothing twice."""

    def __init__(self):
        super().__init__()
        self._said = set()

    def speak(self, phrase, style):
        if phrase in self._said:
            raise EngineError(f"{phrase!r} was said before")
        self._said.add(phrase)
        yield from super().speak(phrase, style)


class MortalVoice(ToneVoice):
    """It dies of its first word."""

    def speak(self, phrase, style):
        os._exit(3)


def build():
    return ObedientBrain(), ObedientVoice()


def build_noted():
    taken.note("the step", "by hand")
    return ObedientBrain(), ObedientVoice()


def build_full():
    return FullBrain(), ObedientVoice()


def build_wrong(kind):
    match kind:
        case "config":
            raise ConfigError("agent.brain: there is no such file")
        case "engine":
            raise EngineError("no weights here")
        case "unsaid":
            logging.getLogger("httpx2").info("GET https://store/weights?signature=secret")
            logging.getLogger("fake").info("fetched")
            raise EngineError("no weights here")
        case "bug":
            raise ZeroDivisionError("a bug")
        case "death":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(3)
        case "never":
            logging.getLogger("fake").warning("loading")
            threading.Event().wait()


def build_once(marker):
    """Works the first time only: a restart fails until `marker` is taken away."""
    if marker.exists():
        raise EngineError("not again")
    marker.touch()
    return build()
