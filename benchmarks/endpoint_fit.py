"""`python -m benchmarks.endpoint_fit`: fit the weights of agent/endpoint/odds.py; write them.

The loss is what a caller feels: the wait at true ends, and cutting in. Few weights, drawn to
priors by a ridge, found by a random search that needs no gradient. Knows pauses, no audio.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.config import Turns
from agent.endpoint import weights as fitted
from agent.endpoint.odds import Pause, Weights, features
from agent.endpoint.release import OWN_PAUSES, UNFINISHED
from benchmarks.endpoint_corpus import CONDITIONS, KIN, Observed, observe_all

Numbers = NDArray[np.float64]

# Where the search begins and what it is drawn to: a falling, creaking, sinking voice ends a
# turn, a VAD that still says speech does not. The order of columns.
PRIOR = {"fall": 1.2, "creak": 0.2, "sink": 0.3, "hiss": 0.4, "doubt": 0.5, "noisy": -0.3}
_PRIOR_BIAS = -2.5
_SCALE = np.array([1.0] + [0.4] * len(PRIOR))  # how far a weight may stray
_RIDGE = 6.0
CUT_IN_MS = 600.0  # so much latency, over all turns, is a cut-in of each of them worth
_SOFT_MS = 25.0  # a pause this much shorter than the wait is no safe one
_NEVER_MS = 900.0
_PACKET_MS = 20.0
_AFTER_MS = 6.0  # from the decision to the caller's socket
NO_END_MS = 480.0  # an unfinished turn may be answered after that


@dataclass(frozen=True, slots=True)
class Table:
    """Pauses as columns, one row a packet: all that waits and outcomes are computed from."""

    known: Numbers  # [n, 1 + len(PRIOR)], the first column being 1
    silent_ms: Numbers
    usual_ms: Numbers
    longest_ms: Numbers
    at_ms: Numbers
    turn: NDArray[np.int64]  # [n], index of the turn
    pause: NDArray[np.int64]  # [n], index of the pause
    ended_ms: Numbers  # [turns]
    complete: NDArray[np.bool_]  # [turns]


def table(observed: Sequence[Observed], columns: Sequence[str] = tuple(PRIOR)) -> Table:
    """Lay out what was observed."""
    rows = [(n, at, pause) for n, each in enumerate(observed) for at, pause in each.pauses]
    known = [[1.0, *_known(pause, columns)] for _, _, pause in rows]
    turn = np.array([n for n, _, _ in rows], np.int64)
    at_ms = np.array([at for _, at, _ in rows], float)
    silent_ms = np.array([pause.silent_ms for _, _, pause in rows], float)
    key = turn * 10_000_000 + (at_ms - silent_ms).astype(np.int64)
    return Table(
        np.array(known, float).reshape(len(rows), 1 + len(columns)),
        silent_ms,
        np.array([pause.usual_ms for _, _, pause in rows], float),
        np.array([pause.longest_ms for _, _, pause in rows], float),
        at_ms,
        turn,
        np.unique(key, return_inverse=True)[1],
        np.array([each.ended_ms for each in observed], float),
        np.array([each.complete for each in observed], bool),
    )


def _known(pause: Pause, columns: Sequence[str]) -> list[float]:
    known = features(pause)
    return [known[name] for name in columns]


def waits_ms(table: Table, weights: Numbers, enough: float, turns: Turns) -> Numbers:
    """Return [n] what `Patience.wait_ms` says of each row; a test holds the two together."""
    before = table.known @ weights
    asked = _silence_ms(enough - before, table.usual_ms)
    unfinished = _silence_ms(UNFINISHED - before, table.usual_ms) > turns.longest_wait_ms
    ceiling = np.where(unfinished, turns.unfinished_wait_ms, turns.longest_wait_ms)
    own = np.minimum(OWN_PAUSES * table.longest_ms, turns.longest_wait_ms)
    wait: Numbers = np.minimum(ceiling, np.maximum(asked, own))
    return np.maximum(turns.least_wait_ms, wait)


def _silence_ms(surprise: Numbers, usual_ms: Numbers) -> Numbers:
    return np.asarray(usual_ms * np.expm1(np.clip(surprise, 0, 12)) ** (1 / 3.5))


def answered_ms(table: Table, wait_ms: Numbers) -> Numbers:
    """Return [turns] when each is answered, in ms from its end; below 0 is a cut-in."""
    first = _first(table, _released_ms(table, wait_ms), np.ones(len(wait_ms), bool))
    return first - table.ended_ms + _AFTER_MS


def _released_ms(table: Table, wait_ms: Numbers) -> Numbers:
    """When a row's judgement lets the reply go; infinite where the next packet overrules it."""
    released = table.at_ms + np.maximum(0, wait_ms - table.silent_ms)
    return np.where(released < table.at_ms + _PACKET_MS, released, np.inf)


