"""Voxtral on its device: slots of cached conversation, what is appended, what comes next.

Knows positions and tokens; not turns, prompts or who is calling. All methods are for one
thread, and return when the device has done the work.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch

from agent.accelerator.aside import aside, on
from agent.accelerator.capture import URGENT
from agent.accelerator.ladder import Chosen
from agent.audio.frame import Samples
from agent.brains.voxtral.ears import Audio
from agent.brains.voxtral.family import Family, Inputs, fastest
from agent.brains.voxtral.kinds import BATCHES, Ways, kinds
from agent.brains.voxtral.mel import CHUNK, chunks
from agent.brains.voxtral.passes import NEWEST, Found, Passes
from agent.brains.voxtral.sampling import GREEDY, Sampling
from agent.errors import EngineError

_PIECE = 512  # positions appended in one pass, where no size was recorded
Span = Sequence[int | Audio]  # token ids, and audio in place of its [AUDIO] tokens


@dataclass(slots=True)
class _Slot:
    """What is known of a slot outside the device."""

    position: int = 0  # that many are cached
    pending: int = 0  # the last token, not cached yet
    sampling: Sampling = GREEDY


@dataclass(frozen=True, slots=True)
class _Launched:
    """A step that the device works on, or has done."""

    slots: tuple[int, ...]
    tokens: torch.Tensor  # on the host, once it is over
    over: torch.cuda.Event | None

    def wait(self) -> list[int]:
        if self.over is not None:
            self.over.synchronize()
        found: list[int] = self.tokens.tolist()[: len(self.slots)]
        return found


class Runner:
    """All calls' slots on one device.

    While the host looks at a step's tokens the device already makes those after them, where
    steps are recorded: the next step is then most often over, or half of it, when it is asked
    for. Of more slots than go into one step that is so for each part of them. Where another
    is asked for, nothing is lost but the time.
    """

    def __init__(self, passes: Passes, context: int, begin_audio: int, ways: Ways) -> None:
        """Records what can be recorded, which may take minutes; `context` positions a slot."""
        cache, device = passes.cache, passes.cache.layers[0].device
        self.slots, self.context = cache.slots, context
        self._begin_audio = begin_audio
        self._passes, self._device = passes, device
        self._state = [_Slot() for _ in range(cache.slots)]
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device, URGENT)  # type: ignore[no-untyped-call]
        self._heard = torch.zeros(CHUNK, device=device)
        with self._work():
            chosen = [
                fastest(kind, passes, ways.rungs, ways.attentions)
                for kind in kinds(passes, ways)
            ]
            for layer in cache.layers:
                layer.zero_()
        if self._stream is not None:
            torch.cuda.synchronize(device)  # weights were loaded on another stream
        self.chosen: tuple[Chosen[Family], ...] = tuple(chosen)
        self._step, self._fill, self._hear = (choice.run for choice in chosen)
        self._ahead: dict[tuple[int, ...], _Launched] = {}  # no slot is in two of them

    def rehearse(self, sampling: Sampling = GREEDY) -> None:
        """Do the widest of everything once: what memory that takes is had before any call is.

        An utterance as long as a slot, a prefill up to its end, a token of every slot.
        """
        longest = max(1, self.context // self._passes.ears.chunk_positions)
        self.embed_audio(np.zeros(longest * CHUNK, np.float32))
        piece = min(self.context - 1, _PIECE)
        for slot in range(self.slots):
            state = self._change(slot)
            state.position = self.context - 1
            state.pending, state.sampling = 0, sampling
        self.step(range(self.slots))
        self.rewind(0, self.context - piece)
        self.first(0, [0] * piece, sampling)
        for slot in range(self.slots):
            self.free(slot)

    def position(self, slot: int) -> int:
        """How many positions are cached; the next token that `step` feeds goes there."""
        return self._state[slot].position

    def rewind(self, slot: int, position: int) -> None:
        """Forget everything from `position` on, the token not yet fed included. O(1)."""
        state = self._change(slot)
        assert 0 <= position <= state.position, f"{position} of {state.position}"
        state.position = position

    def free(self, slot: int) -> None:
        """The slot's call is over, and nothing of it is left in the cache."""
        self._change(slot)
        self._state[slot] = _Slot()
        with self._work():
            self._passes.cache.clear(slot)

    def embed_audio(self, samples: Samples) -> Audio:
        """[n] at HEAR_HZ -> 375 positions for each 30 s begun."""
        with self._work():
            return Audio(self._listen(samples))

    def extend(self, slot: int, span: Span) -> None:
        """Append to a slot, asking for no token. Raises EngineError when it is full."""
        if span:
            with self._work():
                self._append(slot, self._embed(span), GREEDY)

    def first(self, slot: int, span: Span, sampling: Sampling = GREEDY) -> int:
        """Append at least one, and return the next token, chosen as are those of `step` after.

        Raises EngineError when the slot is full.
        """
        with self._work():
            found = self._append(slot, self._embed(span), sampling)
            return self._begin(slot, found, sampling)

    def weigh(self, slot: int, span: Span, tokens: Sequence[int]) -> tuple[float, ...]:
        """Append at least one, and return how likely the model finds each of these tokens next,
        0..1. None is chosen. Raises EngineError when the slot is full.
        """
        with self._work():
            found = self._append(slot, self._embed(span), GREEDY)
            chances = found.logits[0].float().softmax(-1)
            return tuple(chances[list(tokens)].tolist())

    def hear_and_answer(
        self,
        slot: int,
        samples: Samples,
        tail_ids: Sequence[int],
        sampling: Sampling = GREEDY,
    ) -> tuple[Audio, int]:
        """Append [BEGIN_AUDIO], the utterance and `tail_ids`; return it and the next token.

        One launch where that was recorded: up to 30 s, and as many ids as `Ways.tails` foresaw.
        Raises EngineError when the slot is full.
        """
        with self._work():
            start, size = self._change(slot).position, len(tail_ids)
            parts = chunks(len(samples))
            end = start + 1 + parts * self._passes.ears.chunk_positions + size
            self._check(slot, end)
            sampled = not sampling.is_greedy
            if parts > 1 or not self._hear.records(size, end, sampled):
                audio = Audio(self._listen(samples))
                span: Span = [self._begin_audio, audio, *tail_ids]
                found = self._append(slot, self._embed(span), sampling)
                return audio, self._begin(slot, found, sampling)
            self._heard[: len(samples)].copy_(self._host(samples), non_blocking=True)
            self._heard[len(samples) :].zero_()
            ids = self._ids([self._begin_audio, *tail_ids])
            inputs = (*self._control([slot], [start], [0], [sampling]), self._heard, ids)
            found = self._hear(size, end, sampled, inputs)
            assert found.audio is not None
            self._state[slot].position = end
            return Audio(found.audio.clone()), self._begin(slot, found, sampling)

    def step(self, slots: Sequence[int]) -> list[int]:
        """Feed each of these slots its last token; return the next ones, in the same order.

        Each slot at most once, each begun by `first` or `hear_and_answer`. Raises EngineError
        when one of them is full, and then none was fed.
        """
        assert len(set(slots)) == len(slots), slots
        for slot in slots:
            self._check(slot, self._state[slot].position + 1)
        tokens: list[int] = []
        with on(self._stream):
            for begin in range(0, len(slots), BATCHES[-1]):
                tokens += self._batch(tuple(slots[begin : begin + BATCHES[-1]]))
        return tokens

    def _change(self, slot: int) -> _Slot:
        """What is known of a slot, to be changed: a step that was made ahead is none then."""
        self._drop((slot,))
        return self._state[slot]

    def _drop(self, slots: tuple[int, ...]) -> None:
        """What was made ahead for any of them counts no more."""
        changed = set(slots)
        self._ahead = {of: made for of, made in self._ahead.items() if changed.isdisjoint(of)}

    def _batch(self, slots: tuple[int, ...]) -> list[int]:
        states = [self._state[slot] for slot in slots]
        launched = self._ahead.get(slots) or self._launch(slots)
        self._drop(slots)
        for state in states:
            state.position, state.pending = state.position + 1, NEWEST
        if self._step.is_recorded and all(state.position < self.context for state in states):
            self._ahead[slots] = self._launch(slots)
        tokens = launched.wait()
        for state, token in zip(states, tokens, strict=True):
            state.pending = token
        return tokens

    def _launch(self, slots: tuple[int, ...]) -> _Launched:
        size = self._step.size(len(slots))
        padding = [_Slot()] * (size - len(slots))
        rows = [*(self._state[slot] for slot in slots), *padding]
        control = self._control(
            [*slots, *[self._passes.cache.scratch] * len(padding)],
            [row.position for row in rows],
            [row.pending for row in rows],
            [row.sampling for row in rows],
        )
        reach = max(row.position for row in rows) + 1
        sampled = any(not row.sampling.is_greedy for row in rows)
        found = self._step(size, reach, sampled, control)
        tokens = found.tokens.to("cpu", non_blocking=True, copy=True)
        over = None if self._stream is None else self._stream.record_event()
        return _Launched(slots, tokens, over)

    def _append(self, slot: int, x: torch.Tensor, sampling: Sampling) -> Found:
        """Append `x` [T, hidden], in passes of the largest recorded size at most.

        Where none was recorded they are bounded too: plain attention works in T times L.
        """
        state = self._change(slot)
        self._check(slot, state.position + x.shape[0])
        largest = max((size for size, _, _ in self._fill.fast), default=_PIECE)
        sampled = not sampling.is_greedy
        for part in torch.split(x, largest):
            true = part.shape[0]
            size = self._fill.size(true)
            if state.position + size > self._passes.cache.stride:
                size = true  # padding would run into the next slot
            if size > true:
                part = torch.nn.functional.pad(part, (0, 0, 0, size - true))
            control = self._control([slot], [state.position], [true - 1], [sampling])
            found = self._fill(size, state.position + size, sampled, (*control, part))
            state.position += true
        return found

    def _begin(self, slot: int, found: Found, sampling: Sampling) -> int:
        state = self._state[slot]
        state.pending, state.sampling = int(found.tokens.item()), sampling
        return state.pending

    def _check(self, slot: int, end: int) -> None:
        if end > self.context:
            raise EngineError(
                f"a conversation of {end} positions does not fit into {self.context};"
                " raise voxtral.context_tokens"
            )

    def _embed(self, span: Span) -> torch.Tensor:
        """[T, hidden]."""
        assert span, "nothing to append"
        parts: list[torch.Tensor] = []
        run: list[int] = []
        for item in [*span, None]:
            if isinstance(item, int):
                run.append(item)
                continue
            if run:
                parts.append(self._passes.decoder.embed(self._ids(run).to(self._device)))
                run = []
            if item is not None:
                parts.append(item.embeddings)
        return torch.cat(parts)

    def _listen(self, samples: Samples) -> torch.Tensor:
        ears = self._passes.ears
        return ears.listen(ears.mel(self._host(samples).to(self._device)))

    def _control(
        self,
        slots: Sequence[int],
        starts: Sequence[int],
        extra: Sequence[int],
        sampling: Sequence[Sampling],
    ) -> Inputs:
        seeds = [how.seed for how in sampling]
        how = [[how.temperature for how in sampling], [how.top_p for how in sampling]]
        pinned = self._stream is not None
        return (
            torch.tensor([slots, starts, seeds, extra], pin_memory=pinned),
            torch.tensor(how, dtype=torch.float32, pin_memory=pinned),
        )

    def _ids(self, ids: Sequence[int]) -> torch.Tensor:
        return torch.tensor(ids, pin_memory=self._stream is not None)

    def _host(self, samples: Samples) -> torch.Tensor:
        held = torch.tensor(samples, dtype=torch.float32)
        return held.pin_memory() if self._stream is not None else held

    def _work(self) -> AbstractContextManager[None]:
        """On the runner's own stream, ahead of other models' work."""
        return aside(self._stream)
