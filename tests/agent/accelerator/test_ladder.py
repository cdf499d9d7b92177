"""The ladder: whatever an optimisation does, something right runs in the end."""

import logging
import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agent.accelerator import taken
from agent.accelerator.ladder import (
    COMPILE_MODE,
    COMPILE_OPTIONS,
    COMPILED_GRAPHS,
    EAGER,
    GRAPHS,
    Rung,
    climb,
    compiled,
    rung_names,
)
from agent.config import Torch


def good() -> str:
    return "right"


def wrong() -> str:
    return "wrong"


def broken() -> str:
    raise RuntimeError("cannot capture\nwith a long tail")


def differs(run: str) -> str:
    return "" if run == "right" else "another token"


LAST = Rung(EAGER, good)


def test_the_first_rung_that_is_right_wins_and_no_other_is_built() -> None:
    built = []
    rungs = [Rung(name, lambda name=name: built.append(name) or "right") for name in "abc"]
    chosen = climb("the step", rungs, differs)
    assert (chosen.what, chosen.rung, chosen.run) == ("the step", "a", "right")
    assert built == ["a"]
    assert chosen.passed == ()


def test_what_was_taken_is_noted_for_whoever_asks(monkeypatch) -> None:
    monkeypatch.setattr(taken, "_TAKEN", {})
    climb("the step", [Rung("a", broken), LAST], differs)
    assert taken.ways() == (("the step", EAGER, "; not a: RuntimeError: cannot capture"),)


def test_what_raises_or_errs_is_passed_over_with_its_reason() -> None:
    chosen = climb("x", [Rung("a", broken), Rung("b", wrong), LAST], differs)
    assert chosen.rung == EAGER
    assert [(p.rung, p.reason) for p in chosen.passed] == [
        ("a", "RuntimeError: cannot capture"),
        ("b", "another token"),
    ]


def test_an_exception_in_the_comparison_counts_against_the_candidate() -> None:
    def fails(run: str) -> str:
        raise ValueError(f"{run} has another shape")

    chosen = climb("x", [Rung("a", good), LAST], fails)
    assert chosen.rung == EAGER
    assert chosen.passed[0].reason == "ValueError: right has another shape"


def test_what_takes_too_long_is_left_behind() -> None:
    release = threading.Event()

    def slow() -> str:
        release.wait()
        return "right"

    chosen = climb("x", [Rung("a", slow), LAST], differs, timeout_s=0.05)
    release.set()
    assert chosen.rung == EAGER
    assert chosen.passed[0].reason == "not ready after 0.05 s"


def test_what_was_left_behind_is_not_compared_when_it_comes_after_all() -> None:
    """It would overwrite what is in use by then."""
    release, built, compared = threading.Event(), threading.Event(), []

    class Late(str):
        def __del__(self) -> None:
            built.set()

    def slow() -> str:
        release.wait()
        return Late("right")

    def notes(run: str) -> str:
        compared.append(run)
        return ""

    climb("x", [Rung("a", slow), LAST], notes, timeout_s=0.05)
    release.set()
    assert built.wait(20), "it was let go of"
    assert compared == []


def test_a_comparison_that_has_begun_may_end() -> None:
    begun, over = threading.Event(), threading.Event()

    def compares(run: str) -> str:
        begun.set()
        over.wait(1.2)  # longer than the ladder has patience for
        return ""

    assert climb("x", [Rung("a", good), LAST], compares, timeout_s=1.0).rung == "a"
    assert begun.is_set()


def test_who_had_too_little_memory_is_known() -> None:
    def starved() -> str:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    chosen = climb("x", [Rung("a", starved), Rung("b", broken), LAST], differs)
    assert [(p.rung, p.starved) for p in chosen.passed] == [("a", True), ("b", False)]


def test_the_slow_twin_is_not_compared_and_its_failure_is_real() -> None:
    assert climb("x", [Rung(EAGER, wrong)], differs).run == "wrong"
    with pytest.raises(RuntimeError, match="cannot capture"):
        climb("x", [Rung(EAGER, broken)], differs)


