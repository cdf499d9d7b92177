"""Does the operator understand requests, and refuse everything else?

`python -m benchmarks.understanding` says how often, by fold, voice and recording, on the corpus
of understanding_corpus.py. With `--fit` it first finds the weights on the `tune` fold alone,
judges them on the `judge` fold, and writes agent/brains/operator/weights.py.
"""

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path

import numpy as np

from agent.brains.operator import certainty
from agent.brains.operator.answers import Mind, heeded
from agent.brains.operator.certainty import is_short_answer, is_sure
from agent.brains.operator.grammar import understand
from agent.brains.operator.opinions import Opinions, Rival, words
from agent.brains.operator.recogniser import Knowledge, Recogniser
from agent.brains.operator.requests import Intent, same
from agent.brains.operator.weights import DOUBT, THRESHOLD
from benchmarks.report import OUT, plot_lines, table, write_json
from benchmarks.understanding_corpus import Fold, Item, items
from benchmarks.understanding_fit import fit, source

_WEIGHTS = Path(certainty.__file__).with_name("weights.py")
_MARGIN = 1.5  # log odds
_WRONG = 0.008  # share of the requests of the tune fold; espeak-ng never says it quite the same
_DOUBT_STEP, _MOST_DOUBT = 100, 2000  # powers of 1.0001
_NEVER = -99.0  # stands for minus infinity in a plot and in JSON


@dataclass(frozen=True, slots=True)
class Bounds:
    """What decides between acting, asking and refusing; see certainty.py."""

    threshold: float
    doubt: float


IN_FORCE = Bounds(THRESHOLD, DOUBT)


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
    rival: float = math.inf  # how far behind the closest other request is

    @property
    def right(self) -> bool:
        """Whether the request found is the one that was made, however it was worded."""
        found = understand(self.found)
        return found is not None and same(found, understand(self.said))

    @property
    def is_saying(self) -> bool:
        """Whether it is other speech by a synthetic voice."""
        return self.source.startswith("saying")

    @property
    def answers(self) -> bool:
        """Whether it is a yes or a no, which, short, is not judged by its score."""
        said = understand(self.said)
        return said is not None and said.intent in (Intent.YES, Intent.NO)

    def fate(self, bounds: Bounds) -> str:
        """Right or wrong: acted on; asked: "did you say ...?"; else refused.

        The operator is in the state in which what is said makes sense: on hold when asked to
        resume, waiting for a yes or no when told one. Elsewhere it does not heed those.
        """
        found, said = understand(self.found), understand(self.said)
        asked = said if self.answers else None
        mind = Mind(held=bool(said and said.intent is Intent.RESUME), asked=asked)
        if found is None or not heeded(found.intent, mind):
            return "refused"
        if is_short_answer(found):
            return "right" if self.right else "wrong"
        if self.score < bounds.threshold:
            return "refused"
        if not is_sure(found.intent, self.score - bounds.threshold, self.rival, bounds.doubt):
            return "asked"
        return "right" if self.right else "wrong"


def run(sentences: int) -> tuple[list[Outcome], float]:
    """Recognise the whole corpus; also the seconds of work a second of sound took."""
    ear = Recogniser(Knowledge())
    outcomes, work_s, sound_s = [], 0.0, 0.0
    for item in items(sentences):
        begin = time.process_time()
        ear.begin()
        ear.hear(item.samples)
        outcomes.append(outcome(item, ear.opinions(), ear.rivals))
        work_s += time.process_time() - begin
        sound_s += len(item.samples) / 16_000
    return outcomes, work_s / sound_s


def outcome(item: Item, opinions: Opinions, rivals: Callable[[], Sequence[Rival]]) -> Outcome:
    """Judge one utterance by the weights in force; `rivals` is asked where it may be one."""
    heard = words(opinions.request)
    request = understand(heard)
    found = certainty.measures(opinions) if request else None
    score = max(_NEVER, certainty.log_odds(opinions)) if request else _NEVER
    return Outcome(
        item.fold,
        item.source,
        item.condition,
        item.said,
        heard if request else "",
        score,
        astuple(found) if found else (),
        certainty.closest_rival(request, rivals()) if score > _NEVER else math.inf,
    )


