"""Options that several benchmarks take."""

import argparse
from pathlib import Path

from agent.endpoint import weights
from benchmarks.options import add_corpus, add_out, add_set


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    add_set(parser)
    return parser.parse_args(arguments).set


def test_settings_are_kept_in_order_and_of_each_run_anew() -> None:
    """Killed: a default that the next parser still holds."""
    assert parsed("--set", "a.b=1", "--set", "c.d=x=y") == ["a.b=1", "c.d=x=y"]
    assert parsed() == []


def test_what_it_is_for_may_be_said_otherwise() -> None:
    parser = argparse.ArgumentParser()
    add_set(parser, "of its own server")
    assert "--set KEY=VALUE" in parser.format_help()
    assert "of its own server" in parser.format_help()


def test_what_is_heard_may_be_kept_and_more_of_it_may_lie_in_a_folder() -> None:
    parser = argparse.ArgumentParser()
    add_corpus(parser)
    assert vars(parser.parse_args([])) == {"cache": None, "more": None}
    told = parser.parse_args(["--cache", "a.pkl", "--more", "speech"])
    assert (told.cache, told.more) == (Path("a.pkl"), Path("speech"))


def test_what_is_fitted_is_written_over_what_there_is_or_elsewhere() -> None:
    parser = argparse.ArgumentParser()
    add_out(parser, weights.FILE)
    assert parser.parse_args([]).out == weights.FILE
    assert parser.parse_args(["--out", "new.npz"]).out == Path("new.npz")
    assert "default: over agent/endpoint/weights.npz" in parser.format_help()
