"""Does the operator understand requests, and refuse everything else?

`python -m benchmarks.understanding` says how often, by fold, voice and recording, on the corpus
of understanding_corpus.py. With `--fit` it first finds the weights on the `tune` fold alone,
judges them on the `judge` fold, and writes agent/brains/operator/weights.py.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from agent.brains.operator import certainty
from agent.brains.operator.grammar import understand
from agent.brains.operator.opinions import Opinions
from agent.brains.operator.recogniser import Knowledge, Recogniser
from agent.brains.operator.weights import THRESHOLD
from benchmarks.report import OUT, plot_lines, table, write_json
from benchmarks.understanding_corpus import Fold, Item, items
from benchmarks.understanding_fit import fit, source

_WEIGHTS = Path(certainty.__file__).with_name("weights.py")
_MARGIN = 1.5  # log odds
_NEVER = -99.0  # stands for minus infinity in a plot and in JSON


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one utterance."""

    fold: Fold
    source: str
    condition: str
    said: str
    found: str  # the request that was found in it, "" if none
    score: float
    measures: tuple[float, ...]  # () where there are none

    @property
    def right(self) -> bool:
        """Whether the request found is the one that was made, however it was worded."""
        found, said = understand(self.found), understand(self.said)
        return bool(
            found
            and said
            and (found.intent, found.phrase, found.number)
            == (said.intent, said.phrase, said.number)
        )

    @property
    def is_saying(self) -> bool:
        """Whether it is other speech by a synthetic voice."""
        return self.source.startswith("saying")


def run(sentences: int) -> tuple[list[Outcome], float]:
    """Recognise the whole corpus; also the seconds of work a second of sound took."""
    ear = Recogniser(Knowledge())
    outcomes, work_s, sound_s = [], 0.0, 0.0
    for item in items(sentences):
        begin = time.process_time()
        ear.begin()
        ear.hear(item.samples)
        opinions = ear.opinions()
        work_s += time.process_time() - begin
        sound_s += len(item.samples) / 16_000
        outcomes.append(outcome(item, opinions))
    return outcomes, work_s / sound_s


def outcome(item: Item, opinions: Opinions) -> Outcome:
    """Judge one utterance by the weights in force."""
    words = " ".join(span.word for span in opinions.request if span.word)
    request = understand(words)
    found = certainty.measures(opinions) if request else None
    return Outcome(
        item.fold,
        item.source,
        item.condition,
        item.said,
        words if request else "",
        certainty.score(opinions) if found else _NEVER,
        astuple(found) if found else (),
    )


def tally(name: str, outcomes: Sequence[Outcome], threshold: float) -> tuple[object, ...]:
    """A row of the table: how many, and the share of each fate in percent."""
    taken = [each for each in outcomes if each.score >= threshold]
    asked = any(each.said for each in outcomes)
    right = sum(each.right for each in taken)
    share = 100 / len(outcomes)
    return (
        name,
        len(outcomes),
        right * share if asked else None,
        (len(taken) - right) * share,
        (len(outcomes) - len(taken)) * share,
    )


HEADERS = ("utterances", "count", "right %", "wrong %", "refused %")


def rows(outcomes: Sequence[Outcome], threshold: float) -> list[tuple[object, ...]]:
    """Requests by condition and voice, other speech by recording, each fold for itself."""
    found = []
    for fold in ("tune", "judge"):
        mine = [each for each in outcomes if each.fold == fold]
        requests = [each for each in mine if each.said]
        others = [each for each in mine if not each.said]
        found.append(tally(f"{fold}: requests", requests, threshold))
        found += _by(requests, lambda each: f"  {each.condition}", threshold)
        found += _by(requests, lambda each: f"  {each.source}", threshold)
        found.append(tally(f"{fold}: other speech", others, threshold))
        found += _by(others, lambda each: f"  {each.source.split()[0]}", threshold)
    return found


def refit(outcomes: Sequence[Outcome]) -> tuple[list[Outcome], float, str]:
    """Weights from the tune fold: outcomes with new scores, the threshold, the new module.

    The threshold lies well above the likeliest real recording of the tune fold. Synthetic
    sayings do not set it: one that sounds like a request would cost a tenth of all requests.
    """
    usable = [e for e in outcomes if e.measures and (e.right or not e.said)]
    tune = [e for e in usable if e.fold == "tune"]
    fitted = fit(np.array([e.measures for e in tune]), np.array([e.right for e in tune]))

    def rescored(each: Outcome) -> Outcome:
        if not each.measures:
            return each
        score = float(fitted.scores(np.array([each.measures]))[0])
        return Outcome(
            each.fold,
            each.source,
            each.condition,
            each.said,
            each.found,
            score,
            each.measures,
        )

    scored = [rescored(each) for each in outcomes]
    real = [e.score for e in scored if e.fold == "tune" and not e.said and not e.is_saying]
    threshold = max(0.0, max(real) + _MARGIN)
    return scored, threshold, source(fitted, threshold)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print, and write understanding.json and understanding.png."""
    parser = argparse.ArgumentParser(prog="benchmarks.understanding", description=__doc__)
    parser.add_argument("--sentences", type=int, default=6, help="of each kind (default 6)")
    parser.add_argument("--fit", action="store_true", help="find new weights first")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for JSON and plot")
    chosen = parser.parse_args(arguments)
    outcomes, real_time = run(chosen.sentences)
    threshold = THRESHOLD
    if chosen.fit:
        outcomes, threshold, module = refit(outcomes)
        _WEIGHTS.write_text(module, encoding="utf-8")
    found = rows(outcomes, threshold)
    print(table(HEADERS, found))
    wrong = [
        f"{each.source} ({each.condition}): {each.said!r} as {each.found!r}, {each.score:.1f}"
        for each in outcomes
        if each.score >= threshold and not each.right
    ]
    print("\n".join(["wrong:", *wrong]))
    print(f"{real_time:.3f} s of work a second of sound, threshold {threshold:.2f}")
    write_json(
        chosen.out / "understanding.json",
        {"sentences": chosen.sentences, "threshold": threshold},
        {
            "real_time_factor": real_time,
            "rows": [dict(zip(HEADERS, r, strict=True)) for r in found],
            "wrong": wrong,
        },
    )
    plot_lines(
        chosen.out / "understanding.png",
        curves(outcomes),
        title="Requests and other speech: share that scores at least so much",
        x_label="score (log odds)",
        y_label="%",
    )


def curves(outcomes: Sequence[Outcome]) -> dict[str, list[tuple[float, float]]]:
    """For each fold and kind the share of utterances at or above each whole score."""
    kinds: dict[str, Callable[[Outcome], bool]] = {
        "requests": lambda each: each.right,
        "other speech": lambda each: not each.said,
    }
    found = {}
    for fold in ("tune", "judge"):
        for kind, belongs in kinds.items():
            scores = np.array([e.score for e in outcomes if e.fold == fold and belongs(e)])
            found[f"{fold}: {kind}"] = [
                (float(at), float((scores >= at).mean() * 100)) for at in range(-10, 16)
            ]
    return found


def _by(
    outcomes: Sequence[Outcome], key: Callable[[Outcome], str], threshold: float
) -> list[tuple[object, ...]]:
    groups: dict[str, list[Outcome]] = {}
    for each in outcomes:
        groups.setdefault(key(each), []).append(each)
    return [tally(name, group, threshold) for name, group in sorted(groups.items())]


if __name__ == "__main__":
    main()
