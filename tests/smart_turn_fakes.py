"""Models that a real worker process loads in tests. Silence is what they are warmed with."""

import os
import signal
import threading
from functools import partial

from agent.audio.frame import HEAR_HZ
from agent.errors import ConfigError


def load_length():
    """The longer, the likelier an end: tenths of a second are hundredths."""
    return lambda samples: len(samples) / HEAR_HZ / 10


def load_held(gate):
    """Answers, with odds of 0.9, when something is written to the FIFO `gate`."""
    return partial(_held, gate)


def _held(gate, samples):
    if samples.any():
        with open(gate, "rb") as file:
            file.read()
    return 0.9


def load_fatal(how):
    """Does not survive a question."""
    return partial(_fatal, how)


def _fatal(how, samples):
    if samples.any():
        match how:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "raises":
                raise ZeroDivisionError("a bug in the model")
            case "hangs":
                threading.Event().wait()
    return 0.5


def load_wrong(kind):
    match kind:
        case "config":
            raise ConfigError("turns.smart_turn: no weights; fetch them")
        case "file":
            raise FileNotFoundError(2, "No such file or directory")
        case "bug":
            raise ZeroDivisionError("a bug in the loader")
        case "death":
            os.kill(os.getpid(), signal.SIGKILL)
        case "never":
            threading.Event().wait()


def load_unless(marker):
    """Where `marker` is, nothing can be loaded."""
    if marker.exists():
        raise ConfigError("turns.smart_turn: not again")
    return load_length()
