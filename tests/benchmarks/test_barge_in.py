"""The benchmark itself, on a server of its own; what it says of trials that are given."""

import asyncio

import numpy as np
import pytest

from agent.audio.frame import SPEAK_HZ
from agent.config import Config
from agent.engines import Style
from agent.media import upstream
from agent.voices.espeak import EspeakVoice
from benchmarks import barge_in, overlap, own_server
from benchmarks.barge_in import plot, text
from benchmarks.overlap import Trial
from benchmarks.overlap_corpus import Kind, Overlap, click

# A sound that a busy machine holds back is heard late, and no silence in its place.
PATIENTLY = ["receive.stall_ms=2000"]
TRIALS = [
    Trial(Kind.INTERRUPTION, "a", 60.0, 200.0, 900.0, cancelled=True),
    Trial(Kind.INTERRUPTION, "b", 80.0, None, None, cancelled=False, lost=7),
    Trial(Kind.SIGN, "mm", 60.0, 220.0, 500.0, cancelled=False, repeated=1, steepest=0.9),
]


def test_the_table_has_a_row_for_each_kind_that_was_tried() -> None:
    lines = text(TRIALS).splitlines()
    assert len(lines) == 4
    assert lines[2].split() == [
        *("interruption", "2", "60", "/", "80", "200", "/", "200", "1", "0", "1", "7", "0.00"),
    ]
    assert lines[3].split()[-6:] == ["220", "0", "1", "0", "1", "0.90"]


def test_it_is_drawn(tmp_path) -> None:
    plot({"scripted": TRIALS, "operator": TRIALS[:1]}, tmp_path / "b.png")
    assert (tmp_path / "b.png").stat().st_size > 1000


def test_an_overlap_is_tried_at_the_same_moment_whatever_else_is_tried(monkeypatch) -> None:
    """Killed: one row of random numbers for all, which a shorter list went through sooner."""
    spoken = [
        Overlap(kind, name, np.zeros(0, np.float32))
        for kind in (Kind.INTERRUPTION, Kind.SIGN)
        for name in ("a", "b")
    ]

    async def undisturbed(url):
        return [], np.zeros(0, np.float32)

    async def moment(url, overlap, after_s, undisturbed):
        return (overlap.kind, overlap.name), after_s

    monkeypatch.setattr(barge_in, "_undisturbed", undisturbed)
    monkeypatch.setattr(barge_in, "_try", moment)

    def moments(spoken, seed=1):
        return dict(asyncio.run(barge_in.measure("", spoken, lambda trial: None, seed)))

    every = moments(spoken)
    assert len(set(every.values())) == 4
    assert all(1.0 <= moment <= 3.0 for moment in every.values())
    assert moments(spoken[2:]) == {key: every[key] for key in list(every)[2:]}
    assert moments(spoken, seed=2) != every


def test_the_server_counts_in_the_voice_that_can_be_recognised() -> None:
    command = barge_in.server("operator", ["turns.barge_in_ms=300"])
    assert "operator" in command and "turns.barge_in_ms=300" in command
    assert any("CountingVoice" in each for each in command)
    greeting = [each for each in command if each.startswith("agent.greeting=")][-1]
    assert greeting.endswith(' 59 60"')


@pytest.mark.slow
def test_over_a_real_connection_a_click_and_a_sentence_are_told_apart(monkeypatch) -> None:
    """The figures are the benchmark's, which tries one after the other; here only that it sees
    what happens.
    """
    monkeypatch.setattr(barge_in, "_UNDISTURBED_S", 5.5)  # what is tried here is over by then
    monkeypatch.setattr(overlap, "STOP_S", 0.8)  # of a machine that tries both at once
    sentence = [
        each.samples
        for each in EspeakVoice().speak("I would like to know something else", Style("en-us"))
    ]
    spoken = [
        Overlap(Kind.SOUND, "click", click(np.random.default_rng(1))),
        Overlap(Kind.INTERRUPTION, "sentence", np.concatenate(sentence)[: 2 * SPEAK_HZ]),
    ]
    upstream.install(Config())

    async def main():
        async with own_server.running(barge_in.server("scripted", PATIENTLY)) as url:
            each = (barge_in.measure(url, [overlap], lambda trial: None) for overlap in spoken)
            return await asyncio.gather(*each)

    [clicked], [interrupted] = asyncio.run(main())
    assert (clicked.cancelled, clicked.lost, clicked.repeated) == (False, 0, 0)
    assert interrupted.cancelled
    assert interrupted.duck_ms < interrupted.silent_ms
