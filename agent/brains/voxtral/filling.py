"""Bring a slot's cache to a span, in pieces, and get the first token behind it.

What the cache holds already is kept: it is rewound to where the two part, and the rest is
computed. The usual last piece of an answer, one utterance and the few ids after it, is a single
step of the runner's (`hear_and_answer`); everything else goes through its slow twin.
"""

from collections.abc import Generator, Iterable, Sequence
from typing import Any, Final, Protocol

from agent.audio.frame import Samples
from agent.brains.voxtral.span import Holding, Item, Sound, Span, Utterance, pieces

_PIECE_POSITIONS: Final = 512  # some 6 ms on an H200; then others have a go


class Runner(Protocol):
    """The model with its caches: `agent.brains.voxtral.runner`. Used by one thread.

    A span is ids and what `embed_audio` returned, each behind a [BEGIN_AUDIO].
    `hear_and_answer` puts that there itself.
    """

    @property
    def slots(self) -> int: ...

    @property
    def context(self) -> int:
        """Positions in each slot."""

    def rewind(self, slot: int, position: int) -> None: ...

    def embed_audio(self, samples: Samples) -> Sound: ...

    def extend(self, slot: int, span: Sequence[Any]) -> None: ...

    def first(self, slot: int, span: Sequence[Any], sampling: Any) -> int: ...

    def weigh(
        self, slot: int, span: Sequence[Any], tokens: Sequence[int]
    ) -> tuple[float, ...]: ...

    def hear_and_answer(
        self, slot: int, samples: Samples, tail_ids: Sequence[int], sampling: Any
    ) -> tuple[Sound, int]: ...

    def step(self, slots: Sequence[int]) -> list[int]: ...

    def free(self, slot: int) -> None: ...


class Slot:
    """A slot of the runner, and what its cache holds."""

    def __init__(self, runner: Runner, number: int, begin_audio: int) -> None:
        """`begin_audio` is the id that goes before an utterance."""
        self._runner, self.number, self._begin_audio = runner, number, begin_audio
        self._holding = Holding()
        self._spoilt = False

    def prepare(self, span: Span) -> Generator[None]:
        """Hold `span`, and let be what is held behind it. Each step computes a piece."""
        if self._holding.common(span) == len(span):
            return
        yield from self._take(pieces(self._part(span, len(span)), _PIECE_POSITIONS))

    def answer(self, span: Span, sampling: Any) -> Generator[None, None, int]:
        """Hold `span`; return the token that follows. Each step computes a piece."""
        rest = self._part(span, len(span) - 1)
        at = _fast(rest)
        if at is None:
            *before, last = pieces(rest, _PIECE_POSITIONS)
        else:
            before, last = [*pieces(rest[:at], _PIECE_POSITIONS)], rest[at:]
        yield from self._take(before)
        if _fast(last) == 0:
            return self._hear_and_answer(last, sampling)
        yield from self._embed(last)
        token = self._runner.first(self.number, self._sounds(last), sampling)
        self._holding.add(last)
        return token

    def weigh(
        self, span: Span, tokens: Sequence[int]
    ) -> Generator[None, None, tuple[float, ...]]:
        """Hold `span`; return how likely each of these is to follow. Each step computes a
        piece."""
        *before, last = pieces(self._part(span, len(span) - 1), _PIECE_POSITIONS)
        yield from self._take(before)
        yield from self._embed(last)
        chances = self._runner.weigh(self.number, self._sounds(last), tokens)
        self._holding.add(last)
        return chances

    def said(self, token: int) -> None:
        """The runner made a token and took it in with the next."""
        self._holding.add([token])

    def spoil(self) -> None:
        """The model failed: who knows what the cache holds. It is freed before its next use."""
        self._holding.cut(0)
        self._spoilt = True

    def free(self) -> None:
        """Nothing of it is wanted any more."""
        self._holding.cut(0)
        self._runner.free(self.number)
        self._spoilt = False

    def _part(self, span: Span, at_most: int) -> list[Item]:
        """Keep what the cache and `span` share; return the rest of it."""
        if self._spoilt:
            self.free()
        kept = min(self._holding.common(span), at_most)
        self._holding.cut(kept)
        self._runner.rewind(self.number, self._holding.positions)
        return list(span[kept:])

    def _take(self, parts: Iterable[list[Item]]) -> Generator[None]:
        for piece in parts:
            yield from self._embed(piece)
            self._extend(piece)
            yield

    def _embed(self, piece: list[Item]) -> Generator[None]:
        for item in piece:
            if isinstance(item, Utterance) and item.sound is None:
                item.embedded(self._runner.embed_audio(item.samples))
                yield

    def _extend(self, piece: list[Item]) -> None:
        self._runner.extend(self.number, self._sounds(piece))
        self._holding.add(piece)

    def _sounds(self, piece: list[Item]) -> list[int | Sound]:
        """As the runner takes them."""
        sounds: list[int | Sound] = []
        for item in piece:
            if isinstance(item, int):
                sounds.append(item)
            else:
                assert item.sound is not None, "embed it first"
                sounds += [self._begin_audio, item.sound]
        return sounds

    def _hear_and_answer(self, piece: list[Item], sampling: Any) -> int:
        utterance, *tail = piece
        assert isinstance(utterance, Utterance)
        ids = [item for item in tail if isinstance(item, int)]
        sound, token = self._runner.hear_and_answer(
            self.number, utterance.samples, ids, sampling
        )
        utterance.embedded(sound)
        self._holding.add(piece)
        return token


def _fast(rest: Span) -> int | None:
    """Where in `rest` that begins which the runner can hear and answer in one step."""
    for at in range(len(rest) - 1, -1, -1):
        item = rest[at]
        if isinstance(item, Utterance):
            return at if item.sound is None and item.chunks == 1 else None
    return None
