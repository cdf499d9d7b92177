"""`python -m benchmarks.endpoint_probe ANSWERS`: fit agent/smart_turn/weights.npz; write it.

What Smart Turn's encoder heard (benchmarks.endpoint_smart_turn) becomes odds that a pause ends
the turn: by a network, on the judge's own examples and beside what the judge says of them.
Knows pauses, no audio.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agent.endpoint.odds import ADVISER, Weights, weighed
from agent.endpoint.weights import FITTED
from agent.errors import ConfigError
from agent.perceptron import Perceptron
from agent.smart_turn import weights as fitted
from benchmarks.endpoint_corpus import Observed, observe_all
from benchmarks.endpoint_fit import columns, examples, judged
from benchmarks.endpoint_smart_turn import Answers, in_time, load_answers
from benchmarks.options import add_corpus, add_out
from benchmarks.perceptron_fit import Numbers, Way, train

WAY = Way(networks=3, units=64, epochs=15, deaf=0.5, least=0.05)


def added(probe: Perceptron, observed: Sequence[Observed], answers: Answers) -> Numbers:
    """Return [n], for each packet of `table(observed)`, what a call would add then."""
    there = [in_time(answers, each, at, p) for each in observed for at, p in each.pauses]
    found = np.zeros(len(there))
    known = np.array([answer is not None for answer in there])
    if known.any():
        probed = np.array([answer.probed for answer in there if answer is not None])
        odds = 1 / (1 + np.exp(-probe(probed)))
        found[known] = [weighed({ADVISER: float(each)}) for each in odds]
    return found


def fit_probe(
    observed: Sequence[Observed], answers: Answers, judge: Weights, way: Way = WAY
) -> Perceptron:
    """Fit it beside the judge with these weights, which are not touched."""
    asked = [(row, in_time(answers, *row[:3])) for row in examples(observed)]
    rows = [row for row, there in asked if there is not None]
    probed = np.array([there.probed for _, there in asked if there is not None])
    probe, _ = train(columns(rows, probed, beside=judged(rows, judge)), way)
    return probe


def main() -> None:
    """Fit on everything that was observed and answered; write the weights."""
    parser = argparse.ArgumentParser(prog="benchmarks.endpoint_probe", description=__doc__)
    parser.add_argument("answers", type=Path, metavar="ANSWERS")
    add_corpus(parser)
    add_out(parser, fitted.FILE)
    arguments = parser.parse_args()
    try:
        answers = load_answers(arguments.answers)
        observed = observe_all(arguments.cache, arguments.more)
        probe = fit_probe(observed, answers, FITTED)
    except ConfigError as error:
        parser.error(str(error))
    fitted.save(probe, arguments.out)


if __name__ == "__main__":
    main()
