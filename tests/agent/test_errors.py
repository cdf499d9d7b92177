"""Three errors, by whose fault it is."""

import shlex
import sys

from agent.errors import ConfigError, EngineError, RejectedOffer, first_line, installs


def test_a_rejection_carries_what_a_client_is_told() -> None:
    error = RejectedOffer("no_audio", "the offer has no audio", param="sdp")
    assert (error.code, error.status, error.param) == ("no_audio", 400, "sdp")
    assert str(error) == error.message == "the offer has no audio"


def test_the_three_are_not_each_other() -> None:
    kinds = (ConfigError, EngineError, RejectedOffer)
    assert not any(issubclass(a, b) for a in kinds for b in kinds if a is not b)


def test_of_a_foreign_error_one_line_is_told_or_its_kind() -> None:
    assert first_line(OSError(" no route\nto host")) == "no route"
    assert first_line(KeyError()) == "KeyError"


def test_an_extra_is_installed_where_it_is_missing() -> None:
    """Killed: a bare `pip`, which after `make serve` is another Python's."""
    assert shlex.split(installs("voxtral")) == [
        sys.executable,
        *"-m pip install .[voxtral]".split(),
    ]
