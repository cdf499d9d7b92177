"""One finding of the doctor's, and the edge at which whatever goes wrong becomes one."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from agent.errors import ConfigError, EngineError

OK, WARN, FAIL = "ok", "warn", "fail"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """`remedy` says what to do; empty where nothing is to be done."""

    name: str
    status: str
    found: str
    remedy: str = ""


def attempt(name: str, probe: Callable[[], str]) -> Check:
    """Do what the server will do; what it would refuse is a failure here, in its own words."""
    return guarded(name, lambda: Check(name, OK, probe()))


def guarded(name: str, examine: Callable[[], Check]) -> Check:
    """A check that breaks down is a finding, too: the others must still be made."""
    try:
        return examine()
    except ImportError as error:
        return Check(name, FAIL, str(error), "run: make setup")
    except (ConfigError, EngineError) as error:
        found, _, remedy = str(error).partition("; ")
        return Check(name, FAIL, found, remedy)
    except Exception as error:
        log.debug("the check %r failed", name, exc_info=True)
        return Check(name, FAIL, f"{type(error).__name__}: {error}", "this is a bug; report it")
