"""`voxline bench latency`: what a caller waits for an answer, measured at the caller's socket.

Each turn is a call of its own: connect, keep silent for a moment, say a recording, keep
silent, note when the answer's first packet arrives. The definition: benchmarks/turn.py.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.config import Config
from agent.errors import ConfigError
from agent.media import upstream
from benchmarks import destination, latency_report, own_server, speech, synthetic
from benchmarks.caller import Caller, CallFailed, Loss, dial
from benchmarks.speech import Speech
from benchmarks.turn import Explanation, Outcome, Turn, explain, judge

_ENGINE = "scripted"  # of a server of our own
_LEAD_S = 1.0  # of quiet on both sides before we speak
_GREETING_S = 20.0
_EXPLAINED_S = 0.5  # the server's account of a turn leaves with its first packet


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    speeches: tuple[Speech, ...]
    repeat: int
    patience_s: float  # for an answer
    loss: Loss

    @property
    def turns(self) -> int:
        return len(self.speeches) * self.repeat


@dataclass(frozen=True, slots=True)
class Measured:
    turns: tuple[Turn, ...]
    silence_ms: float | None  # the wait that the server's session shows
    eagerness: str | None  # or how eagerly it judges
    broken: str = ""  # why there are no more turns, where there should be


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `voxline bench latency`."""
    server = parser.add_argument_group("server (its own one, or another with --url)")
    server.add_argument("--url", help="measure this server, as in http://127.0.0.1:8080")
    server.add_argument("--engine", help=f"of its own server (default: {_ENGINE}, cost-free)")
    server.add_argument("--config", metavar="FILE", help="config.yaml of its own server")
    server.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any key of config.yaml for its own server; may be repeated",
    )
    spoken = parser.add_argument_group("what is said")
    spoken.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help=(
            "say every .flac and .wav file in it: each is one turn, as one person says it to "
            "its end (default: the nine that benchmarks/RESULTS.md is about, which do not "
            "come with Voxline, if $VOXLINE_RECORDINGS names their folder; without them "
            "nine sentences said by espeak-ng)"
        ),
    )
    spoken.add_argument(
        "--only",
        default="",
        metavar="PATTERNS",
        help="names of recordings to say, as in 'lj-*,austen-*,goforward'",
    )
    spoken.add_argument(
        "--repeat", type=int, default=1, metavar="N", help="say each so often (default: 1)"
    )
    spoken.add_argument(
        "--patience",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="a turn without an answer by then is unanswered (default: 10)",
    )
    network = parser.add_argument_group("network")
    network.add_argument(
        "--loss",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="lose this share of the RTP packets at random, as in 0.05",
    )
    network.add_argument(
        "--loss-way", choices=["both", "up", "down"], default="both", help="default: both"
    )
    network.add_argument("--seed", type=int, default=1, help="of the losses (default: 1)")
    result = parser.add_argument_group("result")
    result.add_argument(
        "--json", metavar="FILE", help="write every turn; - prints nothing else"
    )
    result.add_argument("--plot", type=Path, metavar="FILE", help="draw every turn, as PNG")


def run(args: argparse.Namespace) -> int:
    """Measure and report; 0, or 1 when no turn was answered."""
    quiet = args.json == "-"
    written = destination.json_file(args.json)
    destination.check("--plot", args.plot, ".png")
    _check(args)
    made_by = synthetic.MAKER if _has_no_recordings(args) else None
    plan = Plan(
        _speeches(args, made_by),
        args.repeat,
        args.patience,
        Loss(
            up=args.loss if args.loss_way != "down" else 0.0,
            down=args.loss if args.loss_way != "up" else 0.0,
            seed=args.seed,
        ),
    )
    config = Config()
    upstream.check()
    upstream.install(config)
    progress = latency_report.Progress(plan.turns, sys.stderr if quiet else sys.stdout)
    try:
        # not uvloop, whose clock stands still within a round and counts whole milliseconds
        measured = asyncio.run(_measure_all(args, plan, progress.note))
    except (CallFailed, own_server.ServerFailed) as error:
        print(f"voxline: {own_server.explained(error)}", file=sys.stderr)
        return 1
    settings = _settings(args, plan)
    if measured.broken:
        count = f"only {len(measured.turns)} of {plan.turns} turns were taken"
        print(f"voxline: {count}: {measured.broken}", file=sys.stderr)
    report = latency_report.Report(
        measured.turns, measured.silence_ms, settings, measured.eagerness, made_by
    )
    if not quiet:
        print(report.text())
    if args.json is not None:
        report.write_json(written)
    if args.plot is not None and report.answered:
        report.plot(args.plot)
    return 0 if report.answered and not measured.broken else 1


def _has_no_recordings(args: argparse.Namespace) -> bool:
    """Neither named any, nor has those that are taken otherwise."""
    named = args.recordings is not None or "VOXLINE_RECORDINGS" in os.environ
    return not named and not speech.complete_turns()


