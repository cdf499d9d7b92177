"""`python -m benchmarks.endpoint_probe ANSWERS`: fit agent/smart_turn/weights.py; write it.

What Smart Turn's encoder heard (benchmarks.endpoint_smart_turn) becomes odds that a pause ends
the turn: a logistic regression with a ridge, on the judge's own examples and beside what the
judge says of them. Knows pauses, no audio.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.endpoint.odds import ADVISER, weighed
from agent.errors import ConfigError
from agent.smart_turn import weights as fitted
from benchmarks.endpoint_corpus import Observed, observe_all
from benchmarks.endpoint_fit import Numbers, examples, in_lines, logistic, published
from benchmarks.endpoint_smart_turn import Answers, in_time, load_answers
from benchmarks.options import add_corpus, add_source

_RIDGE = 6000.0
_STIRS = 0.05  # least deviation that a number is scaled by: some hardly stir


@dataclass(frozen=True, slots=True)
class Probe:
    """The logit that a pause ends the turn, of what the encoder heard."""

    bias: float
    weights: Numbers  # [ENCODED]

    def of(self, observed: Sequence[Observed], answers: Answers) -> Numbers:
        """Return [n], for each packet of `table(observed)`, what a call would add then."""
        there = [in_time(answers, each, at, p) for each in observed for at, p in each.pauses]
        added = np.zeros(len(there))
        known = np.array([answer is not None for answer in there])
        if known.any():
            probed = np.array([answer.probed for answer in there if answer is not None])
            odds = 1 / (1 + np.exp(-(self.bias + probed @ self.weights)))
            added[known] = [weighed({ADVISER: each}) for each in odds]
        return added


def fit_probe(observed: Sequence[Observed], answers: Answers, judge: Numbers) -> Probe:
    """Fit it beside the judge with the weights `judge`, which are not touched."""
    found = [(row, in_time(answers, *row[:3])) for row in examples(observed)]
    rows = [row for row, there in found if there is not None]
    probed = np.array([there.probed for _, there in found if there is not None], float)
    middle, scale = probed.mean(axis=0), np.maximum(_STIRS, probed.std(axis=0))
    columns = np.column_stack([np.ones(len(rows)), (probed - middle) / scale])
    beside = np.array([row.known for row in rows]) @ judge
    bias, *weights = logistic(columns, rows, [_RIDGE] * probed.shape[1], beside)
    scaled = np.array(weights) / scale
    return Probe(float(bias - scaled @ middle), scaled)


def published_probe() -> Probe:
    """Return the weights that stand in the source."""
    return Probe(fitted.BIAS, fitted.WEIGHTS.astype(float))


def source(probe: Probe) -> str:
    """Return agent/smart_turn/weights.py."""
    return "\n".join(
        [
            f'"""{fitted.__doc__}"""',
            "",
            "import numpy as np",
            "",
            f"BIAS = {probe.bias:.4g}",
            "# fmt: off",
            "WEIGHTS = np.array((",
            *in_lines([f"{weight:.3g}" for weight in probe.weights]),
            "), np.float32)",
            "# fmt: on",
            "",
        ]
    )


def main() -> None:
    """Fit on everything that was observed and answered; write the weights into the source."""
    parser = argparse.ArgumentParser(prog="benchmarks.endpoint_probe", description=__doc__)
    parser.add_argument("answers", type=Path, metavar="ANSWERS")
    add_corpus(parser)
    add_source(parser, fitted)
    arguments = parser.parse_args()
    try:
        answers = load_answers(arguments.answers)
        observed = observe_all(arguments.cache, arguments.more)
        probe = fit_probe(observed, answers, published())
    except ConfigError as error:
        parser.error(str(error))
    arguments.out.write_text(source(probe), encoding="utf-8")


if __name__ == "__main__":
    main()
