"""`python -m benchmarks.endpoint_smart_turn OUT`: what Smart Turn v3 makes of the same pauses.

A published end-of-turn model (extra `smart-turn`), asked as a call would ask it, but at the
very moment, where a call asks at the next packet, and from 0.5 s before the first speech, where
a call sends 0.3, of 16 bits. Writes its verdicts and what its encoder heard, for
benchmarks/endpoint.py and benchmarks/endpoint_probe.py, and prints what an answer costs. Knows
no judge of ours but what it takes for a pause.
"""

import argparse
import pickle
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agent.audio.frame import HEAR_HZ, Samples
from agent.endpoint.odds import Pause
from agent.errors import ConfigError
from agent.smart_turn.mel import HEARD_S
from agent.smart_turn.model import Encoded, Encoder, model_path
from agent.smart_turn.opinion import ASKED_MS
from benchmarks.endpoint_corpus import (
    CONDITIONS,
    LEAD_MS,
    Condition,
    Observed,
    Recording,
    heard,
    more_recordings,
    observe_all,
    recordings,
)
from benchmarks.endpoint_fit import pauses
from benchmarks.options import add_corpus
from benchmarks.perceptron_fit import Numbers

THINKING_MS = 60  # an answer on one core of two; until then the one before holds
LEAST_MS, LONGEST_MS = 160.0, 400.0  # a turn is answered then, however sure or unsure
_BEFORE_MS = 500  # the first speech
_TOLD_EVERY = 100  # recordings


class Answer(NamedTuple):
    """What is known when a pause has lasted so long and THINKING_MS more."""

    silent_ms: int
    odds: float  # by Smart Turn itself
    probed: Samples  # [ENCODED]


# [name, condition] -> beginning of a pause in ms -> answers in order
Answers = Mapping[tuple[str, str], Mapping[int, Sequence[Answer]]]


def ask(
    recording: Recording,
    condition: Condition,
    observed: Observed,
    encode: Callable[[Samples], Encoded],
) -> dict[int, list[Answer]]:
    """Return what is answered in each pause, by where the pause begins in ms."""
    samples, _ = heard(recording, condition)
    found: dict[int, list[Answer]] = {}
    for pause in pauses(observed):
        last_at, last = pause[-1]
        begin_ms = last_at - last.silent_ms
        for asked_ms in (each for each in ASKED_MS if each <= last.silent_ms):
            end = (begin_ms + asked_ms) * HEAR_HZ // 1000
            begin = max(end - HEARD_S * HEAR_HZ, (LEAD_MS - _BEFORE_MS) * HEAR_HZ // 1000)
            odds, probed = encode(samples[begin:end])
            found.setdefault(begin_ms, []).append(Answer(asked_ms, odds, probed))
    return found


def load_answers(path: Path) -> Answers:
    """Read what was written. Raises ConfigError where nothing was."""
    try:
        written = pickle.loads(path.read_bytes())
    except (OSError, pickle.UnpicklingError, EOFError) as error:
        writes = "benchmarks.endpoint_smart_turn writes it"
        raise ConfigError(f"{path}: {error}; {writes}") from None
    return {
        key: {begin: [Answer(*each) for each in said] for begin, said in found.items()}
        for key, found in written.items()
    }


def in_time(answers: Answers, observed: Observed, at_ms: int, pause: Pause) -> Answer | None:
    """Return the latest answer that is there, if one is, in a pause at some media time."""
    known = _about(answers, observed).get(at_ms - pause.silent_ms, ())
    there = [each for each in known if each.silent_ms + THINKING_MS <= pause.silent_ms]
    return there[-1] if there else None


def _about(answers: Answers, observed: Observed) -> Mapping[int, Sequence[Answer]]:
    try:
        return answers[observed.name, observed.condition]
    except KeyError:
        raise ConfigError(
            f"no answers about {observed.name}, {observed.condition}; "
            "run benchmarks.endpoint_smart_turn with the same --cache and --more"
        ) from None


def verdict_waits_ms(observed: Sequence[Observed], answers: Answers, odds: float) -> Numbers:
    """Return [n], for each packet of `table(observed)`, the wait of who trusts such odds."""
    waits = []
    for each in observed:
        for at, pause in each.pauses:
            there = in_time(answers, each, at, pause)
            if there is None or there.odds < odds:
                waits.append(LONGEST_MS)
            else:
                waits.append(max(LEAST_MS, there.silent_ms + THINKING_MS))
    return np.array(waits)


@cache
def _encoder() -> Encoder:
    return Encoder()  # one a process


def _asked(
    recording: Recording, condition: Condition, observed: Observed
) -> tuple[Observed, dict[int, list[Answer]], list[float]]:
    """In a process of its own; the last are the seconds that each answer took."""
    encoder, took_s = _encoder(), []

    def timed(samples: Samples) -> Encoded:
        began = time.perf_counter()
        encoded = encoder(samples)
        took_s.append(time.perf_counter() - began)
        return encoded

    return observed, ask(recording, condition, observed, timed), took_s


def main() -> None:
    """Ask about every pause that was observed; say how far it is."""
    parser = argparse.ArgumentParser(prog="benchmarks.endpoint_smart_turn", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="the file to write")
    add_corpus(parser)
    arguments = parser.parse_args()
    try:
        model_path()  # before the minutes that the rest takes
        spoken = list(recordings())
        if arguments.more is not None:
            spoken += more_recordings(arguments.more)
    except ConfigError as error:
        parser.error(str(error))
    named = {each.name: each for each in spoken}
    observed_all = observe_all(arguments.cache, arguments.more)
    if missing := {each.name for each in observed_all} - set(named):
        parser.error(
            f"{arguments.cache} is about {min(missing)}, too: give its folder as --more"
        )
    conditions = {each.name: each for each in CONDITIONS}
    found: dict[tuple[str, str], dict[int, list[Answer]]] = {}
    took_ms: list[float] = []
    with ProcessPoolExecutor() as pool:
        asked = [
            pool.submit(_asked, named[each.name], conditions[each.condition], each)
            for each in observed_all
        ]
        for done in as_completed(asked):
            observed, answers, took_s = done.result()
            found[observed.name, observed.condition] = answers
            took_ms += [1000 * each for each in took_s]
            if len(found) % _TOLD_EVERY == 0:
                print(f"{len(found)} of {len(asked)}", file=sys.stderr)
    plain = {  # a class of a program that is run has another name for who reads it
        key: {begin: [tuple(answer) for answer in said] for begin, said in each.items()}
        for key, each in found.items()
    }
    arguments.out.write_bytes(pickle.dumps(plain))
    p50, p95 = np.percentile(took_ms, [50, 95])
    print(f"{len(took_ms)} answers, {p50:.0f} ms each (p95 {p95:.0f}) on cores that all ask")


if __name__ == "__main__":
    main()
