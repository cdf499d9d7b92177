"""Takes in, audio out: rows of several calls through the two stages, in few shapes.

Belongs to one thread at a time. Knows tensors and graphs; neither texts nor calls.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agent.accelerator import ladder
from agent.accelerator.aside import aside
from agent.accelerator.capture import MOST_URGENT, Pool, capture
from agent.accelerator.device import Accelerator
from agent.audio.frame import Samples
from agent.config import Torch
from agent.voices.kokoro.buckets import Buckets
from agent.voices.kokoro.checkpoint import STYLE
from agent.voices.kokoro.model import FRAME_SAMPLES, NOISE_CHANNELS, Plan, Stages, stretch
from agent.voices.kokoro.twins import plan_differs, sound_differs

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_NOISE_FRAMES = 1280  # longer speech hears the noise again
_NOISE_SEED = 20
_TOKENS = 178  # of Kokoro's vocabulary, for trying out
_STYLE_SPREAD = 0.15


@dataclass(frozen=True, slots=True)
class Job:
    """One row of a batch."""

    ids: tuple[int, ...]
    style: Tensor  # [256]
    speed: float


@dataclass(frozen=True, slots=True)
class Made:
    """What became of it."""

    frames: NDArray[np.int64]  # [N], of each token
    samples: Samples  # [600 * sum(frames)]


@dataclass(frozen=True, slots=True)
class _Ways:
    """How the stages are run, on tensors of any shape: eager, or compiled."""

    plan: Callable[..., Plan]
    sound: Callable[..., Tensor]


class Synthesis:
    """`run` gives each job's audio, the soonest ready first."""

    def __init__(
        self,
        stages: Stages,
        buckets: Buckets,
        accelerator: Accelerator,
        config: Torch,
        calls: int,
    ) -> None:
        """Warm up for batches of up to `calls`; takes seconds, minutes where it compiles."""
        self._device = accelerator.device
        self._stages = stages.to(self._device)
        self._buckets, self._calls = buckets, calls
        # One noise for all: what is said twice sounds the same, whoever else is in the batch.
        generator = torch.Generator().manual_seed(_NOISE_SEED)
        self._noise = torch.randn(
            1, FRAME_SAMPLES * _NOISE_FRAMES, NOISE_CHANNELS, generator=generator
        ).to(self._device)
        self._plans: dict[tuple[int, int], Callable[..., Plan]] = {}
        self._sounds: dict[tuple[int, int], Callable[..., Tensor]] = {}
        self._stream: torch.cuda.Stream | None = None
        with torch.no_grad():
            self.rung = self._warm_up(ladder.rung_names(config, is_cuda=accelerator.is_cuda))
        if accelerator.is_cuda:
            torch.cuda.synchronize(self._device)
            self._stream = torch.cuda.Stream(  # type: ignore[no-untyped-call]
                self._device, MOST_URGENT
            )

    def run(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Made]]:
        """Yield the index of a job and its audio, as they are made."""
        with aside(self._stream):
            for index in range(0, len(jobs), self._calls):
                for row, made in self._run(jobs[index : index + self._calls]):
                    yield index + row, made

    def _run(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Made]]:
        plan = self._plan(jobs)
        durations = self._fetch(plan.frames[: len(jobs)])  # the one wait between the stages
        totals = durations.sum(1)
        for rows in self._buckets.steps([int(total) for total in totals]):
            audio = self._sound(plan, rows, durations, [jobs[row].style for row in rows])
            for row, samples in zip(rows, audio, strict=True):
                frames = durations[row, : len(jobs[row].ids)]
                yield row, Made(frames, samples[: FRAME_SAMPLES * int(totals[row])])

    def _plan(self, jobs: Sequence[Job]) -> Plan:
        longest = max(len(job.ids) for job in jobs)
        rows, size = self._buckets.plan_shape(len(jobs), longest)
        ids = torch.zeros(rows, size, dtype=torch.long)
        tokens = torch.ones(rows, dtype=torch.long)  # a row nobody wants has one token
        style, speed = torch.zeros(rows, len(jobs[0].style)), torch.ones(rows)
        for row, job in enumerate(jobs):
            ids[row, : len(job.ids)] = torch.tensor(job.ids)
            tokens[row], speed[row] = len(job.ids), job.speed
            style[row] = job.style
        run = self._plans.get((rows, size), self._stages.plan)
        return run(*self._send(ids, tokens, style, speed))

    def _sound(
        self,
        plan: Plan,
        wanted: Sequence[int],
        durations: NDArray[np.int64],
        styles: Sequence[Tensor],
    ) -> list[Samples]:
        totals = durations[wanted].sum(1)
        rows, size = self._buckets.sound_shape(len(wanted), int(totals.max()))
        places = torch.zeros(rows, size, dtype=torch.long)
        frames = torch.ones(rows, dtype=torch.long)
        style = torch.zeros(rows, len(styles[0]))
        source = torch.zeros(rows, dtype=torch.long)
        for i, row in enumerate(wanted):
            spread = np.repeat(np.arange(durations.shape[1]), durations[row])
            places[i, : len(spread)] = torch.from_numpy(spread)
            frames[i], source[i], style[i] = len(spread), row, styles[i]
        source, places, frames, style = self._send(source, places, frames, style)
        run: Callable[..., Tensor] = self._sounds.get((rows, size), self._stages.sound)
        audio = run(
            stretch(plan.prosody, source, places),
            stretch(plan.text, source, places),
            frames,
            style,
            self._noise_for(size),
        )
        return list(self._fetch(audio[: len(wanted)].float()))

    def _send(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """To the device, which is not waited for: from pinned memory it helps itself."""
        if self._device.type == "cpu":
            return tensors
        return tuple(
            tensor.pin_memory().to(self._device, non_blocking=True) for tensor in tensors
        )

    def _fetch(self, tensor: Tensor) -> NDArray[Any]:
        """From the device, as soon as it is there."""
        if self._device.type == "cpu":
            return tensor.numpy()
        here = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        here.copy_(tensor, non_blocking=True)
        torch.cuda.current_stream(self._device).synchronize()
        return here.numpy()

    def _noise_for(self, frames: int) -> Tensor:
        samples = FRAME_SAMPLES * frames
        repeats = -(-samples // self._noise.shape[1])
        noise = self._noise if repeats == 1 else self._noise.repeat(1, repeats, 1)
        return noise[:, :samples]

    # -- start

    def _warm_up(self, names: Sequence[str]) -> str:
        """Choose a way on the smallest shapes, then prepare the others; the rung's name."""
        if len(names) == 1:
            return names[0]
        stages, pool = self._stages, Pool(self._device, MOST_URGENT)
        plan_inputs = self._plan_inputs(*(self._buckets.plan_shapes(1) or [(1, 32)])[0])
        sound_inputs = self._sound_inputs(*(self._buckets.sound_shapes(1) or [(1, 40)])[0])

        def build(name: str) -> _Ways:
            match name:
                case ladder.EAGER:
                    return _Ways(stages.plan, stages.sound)
                case ladder.GRAPHS:
                    return _Ways(
                        self._graph(stages.plan, plan_inputs, pool),
                        self._graph(stages.sound, sound_inputs, pool),
                    )
                case _:  # LSTMs cannot be compiled; the decoder is nine tenths of the work
                    decode = ladder.compiled(stages.decode, name)
                    return _Ways(stages.plan, partial(stages.sound, decode=decode))

        def differs(ways: _Ways) -> str:
            return plan_differs(stages.plan, ways.plan, plan_inputs) or sound_differs(
                stages.sound, ways.sound, sound_inputs
            )

        rungs = [ladder.Rung(name, partial(build, name)) for name in names]
        chosen = ladder.climb("Kokoro", rungs, differs)
        if chosen.rung == ladder.GRAPHS:
            self._capture_all(pool)
        elif chosen.rung != ladder.EAGER:
            self._compile_all(chosen.run)
        return chosen.rung

    def _capture_all(self, pool: Pool) -> None:
        """Every shape that `run` may ask for; one that fails (memory) will run eagerly."""
        plans, sounds = (
            self._buckets.plan_shapes(self._calls),
            self._buckets.sound_shapes(self._calls),
        )
        log.info("Kokoro: capturing %d graphs", len(plans) + len(sounds))
        try:
            for shape in plans:
                inputs = self._plan_inputs(*shape)
                self._plans[shape] = self._graph(self._stages.plan, inputs, pool)
            for shape in sounds:
                inputs = self._sound_inputs(*shape)
                self._sounds[shape] = self._graph(self._stages.sound, inputs, pool)
        except RuntimeError as error:
            done = len(self._plans) + len(self._sounds)
            log.warning("Kokoro: only %d graphs, larger batches run eagerly: %s", done, error)

    def _compile_all(self, ways: _Ways) -> None:
        """One row of each length; batches run eagerly, since each shape takes half a minute."""
        for shape in self._buckets.sound_shapes(1):
            ways.sound(*self._sound_inputs(*shape))
            self._sounds[shape] = ways.sound

    def _graph(
        self, run: Callable[..., Result], inputs: Sequence[Tensor], pool: Pool
    ) -> Callable[..., Result]:
        """`run` for inputs of these shapes, as a graph that reads copies; of the noise none."""
        noise = self._noise.data_ptr()
        fixed = [x if x.data_ptr() == noise else x.clone() for x in inputs]
        replay = capture(partial(run, *fixed), self._device, pool)

        def refill(*given: Tensor) -> Result:
            for own, new in zip(fixed, given, strict=True):
                if own.data_ptr() != new.data_ptr():
                    own.copy_(new)
            return replay()

        return refill

    def _plan_inputs(self, rows: int, size: int) -> tuple[Tensor, ...]:
        """Something of every kind, the same each time."""
        generator = torch.Generator().manual_seed(rows * size)
        ids = torch.randint(1, _TOKENS, (rows, size), generator=generator)
        style = torch.randn(rows, STYLE, generator=generator) * _STYLE_SPREAD
        given = ids, torch.full((rows,), size), style, torch.ones(rows)
        return tuple(tensor.to(self._device) for tensor in given)

    def _sound_inputs(self, rows: int, size: int) -> tuple[Tensor, ...]:
        plan = self._stages.plan(*self._plan_inputs(rows, 32))
        places = torch.arange(size, device=self._device) * 32 // size
        source = torch.arange(rows, device=self._device)
        places = places.expand(rows, -1)
        return (
            stretch(plan.prosody, source, places),
            stretch(plan.text, source, places),
            torch.full((rows,), size, device=self._device),
            self._plan_inputs(rows, 32)[2],
            self._noise_for(size),
        )
