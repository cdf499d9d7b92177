"""`python -m benchmarks.endpoint_fit`: fit the weights of agent/endpoint/odds.py; write them.

Was this pause, which has lasted so long, an end? Who was recorded often counts for less each
time, the few beside the project for more, and no single condition for more than another. Of an
end only what was recorded is learnt from, or it would be known by what was put behind it.
Knows pauses, no audio.
"""

import argparse
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.audio.frame import Samples
from agent.config import Turns, VadConfig
from agent.endpoint import weights as fitted
from agent.endpoint.hazard import surprise
from agent.endpoint.odds import FEATURES, Pause, Weights, features, remembered
from agent.endpoint.release import UNFINISHED
from agent.engines import MEMORY
from benchmarks.endpoint_corpus import SPEAKERS, Observed, observe_all
from benchmarks.options import add_corpus, add_out
from benchmarks.perceptron_fit import Examples, Numbers, Way, train

WAY = Way(networks=4, units=64, epochs=40, deaf=0.1, least=0.1)
# A pause is asked about when it has lasted so long: later rows know more and are fewer.
_ASKED_MS = (100, 140, 180, 240, 320, 400)
_LONGEST_MS = 880.0  # a longer pause within a turn would be answered by anybody
_UNKNOWN = 0.25  # of a vote have pauses in speech whose end nobody knows
_OURS = 4  # votes has who is recorded beside the project: a handful among thousands
_PACKET_MS = 20.0
_TRAIL_MS = VadConfig().trail_ms
_AFTER_MS = 6.0  # from the decision to the caller's socket


@dataclass(frozen=True, slots=True)
class Table:
    """Pauses as columns, one row a packet: all that waits and outcomes are computed from."""

    cues: Numbers  # [n, features]
    memory: Samples  # [n, MEMORY]
    silent_ms: Numbers  # [n], as a call counts it: what the VAD trails is silence
    usual_ms: Numbers  # [n]
    at_ms: Numbers  # [n]
    turn: NDArray[np.int64]  # [n], index of the turn
    ended_ms: Numbers  # [turns]


def table(observed: Sequence[Observed]) -> Table:
    """Lay out what was observed."""
    rows = [(n, at, pause) for n, each in enumerate(observed) for at, pause in each.pauses]
    turn = np.array([n for n, _, _ in rows], np.int64)
    at_ms = np.array([at for _, at, _ in rows], float)
    silent_ms = [p.silent_ms + (0 if p.clear else _TRAIL_MS) for _, _, p in rows]
    return Table(
        np.array([_cues(pause) for _, _, pause in rows]).reshape(len(rows), len(FEATURES)),
        np.array([_memory(pause) for _, _, pause in rows]).reshape(len(rows), MEMORY),
        np.array(silent_ms, float),
        np.array([pause.usual_ms for _, _, pause in rows], float),
        at_ms,
        turn,
        np.array([each.ended_ms for each in observed], float),
    )


def _cues(pause: Pause) -> list[float]:
    known = features(pause)
    return [known[name] for name in FEATURES]


def _memory(pause: Pause) -> Samples:
    assert pause.memory is not None  # silero has one
    return pause.memory


def waits_ms(
    table: Table,
    weights: Weights,
    enough: float,
    turns: Turns,
    opinion: Numbers | float = 0.0,
) -> Numbers:
    """Return [n] what `Patience.wait_ms` says of each row; a test holds the two together.

    Nobody was answered too early yet. `opinion` is [n] what Smart Turn adds, 0 where it has
    not answered.
    """
    before = table.cues @ [weights.of[name] for name in FEATURES]
    before = before + weights.recalled(table.memory) + opinion

    def silence_ms(logit: float) -> Numbers:
        surprised = np.clip((logit - before) / weights.silence, 0, 12)
        return np.asarray(table.usual_ms * np.expm1(surprised) ** (1 / 3.5))

    doubtful = np.maximum(turns.longest_wait_ms, silence_ms(UNFINISHED))
    ceiling = np.minimum(turns.unfinished_wait_ms, doubtful)
    wait: Numbers = np.maximum(turns.least_wait_ms, np.minimum(ceiling, silence_ms(enough)))
    return wait


