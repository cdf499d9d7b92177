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

from agent.config import Torch

log = logging.getLogger(__name__)

T = TypeVar("T")

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


@dataclass(frozen=True, slots=True)
class Chosen(Generic[T]):
    """What runs, and why nothing better."""

    what: str
    rung: str
    run: T
    took_s: float
    passed: tuple[Passed, ...] = ()

    def __str__(self) -> str:
        why = "".join(f"; not {p.rung}: {p.reason}" for p in self.passed)
        return f"{self.what}: {self.rung} after {self.took_s:.1f} s{why}"


def climb(
    what: str,
    rungs: Sequence[Rung[T]],
    differs: Callable[[T], str],
    timeout_s: float = 300.0,
) -> Chosen[T]:
    """Try `rungs` from the first, the last being the slow twin; log the choice once.

    `differs` runs a candidate and its slow twin on fresh random inputs, and says how they
    differ, or "". It and `build` run in a thread of their own for `timeout_s` at most; one that
    is overdue is left behind. Only the last rung may raise.
    """
    began = time.monotonic()
    passed: list[Passed] = []
    for rung in rungs[:-1]:
        found, reason = _try(rung, differs, timeout_s)
        if found:
            return _done(Chosen(what, rung.name, found[0], _since(began), tuple(passed)))
        passed.append(Passed(rung.name, reason))
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
    torch._dynamo.config.recompile_limit = _SHAPES
    if rung == COMPILE_MODE:
        return torch.compile(run, fullgraph=True, dynamic=False, mode=_MODE)
    return torch.compile(run, fullgraph=True, dynamic=False, options=_OPTIONS)


def _try(rung: Rung[T], differs: Callable[[T], str], timeout_s: float) -> tuple[list[T], str]:
    found: list[T] = []
    reasons: list[str] = []

    def attempt() -> None:
        try:
            with torch.no_grad():
                candidate = rung.build()
                reason = differs(candidate)
        except Exception as error:  # of whatever kind: it is only an optimisation
            log.debug("%s failed", rung.name, exc_info=True)
            first = (str(error).strip() or "no message").splitlines()[0]
            reasons.append(f"{type(error).__name__}: {first[:200]}")
        else:
            reasons.append(reason)
            if not reason:
                found.append(candidate)

    thread = threading.Thread(target=attempt, name=f"try {rung.name}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        return [], f"not ready after {timeout_s:g} s"
    return found, reasons[0]


def _since(began: float) -> float:
    return time.monotonic() - began


def _done(chosen: Chosen[T]) -> Chosen[T]:
    log.info("%s", chosen)
    return chosen
