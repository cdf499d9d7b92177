"""What the models cost on this machine, each step beside its floor and beside the stock way.

    python -m benchmarks.models                    full size on a GPU, reduced on a CPU
    python -m benchmarks.models --only voxtral     or kokoro, or answers

Random weights: what a step costs does not depend on what it says. Checkpoints are written once
to --folder (9.7 GB at full size), then loaded as downloaded ones are. Floors are reckoned from
this device's own rates, measured in the same run. Writes models.json and models.png into
benchmarks/out.
"""

import argparse
import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agent.accelerator.device import DTYPES, accelerator
from agent.audio.frame import HEAR_HZ, Samples
from agent.choose import build, choose
from agent.config import Config
from agent.config_file import load
from agent.engines import Style, Voice
from benchmarks import model_checkpoints, options, report
from benchmarks.first_audio import first_audio
from benchmarks.model_floors import Ceilings, VoxtralWork, kokoro, measure
from benchmarks.model_stock import StockKokoro, StockVoxtral, times_ms

UTTERANCE_S = 3.0
PREFIX_TOKENS = 200  # instructions and a short past, cached before the pause
BATCHES = (1, 2, 4, 8, 16)
PHRASES = (
    "Sure, let me look into that.",
    "The next train to the airport leaves at half past nine from platform four.",
    "Your order has left our warehouse this morning, it will be with you tomorrow before noon, "
    "and the driver calls you half an hour before.",
)
# of an H200 at full size
TARGET_MS = {"first token": 12.0, "token, batch 1": 2.2, "phrase 1": 15.0}
TARGET_FIRST_AUDIO_MS = {1: 60.0, 16: 150.0}
_TOKEN = 1000  # any that is not special
_PARTS = ("voxtral", "kokoro", "answers")


@dataclass(frozen=True, slots=True)
class Row:
    """One step of a model."""

    what: str
    took_ms: report.Summary
    floor_ms: float | None
    stock_ms: float | None = None


def voxtral_rows(config: Config, ceilings: Ceilings, repeats: int) -> Iterator[Row]:
    """From sound to first token, and tokens for several calls."""
    from transformers import AutoConfig

    from agent.brains.voxtral.ears import Audio
    from agent.brains.voxtral.finished import answers, question
    from agent.brains.voxtral.span import Utterance
    from agent.brains.voxtral.start import start

    sizes = AutoConfig.from_pretrained(config.voxtral.model)
    work = VoxtralWork(sizes, DTYPES[config.voxtral.dtype].itemsize)
    stock = StockVoxtral(config, _utterance())
    stock_first, stock_token = stock.first_ms(repeats), stock.token_ms(repeats)
    del stock
    _tidy()
    started = start(replace(config, voxtral=replace(config.voxtral, transcript=False)))
    runner, tekken = started.runner, started.tekken
    prefix = [tekken.bos, tekken.inst] + [_TOKEN] * (PREFIX_TOKENS - 2)

    def fresh(slot: int = 0) -> None:
        runner.rewind(slot, 0)
        runner.extend(slot, prefix)

    def rewound() -> None:
        runner.rewind(0, PREFIX_TOKENS)

    heard = work.encode(1500)
    fresh()
    yield Row(
        "mel and encoder, 3 s of speech",
        _times(lambda: runner.embed_audio(_utterance()), repeats),
        heard.floor_ms(ceilings),
    )
    yield Row(
        "first token of 3 s of speech",
        _times(
            lambda: runner.hear_and_answer(0, _utterance(), [tekken.end_inst]),
            repeats,
            before=rewound,
        ),
        (heard + work.prefill(377, PREFIX_TOKENS)).floor_ms(ceilings),
        stock_first,
    )
    yield Row(
        f"prefix of {PREFIX_TOKENS} tokens (while the caller speaks)",
        _times(lambda: runner.extend(0, prefix), repeats, before=lambda: runner.rewind(0, 0)),
        work.prefill(PREFIX_TOKENS).floor_ms(ceilings),
    )
    sound = runner.embed_audio(_utterance())
    asked: list[int | Audio] = []
    for item in question(tekken, Utterance(_utterance())):
        asked += [item] if isinstance(item, int) else [tekken.begin_audio, sound]
    yield Row(
        "whether the caller has finished, asked beside the reply",
        _times(
            lambda: runner.weigh(0, asked, answers(tekken)),
            repeats,
            before=lambda: runner.rewind(0, 0),
        ),
        work.prefill(len(asked) - 1 + sound.positions).floor_ms(ceilings),
    )
    for batch in (b for b in BATCHES if b <= runner.slots):
        slots = range(batch)
        for slot in slots:
            fresh(slot)
            runner.hear_and_answer(slot, _utterance(), [tekken.end_inst])
        yield Row(
            f"token, batch {batch}",
            _times(partial(runner.step, slots), 4 * repeats),
            work.decode(batch, PREFIX_TOKENS + 377).floor_ms(ceilings),
            stock_token if batch == 1 else None,
        )


def kokoro_rows(config: Config, ceilings: Ceilings, repeats: int) -> Iterator[Row]:
    """Phrases of three lengths, from text to the last sample."""
    from agent.voices.kokoro.voice import KokoroVoice

    voice = KokoroVoice(config.kokoro, config.torch)
    stock = StockKokoro(config)
    for number, phrase in enumerate(PHRASES, 1):
        samples = _speak(voice, phrase)
        yield Row(
            f"phrase {number}: {len(phrase.split())} words, {samples / 24000:.1f} s",
            _times(partial(_speak, voice, phrase), repeats),
            kokoro(samples / 24000).floor_ms(ceilings),
            stock.phrase_ms(phrase, repeats),
        )


