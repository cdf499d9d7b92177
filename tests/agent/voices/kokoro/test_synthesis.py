# ruff: noqa: RUF001 - phonemes are letters that look like others
"""Rows of several calls become audio, in any batch the same."""

from dataclasses import replace

import numpy as np
import pytest
import tiny_kokoro
import torch

from agent.accelerator import ladder
from agent.accelerator.device import accelerator
from agent.config import Torch
from agent.voices.kokoro import synthesis
from agent.voices.kokoro.buckets import CPU, Buckets
from agent.voices.kokoro.model import FRAME_SAMPLES, Stages
from agent.voices.kokoro.synthesis import Job, Synthesis

SMALL = Buckets(rows=(1, 2, 4), tokens=(8, 16), frames=(24, 48), most=96)
SETTINGS = Torch(device="cpu")
DEVICE = accelerator(SETTINGS)


@pytest.fixture(scope="module")
def stages(checkpoint_folder):
    return Stages(tiny_kokoro.build(checkpoint_folder))


@pytest.fixture(scope="module")
def jobs(checkpoint_folder):
    pack = torch.load(checkpoint_folder / "voices" / "af_heart.pt", weights_only=True)
    return [
        Job((0, *(tiny_kokoro.VOCAB[p] for p in text), 0), pack[len(text) - 1, 0], speed)
        for text, speed in (("ðɪs ɪz.", 2.0), ("ˈO.", 1.0), ("jˈɛs,", 1.0))
    ]


def made_by(engine, jobs):
    return [made for _, made in sorted(engine.run(jobs), key=lambda pair: pair[0])]


def spectrum(samples):
    """Random weights make noise of rounding errors: what can be compared is its colour."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    return np.log10([band.mean() + 1e-12 for band in np.array_split(power, 6)])


@pytest.fixture(scope="module")
def alone(stages, jobs):
    engine = Synthesis(stages, CPU, DEVICE, SETTINGS, 1)
    return [made_by(engine, [job])[0] for job in jobs]


@pytest.mark.parametrize("buckets", [CPU, SMALL], ids=["exact", "padded"])
@pytest.mark.parametrize("calls", [2, 4])
def test_a_batch_is_its_rows_one_by_one(stages, jobs, alone, buckets, calls):
    engine = Synthesis(stages, buckets, DEVICE, SETTINGS, calls)
    for got, wanted in zip(made_by(engine, jobs), alone, strict=True):
        assert got.frames.tolist() == wanted.frames.tolist()
        assert len(got.samples) == FRAME_SAMPLES * got.frames.sum()
        assert got.samples.dtype == np.float32
        assert spectrum(got.samples) == pytest.approx(spectrum(wanted.samples), abs=0.5)


def test_the_same_is_said_the_same_way_and_the_shortest_comes_first(stages, jobs, alone):
    engine = Synthesis(stages, CPU, DEVICE, SETTINGS, 4)
    order = [index for index, _ in engine.run(jobs)]
    lengths = [len(made.samples) for made in alone]
    assert order == sorted(range(len(jobs)), key=lambda index: lengths[index])
    again = Synthesis(stages, CPU, DEVICE, SETTINGS, 1)
    assert np.array_equal(made_by(again, jobs[1:2])[0].samples, alone[1].samples)


def test_speech_longer_than_the_noise_hears_it_again(stages, jobs, monkeypatch):
    monkeypatch.setattr(synthesis, "_NOISE_FRAMES", 4)
    engine = Synthesis(stages, CPU, DEVICE, SETTINGS, 1)
    assert engine._noise_for(10).shape[1] == 10 * FRAME_SAMPLES
    (made,) = made_by(engine, jobs[1:2])
    assert np.isfinite(made.samples).all()


# -- start: on a CPU a graph is the function itself, behind the same fixed tensors


@pytest.fixture
def graphs(monkeypatch):
    monkeypatch.setattr(ladder, "rung_names", lambda *_, **__: (ladder.GRAPHS, ladder.EAGER))


TINY = replace(SMALL, rows=(1, 2), tokens=(16,), frames=(24,), most=48)


def test_every_shape_is_captured_and_says_what_the_slow_twin_says(stages, jobs, alone, graphs):
    engine = Synthesis(stages, TINY, DEVICE, SETTINGS, 2)
    assert engine.rung == ladder.GRAPHS
    assert set(engine._plans) == {(1, 16), (2, 16)}
    assert set(engine._sounds) == {(1, 24), (2, 24)}
    for got, wanted in zip(made_by(engine, jobs), alone, strict=True):
        assert got.frames.tolist() == wanted.frames.tolist()
        assert spectrum(got.samples) == pytest.approx(spectrum(wanted.samples), abs=0.5)


def test_a_capture_that_fails_leaves_the_slow_twin(stages, jobs, graphs, monkeypatch):
    def refuse(*_):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(synthesis, "capture", refuse)
    engine = Synthesis(stages, TINY, DEVICE, SETTINGS, 2)
    assert engine.rung == ladder.EAGER
    assert made_by(engine, jobs[1:2])


def test_memory_that_runs_out_leaves_large_batches_eager(
    stages, jobs, graphs, monkeypatch, caplog
):
    captured = []

    def capture(run, *_):
        captured.append(run)
        if len(captured) > 4:  # two to choose by, two of the four shapes
            raise torch.OutOfMemoryError("no memory")
        return run

    monkeypatch.setattr(synthesis, "capture", capture)
    engine = Synthesis(stages, TINY, DEVICE, SETTINGS, 2)
    assert engine.rung == ladder.GRAPHS
    assert len(engine._plans) + len(engine._sounds) == 2
    assert "larger batches run eagerly" in caplog.text
    assert len(made_by(engine, jobs)) == 3


def test_where_only_compiling_is_left_the_decoder_is_compiled(stages, jobs, monkeypatch):
    compiled = []
    names = (ladder.COMPILE_MODE, ladder.EAGER)
    monkeypatch.setattr(ladder, "rung_names", lambda *_, **__: names)
    monkeypatch.setattr(ladder, "compiled", lambda run, _: compiled.append(run) or run)
    engine = Synthesis(stages, TINY, DEVICE, SETTINGS, 2)
    assert engine.rung == ladder.COMPILE_MODE
    assert compiled == [stages.decode]
    assert set(engine._sounds) == {(1, 24)}
    assert made_by(engine, jobs[1:2])
