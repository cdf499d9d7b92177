"""`voxline bench turns`: play dialogues to the agent, and compare what came of them.

In virtual time by default, which takes seconds; over real peer connections with --live.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from agent.config import Limits
from agent.config_file import found, parse_override
from agent.errors import ConfigError
from benchmarks import destination, options, own_server
from benchmarks.caller import CallFailed
from benchmarks.dialogue.account import Account
from benchmarks.dialogue.report import Result, line, table, write_json
from benchmarks.dialogue.scenario import FOLDER, Scenario, read
from benchmarks.dialogue.world import Part, Settings, World
from benchmarks.speech import matching

_SEATS = Limits().calls  # what a server takes, unless it is told otherwise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `voxline bench turns`."""
    world = parser.add_mutually_exclusive_group()
    world.add_argument(
        "--virtual",
        action="store_true",
        help=(
            "in virtual time, without a network and without Smart Turn: two minutes take "
            "seconds (default)"
        ),
    )
    world.add_argument(
        "--live", action="store_true", help="over peer connections, in real time"
    )
    parser.add_argument(
        "--at-once", type=int, default=4, metavar="N", help="live calls at once (default: 4)"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="PATTERNS",
        help="names of dialogues to play, as in 'interrupt-*,pause'",
    )
    parser.add_argument(
        "--dialogues",
        type=Path,
        default=FOLDER,
        metavar="DIR",
        help=(
            "a folder of .yaml files (default: the project's own, of which those that play "
            "a recording are skipped unless $VOXLINE_RECORDINGS names its folder)"
        ),
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="of the agent (default: config.yaml here, if there is one)",
    )
    options.add_set(
        parser, "any key of config.yaml, for all dialogues, even those that set it; repeatable"
    )
    parser.add_argument(
        "--json", metavar="FILE", help="write every result; - prints nothing else"
    )


def run(args: argparse.Namespace) -> int:
    """Play and report; 0, or 1 when something expected does not hold or nothing was played."""
    if not 1 <= args.at_once <= _SEATS:
        raise ConfigError(f"--at-once {args.at_once}: must be between 1 and {_SEATS}")
    settings = Settings(found(args.config), dict(parse_override(text) for text in args.set))
    scenarios = choose(args.dialogues, args.only)
    quiet = args.json == "-"
    written = destination.json_file(args.json)

    noted: list[Result] = []

    def note(result: Result) -> None:
        noted.append(result)
        print(line(result), file=sys.stderr if quiet else sys.stdout, flush=True)

    broken = False
    try:
        results = play(scenarios, _world(args), settings, note)
    except (CallFailed, own_server.ServerFailed) as error:
        print(f"voxline: {own_server.explained(error)}", file=sys.stderr)
        results, broken = noted, True
    if not quiet and results:
        print(f"\n{table(results)}")
    if args.json is not None:
        write_json(results, written)
    played = [result for result in results if not result.skipped]
    return 0 if played and not broken and all(result.is_good for result in played) else 1


def choose(folder: Path, patterns: list[str]) -> dict[str, Scenario]:
    """Read the scenarios of a folder whose names match; all without a pattern.

    Raises ConfigError where there are none, or one is not as it must be.
    """
    if not folder.is_dir():
        raise ConfigError(f"--dialogues {folder}: there is no such folder")
    paths = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if not paths:
        raise ConfigError(f"--dialogues {folder}: no .yaml file in it")
    return {name: read(paths[name]) for name in matching(list(paths), ",".join(patterns))}


def play(
    scenarios: Mapping[str, Scenario],
    world: World,
    settings: Settings,
    note: Callable[[Result], None],
) -> list[Result]:
    """Play what can be played; the results, in the order of the scenarios."""
    from benchmarks.dialogue.sound import missing, render  # not for --help: it loads espeak-ng

    results: dict[str, Result] = {}
    parts: list[Part] = []

    def done(part: Part, account: Account) -> None:
        results[part.name] = Result.of(world.name, part, account)
        note(results[part.name])

    for name, scenario in scenarios.items():
        if absent := missing(scenario):
            results[name] = Result.without(world.name, name, scenario, absent)
            note(results[name])
            continue
        try:
            parts.append(Part(name, scenario, render(scenario)))
        except ConfigError as error:
            raise ConfigError(f"{name}.yaml: {error}") from None
    world.play(parts, settings, done)
    return [results[name] for name in scenarios]


def _world(args: argparse.Namespace) -> World:
    if args.live:
        from benchmarks.dialogue.live import LiveWorld

        return LiveWorld(args.at_once)
    from benchmarks.dialogue.virtual import VirtualWorld

    return VirtualWorld()
