"""What the model computes for a call, as functions of tensors: nothing here remembers or waits.

Every pass takes `control` [4, B] of int64 and `how` [2, B] of float32, so that a recorded one
needs two small copies to start: slots, starts, seeds and one more row each; temperatures and
top_p. A start is the position of the first new token of its slot.
"""

from dataclasses import dataclass

import torch

from agent.brains.voxtral.attention import Attention, Plain
from agent.brains.voxtral.cache import Cache
from agent.brains.voxtral.decoder import Decoder, Pass, pass_through
from agent.brains.voxtral.ears import Ears
from agent.brains.voxtral.sampling import draw, greedy

NEWEST = -1  # in place of a token


@dataclass(frozen=True, slots=True)
class Found:
    """What a pass ends in."""

    tokens: torch.Tensor  # [B], the next of each slot
    logits: torch.Tensor  # [B, vocabulary], what they were chosen by
    audio: torch.Tensor | None = None  # [positions, hidden], where audio was heard


@dataclass(frozen=True, slots=True)
class Passes:
    """The model and its cache, with one way to attend and one to go through a layer."""

    decoder: Decoder
    ears: Ears
    cache: Cache
    attention: Attention = Plain()  # noqa: RUF009 - frozen
    through: Pass = pass_through

    def step(
        self, length: int, sampled: bool, control: torch.Tensor, how: torch.Tensor
    ) -> Found:
        """Append one token to each of B slots; the last row of `control` is the tokens, or
        NEWEST: the one that the step before this chose for that slot."""
        slots, starts, seeds, tokens = control.unbind()
        tokens = torch.where(tokens == NEWEST, self.cache.newest[slots], tokens)
        hidden = self._forward(self.decoder.embed(tokens), slots, starts, length)
        found = self._choose(hidden, sampled, seeds, starts + 1, how)
        self.cache.newest.index_copy_(0, slots, found.tokens)
        return found

    def fill(
        self,
        length: int,
        sampled: bool,
        control: torch.Tensor,
        how: torch.Tensor,
        x: torch.Tensor,
    ) -> Found:
        """Append `x` [T, hidden] to one slot; the last row of `control` is which of them is the
        last true one, those after it being padding."""
        slots, starts, seeds, last = control.unbind()
        hidden = self._forward(x, slots, starts, length)
        chosen = hidden.index_select(0, last)
        return self._choose(chosen, sampled, seeds, starts + last + 1, how)

    def hear(
        self,
        length: int,
        sampled: bool,
        control: torch.Tensor,
        how: torch.Tensor,
        samples: torch.Tensor,
        ids: torch.Tensor,
    ) -> Found:
        """Append an utterance to one slot, from sound to first token.

        `samples` [480000] are padded with zeros; `ids` are that of [BEGIN_AUDIO] and those that
        follow the audio.
        """
        audio = self.ears.listen(self.ears.mel.whole(samples))
        around = self.decoder.embed(ids)
        x = torch.cat([around[:1], audio, around[1:]])
        slots, starts, seeds, _ = control.unbind()
        hidden = self._forward(x, slots, starts, length)
        ends = starts + x.shape[0]
        found = self._choose(hidden[-1:], sampled, seeds, ends, how)
        return Found(found.tokens, found.logits, audio)

    def _forward(
        self, x: torch.Tensor, slots: torch.Tensor, starts: torch.Tensor, length: int
    ) -> torch.Tensor:
        return self.decoder.forward(
            x, self.cache, slots, starts, self.attention, length, self.through
        )

    def _choose(
        self,
        hidden: torch.Tensor,
        sampled: bool,
        seeds: torch.Tensor,
        positions: torch.Tensor,
        how: torch.Tensor,
    ) -> Found:
        logits = self.decoder.logits(hidden)
        tokens = draw(logits, how, seeds, positions) if sampled else greedy(logits)
        return Found(tokens, logits)
