"""The command line."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from agent.config import Config
from agent.config_file import found, load, parse_override
from agent.errors import ConfigError, EngineError


class _Parser(argparse.ArgumentParser):
    """Refuses what it does not know: else the topmost does, and shows the usage of all."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown


def main(arguments: list[str] | None = None) -> int:
    """Run `voxline`; return its exit status: 0 fine, 1 failed, 2 an operator's mistake."""
    try:
        args = _parser().parse_args(arguments)
        status: int = args.run(args)
    except ConfigError as error:
        print(f"voxline: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except EngineError as error:  # at the start: later ones belong to a call
        print(f"voxline: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read what we print has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to flush
        return 141
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="voxline",
        description="A voice agent you talk to over WebRTC, as you would on the telephone.",
    )
    from agent.flight.header import own_version

    parser.add_argument("--version", action="version", version=f"voxline {own_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser(
        "serve",
        help="answer calls",
        description="Answer calls until Ctrl-C. Open the address it prints in a browser.",
    )
    _add_config_arguments(serve)
    serve.set_defaults(run=_serve)

    doctor = commands.add_parser(
        "doctor",
        help="check whether this machine can serve, and say what to do if not",
        description="Check packages, models, ports and addresses; exit status 1 if one fails.",
    )
    _add_config_arguments(doctor)
    doctor.add_argument("--json", action="store_true", help="print JSON for scripts")
    doctor.set_defaults(run=_doctor)

    from benchmarks import call, latency, monitor, turns

    dial = commands.add_parser(
        "call",
        help="call a server from the terminal: say a file, save what is answered",
        description="Call a server, say a sound file, print the answer, save what was heard.",
    )
    call.add_arguments(dial)
    dial.set_defaults(run=call.run)

    look = commands.add_parser(
        "monitor",
        help="watch a running server's turns against its targets",
        description=(
            "Show the stages of the turns that a server answers, as they happen, beside the "
            "targets of its config.yaml, and what went wrong meanwhile. It places no calls: "
            "talk to it, or let `voxline bench latency --url URL` do so. Exit status 1 if a "
            "target was missed or there was no turn."
        ),
    )
    monitor.add_arguments(look)
    look.set_defaults(run=monitor.run)

    again = commands.add_parser(
        "replay",
        help="fly a recorded call again, and see whether it decides as it did",
        description=(
            "Give a flight record (config.yaml, section record) to the same ears and turns "
            "again, as fast as they can. Exit status: 0 the same decisions at the same times, "
            "1 others (the first is printed), 2 the file cannot be used."
        ),
    )
    _add_replay(again)

    bench = commands.add_parser(
        "bench",
        help="measure",
        description="Benchmarks of what a caller hears.",
    )
    kinds = bench.add_subparsers(required=True, metavar="WHAT")
    answer = kinds.add_parser(
        "latency",
        help="from the caller's last speech sample to the first packet of the answer",
        description=(
            "Call with recorded speech and measure, at the caller's socket, from the last "
            "speech sample sent to the first packet of the answer; and how often the agent "
            "cut in. Starts a server of its own unless --url is given."
        ),
    )
    latency.add_arguments(answer)
    answer.set_defaults(run=latency.run)
    dialogues = kinds.add_parser(
        "turns",
        help="whose turn it is, in dialogues with pauses, interruptions and noise",
        description=(
            "Play dialogues (benchmarks/dialogues/*.yaml) to the agent and compare what came "
            "of each with what it expects: see at once what a threshold does to a "
            "conversation, as in --set turns.end_of_turn_ms=250. Exit status 1 if an "
            "expectation fails."
        ),
    )
    turns.add_arguments(dialogues)
    dialogues.set_defaults(run=turns.run)
    return parser


def _add_replay(parser: argparse.ArgumentParser) -> None:
    from benchmarks import replay

    replay.add_arguments(parser)
    parser.set_defaults(run=replay.run)


def _add_config_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="YAML file (default: config.yaml here, if there is one)",
    )
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 for all")
    parser.add_argument("--port", type=int, help="TCP port; 0 for any free one")
    parser.add_argument("--engine", help="auto | voxtral | vllm | operator | scripted")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any key of config.yaml, as in --set turns.end_of_turn_ms=300; may be repeated",
    )


def _config(args: argparse.Namespace) -> Config:
    named = {"server.host": args.host, "server.port": args.port, "agent.engine": args.engine}
    overrides: dict[str, Any] = {k: v for k, v in named.items() if v is not None}
    overrides.update(parse_override(text) for text in args.set)
    return load(found(args.config), overrides)


def _serve(args: argparse.Namespace) -> int:
    config = _config(args)
    from agent.serve import serve

    return serve(config)


def _doctor(args: argparse.Namespace) -> int:
    from agent.doctor.report import doctor

    return doctor(_config(args), as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
