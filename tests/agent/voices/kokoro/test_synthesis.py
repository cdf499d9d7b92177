# ruff: noqa: RUF001 - phonemes are letters that look like others
"""Rows of several calls become audio, in any batch the same."""

from dataclasses import replace

import numpy as np
import pytest
import tiny_kokoro
import torch

from agent.accelerator import ladder
from agent.accelerator.capture import Pool, capture
from agent.accelerator.device import accelerator
from agent.config import Torch
from agent.voices.kokoro import synthesis
from agent.voices.kokoro.buckets import CPU, Buckets
from agent.voices.kokoro.model import FRAME_SAMPLES, Stages, stretch
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
    buckets = replace(TINY, lone_tokens=(8, 16), lone_frames=(12, 24))
    engine = Synthesis(stages, buckets, DEVICE, SETTINGS, 2)
    assert engine.rung == ladder.GRAPHS
    assert set(engine._plans) == {(1, 8), (1, 16), (2, 16)}
    assert set(engine._sounds) == {(1, 12), (1, 24), (2, 24)}
    for got, wanted in zip(made_by(engine, jobs), alone, strict=True):
        assert got.frames.tolist() == wanted.frames.tolist()
        assert spectrum(got.samples) == pytest.approx(spectrum(wanted.samples), abs=0.5)


def test_all_graphs_share_one_pool(stages, graphs, monkeypatch):
    pools = []
    monkeypatch.setattr(
        synthesis, "capture", lambda run, device, pool: pools.append(pool) or run
    )
    Synthesis(stages, TINY, DEVICE, SETTINGS, 2)
    assert len(pools) == 2 + 4
    assert isinstance(pools[0], Pool)
    assert {id(pool) for pool in pools} == {id(pools[0])}


def test_the_voice_goes_before_the_brain(stages, graphs, monkeypatch):
    asked = []
    monkeypatch.setattr(synthesis, "Pool", lambda *given: asked.append(given) or Pool(given[0]))
    Synthesis(stages, TINY, DEVICE, SETTINGS, 2)
    assert asked == [(DEVICE.device, -2)]


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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_says_with_graphs_what_it_says_without(checkpoint_folder, jobs, alone):
    """The ladder itself compares; here it must not have fallen. Both are what a CPU says."""
    made = {}
    for graphs in (True, False):
        settings = Torch(device="cuda", graphs=graphs, compile="", tf32=False)
        stages = Stages(tiny_kokoro.build(checkpoint_folder))
        engine = Synthesis(stages, SMALL, accelerator(settings), settings, 4)
        assert engine.rung == (ladder.GRAPHS if graphs else ladder.EAGER)
        assert bool(engine._sounds) == graphs
        assert engine._stream.priority == -2
        made[graphs] = made_by(engine, jobs)
        again = made_by(engine, jobs[::-1])[::-1]
        for one, other in zip(made[graphs], again, strict=True):  # a replay leaves no trace
            assert one.frames.tolist() == other.frames.tolist()
            assert spectrum(one.samples) == pytest.approx(spectrum(other.samples), abs=0.5)
    for fast, slow, on_cpu in zip(made[True], made[False], alone, strict=True):
        assert fast.frames.tolist() == slow.frames.tolist() == on_cpu.frames.tolist()
        assert spectrum(fast.samples) == pytest.approx(spectrum(slow.samples), abs=0.5)
        assert spectrum(fast.samples) == pytest.approx(spectrum(on_cpu.samples), abs=0.5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_both_stages_are_their_twins_on_a_gpu(checkpoint_folder):
    """In double precision, where rounding cannot hide a difference: CPU, GPU and graph."""
    on_cpu = Stages(tiny_kokoro.build(checkpoint_folder)).double()
    on_gpu = Stages(tiny_kokoro.build(checkpoint_folder)).double().cuda()
    inputs = (
        torch.randint(1, 178, (2, 12), generator=torch.Generator().manual_seed(1)),
        torch.tensor([12, 7]),
        torch.randn(2, 256, generator=torch.Generator().manual_seed(2)).double() * 0.15,
        torch.ones(2).double(),
    )
    given = tuple(tensor.cuda() for tensor in inputs)
    with torch.no_grad():
        wanted, eager = on_cpu.plan(*inputs), on_gpu.plan(*given)
        replayed = capture(lambda: on_gpu.plan(*given), given[0].device)()
        places = torch.arange(24).expand(2, -1) // 2
        rows = torch.arange(2)
        noise = torch.zeros(1, 24 * FRAME_SAMPLES, 9).double()
        sounds = []
        for stages, plan in ((on_cpu, wanted), (on_gpu, eager)):
            there = plan.prosody.device
            fixed = (
                stretch(plan.prosody, rows.to(there), places.to(there)),
                stretch(plan.text, rows.to(there), places.to(there)),
                torch.tensor([24, 14], device=there),
                inputs[2].to(there),
                noise.to(there),
            )
            sounds.append(stages.sound(*fixed).cpu())
        sounds.append(capture(lambda: on_gpu.sound(*fixed), there)().cpu())
    for plan in (eager, replayed):
        assert plan.frames.tolist() == wanted.frames.tolist()
        assert torch.allclose(plan.prosody.cpu(), wanted.prosody, atol=1e-6)
    for sound in sounds[1:]:
        assert torch.allclose(sound, sounds[0], atol=1e-4)
