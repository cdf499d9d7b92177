"""What a slot's cache holds and what it should hold: token ids, and utterances among them.

Pure but for the sound an utterance is given when it has been embedded. Knows no model: a sound
is whatever the runner made, of which only the number of positions matters here. An utterance
stands for its [BEGIN_AUDIO] too, since the runner takes both in one step.
"""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final, Protocol

from agent.audio.frame import HEAR_HZ, Samples

CHUNK_POSITIONS: Final = 375  # of the 30 s that the encoder takes at a time
CHUNK_SAMPLES: Final = 30 * HEAR_HZ


class Sound(Protocol):
    """An utterance as the model hears it: embeddings on the device."""

    @property
    def positions(self) -> int:
        """It takes so many of the cache."""


class Utterance:
    """What a caller said in one go. It is itself and nothing else: two alike are two."""

    def __init__(self, samples: Samples) -> None:
        """`samples` [n] at HEAR_HZ, n > 0; let go of as soon as there is a sound of them."""
        self._samples: Samples | None = samples
        self._sound: Sound | None = None
        self.chunks = chunks(len(samples))
        self.positions = 1 + self.chunks * CHUNK_POSITIONS

    @property
    def samples(self) -> Samples:
        """[n] at HEAR_HZ, as long as there is no sound."""
        assert self._samples is not None, "it was embedded already"
        return self._samples

    @property
    def sound(self) -> Sound | None:
        return self._sound

    def embedded(self, sound: Sound) -> None:
        """The model has heard it."""
        assert 1 + sound.positions == self.positions, f"{sound.positions} of {self.positions}"
        self._sound, self._samples = sound, None


def chunks(samples: int) -> int:
    """So many are encoded for an utterance of `samples`; the last is padded."""
    return -(-samples // CHUNK_SAMPLES)


Item = int | Utterance  # a token id, or as many positions as the utterance takes
Span = Sequence[Item]


def positions(span: Span) -> int:
    """How much of a cache a span takes."""
    return sum(1 if isinstance(item, int) else item.positions for item in span)


def pieces(span: Span, at_most: int) -> Iterator[list[Item]]:
    """Cut a span into pieces of `at_most` positions; a longer utterance is a piece alone."""
    piece: list[Item] = []
    size = 0
    for item in span:
        length = 1 if isinstance(item, int) else item.positions
        if piece and size + length > at_most:
            yield piece
            piece, size = [], 0
        piece.append(item)
        size += length
    if piece:
        yield piece


class Holding:
    """The span that a slot's cache holds."""

    def __init__(self) -> None:
        self._span: list[Item] = []
        self.positions = 0

    def common(self, span: Span) -> int:
        """So many items of `span`, from its beginning, are held."""
        both = zip(self._span, span, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], both))

    def cut(self, items: int) -> None:
        """Only the first `items` are held any more."""
        self.positions -= positions(self._span[items:])
        del self._span[items:]

    def add(self, span: Span) -> None:
        """These came behind it."""
        self._span += span
        self.positions += positions(span)
