"""`python -m benchmarks.meaning`: what a brain that understands adds to how a pause sounds.

Requests by synthetic voices, each said whole and broken off after every word, as by a caller
who stops to think. The judge of agent/endpoint hears the silence that follows, with the
brain's opinion from when it is there, and without. What counts as one of the operator's was
chosen on the `tune` voices, and the `judge` voices only tell how good that is. Word ends are
espeak-ng's own. A voice that is cut off there keeps the melody of the whole sentence, as
somebody who hesitates mostly does.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from agent.audio.frame import HEAR_FRAME, HEAR_HZ, SPEAK_HZ, Samples
from agent.brains.operator.brain import Operator
from agent.config import Config
from agent.config_file import load, parse_override
from agent.endpoint.odds import OPINIONS, Pause, logit
from agent.endpoint.weights import FITTED
from agent.engines import Brain, Conversation, Sense, Style
from agent.errors import ConfigError
from agent.requests import CallSettings
from agent.settings import patience
from agent.voices.espeak import EspeakVoice
from benchmarks import options, report
from benchmarks.endpoint_corpus import LEAD_MS, Condition, Recording, heard, observe
from benchmarks.understanding_corpus import SAYINGS, VOICES, Fold, requests

_CONDITIONS = (
    Condition("clean", room=False),
    Condition("noise", room=False, snr_db=25, seed=1),
    Condition("telephone", room=False, telephone=True, snr_db=30, seed=2),
)
_PAUSES_MS = (250, 350, 500)  # a caller who thinks is silent for so long
_PREROLL_MS = 300
_ASKED_MS = 64  # of silence, and a reply is prepared
_PACKET_MS, _AFTER_MS = 20, 6
_LEAST_MS = 150  # of sound: less opens no turn
_PATIENCE = patience(Config(), CallSettings())
_FEW = 8  # different opinions are listed as they are, more by tenths
_WORDS = 16  # tokens of a reply, none of which is wanted here
_FOLDS: tuple[Fold, ...] = ("tune", "judge")


@dataclass(frozen=True, slots=True)
class Clip:
    """Something said, and whether it was all that was to be said."""

    fold: Fold
    kind: str  # request | other speech
    said: str
    complete: bool
    samples: Samples  # [n] at HEAR_HZ


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a clip."""

    clip: Clip
    odds: float | None  # the brain's
    thought_ms: float  # it took
    pauses: tuple[Pause, ...]  # of the silence after the clip, a packet each

    def told(self, exactly: bool) -> float | None:
        """The odds, or the tenth that they are near."""
        return self.odds if exactly or self.odds is None else round(self.odds, 1)

    def released_ms(self, weight: float | None) -> float:
        """After how much silence it is answered; None: the brain is not asked."""
        for pause in self.pauses:
            in_time = pause.silent_ms >= _ASKED_MS + self.thought_ms
            if weight is not None and self.odds is not None and in_time:
                pause = replace(pause, opinion=weight * logit(self.odds))
            wait_ms = max(
                pause.silent_ms, _PATIENCE.wait_ms(FITTED, pause, FITTED.before_silence(pause))
            )
            if wait_ms < pause.silent_ms + _PACKET_MS:  # else the next packet may overrule it
                return wait_ms
        return float("inf")


def clips(sentences: int) -> Iterator[Clip]:
    """Yield all; `sentences` of each kind of request."""
    voice = EspeakVoice()
    for fold in _FOLDS:
        drawn = random.Random(f"meaning {fold}")
        spoken = [("request", text) for text in requests(sentences, drawn)]
        spoken += [("other speech", text) for text in SAYINGS[fold]]
        for kind, text in spoken:
            style = Style(drawn.choice(VOICES[fold]), speed=drawn.uniform(0.75, 1.15))
            yield from _broken_off(voice, fold, kind, text, style)


def _broken_off(
    voice: EspeakVoice, fold: Fold, kind: str, text: str, style: Style
) -> Iterator[Clip]:
    """Yield the text as far as each of its words; the last is all of it."""
    speeches = list(voice.speak(text, style))
    samples = np.concatenate([speech.samples for speech in speeches])
    words = [word for speech in speeches for word in speech.words]
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    ends = [word.start for word in words[1:]] + [int(loud[-1]) + 1]
    for count, end in enumerate(ends, 1):
        said = soxr.resample(samples[loud[0] : end], SPEAK_HZ, HEAR_HZ).astype(np.float32)
        if len(said) >= _LEAST_MS * HEAR_HZ // 1000:
            words_said = " ".join(word.text for word in words[:count])
            yield Clip(fold, kind, words_said, count == len(ends), said)


def judge_all(sentences: int, brain: Brain, now: Callable[[], float]) -> list[Judged]:
    """Let every clip be heard, in one condition each; by `now` the brain's time is told."""
    drawn, found = random.Random("meaning"), []
    for clip in clips(sentences):
        condition = drawn.choice(_CONDITIONS)
        last_ms = len(clip.samples) * 1000 / HEAR_HZ
        recording = Recording(clip.said, clip.fold, clip.samples, last_ms, clip.complete)
        pauses = tuple(
            pause
            for at_ms, pause in observe(recording, condition).pauses
            if at_ms - pause.silent_ms > LEAD_MS + last_ms - 150
        )
        if pauses:  # else nobody heard it speak
            asked = _asked(brain, recording, condition, now)
            found.append(Judged(clip, *asked, pauses))
    return found


