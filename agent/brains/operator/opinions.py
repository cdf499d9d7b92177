"""What the recogniser made of an utterance: words, and where in the sound each was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of sound that a decoder took for a word, or for silence and noise."""

    word: str  # "" for silence and noise
    first: int  # frame of 10 ms, from the beginning of the utterance
    last: int  # the last frame of it
    acoustic: float  # log likelihood of the sound given the word, in powers of 1.0001
    language: float  # log likelihood of the word given those before it, weighted

    @property
    def frames(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Rival:
    """What else it may have been, to the decoder of requests; not always a whole request."""

    words: str
    behind: float  # log likelihood by which it is less likely, in powers of 1.0001


@dataclass(frozen=True, slots=True)
class Opinions:
    """What both decoders made of an utterance."""

    request: tuple[Span, ...]  # as a request
    anything: tuple[Span, ...]  # as English
    so_far: tuple[Span, ...] = ()  # as a request that may not be whole yet


def words(spans: Iterable[Span]) -> str:
    """What was said in them, without silence and noise."""
    return " ".join(span.word for span in spans if span.word)


def pauses(spans: Sequence[Span]) -> list[Span]:
    """The silences between the first word and the last."""
    spoken = [place for place, span in enumerate(spans) if span.word]
    within = spans[spoken[0] : spoken[-1]] if spoken else ()
    return [span for span in within if not span.word]
