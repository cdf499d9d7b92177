"""`python -m benchmarks.overheard`: a word over the operator's reply, command or sign?

Every word that it should know, by synthetic voices, in the sound that a call hands over, and
sounds that are no words. With `--fit` it first finds the margin (overheard.py) on the `tune`
voices alone; the `judge` voices and other noise only tell how good it is. Knows no call:
benchmarks/barge_in.py measures a few of these at the caller's socket.
"""

import argparse
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr

from agent.audio.frame import HEAR_HZ, SPEAK_HZ, Samples
from agent.backchannel import only_listens
from agent.brains.operator import overheard
from agent.brains.operator.certainty import certain_request
from agent.brains.operator.overheard import MARGIN, Interjection, Overhearing
from agent.brains.operator.recogniser import Knowledge, Recogniser
from agent.config import Config
from agent.ear import Ear
from agent.engines import Style
from agent.events import SpeechEnded, SpeechStarted
from agent.requests import CallSettings
from agent.settings import patience
from agent.vad.silero import Silero
from agent.voices.espeak import EspeakVoice
from benchmarks import speech
from benchmarks.overlap_corpus import click, cough, faded, laughter, loud, trimmed
from benchmarks.report import OUT, table, write_json
from benchmarks.understanding_corpus import VOICES, Fold, over_opus

