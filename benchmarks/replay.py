"""`voxline replay`: fly a recorded call again and say whether it decides as it did."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import agent.flight.entries as en
from agent.config_file import parse_override
from agent.engines import Speech
from agent.errors import ConfigError
from agent.flight.compare import Difference
from agent.flight.entries import Decision, Entry, decisions
from agent.flight.record import Flight, read, write
from benchmarks import destination, options

if TYPE_CHECKING:
    from agent.flight.replay import Outcome

_SHOWN = (en.Joined, en.Opened, en.Asked, en.Stepped, en.Told, en.Wanted, en.Ended, en.Full)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a flight record")
    options.add_set(
        parser, "with another value of a key of config.yaml, as in --set turns.eagerness=low"
    )
    parser.add_argument(
        "--speed",
        type=float,
        metavar="X",
        help="print what happens at X times the speed of the call; 1 is as it was",
    )
    parser.add_argument("--picture", type=Path, metavar="PNG", help="draw the timeline")
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FILE",
        help="write a record of what came then and what is done now",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def run(args: argparse.Namespace) -> int:
    """0: the same decisions; 1: others. Raises ConfigError for a file that cannot be used."""
    if args.speed is not None and not args.speed > 0:
        raise ConfigError(f"--speed {args.speed:g}: it must be above 0")
    destination.check("--picture", args.picture, ".png")
    destination.check("--save", args.save)
    flight = read(args.file)
    if flight.damage is not None:
        print(
            f"voxline: {args.file}: {flight.damage}; its first {lasts_s(flight):.3f} s are "
            "whole, and are replayed",
            file=sys.stderr,
        )
    from agent.flight.replay import replay  # and with it onnxruntime and aiortc

    outcome = replay(flight, dict(parse_override(text) for text in args.set))
    if args.speed is not None:
        play(outcome.replayed.entries, args.speed)
    if args.picture is not None:
        from benchmarks.flight_picture import draw

        draw(args.picture, outcome.replayed, title=f"{flight.header.name} {flight.header.when}")
    if args.save is not None:
        write(args.save, flight.header, outcome.replayed.entries)
    print(as_json(flight, outcome) if args.json else as_text(flight, outcome.difference))
    return 0 if outcome.difference.identical else 1


def lasts_s(flight: Flight) -> float:
    return max((entry.at for entry in flight.entries), default=0.0)


def as_text(flight: Flight, difference: Difference) -> str:
    header = flight.header
    about = (
        f"{header.name!r}, {lasts_s(flight):.1f} s, recorded {header.when!r} by Voxline "
        f"{header.voxline!r}"
    )
    if difference.identical:
        apart = f"at most {difference.most_s * 1000:.1f} ms apart"
        return f"{about}\nidentical: decisions {difference.count}, {apart}"
    at = min(each.at for each in (difference.recorded, difference.now) if each is not None)
    return (
        f"{about}\ndiffers at {at:.3f} s: recorded {_said(difference.recorded)}, "
        f"now {_said(difference.now)}"
    )


def as_json(flight: Flight, outcome: "Outcome") -> str:
    difference = outcome.difference
    content = {
        "name": flight.header.name,
        "when": flight.header.when,
        "voxline": flight.header.voxline,
        "lasts_s": lasts_s(flight),
        "damage": flight.damage,
        "identical": difference.identical,
        "most_apart_ms": difference.most_s * 1000,
        "first_difference": None
        if difference.identical
        else {"recorded": _plain(difference.recorded), "now": _plain(difference.now)},
        "recorded": [_plain(each) for each in decisions(flight.entries)],
        "now": [_plain(each) for each in decisions(outcome.replayed.entries)],
    }
    return json.dumps(content, indent=2)


def play(
    happened: Sequence[Entry], speed: float, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Print what happened, line by line, when it did."""
    at = 0.0
    for entry in happened:
        for line in _lines(entry):
            sleep(max(0.0, entry.at - at) / speed)
            at = max(at, entry.at)
            print(f"{entry.at:9.3f}  {line}", flush=True)


def _lines(entry: Entry) -> Iterator[str]:
    """What of an entry is worth a line; repr keeps a stranger's text from the terminal."""
    match entry:
        case en.Stepped(_, event, commands):
            yield f"{event!r}"
            yield from (f"  -> {command!r}" for command in commands)
        case en.Ticked(_, due, commands):
            yield f"deadline of {due:.3f}"
            yield from (f"  -> {command!r}" for command in commands)
        case en.Told(_, notice):
            yield f"     {notice!r}"
        case en.Wanted(_, number, verb, key):
            yield f"     {verb} {number} {key!r}"
        case en.Got(_, number, piece) if not isinstance(piece, Speech):
            yield f"     {number} brings {piece!r}"
        case _ if isinstance(entry, _SHOWN):
            yield type(entry).__name__


def _said(decision: Decision | None) -> str:
    return "nothing" if decision is None else f"{decision.command!r} at {decision.at:.3f} s"


def _plain(decision: Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    command = {"kind": type(decision.command).__name__, **asdict(decision.command)}
    return {"at_s": round(decision.at, 6), **command}
