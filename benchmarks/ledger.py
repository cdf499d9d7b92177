"""`python -m benchmarks.ledger`: does the agent remember of a cut reply what the caller heard?

The operator counts to fifty and is interrupted at random moments over a real peer connection,
by recorded speech or by `response.cancel`. What the server says was heard is compared with what
the caller's recording holds: by the sample count, and by a recogniser.
"""

import argparse
import asyncio
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from agent.audio.frame import SPEAK_HZ, Samples
from agent.config import Config
from agent.engines import Style
from agent.media import upstream
from agent.voices.espeak import EspeakVoice
from benchmarks import own_server, report, speech
from benchmarks.caller import PATIENT, CallFailed, Event, dial
from benchmarks.ledger_truth import Counter, Script, place, script

_REQUEST = "count to fifty"
_BEGIN_S = 20.0  # for the reply to begin
_STOP_S = 30.0  # for it to stop, and on a busy machine for the news of it
_LISTENS = {"type": "server_vad", "create_response": False, "interrupt_response": True}
_TAIL_S = 0.3  # for the last packets to arrive
_SPEECH_S = 1.6  # of a recording, from its first sound
_SOONEST_S = 0.2


@dataclass(frozen=True, slots=True)
class Told:
    """What the server said of one interruption, and what the caller recorded until then."""

    way: str  # speech | cancel
    text: str
    heard_words: int
    audio_ms: int
    recording: Samples  # [n] at HEAR_HZ
    speech_at_ms: int | None  # how far the server says they were when they spoke
    spoke_at_ms: float | None  # how far they were, by the packets that had arrived


@dataclass(frozen=True, slots=True)
class Compared:
    """One interruption: words by the ledger, less words by the recording."""

    way: str
    words: int  # by the sample count
    recognised: int | None  # by the recogniser, where it was asked
    ms: float  # of audio
    speech_ms: float | None  # where the caller began to speak: told, less true
    heard_words: int


async def interrupt(url: str, way: str, moment_s: float, spoken: Samples) -> Told | None:
    """Make one call and interrupt its count after so long; None when it did not stop."""
    seen: list[Event] = []
    async with dial(url, on_event=seen.append, config=PATIENT) as call:
        call.send({"type": "voxline.playout.delay", "delay_ms": 0})
        # no reply comes behind the one that is cut off
        session = {"type": "realtime", "audio": {"input": {"turn_detection": _LISTENS}}}
        call.send({"type": "session.update", "session": session})
        part = {"type": "input_text", "text": _REQUEST}
        item = {"type": "message", "role": "user", "content": [part]}
        call.send({"type": "conversation.item.create", "item": item})
        call.send({"type": "response.create"})
        if not await call.until(
            lambda: bool(_of(seen, "output_audio_buffer.started")), _BEGIN_S
        ):
            raise CallFailed(f"{url} does not count")
        await call.silence(moment_s)
        saying = call.begin(spoken) if way == "speech" else None
        if saying is None:
            call.send({"type": "response.cancel"})
        stopped = await call.until(lambda: bool(_of(seen, "response.done")), _STOP_S)
        await call.silence(_TAIL_S)  # what was on its way arrives
        recording, first_s = call.heard.sound(), call.heard.speech_s[0]
    told = _of(seen, "voxline.response.heard")
    if not stopped or not told or (saying is not None and not saying.begun):
        return None  # it stopped by itself, if at all: the call was lost, or the reply failed
    body = told[0].body
    return Told(
        way,
        body["heard"] + body["unheard"],
        len(body["heard"].split()),
        body["audio_ms"],
        recording,
        body["speech_at_ms"],
        None if saying is None else (saying.began_s - first_s) * 1000,
    )


def _of(seen: Sequence[Event], kind: str) -> list[Event]:
    return [event for event in seen if event.type == kind]


def compare(told: Told, known: Script, counter: Counter | None) -> Compared | None:
    """Hold what was told against what was recorded; None: nothing can be heard in it."""
    found = place(known, told.recording)
    if found is None:
        return None
    recognised = None if counter is None else counter.count(told.recording)
    speech_ms = None
    if told.speech_at_ms is not None and told.spoke_at_ms is not None:
        speech_ms = told.speech_at_ms - told.spoke_at_ms
    return Compared(
        told.way,
        told.heard_words - found.words,
        None if recognised is None else told.heard_words - recognised,
        told.audio_ms - found.end_ms,
        speech_ms,
        told.heard_words,
    )


async def measure(args: argparse.Namespace, url: str) -> list[Told | None]:
    """Interrupt so often, some calls at a time; None for each time that nothing stopped."""
    dice = random.Random(args.seed)
    over = [_from_first_sound(path) for path in speech.choose(args.recordings, "")]
    cancels = round(args.interruptions * args.cancel)
    ways = ["cancel"] * cancels + ["speech"] * (args.interruptions - cancels)
    dice.shuffle(ways)
    plan = [(way, dice.uniform(_SOONEST_S, args.longest), dice.choice(over)) for way in ways]
    seats = asyncio.Semaphore(args.at_once)

    async def one(way: str, moment_s: float, spoken: Samples) -> Told | None:
        async with seats:
            told = await interrupt(url, way, moment_s, spoken)
            print("." if told else "-", end="", flush=True)
            return told

    return list(await asyncio.gather(*(one(*each) for each in plan)))