def test_no_rung_computes_gradients() -> None:
    seen = []
    climb(
        "x", [Rung("a", lambda: seen.append(torch.is_grad_enabled()) or "right")] * 2, differs
    )
    assert seen == [False]


def test_the_choice_is_logged_once(caplog) -> None:
    with caplog.at_level(logging.INFO, logger="agent.accelerator.ladder"):
        chosen = climb("decode", [Rung("a", broken), LAST], differs)
    assert [record.getMessage() for record in caplog.records] == [str(chosen)]
    assert str(chosen).startswith("decode: eager after 0.")
    assert str(chosen).endswith("; not a: RuntimeError: cannot capture")


@given(st.lists(st.sampled_from([good, wrong, broken]), max_size=5))
def test_start_up_never_fails_and_never_chooses_what_is_wrong(builds) -> None:
    chosen = climb("x", [*(Rung(str(i), b) for i, b in enumerate(builds)), LAST], differs)
    assert chosen.run == "right"
    before = builds.index(good) if good in builds else len(builds)
    assert len(chosen.passed) == before


@pytest.mark.parametrize(
    ("config", "cuda", "cpu"),
    [
        (Torch(), (GRAPHS, COMPILE_MODE, COMPILE_OPTIONS, EAGER), (EAGER,)),
        (Torch(graphs=False), (COMPILE_MODE, COMPILE_OPTIONS, EAGER), (EAGER,)),
        (Torch(compile=""), (GRAPHS, EAGER), (EAGER,)),
        (
            Torch(compile="mode"),
            (COMPILED_GRAPHS, GRAPHS, COMPILE_MODE, EAGER),
            (COMPILE_MODE, EAGER),
        ),
        (
            Torch(graphs=False, compile="options"),
            (COMPILE_OPTIONS, EAGER),
            (COMPILE_OPTIONS, EAGER),
        ),
    ],
)
def test_the_config_says_which_rungs_there_are(config, cuda, cpu) -> None:
    assert rung_names(config, is_cuda=True) == cuda
    assert rung_names(config, is_cuda=False) == cpu


def test_mode_and_options_are_never_given_together(monkeypatch) -> None:
    given = []
    monkeypatch.setattr(torch, "compile", lambda run, **kw: given.append(kw) or run)
    for rung in (COMPILE_MODE, COMPILE_OPTIONS):
        compiled(good, rung)
    assert [("mode" in kw, "options" in kw) for kw in given] == [(True, False), (False, True)]
    assert all(kw["fullgraph"] and not kw["dynamic"] for kw in given)


def test_what_was_compiled_in_one_thread_takes_new_shapes_in_another(monkeypatch) -> None:
    """torch gives up after 8 of them, and its own setting of that is one of each thread."""
    shapes, done = [], []

    def backend(module, inputs):
        shapes.append(inputs)
        return module.forward

    compile_ = torch.compile
    monkeypatch.setattr(
        torch,
        "compile",
        lambda run, *, options, **how: compile_(run, backend=backend, **how),
    )
    double = compiled(lambda x: x * 2, COMPILE_OPTIONS)

    def work() -> None:
        done.extend(float(double(torch.ones(size)).sum()) for size in range(2, 14))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [2.0 * size for size in range(2, 14)]
    assert len(shapes) == 12


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # inductor's own, about its own libraries
@pytest.mark.parametrize("rung", [COMPILE_MODE, COMPILE_OPTIONS])
def test_a_small_function_compiles_for_real(rung) -> None:
    def slow(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.silu(x) * 2 + x.roll(1)

    def differs_from_slow(run) -> str:
        x = torch.randn(16)
        return "" if torch.allclose(run(x), slow(x)) else "another value"

    rungs = [Rung(rung, lambda: compiled(slow, rung)), Rung(EAGER, lambda: slow)]
    chosen = climb("a small function", rungs, differs_from_slow)
    assert chosen.rung == rung, chosen.passed