def _first(table: Table, released_ms: Numbers, which: NDArray[np.bool_]) -> Numbers:
    first = np.full(len(table.ended_ms), np.inf)
    np.minimum.at(first, table.turn[which], released_ms[which])
    return first


def loss_ms(table: Table, weights: Numbers, turns: Turns, cut_in_ms: float) -> float:
    """Mean latency at true ends, longer ones counting more, and what cut-ins are worth."""
    wait_ms = waits_ms(table, weights, 0.0, turns)
    complete = table.complete[table.turn]
    early = table.at_ms < table.ended_ms[table.turn] - _AFTER_MS
    at_end = complete & ~early
    ends = _first(table, _released_ms(table, wait_ms), at_end) - table.ended_ms
    latency = np.clip(ends[table.complete], 0, _NEVER_MS)
    slow = 1.5 * np.maximum(0, latency - turns.longest_wait_ms)
    inside = (complete & early) | (~complete & (table.silent_ms <= NO_END_MS))
    spare = np.where(inside, wait_ms - table.silent_ms - _PACKET_MS, np.inf)
    least = np.full(int(table.pause.max()) + 1, np.inf)
    np.minimum.at(least, table.pause, spare)
    risk = 1 / (1 + np.exp(np.clip(least / _SOFT_MS, -30, 30)))
    worst = np.zeros(len(table.ended_ms))
    np.maximum.at(worst, table.turn, risk[table.pause])
    return float((latency + slow).mean() + cut_in_ms * worst.mean())


def fit(
    table: Table,
    *,
    turns: Turns | None = None,
    prior: Mapping[str, float] = PRIOR,
    cut_in_ms: float = CUT_IN_MS,
    rounds: int = 1500,
) -> Numbers:
    """Return [1 + len(prior)] bias and weights; the same ones for the same table."""
    turns = turns or Turns()
    random = np.random.default_rng(0)
    begin = np.array([_PRIOR_BIAS, *prior.values()])
    scale = np.resize(_SCALE, len(begin))

    def cost(weights: Numbers) -> float:
        strayed = float((((weights - begin) / scale) ** 2).sum())
        return loss_ms(table, weights, turns, cut_in_ms) + _RIDGE * strayed

    best, least, step = begin, cost(begin), 0.5
    for _ in range(rounds):
        moved = random.random(len(begin)) < 0.4
        tried = best + random.standard_normal(len(begin)) * scale * step * moved
        if (found := cost(tried)) < least:
            best, least, step = tried, found, min(1.0, step * 1.1)
        else:
            step = max(0.03, step * 0.995)
    return best


def without(observed: Iterable[Observed], name: str) -> list[Observed]:
    """Return what may be fitted on when `name` is to be judged."""
    kin = next((family for family in KIN if name in family), (name,))
    return [each for each in observed if each.name not in kin]


def as_weights(weights: Numbers) -> Weights:
    """Return them under their names."""
    bias, *rest = (round(float(weight), 3) for weight in weights)
    return Weights(bias, dict(zip(PRIOR, rest, strict=True)))


def source(weights: Weights) -> str:
    """Return agent/endpoint/weights.py."""
    lines = [f'        "{name}": {weight:g},' for name, weight in weights.of.items()]
    return "\n".join(
        [
            f'"""{fitted.__doc__}"""',
            "",
            "from agent.endpoint.odds import Weights",
            "",
            "FITTED = Weights(",
            f"    bias={weights.bias:g},",
            "    of={",
            *lines,
            "    },",
            ")",
            "",
        ]
    )


def main() -> None:
    """Fit on every recording there is and write the weights into the source."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, help="keep what was heard in this file")
    parser.add_argument("--without", default="", help="a recording's name, and its kin")
    parser.add_argument("--out", type=Path, default=Path(fitted.__file__))
    arguments = parser.parse_args()
    observed = observe_all(CONDITIONS, arguments.cache)
    chosen = as_weights(fit(table(without(observed, arguments.without))))
    arguments.out.write_text(source(chosen), encoding="utf-8")
    print(source(chosen))


if __name__ == "__main__":
    main()
