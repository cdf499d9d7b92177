"""Start-up never fails on an optimisation: of several ways to run, the first that is right.

A rung that raises, takes too long or computes something else is passed over. The last rung is
the slow twin; it is trusted, because the others are judged by it.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch

from agent.accelerator import taken
from agent.config import Torch
from agent.errors import first_line

log = logging.getLogger(__name__)

T = TypeVar("T")

FUSED_GRAPHS = "CUDA graphs of fused kernels"
COMPILED_GRAPHS = "CUDA graphs of torch.compile"
GRAPHS = "CUDA graphs"
COMPILE_MODE = "torch.compile with a mode"
COMPILE_OPTIONS = "torch.compile with options"
EAGER = "eager"

# torch.compile refuses both at once. Inductor's own graphs stay off in both: they belong to the
# thread that first ran them, and capture.py does that work.
_MODE = "max-autotune-no-cudagraphs"
_SHAPES = 64  # of one function; torch gives up after 8
_OPTIONS: dict[str, str | int | bool | Callable[..., Any]] = {
    "triton.cudagraphs": False,
    "epilogue_fusion": True,
}


@dataclass(frozen=True, slots=True)
class Rung(Generic[T]):
    """One way to run. `build` may take long and may fail; it warms up what it returns."""

    name: str
    build: Callable[[], T]


@dataclass(frozen=True, slots=True)
class Passed:
    """A rung that was tried, and what was wrong with it."""

    rung: str
    reason: str
    starved: bool = False  # of memory: with more of it, it might have been right


@dataclass(frozen=True, slots=True)
class Chosen(Generic[T]):
    """What runs, and why nothing better."""

    what: str
    rung: str
    run: T
    took_s: float
    passed: tuple[Passed, ...] = ()

    @property
    def why(self) -> str:
        return "".join(f"; not {p.rung}: {p.reason}" for p in self.passed)

    def __str__(self) -> str:
        return f"{self.what}: {self.rung} after {self.took_s:.1f} s{self.why}"


def climb(
    what: str,
    rungs: Sequence[Rung[T]],
    differs: Callable[[T], str],
    timeout_s: float = 300.0,
) -> Chosen[T]:
    """Try `rungs` from the first, the last being the slow twin; log the choice once.

    `differs` runs a candidate and its slow twin on fresh random inputs, and says how they
    differ, or "". It and `build` run in a thread of their own for `timeout_s` at most; a build
    that is overdue is left behind, and must not touch what the next ones use. Only the last
    rung may raise.
    """
    began = time.monotonic()
    passed: list[Passed] = []
    for rung in rungs[:-1]:
        found = _try(rung, differs, timeout_s)
        if not isinstance(found, Passed):
            (run,) = found
            return _done(Chosen(what, rung.name, run, _since(began), tuple(passed)))
        passed.append(found)
    run = rungs[-1].build()
    return _done(Chosen(what, rungs[-1].name, run, _since(began), tuple(passed)))


def rung_names(config: Torch, *, is_cuda: bool) -> tuple[str, ...]:
    """Which rungs `config` allows on this device, best first; eager is always the last."""
    names = [GRAPHS] if config.graphs and is_cuda else []
    if names and config.compile in ("mode", "options"):
        names.insert(0, COMPILED_GRAPHS)
    if config.compile == "mode" or (config.compile == "auto" and is_cuda):
        names.append(COMPILE_MODE)
    if config.compile == "options" or (config.compile == "auto" and is_cuda):
        names.append(COMPILE_OPTIONS)
    return (*names, EAGER)


def compiled(run: Callable[..., Any], rung: str) -> Callable[..., Any]:
    """`run` compiled as the rung says, anew for each shape it is given; no graph breaks."""
    how: dict[str, Any] = {"mode": _MODE} if rung == COMPILE_MODE else {"options": _OPTIONS}
    # the limit goes with the function: torch's own setting of it is one of each thread
    how |= {"fullgraph": True, "dynamic": False, "recompile_limit": _SHAPES}
    compile_: Any = torch.compile  # whose annotations do not have them all
    return compile_(run, **how)  # type: ignore[no-any-return]


def _try(rung: Rung[T], differs: Callable[[T], str], timeout_s: float) -> tuple[T] | Passed:
    found: list[tuple[T] | Passed] = []
    claim = threading.Lock()  # taken once: to compare what was built, or to give it up

    def attempt() -> None:
        try:
            with torch.no_grad():
                candidate = rung.build()
                if not claim.acquire(blocking=False):  # what it would be compared on is in use
                    return
                reason = differs(candidate)
        except Exception as error:  # of whatever kind: it is only an optimisation
            log.debug("%s failed", rung.name, exc_info=True)
            reason = f"{type(error).__name__}: {first_line(error)[:200]}"
            found.append(Passed(rung.name, reason, isinstance(error, torch.OutOfMemoryError)))
        else:
            found.append(Passed(rung.name, reason) if reason else (candidate,))

    thread = threading.Thread(target=attempt, name=f"try {rung.name}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive() and not claim.acquire(blocking=False):
        thread.join(timeout_s)
    if thread.is_alive():
        return Passed(rung.name, f"not ready after {timeout_s:g} s")
    return found[0]


def _since(began: float) -> float:
    return time.monotonic() - began


def _done(chosen: Chosen[T]) -> Chosen[T]:
    log.info("%s", chosen)
    taken.note(chosen.what, chosen.rung, chosen.why)
    return chosen
