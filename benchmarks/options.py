"""What the benchmarks' command lines have in common."""

import argparse
from pathlib import Path


def add_set(
    parser: argparse.ArgumentParser, help: str = "any key of config.yaml; may be repeated"
) -> None:
    """Take `--set KEY=VALUE`, again and again, into the list `set`."""
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=help)


def add_corpus(parser: argparse.ArgumentParser) -> None:
    """Take what `observe_all` is told: `--cache FILE` and `--more DIR`."""
    parser.add_argument(
        "--cache", type=Path, metavar="FILE", help="keep what was heard in this file"
    )
    parser.add_argument(
        "--more", type=Path, metavar="DIR", help="a folder of more speech, with a turns.csv"
    )


def add_out(parser: argparse.ArgumentParser, file: Path) -> None:
    """Take `--out FILE`, where else than over `file` to write what is fitted."""
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        default=file,
        help=f"default: over {'/'.join(file.parts[-3:])}",
    )
