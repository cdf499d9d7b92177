"""Whatever a check runs into is a finding, never a traceback."""

import pytest

from agent.doctor.check import FAIL, OK, Check, attempt, guarded
from agent.errors import ConfigError, EngineError


def test_a_probe_that_returns_is_fine():
    assert attempt("thing", lambda: "version 3") == Check("thing", OK, "version 3")


@pytest.mark.parametrize("error", [ConfigError, EngineError])
def test_what_the_server_would_refuse_fails_in_its_own_words(error):
    def probe() -> str:
        raise error("no such thing; install it")

    check = attempt("thing", probe)
    assert (check.status, check.found, check.remedy) == (FAIL, "no such thing", "install it")


def test_a_missing_package_is_no_traceback():
    def probe() -> str:
        import no_such_package  # noqa: F401

    check = attempt("thing", probe)
    assert (check.status, check.remedy) == (FAIL, "run: make setup")


def test_a_bug_is_a_finding_and_its_traceback_is_in_the_log(caplog):
    caplog.set_level("DEBUG")
    check = guarded("thing", lambda: Check("thing", OK, str(1 // 0)))
    assert check.status == FAIL
    assert "ZeroDivisionError" in check.found
    assert "report it" in check.remedy
    assert "Traceback" in caplog.text
