"""`python -m benchmarks.endpoint_smart_turn OUT`: what Smart Turn v3 says of the same pauses.

A published end-of-turn model, asked through pipecat's own analyzer (extra `smart-turn`), at
some lengths of each pause. Writes its odds as JSON, for benchmarks/endpoint.py, and prints what
a verdict costs. Knows no judge of ours but what it takes for a pause.
"""

import argparse
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agent.audio.frame import HEAR_HZ, Samples
from agent.endpoint.odds import Pause, logit
from agent.smart_turn import model
from agent.smart_turn.model import HEARD_S, Analyze
from agent.smart_turn.opinion import ASKED_MS as CALLS_MS
from benchmarks.endpoint_corpus import (
    CONDITIONS,
    LEAD_MS,
    Condition,
    Observed,
    Recording,
    heard,
    more_recordings,
    observe,
    recordings,
)
from benchmarks.endpoint_fit import Numbers, examples, logistic, pauses

# [name, condition] -> beginning of a pause in ms -> (silence in ms, odds), in order
Verdicts = Mapping[tuple[str, str], Mapping[int, Sequence[tuple[int, float]]]]

ASKED_MS = (60, 100, 140, 200, 260, 340)
THINKING_MS = 60  # a verdict on one core of two; until then the one before holds
LEAST_MS, LONGEST_MS = 160.0, 400.0  # a turn is answered then, however sure or unsure
_BEFORE_MS = 500  # the first speech
_RIDGE = 1.0


def judge(recording: Recording, condition: Condition, analyze: Analyze) -> dict[int, list[Any]]:
    """Return its odds in each pause, by where the pause begins in ms."""
    samples, _ = heard(recording, condition)
    found: dict[int, list[Any]] = {}
    for pause in pauses(observe(recording, condition)):
        last_at, last = pause[-1]
        begin_ms = last_at - last.silent_ms
        for asked_ms in (each for each in ASKED_MS if each <= last.silent_ms):
            end = (begin_ms + asked_ms) * HEAR_HZ // 1000
            begin = max(end - HEARD_S * HEAR_HZ, (LEAD_MS - _BEFORE_MS) * HEAR_HZ // 1000)
            found.setdefault(begin_ms, []).append((asked_ms, analyze(samples[begin:end])))
    return found


def load_verdicts(path: Path) -> Verdicts:
    """Read what was written."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    return {
        (row["name"], row["condition"]): {
            int(begin): [(silent, odds) for silent, odds in said]
            for begin, said in row["pauses"].items()
        }
        for row in rows
    }


def verdict_waits_ms(observed: Sequence[Observed], verdicts: Verdicts, odds: float) -> Numbers:
    """Return [n], for each packet of `table(observed)`, the wait of who trusts such odds."""
    waits = []
    for each in observed:
        known = verdicts[each.name, each.condition]
        for at, pause in each.pauses:
            said = known.get(at - pause.silent_ms, ())
            there = [(s + THINKING_MS, chance) for s, chance in said]
            there = [(ms, chance) for ms, chance in there if ms <= pause.silent_ms]
            convinced = bool(there) and there[-1][1] >= odds
            waits.append(max(LEAST_MS, there[-1][0]) if convinced else LONGEST_MS)
    return np.array(waits)


@dataclass(frozen=True, slots=True)
class Hearing:
    """What Smart Turn's logit counts beside the cues, and at which one it changes nothing."""

    weight: float
    leaning: float

    def of(self, observed: Sequence[Observed], verdicts: Verdicts) -> Numbers:
        """Return [n], for each packet of `table(observed)`, what a call would add then."""
        rows = ((each, at, pause) for each in observed for at, pause in each.pauses)
        said = (_logit(*row, verdicts) for row in rows)
        return np.array([0.0 if s is None else self.weight * (s - self.leaning) for s in said])


def _logit(each: Observed, at_ms: int, pause: Pause, verdicts: Verdicts) -> float | None:
    """As the latest verdict has it that a call asks for and has in time."""
    known = verdicts[each.name, each.condition].get(at_ms - pause.silent_ms, ())
    there = [odds for s, odds in known if s in CALLS_MS and s + THINKING_MS <= pause.silent_ms]
    return logit(there[-1]) if there else None


def fit_hearing(observed: Sequence[Observed], verdicts: Verdicts, weights: Numbers) -> Hearing:
    """Fit it beside cues of these weights, which are not touched.

    Only complete turns are asked about, each with an end in it: there are more ends here than
    the cues know of. An intercept takes that up, with Smart Turn and without; by what these
    differ it leans, so that the odds stay on average what they were.
    """
    said = [
        (row, said)
        for row in examples(observed)
        if (said := _logit(row.observed, row.at_ms, row.pause, verdicts)) is not None
    ]
    rows = [row for row, _ in said]
    beside = np.array([row.known for row in rows]) @ weights
    columns = np.array([[1.0, logit] for _, logit in said])
    without = logistic(columns[:, :1], rows, (), beside)[0]
    intercept, weight = logistic(columns, rows, (_RIDGE,), beside)
    return Hearing(float(weight), float((without - intercept) / weight))


def main() -> None:
    """Ask about every complete turn, in the clean and the noisy condition."""
    parser = argparse.ArgumentParser(prog="benchmarks.endpoint_smart_turn", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="the file to write")
    parser.add_argument(
        "--more", type=Path, metavar="DIR", help="a folder of more speech, with a turns.csv"
    )
    arguments = parser.parse_args()
    spoken: Iterable[Recording] = recordings()
    if arguments.more is not None:
        spoken = [*spoken, *more_recordings(arguments.more)]
    analyze, took_ms = model.load(), []

    def timed(samples: Samples) -> float:
        began = time.perf_counter()
        odds = analyze(samples)
        took_ms.append((time.perf_counter() - began) * 1000)
        return odds

    rows = [
        {
            "name": recording.name,
            "condition": condition.name,
            "pauses": judge(recording, condition, timed),
        }
        for recording in spoken
        if recording.complete
        for condition in CONDITIONS
        if condition.name in ("clean", "noise-25")  # which more speech is observed in, too
    ]
    arguments.out.write_text(json.dumps(rows), encoding="utf-8")
    p50, p95 = np.percentile(took_ms, [50, 95])
    print(f"{len(took_ms)} verdicts, {p50:.0f} ms each (p95 {p95:.0f})")


if __name__ == "__main__":
    main()