def _asked(
    brain: Brain, recording: Recording, condition: Condition, now: Callable[[], float]
) -> tuple[float | None, float]:
    """The brain's opinion at the first pause, and how many ms it took."""
    samples, last_ms = heard(recording, condition)
    first = (LEAD_MS - _PREROLL_MS) * HEAR_HZ // 1000
    last = int(last_ms + _ASKED_MS + _PACKET_MS) * HEAR_HZ // 1000
    listener = brain.listen()
    for begin in range(first, last, HEAR_FRAME):
        listener.hear(samples[begin : begin + HEAR_FRAME])
    began = now()
    reply = listener.reply(Conversation("", "en-US"))
    sense = next((piece for piece in reply if isinstance(piece, Sense)), None)
    thought_ms = (now() - began) * 1000
    listener.close()
    return (None if sense is None else sense.odds), thought_ms


@dataclass(frozen=True, slots=True)
class Row:
    """Some clips, with the opinion or without."""

    name: str
    ends: int
    p50_ms: float
    p95_ms: float
    beginnings: int
    cut_into: tuple[float, ...]  # share of pauses within, by _PAUSES_MS


def row(name: str, judged: Sequence[Judged], weight: float | None) -> Row:
    """Sum up."""
    waits = [each.released_ms(weight) + _AFTER_MS for each in judged if each.clip.complete]
    within = np.array([e.released_ms(weight) for e in judged if not e.clip.complete])
    p50, p95 = (float(p) for p in np.percentile(waits, [50, 95]))
    cut = tuple(float((within < pause_ms).mean()) for pause_ms in _PAUSES_MS)
    return Row(name, len(waits), p50, p95, len(within), cut)


def rows(judged: Sequence[Judged], weights: Sequence[float | None]) -> list[Row]:
    """Each fold and kind of speech by itself."""
    found = []
    for name, mine in _groups(judged):
        for weight in weights:
            way = "sound alone" if weight is None else f"and meaning, {weight:g}"
            found.append(row(f"{name}, {way}", mine, weight))
    return found


def opinions(judged: Sequence[Judged]) -> list[tuple[object, ...]]:
    """How often each opinion was given, of ends and of pauses within, in percent."""
    found: list[tuple[object, ...]] = []
    few = len({each.odds for each in judged}) <= _FEW
    for name, mine in _groups(judged):
        shares = []
        for complete in (True, False):
            said = Counter(e.told(few) for e in mine if e.clip.complete is complete)
            shares.append({odds: 100 * n / said.total() for odds, n in said.items()})
        for odds in sorted({*shares[0], *shares[1]}, key=lambda odds: odds or 0.0):
            told = "none" if odds is None else odds
            found.append((name, told, *(share.get(odds, 0.0) for share in shares)))
    return found


def _groups(judged: Sequence[Judged]) -> Iterator[tuple[str, list[Judged]]]:
    """Each fold and kind of speech, under its name."""
    for fold in _FOLDS:
        for kind in ("request", "other speech"):
            mine = [e for e in judged if e.clip.fold == fold and e.clip.kind == kind]
            yield f"{fold}: {kind}", mine


def _brain(name: str, overrides: Mapping[str, Any]) -> tuple[Brain, Callable[[], float]]:
    """Who is asked, and by which clock: of the operator only its own work counts."""
    if name == "operator":
        return Operator(), time.process_time
    from agent.brains.voxtral.brain import VoxtralBrain  # it needs transformers

    wanted = {"voxtral.max_new_tokens": _WORDS, **overrides, "voxtral.judge_end": True}
    config = load(None, wanted)
    return VoxtralBrain(config.voxtral, config.torch, 1), time.perf_counter


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge, print, write meaning.json."""
    parser = argparse.ArgumentParser(prog="benchmarks.meaning", description=__doc__)
    parser.add_argument("--sentences", type=int, default=4, help="of each kind (default 4)")
    parser.add_argument(
        "--weight", type=float, action="append", help="of the opinion (default: the one in use)"
    )
    parser.add_argument("--brain", choices=("operator", "voxtral"), default="operator")
    options.add_set(parser, "any key of config.yaml, for voxtral; may be repeated")
    parser.add_argument("--out", type=Path, default=report.OUT, help="folder for the JSON")
    chosen = parser.parse_args(arguments)
    if chosen.set and chosen.brain != "voxtral":
        parser.error("--set is for --brain voxtral")
    try:
        brain, now = _brain(chosen.brain, dict(parse_override(text) for text in chosen.set))
    except ConfigError as error:
        parser.error(str(error))
    judged = judge_all(chosen.sentences, brain, now)
    print(report.table(("said", "odds", "of ends %", "of pauses within %"), opinions(judged)))
    found = rows(judged, (None, *(chosen.weight or [OPINIONS["meaning"]])))
    cut = (f"cut into at {pause_ms} ms, %" for pause_ms in _PAUSES_MS)
    headers = ("said", "ends", "p50 ms", "p95 ms", "pauses", *cut)
    cells = [
        (r.name, r.ends, r.p50_ms, r.p95_ms, r.beginnings, *(100 * c for c in r.cut_into))
        for r in found
    ]
    print(report.table(headers, cells))
    thought = [each.thought_ms for each in judged]
    p50, p95 = (float(p) for p in np.percentile(thought, [50, 95]))
    print(f"to an opinion: p50 {p50:.0f} ms, p95 {p95:.0f} ms of work")
    report.write_json(
        chosen.out / ("meaning.json" if chosen.brain == "operator" else "meaning-voxtral.json"),
        {"sentences": chosen.sentences, "brain": chosen.brain, "set": chosen.set},
        {
            "rows": [asdict(each) for each in found],
            "thought_p50_ms": p50,
            "thought_p95_ms": p95,
        },
    )


if __name__ == "__main__":
    main()