COMMANDS: Final = (
    *("stop", "wait", "no", "hold on", "hang on", "be quiet", "quiet", "enough", "excuse me"),
    *("hello", "sorry", "pardon", "goodbye", "nope", "louder", "slower"),
    *("never mind", "no no", "stop it", "wait a minute", "please stop", "one moment", "hey"),
)
SIGNS: Final = (
    *("mm", "hmm", "mm-hm", "uh-huh", "mhm", "yeah", "yes", "yep", "okay", "right", "alright"),
    *("sure", "oh", "ah", "aha", "I see", "good", "great", "wow", "really", "exactly"),
    *("of course", "got it", "yeah yeah", "okay okay", "oh okay", "that's right", "nice"),
)
SHORT: Final = ("stop", "wait", "no")
LISTENING: Final = ("mm", "uh-huh", "yeah", "okay", "right")
KINDS: Final = ("command", "sign", "sound")
_SIGNS_CUT, _SOUNDS_CUT = 0.03, 0.01  # of the tune fold, may be taken for commands at most
_SOUNDS: Final = 40  # of each kind and fold
_AROUND_MS: Final = 500
_FRAME: Final = HEAR_HZ // 50
_ROOM_DB: Final = (-62.0, -62.0, -50.0, -45.0)
_MARGIN_LINE: Final = re.compile(r"^MARGIN: Final = .*?(?=  #)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Item:
    """A sound over a reply, [n] at HEAR_HZ as a call hands it over."""

    fold: Fold
    kind: str  # one of KINDS
    said: str
    samples: Samples


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the operator makes of one."""

    item: Item
    certain: str  # the request that needs no margin, "" if there is none
    heard: Interjection | None
    took_ms: float  # for both, CPU

    def ends(self, margin: float) -> bool | None:
        """Whether the reply ends for it; None: nothing is known, and duration decides."""
        heard = self.heard
        if heard is not None and heard.is_command(margin):
            return True
        sign = heard.sign if heard is not None and heard.is_sign else ""
        only = only_listens(self.certain or sign, "en")
        return None if only is None else not only


def items(repeat: int) -> Iterator[Item]:
    """All of them, each word so often by each voice; drawn from a seed."""
    voice = EspeakVoice()
    for fold in ("tune", "judge"):
        drawn = random.Random(fold)
        for kind, said in [*(("command", w) for w in COMMANDS), *(("sign", w) for w in SIGNS)]:
            for name in VOICES[fold] * repeat:
                style = Style(name, speed=drawn.uniform(0.8, 1.25))
                spoken = np.concatenate([part.samples for part in voice.speak(said, style)])
                yield Item(fold, kind, said, handed_over(_dressed(trimmed(spoken), drawn)))
        for said, samples in _sounds(fold, drawn):
            yield Item(fold, "sound", said, handed_over(_dressed(samples, drawn)))


def _sounds(fold: Fold, drawn: random.Random) -> Iterator[tuple[str, Samples]]:
    noise = np.random.default_rng(drawn.randrange(2**32))
    for _ in range(_SOUNDS):
        yield "cough", loud(cough(noise))
        yield "laughter", loud(laughter(noise))
        yield "click", click(noise)
    path = speech.FOLDER / ("noise1.flac" if fold == "tune" else "noise3.flac")
    if not path.is_file():
        return
    read, rate = soundfile.read(path, dtype="float32")
    for _ in range(_SOUNDS):
        length = int(drawn.uniform(0.2, 1.0) * rate)
        start = drawn.randrange(len(read) - length)
        cut = faded(read[start : start + length])
        yield "noise", soxr.resample(cut, rate, SPEAK_HZ).astype(np.float32)


def _dressed(sound: Samples, drawn: random.Random) -> Samples:
    """With a room around it, over Opus; [n] at HEAR_HZ."""
    padded = np.pad(sound * drawn.uniform(0.3, 1.0), SPEAK_HZ * _AROUND_MS // 1000)
    room = np.random.default_rng(drawn.randrange(2**32)).standard_normal(len(padded))
    mixed = padded + room * 10 ** (drawn.choice(_ROOM_DB) / 20)
    return over_opus(soxr.resample(mixed, SPEAK_HZ, HEAR_HZ).astype(np.float32))


def handed_over(samples: Samples) -> Samples:
    """What the brain has heard of it when the caller has fallen silent; [0] if nobody spoke."""
    config = Config()
    ear = Ear(Silero(), config.vad, patience(config, CallSettings()))
    heard: list[Samples] = []
    ended = 0
    for at in range(0, len(samples), _FRAME):
        frame = samples[at : at + _FRAME]
        if heard:
            heard.append(frame)
        for event in ear.feed(frame):
            match event:
                case SpeechStarted() if not heard:
                    heard = [ear.since(event)]
                case SpeechEnded():
                    ended = len(heard)
    return np.concatenate([np.empty(0, np.float32), *heard[:ended]])


def run(repeat: int) -> list[Outcome]:
    """Have each of them heard."""
    ear, overhearing = Recogniser(Knowledge()), Overhearing()
    outcomes = []
    for item in items(repeat):
        ear.begin()
        for at in range(0, len(item.samples), _FRAME):
            ear.hear(item.samples[at : at + _FRAME])
        begin = time.thread_time()
        request = certain_request(ear.opinions(), ear.rivals)
        heard = overhearing.listen(ear.heard)
        took_ms = (time.thread_time() - begin) * 1000
        certain = request.words if request is not None and request.is_sure else ""
        outcomes.append(Outcome(item, certain, heard, took_ms))
    return outcomes


def fitted(outcomes: Sequence[Outcome]) -> float:
    """The least margin by which few signs and sounds of the tune fold are commands."""
    tune = [each for each in outcomes if each.item.fold == "tune" and each.heard is not None]
    bounds = []
    for kind, share in (("sign", _SIGNS_CUT), ("sound", _SOUNDS_CUT)):
        better = [each.heard.better for each in tune if each.heard and each.item.kind == kind]
        bounds.append(float(np.quantile(better, 1 - share)))
    return round(max(0.0, *bounds), -1)


def rows(outcomes: Sequence[Outcome], margin: float) -> list[tuple[object, ...]]:
    """Of each fold and kind: how many, and the share of each fate in percent."""
    found: list[tuple[object, ...]] = []
    for fold in ("tune", "judge"):
        groups = {kind: [o for o in outcomes if o.item.kind == kind] for kind in KINDS}
        groups |= {
            ", ".join(words): [o for o in outcomes if o.item.said in words]
            for words in (SHORT, LISTENING)
        }
        for name, group in groups.items():
            fates = [each.ends(margin) for each in group if each.item.fold == fold]
            shares = [f"{100 * fates.count(f) / len(fates):.1f}" for f in (True, False, None)]
            found.append((fold, name, len(fates), *shares))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print, and write overheard.json."""
    parser = argparse.ArgumentParser(prog="benchmarks.overheard", description=__doc__)
    parser.add_argument("--repeat", type=int, default=1, help="of each word and voice")
    parser.add_argument("--fit", action="store_true", help="find a new margin first")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the JSON")
    chosen = parser.parse_args(arguments)
    outcomes = run(chosen.repeat)
    margin = MARGIN
    if chosen.fit:
        margin = fitted(outcomes)
        path = Path(overheard.__file__)
        source = path.read_text(encoding="utf-8")
        path.write_text(_MARGIN_LINE.sub(f"MARGIN: Final = {margin}", source), encoding="utf-8")
    headers = ("fold", "over a reply", "n", "ends it %", "lets it go on %", "not known %")
    found = rows(outcomes, margin)
    print(table(headers, found))
    mistaken = Counter(
        f"{each.item.fold}: {each.item.said}"
        for each in outcomes
        if (each.ends(margin) is True) != (each.item.kind == "command")
    )
    print("taken for the other, or not known to be a command:")
    print(", ".join(f"{said} ({count})" for said, count in mistaken.most_common()))
    took_ms = [each.took_ms for each in outcomes]
    print(
        f"margin {margin:g}; at the pause {np.median(took_ms):.0f} ms, p95 "
        f"{np.quantile(took_ms, 0.95):.0f} ms of CPU"
    )
    write_json(
        chosen.out / "overheard.json",
        {"repeat": chosen.repeat, "margin": margin},
        {"rows": [dict(zip(headers, row, strict=True)) for row in found], "took_ms": took_ms},
    )


if __name__ == "__main__":
    main()
