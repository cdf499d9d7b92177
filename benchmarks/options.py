"""What the benchmarks' command lines have in common."""

import argparse


def add_set(
    parser: argparse.ArgumentParser, help: str = "any key of config.yaml; may be repeated"
) -> None:
    """Take `--set KEY=VALUE`, again and again, into the list `set`."""
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=help)