def tally(name: str, outcomes: Sequence[Outcome], bounds: Bounds) -> tuple[object, ...]:
    """A row of the table: how many, and the share of each fate in percent."""
    fates = [each.fate(bounds) for each in outcomes]
    asked = any(each.said for each in outcomes)

    def percent(fate: str) -> float:
        return fates.count(fate) * 100 / len(outcomes)

    return (
        name,
        len(outcomes),
        percent("right") if asked else None,
        *(percent(fate) for fate in ("wrong", "asked", "refused")),
    )


HEADERS = ("utterances", "count", "right %", "wrong %", "asked back %", "refused %")


def rows(outcomes: Sequence[Outcome], bounds: Bounds) -> list[tuple[object, ...]]:
    """Requests by condition and voice, other speech by recording, each fold for itself."""
    found = []
    for fold in ("tune", "judge"):
        mine = [each for each in outcomes if each.fold == fold]
        requests = [each for each in mine if each.said]
        others = [each for each in mine if not each.said]
        found.append(tally(f"{fold}: requests", requests, bounds))
        found += _by(requests, lambda each: f"  {each.condition}", bounds)
        found += _by(requests, lambda each: f"  {each.source}", bounds)
        found.append(tally(f"{fold}: other speech", others, bounds))
        found += _by(others, lambda each: f"  {each.source.split()[0]}", bounds)
    return found


def refit(outcomes: Sequence[Outcome]) -> tuple[list[Outcome], Bounds, str]:
    """Weights from the tune fold: outcomes with new scores, the bounds, the new module.

    The threshold lies well above the likeliest real recording of the tune fold. Synthetic
    sayings do not set it: one that sounds like a request would cost a tenth of all requests.
    """
    usable = [e for e in outcomes if e.measures and (e.right or not e.said) and not e.answers]
    tune = [e for e in usable if e.fold == "tune"]
    fitted = fit(np.array([e.measures for e in tune]), np.array([e.right for e in tune]))

    def rescored(each: Outcome) -> Outcome:
        if not each.measures:
            return each
        return replace(each, score=float(fitted.scores(np.array([each.measures]))[0]))

    scored = [rescored(each) for each in outcomes]
    real = [e.score for e in scored if e.fold == "tune" and not e.said and not e.is_saying]
    threshold = max(0.0, max(real) + _MARGIN)
    bounds = Bounds(threshold, least_doubt(scored, threshold))
    return scored, bounds, source(fitted, bounds.threshold, bounds.doubt)


def least_doubt(outcomes: Sequence[Outcome], threshold: float) -> float:
    """The doubt that leaves few enough requests of the tune fold taken for another."""
    requests = [each for each in outcomes if each.fold == "tune" and each.said]
    for doubt in np.arange(0, _MOST_DOUBT, _DOUBT_STEP).tolist():
        fates = [each.fate(Bounds(threshold, doubt)) for each in requests]
        if fates.count("wrong") <= _WRONG * len(requests):
            return float(doubt)
    return float(_MOST_DOUBT)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print, and write understanding.json and understanding.png."""
    parser = argparse.ArgumentParser(prog="benchmarks.understanding", description=__doc__)
    parser.add_argument("--sentences", type=int, default=6, help="of each kind (default 6)")
    parser.add_argument("--fit", action="store_true", help="find new weights first")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for JSON and plot")
    chosen = parser.parse_args(arguments)
    outcomes, real_time = run(chosen.sentences)
    bounds = IN_FORCE
    if chosen.fit:
        outcomes, bounds, module = refit(outcomes)
        _WEIGHTS.write_text(module, encoding="utf-8")
    found = rows(outcomes, bounds)
    print(table(HEADERS, found))
    wrong = [
        f"{each.source} ({each.condition}): {each.said!r} as {each.found!r}, {each.score:.1f}"
        for each in outcomes
        if each.fate(bounds) == "wrong"
    ]
    print("\n".join(["wrong:", *wrong]))
    print(f"{real_time:.3f} s of work a second of sound, threshold {bounds.threshold:.2f}")
    write_json(
        chosen.out / "understanding.json",
        {"sentences": chosen.sentences, **asdict(bounds)},
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
    outcomes: Sequence[Outcome], key: Callable[[Outcome], str], bounds: Bounds
) -> list[tuple[object, ...]]:
    groups: dict[str, list[Outcome]] = {}
    for each in outcomes:
        groups.setdefault(key(each), []).append(each)
    return [tally(name, group, bounds) for name, group in sorted(groups.items())]


if __name__ == "__main__":
    main()