def answered_ms(table: Table, wait_ms: Numbers) -> Numbers:
    """Return [turns] when each is answered, in ms from its end; below 0 is a cut-in."""
    released = table.at_ms + np.maximum(0, wait_ms - table.silent_ms)
    # the next packet may overrule it
    released = np.where(released < table.at_ms + _PACKET_MS, released, np.inf)
    first = np.full(len(table.ended_ms), np.inf)
    np.minimum.at(first, table.turn, released)
    return first - table.ended_ms + _AFTER_MS


class Example(NamedTuple):
    """A pause at one of its lengths, and what became of it."""

    observed: Observed
    at_ms: int
    pause: Pause
    end: bool
    vote: float


def examples(observed: Sequence[Observed]) -> Iterator[Example]:
    """Yield what may be learnt from."""
    often = Counter(each.speaker for each in observed)
    for each in observed:
        vote = often[each.speaker] ** -0.5 * (1.0 if each.complete is not None else _UNKNOWN)
        if each.speaker in SPEAKERS:
            vote *= _OURS
        for pause in pauses(each):
            last_at, last = pause[-1]
            end = last_at > each.ended_ms
            if (end and not each.complete) or (not end and last.silent_ms >= _LONGEST_MS):
                continue
            for asked_ms in _ASKED_MS:
                row = next((row for row in pause if row[1].silent_ms >= asked_ms), None)
                if row is not None and not (end and row[0] > each.own_ms):
                    yield Example(each, *row, end, vote)


def pauses(observed: Observed) -> list[list[tuple[int, Pause]]]:
    """Return the packets of each pause: (media time in ms, pause)."""
    found: dict[int, list[tuple[int, Pause]]] = {}
    for at, pause in observed.pauses:
        found.setdefault(at - pause.silent_ms, []).append((at, pause))
    return list(found.values())


def fit(observed: Sequence[Observed], way: Way = WAY) -> Weights:
    """Return what is learnt from all of it."""
    rows = list(examples(observed))
    memory = remembered(np.array([_memory(row.pause) for row in rows]))
    linear = np.array([[_surprise(row.pause), *_cues(row.pause)] for row in rows])
    network, (silence, *cues) = train(columns(rows, memory, linear), way)
    return Weights(
        max(0.01, float(silence)),  # silence never speaks against an end
        {name: float(weight) for name, weight in zip(FEATURES, cues, strict=True)},
        network,
        float(network(memory).mean()),
    )


def _surprise(pause: Pause) -> float:
    return surprise(pause.silent_ms, pause.usual_ms)


def judged(rows: Sequence[Example], weights: Weights) -> Numbers:
    """Return the logit [n] of each, as a call has it."""
    before = [weights.before_silence(row.pause) for row in rows]
    surprised = [_surprise(row.pause) for row in rows]
    return np.array(before) + weights.silence * np.array(surprised)


def columns(
    rows: Sequence[Example],
    inputs: NDArray[np.floating],
    linear: Numbers | None = None,
    beside: Numbers | None = None,
) -> Examples:
    """Lay out what a network is to learn from."""
    return Examples(
        inputs.astype(float),
        np.zeros((len(rows), 0)) if linear is None else linear,
        np.zeros(len(rows)) if beside is None else beside,
        np.array([row.end for row in rows], float),
        np.array([row.vote for row in rows]),
    )


def without(observed: Iterable[Observed], speakers: Collection[str]) -> list[Observed]:
    """Return what may be fitted on when `speakers` are to be judged."""
    return [each for each in observed if each.speaker not in speakers]


def main() -> None:
    """Fit on every recording there is and write the weights."""
    parser = argparse.ArgumentParser(prog="benchmarks.endpoint_fit", description=__doc__)
    add_corpus(parser)
    add_out(parser, fitted.FILE)
    arguments = parser.parse_args()
    weights = fit(observe_all(arguments.cache, arguments.more))
    fitted.save(weights, arguments.out)
    print(f"a silence counts {weights.silence:.3f}, the cues {weights.of}")


if __name__ == "__main__":
    main()