def _from_first_sound(path: Path) -> Samples:
    loaded = speech.load(path).samples
    loud = np.flatnonzero(np.abs(loaded) > np.abs(loaded).max() / 10)
    return loaded[int(loud[0]) :][: int(_SPEECH_S * SPEAK_HZ)]


def text(compared: Sequence[Compared], missed: int) -> str:
    """Return the table."""
    rows = []
    for label, chosen in _rows(compared):
        words = [abs(number) for number, _ in chosen]
        rows.append(
            (
                label,
                len(words),
                f"{100 * sum(number <= 1 for number in words) / len(words):.1f} %",
                f"{100 * sum(number == 0 for number in words) / len(words):.1f} %",
                max(words),
                *(
                    round(each)
                    for each in np.percentile([abs(ms) for _, ms in chosen], [50, 95])
                ),
            )
        )
    headers = ("", "cut off", "within a word", "the same", "worst", "ms p50", "ms p95")
    spoke = [abs(each.speech_ms) for each in compared if each.speech_ms is not None]
    parts = [report.table(headers, rows), f"not interrupted: {missed}"]
    if spoke:
        p50, p95 = np.percentile(spoke, [50, 95])
        parts.append(f"where the caller began to speak: off by {p50:.0f} ms p50, {p95:.0f} p95")
    return "\n".join(parts)


def _rows(compared: Sequence[Compared]) -> list[tuple[str, list[tuple[int, float]]]]:
    """Label, and (words, ms) of each interruption in the row."""
    rows = []
    for label, ways in (
        ("speech", {"speech"}),
        ("cancel", {"cancel"}),
        ("all", {"speech", "cancel"}),
    ):
        rows.append((label, [(each.words, each.ms) for each in compared if each.way in ways]))
    asked = [(e.recognised, e.ms) for e in compared if e.recognised is not None]
    rows.append(("by a recogniser", asked))
    return [(label, chosen) for label, chosen in rows if chosen]


def plot(compared: Sequence[Compared], path: Path) -> None:
    """Draw how far the memory is from the recording, in words and in milliseconds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    in_words, in_ms = figure.subplots(1, 2)
    numbers = range(-3, 4)
    for shift, (label, values) in zip(
        (-0.2, 0.2),
        (
            ("sample count", [each.words for each in compared]),
            ("recogniser", [e.recognised for e in compared if e.recognised is not None]),
        ),
        strict=True,
    ):
        near = [max(-3, min(3, value)) for value in values]
        shares = [100 * near.count(number) / max(1, len(near)) for number in numbers]
        in_words.bar([number + shift for number in numbers], shares, 0.4, label=label)
    in_words.set(xlabel="words remembered, less words recorded", ylabel="% of interruptions")
    in_words.legend(fontsize=8)
    in_ms.hist([each.ms for each in compared], bins=40)
    in_ms.set(xlabel="ms told, less the last audible ms recorded", ylabel="interruptions")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def evaluate(told: Sequence[Told | None], recognised: int) -> list[Compared]:
    """Compare all; the first so many also by the recogniser."""
    voice = EspeakVoice()
    scripts: dict[str, Script] = {}
    counters: dict[str, Counter] = {}
    compared = []
    for number, each in enumerate(each for each in told if each is not None):
        if each.text not in scripts:
            scripts[each.text] = script(voice, each.text, Style(""))
            counters[each.text] = Counter(each.text.split())
        counter = counters[each.text] if number < recognised else None
        found = compare(each, scripts[each.text], counter)
        if found is not None:
            compared.append(found)
    return compared


async def _measure(args: argparse.Namespace) -> list[Told | None]:
    if args.url is not None:
        return await measure(args, args.url)
    overrides = [f"limits.calls={args.at_once + 1}"]
    async with own_server.running(own_server.command("operator", overrides, None)) as url:
        return await measure(args, url)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure; print, write, draw."""
    parser = argparse.ArgumentParser(prog="benchmarks.ledger", description=__doc__)
    parser.add_argument("--url", help="of a server with the operator; default: one of our own")
    parser.add_argument("--interruptions", type=int, default=200, help="in all (default: 200)")
    parser.add_argument("--at-once", type=int, default=6, help="calls at once (default: 6)")
    parser.add_argument(
        "--cancel",
        type=float,
        default=0.25,
        help="share of them by response.cancel (default: 0.25)",
    )
    parser.add_argument(
        "--longest",
        type=float,
        default=30.0,
        help="the latest, in seconds of a reply (default: 30)",
    )
    parser.add_argument(
        "--recognise",
        type=int,
        default=60,
        help="judge so many by a recogniser, too (default: 60)",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: 1)")
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="interrupt with every .flac and .wav file in it (default: the nine of RESULTS.md)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every interruption")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw them, as PNG")
    args = parser.parse_args(arguments)
    upstream.check()
    upstream.install(Config())
    told = asyncio.run(_measure(args))
    compared = evaluate(told, args.recognise)
    print("\n" + text(compared, told.count(None)))
    if args.json is not None:
        settings = {key: value for key, value in vars(args).items() if key != "url"}
        figures = {"interruptions": [asdict(each) for each in compared]}
        report.write_json(args.json, settings, figures)
    if args.plot is not None:
        plot(compared, args.plot)


if __name__ == "__main__":
    main()