def _speeches(args: argparse.Namespace, made_by: str | None) -> tuple[Speech, ...]:
    if made_by is not None:
        return synthetic.turns(args.only)
    return tuple(speech.load(path) for path in speech.choose(args.recordings, args.only))


def _check(args: argparse.Namespace) -> None:
    own = {"--engine": args.engine, "--config": args.config, "--set": args.set}
    for option, value in own.items():
        if args.url is not None and value:
            raise ConfigError(
                f"{option}: is for a server of its own, and --url measures another as it is; "
                "leave one of them out"
            )
    if args.url is None:
        own_server.check(args.engine or _ENGINE, args.set, args.config)
    if not 0 <= args.loss < 1:
        raise ConfigError(f"--loss {args.loss:g}: must be a share, from 0 to less than 1")
    if args.repeat < 1:
        raise ConfigError(f"--repeat {args.repeat}: must be 1 or more")
    if not args.patience > 0:
        raise ConfigError(f"--patience {args.patience:g}: must be more than 0 seconds")


async def _measure_all(
    args: argparse.Namespace, plan: Plan, note: Callable[[Turn], None]
) -> Measured:
    if args.url is not None:
        return await measure(args.url, plan, note)
    command = own_server.command(args.engine or _ENGINE, args.set, args.config)
    with tempfile.TemporaryFile() as log:
        async with own_server.running(command, log=log) as url:
            measured = await measure(url, plan, note)
        missing = (Outcome.UNANSWERED, Outcome.LOST)
        if measured.broken or any(turn.outcome in missing for turn in measured.turns):
            told = "not every turn was answered; the end of the server's log"
            print(f"voxline: {told}:\n{own_server.tail(log)}", file=sys.stderr)
    return measured


async def measure(url: str, plan: Plan, note: Callable[[Turn], None]) -> Measured:
    """Take all turns, one after the other, as far as calls can be placed.

    Raises CallFailed when the first cannot.
    """
    turns: list[Turn] = []
    silence_ms: float | None = None
    eagerness: str | None = None
    for spoken in plan.speeches * plan.repeat:
        loss = replace(plan.loss, seed=plan.loss.seed + len(turns))
        try:
            async with dial(url, loss=loss) as call:
                turn = await _take_turn(call, spoken, plan.patience_s)
                silence_ms = silence_ms or _silence_ms(call.events)
                eagerness = eagerness or _eagerness(call.events)
        except CallFailed as error:
            if not turns:
                raise
            return Measured(tuple(turns), silence_ms, eagerness, str(error))
        turns.append(turn)
        note(turn)
    return Measured(tuple(turns), silence_ms, eagerness)


async def _take_turn(call: Caller, spoken: Speech, patience_s: float) -> Turn:
    await call.quiet(_LEAD_S, _GREETING_S)
    try:
        utterance = await call.say(spoken.samples)
    except CallFailed:
        return Turn(spoken.name, Outcome.LOST, call.connect_ms)
    ended_s = utterance.handed_s(spoken.last)
    heard = call.heard
    await call.until(lambda: heard.speech_from(ended_s) is not None, patience_s)
    await call.until(lambda: _explained(call, ended_s) is not None, _EXPLAINED_S)
    outcome, latency_ms, cut_in_ms = judge(heard.speech_s, utterance.began_s, ended_s)
    if outcome is Outcome.UNANSWERED and call.ended is not None:
        outcome = Outcome.LOST
    return Turn(
        spoken.name,
        outcome,
        call.connect_ms,
        latency_ms,
        cut_in_ms,
        _explained(call, ended_s),
        call.worst_late_ms,
    )


def _explained(call: Caller, ended_s: float) -> Explanation | None:
    for event in call.events:
        if event.type == "voxline.turn.latency" and event.at_s >= ended_s:
            return explain(event.body)
    return None


def _silence_ms(events: Any) -> float | None:
    """Return how long the server waits for more, as its session says."""
    silence_ms = _detection(events).get("silence_duration_ms")
    return float(silence_ms) if isinstance(silence_ms, int | float) else None


def _eagerness(events: Any) -> str | None:
    """Return how eager a server is that judges each pause, as its session says."""
    eagerness = _detection(events).get("eagerness")
    return eagerness if isinstance(eagerness, str) else None


def _detection(events: Any) -> dict[str, Any]:
    for event in events:
        if event.type == "session.created":
            with contextlib.suppress(KeyError, TypeError):
                return dict(event.body["session"]["audio"]["input"]["turn_detection"])
    return {}


def _settings(args: argparse.Namespace, plan: Plan) -> dict[str, Any]:
    return {
        "url": args.url,
        "engine": None if args.url else args.engine or _ENGINE,
        "set": args.set,
        "recordings": [each.name for each in plan.speeches],
        "repeat": plan.repeat,
        "patience_s": plan.patience_s,
        "loss_up": plan.loss.up,
        "loss_down": plan.loss.down,
        "seed": plan.loss.seed,
    }
