"""`python -m benchmarks.endpoint_fit`: fit the weights of agent/endpoint/odds.py; write them.

A logistic regression with a ridge: was this pause, which has lasted so long, an end? Who was
recorded often counts for less each time, and no single condition for more than another. Of an
end only what was recorded is learnt from, or it would be known by what was put behind it. Knows
pauses, no audio.
"""

import argparse
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.config import Turns, VadConfig
from agent.endpoint import weights as fitted
from agent.endpoint.hazard import surprise
from agent.endpoint.odds import LATER, Pause, Weights, features, remembered
from agent.endpoint.release import ADVISED_ENOUGH, ADVISED_UNFINISHED, UNFINISHED
from agent.engines import MEMORY
from benchmarks.endpoint_corpus import Observed, observe_all
from benchmarks.options import add_corpus, add_source

Numbers = NDArray[np.float64]

COLUMNS = ("low", "soft", "quiet")
_CUES = 2 + len(COLUMNS)  # the columns before the memory's
_RIDGE, _MEMORY_RIDGE = 100.0, 1000.0
_STIRS = 0.1  # least deviation that a column of the memory is scaled by: some hardly stir
# A pause is asked about when it has lasted so long: later rows know more and are fewer.
_ASKED_MS = (100, 140, 180, 240, 320, 400)
_LONGEST_MS = 880.0  # a longer pause within a turn would be answered by anybody
_UNKNOWN = 0.25  # of a vote have pauses in speech whose end nobody knows
_A_LINE = 8  # weights in the source
_PACKET_MS = 20.0
_TRAIL_MS = VadConfig().trail_ms
_AFTER_MS = 6.0  # from the decision to the caller's socket


@dataclass(frozen=True, slots=True)
class Table:
    """Pauses as columns, one row a packet: all that waits and outcomes are computed from."""

    known: Numbers  # [n, _CUES + MEMORY]: 1, the silence's surprise, features, memory
    silent_ms: Numbers  # as a call counts it: what the VAD trails is silence
    usual_ms: Numbers
    later: Numbers  # what is added for a turn that is not the call's first
    at_ms: Numbers
    turn: NDArray[np.int64]  # [n], index of the turn
    ended_ms: Numbers  # [turns]


def table(observed: Sequence[Observed]) -> Table:
    """Lay out what was observed."""
    rows = [(n, at, pause) for n, each in enumerate(observed) for at, pause in each.pauses]
    known = [_known(pause) for _, _, pause in rows]
    turn = np.array([n for n, _, _ in rows], np.int64)
    at_ms = np.array([at for _, at, _ in rows], float)
    silent_ms = [p.silent_ms + (0 if p.clear else _TRAIL_MS) for _, _, p in rows]
    return Table(
        np.array(known, float).reshape(len(rows), _CUES + MEMORY),
        np.array(silent_ms, float),
        np.array([pause.usual_ms for _, _, pause in rows], float),
        np.array([LATER * pause.later for _, _, pause in rows], float),
        at_ms,
        turn,
        np.array([each.ended_ms for each in observed], float),
    )


def _known(pause: Pause) -> Numbers:
    known = features(pause)
    cues = [1.0, surprise(pause.silent_ms, pause.usual_ms), *(known[c] for c in COLUMNS)]
    memory = np.zeros(MEMORY) if pause.memory is None else remembered(pause.memory)
    return np.concatenate([cues, memory])


def waits_ms(
    table: Table,
    weights: Numbers,
    enough: float,
    turns: Turns,
    opinion: Numbers | float = 0.0,
) -> Numbers:
    """Return [n] what `Patience.wait_ms` says of each row; a test holds the two together.

    Nobody was answered too early yet. `opinion` is [n] what Smart Turn adds, 0 where it has
    not answered.
    """
    advised = np.asarray(opinion) != 0
    before = table.known @ np.concatenate([weights[:1], [0.0], weights[2:]])
    before = before + table.later + opinion

    sure = enough + advised * ADVISED_ENOUGH
    unfinished = UNFINISHED + advised * ADVISED_UNFINISHED

    def silence_ms(logit: Numbers) -> Numbers:
        surprised = np.clip((logit - before) / weights[1], 0, 12)
        return np.asarray(table.usual_ms * np.expm1(surprised) ** (1 / 3.5))

    doubtful = np.maximum(turns.longest_wait_ms, silence_ms(unfinished))
    ceiling = np.minimum(turns.unfinished_wait_ms, doubtful)
    wait: Numbers = np.maximum(turns.least_wait_ms, np.minimum(ceiling, silence_ms(sure)))
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

    @property
    def known(self) -> Numbers:
        """[_CUES + MEMORY]"""
        return _known(self.pause)