def answer_rows(config: Config, repeats: int) -> Iterator[Row]:
    """Both engines together: from the pause to the first audio, for one call and for many."""
    brain, voice = build(config, choose(config))
    gc.collect()
    gc.freeze()  # as the engines' process does
    room = brain.capacity() or max(BATCHES)
    for callers in dict.fromkeys((1, min(room, max(BATCHES)))):
        turns = max(3, repeats // callers)
        firsts = first_audio(brain, voice, _utterance(), callers=callers, turns=turns)
        for moment in ("text", "phrase", "audio"):
            times = [getattr(first, f"{moment}_ms") for first in firsts]
            what = f"pause to first {moment}, {callers} calls at once"
            yield Row(what, report.summarize(times), None)


def table(rows: Sequence[Row]) -> str:
    headers = ("step", "p50 ms", "p95", "floor ms", "times floor", "stock ms", "times stock")
    return report.table(
        headers,
        [
            (
                *(row.what, row.took_ms.p50, row.took_ms.p95, row.floor_ms),
                row.took_ms.p50 / row.floor_ms if row.floor_ms else None,
                row.stock_ms,
                row.stock_ms / row.took_ms.p50 if row.stock_ms else None,
            )
            for row in rows
        ],
    )


def verdicts(rows: Sequence[Row]) -> list[str]:
    """What the targets, which are for an H200 at full size, say of each step that has one."""
    lines = []
    for name, target_ms in TARGET_MS.items():
        for row in rows:
            if row.what == name or row.what.startswith((f"{name} ", f"{name}:")):
                lines.append(f"{row.what}: {row.took_ms.p50:.1f} ms (target {target_ms:g})")
    for callers, target_ms in TARGET_FIRST_AUDIO_MS.items():
        for row in rows:
            if row.what == f"pause to first audio, {callers} calls at once":
                lines.append(f"{row.what}: p95 {row.took_ms.p95:.1f} ms (target {target_ms:g})")
    return lines


def _speak(voice: Voice, phrase: str) -> int:
    """Samples of the whole phrase."""
    return sum(len(speech.samples) for speech in voice.speak(phrase, Style("")))


def _times(
    work: Callable[[], object], repeats: int, *, before: Callable[[], object] | None = None
) -> report.Summary:
    return report.summarize(times_ms(work, repeats, before))


def _utterance() -> Samples:
    count = int(UTTERANCE_S * HEAR_HZ)
    return np.random.default_rng(0).normal(0, 0.1, count).astype(np.float32)


def _tidy() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.models",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("/tmp/voxline-models"),
        help="for the checkpoints (default /tmp/voxline-models)",
    )
    parser.add_argument(
        "--size", choices=["full", "reduced"], help="of Voxtral (default: as above)"
    )
    parser.add_argument(
        "--only", choices=_PARTS, action="append", help="may be given twice (default: all)"
    )
    parser.add_argument("--repeats", type=int, default=20, help="of each step (default 20)")
    options.add_set(parser)
    asked = parser.parse_args(arguments)
    if asked.repeats < 1:
        parser.error("--repeats: at least one")
    return asked


def _config(asked: argparse.Namespace) -> Config:
    from agent.config_file import parse_override

    overrides: dict[str, Any] = dict(parse_override(text) for text in asked.set)
    device = accelerator(load(None, overrides).torch)
    size = asked.size or ("full" if device.is_cuda else "reduced")
    dtype = "bfloat16" if device.is_cuda else "float32"
    print(f"{device.name}; Voxtral {size} in {dtype}, random weights", flush=True)
    made = {
        "agent.engine": "voxtral",
        "limits.calls": max(BATCHES),
        "voxtral.dtype": dtype,
        "voxtral.max_new_tokens": 32,
        "voxtral.model": str(
            model_checkpoints.voxtral(
                asked.folder / f"voxtral-{size}", size, DTYPES[dtype], device.device
            )
        ),
        "kokoro.model": str(model_checkpoints.kokoro(asked.folder / "kokoro")),
    }
    _tidy()
    return load(None, {**made, **overrides})


def main(arguments: Sequence[str] | None = None) -> None:
    logging.basicConfig(level="INFO", format="%(message)s")
    asked = _parse(arguments)
    config = _config(asked)
    device = accelerator(config.torch)
    ceilings = measure(device.device, DTYPES[config.voxtral.dtype])
    rates = (ceilings.flop_per_s / 1e12, ceilings.bytes_per_s / 1e9)
    print("{:.2f} TFLOP/s, {:.0f} GB/s measured".format(*rates), flush=True)
    rows: list[Row] = []
    parts = {
        "voxtral": lambda: voxtral_rows(config, ceilings, asked.repeats),
        "kokoro": lambda: kokoro_rows(config, ceilings, asked.repeats),
        "answers": lambda: answer_rows(config, asked.repeats),
    }
    for part in asked.only or _PARTS:
        for row in parts[part]():
            rows.append(row)
            print(f"{row.what}: {row.took_ms.p50:.2f} ms", flush=True)
        _tidy()
    print(table(rows), *verdicts(rows), sep="\n")
    settings = {**vars(asked), "device": device.name, "ceilings": asdict(ceilings)}
    figures = [asdict(row) for row in rows]
    report.write_json(report.OUT / "models.json", settings, {"rows": figures})
    spans = {row.what: (row.took_ms.p50, row.floor_ms, row.stock_ms) for row in rows}
    title = f"Steps on {device.name}, random weights"
    report.plot_spans(report.OUT / "models.png", spans, title=title)


if __name__ == "__main__":
    main()