def examples(observed: Sequence[Observed]) -> Iterator[Example]:
    """Yield what may be learnt from."""
    often = Counter(each.speaker for each in observed)
    for each in observed:
        vote = often[each.speaker] ** -0.5 * (1.0 if each.complete is not None else _UNKNOWN)
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


def fit(
    observed: Sequence[Observed], ridge: float = _RIDGE, memory_ridge: float = _MEMORY_RIDGE
) -> Numbers:
    """Return [_CUES + MEMORY]: bias, weight of the silence, weights."""
    rows = list(examples(observed))
    known = np.array([row.known for row in rows])
    middle = known[:, _CUES:].mean(axis=0)
    scale = np.maximum(_STIRS, known[:, _CUES:].std(axis=0))
    known[:, _CUES:] = (known[:, _CUES:] - middle) / scale
    ridges = [ridge] * (_CUES - 1) + [memory_ridge] * MEMORY
    weights = logistic(known, rows, ridges)
    weights[1] = max(0.01, weights[1])  # silence never speaks against an end
    weights[_CUES:] /= scale
    weights[0] -= weights[_CUES:] @ middle
    return weights


def logistic(
    known: Numbers,
    rows: Sequence[Example],
    ridges: Sequence[float],
    beside: Numbers | float = 0.0,
) -> Numbers:
    """Return the weights of the columns of `known`, [n, columns], the first of them free.

    `ridges` are of the others, `beside` a logit [n] that is known already. By Newton's method.
    """
    ends = np.array([row.end for row in rows], float)
    votes = np.array([row.vote for row in rows])
    votes = votes * len(votes) / votes.sum()
    penalty = np.diag([1e-6, *ridges])
    weights = np.zeros(known.shape[1])
    for _ in range(12):
        odds = 1 / (1 + np.exp(-known @ weights - beside))
        slope = known.T @ (votes * (odds - ends)) + penalty @ weights
        bend = (known * (votes * odds * (1 - odds))[:, None]).T @ known + penalty
        weights = weights - np.linalg.solve(bend, slope)
    return weights


def without(observed: Iterable[Observed], speakers: Collection[str]) -> list[Observed]:
    """Return what may be fitted on when `speakers` are to be judged."""
    return [each for each in observed if each.speaker not in speakers]


def as_weights(weights: Numbers, without: float) -> Weights:
    """Return them under their names, with what the memory adds on average."""
    bias, silence, *rest = (round(float(weight), 3) for weight in weights[:_CUES])
    memory = np.round(weights[_CUES:], 3).astype(np.float32)
    of = dict(zip(COLUMNS, rest, strict=True))
    return Weights(bias, silence, of, memory, round(without, 3))


def usual(observed: Sequence[Observed], weights: Numbers) -> float:
    """Return what the memory adds on average, over what was fitted on."""
    known = np.array([row.known[_CUES:] for row in examples(observed)])
    return float(known.mean(axis=0) @ weights[_CUES:])


def published() -> Numbers:
    """Return the weights that stand in the source, laid out as `fit` does."""
    known = fitted.FITTED
    cues = [known.bias, known.silence, *(known.of[name] for name in COLUMNS)]
    return np.concatenate([cues, known.memory])


def in_lines(numbers: Sequence[str]) -> Iterator[str]:
    """Yield lines of a source, a few of the many numbers of a tuple in each."""
    for at in range(0, len(numbers), _A_LINE):
        yield f"    {', '.join(numbers[at : at + _A_LINE])},"


def source(weights: Weights) -> str:
    """Return agent/endpoint/weights.py."""
    of = [f'        "{name}": {weight:g},' for name, weight in weights.of.items()]
    return "\n".join(
        [
            f'"""{fitted.__doc__}"""',
            "",
            "import numpy as np",
            "",
            "from agent.endpoint.odds import Weights",
            "",
            "# fmt: off",
            "_MEMORY = (",
            *in_lines([f"{weight:g}" for weight in weights.memory]),
            ")",
            "# fmt: on",
            "",
            "FITTED = Weights(",
            f"    bias={weights.bias:g},",
            f"    silence={weights.silence:g},",
            "    of={",
            *of,
            "    },",
            "    memory=np.array(_MEMORY, np.float32),",
            f"    without={weights.without:g},",
            ")",
            "",
        ]
    )


def main() -> None:
    """Fit on every recording there is and write the weights into the source."""
    parser = argparse.ArgumentParser(prog="benchmarks.endpoint_fit", description=__doc__)
    add_corpus(parser)
    add_source(parser, fitted)
    arguments = parser.parse_args()
    observed = observe_all(arguments.cache, arguments.more)
    weights = fit(observed)
    chosen = as_weights(weights, usual(observed, weights))
    arguments.out.write_text(source(chosen), encoding="utf-8")
    print(source(chosen))


if __name__ == "__main__":
    main()
