"""Was it really a request? Pure: two opinions in, the request or None out.

The recogniser finds a request in any speech. Here the sound decides, and how well English
explains it otherwise: a logistic score of a dozen measures, fitted by
benchmarks/understanding_fit.py, and limits that no request exceeds. Frames are 10 ms.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from difflib import SequenceMatcher
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.brains.operator.grammar import understand
from agent.brains.operator.opinions import Opinions, Span
from agent.brains.operator.requests import Request
from agent.brains.operator.weights import BIAS, THRESHOLD, WEIGHTS

_SMOOTH: Final = 25  # frames over which a moment is judged
_FRAMES_A_LETTER: Final = (2.2, 14.0)  # of a whole request
_FRAMES_A_LETTER_OF_A_WORD: Final = 25.0
_UNEXPLAINED: Final = 0.4  # of the speech


@dataclass(frozen=True, slots=True)
class Measures:
    """What speaks for and against a request. Likelihoods in powers of 1.0001, a frame."""

    frames: float  # log of the length of its words
    letters: float  # log
    words: float
    slowest: float  # frames a letter of the most drawn-out word
    fastest: float
    pauses: float  # log of 1 + frames of silence between its words
    acoustic: float  # how well its words fit the sound
    margin: float  # how much better they do than English
    worst_word: float  # the same of the word that does least well
    worst_moment: float  # and of the worst quarter of a second
    agreement: float  # share of words that both opinions have in common, in order
    unexplained: float  # log of 1 + frames that are speech in English and silence here
    english: float  # how usual the English is, a frame
    english_word: float  # and a word


def certain_request(opinions: Opinions) -> Request | None:
    """The request, if it was one for certain."""
    request = understand(_words(opinions.request))
    if request is None or score(opinions) < THRESHOLD:
        return None
    return request


def score(opinions: Opinions) -> float:
    """Log odds that the first opinion is right; minus infinity where it cannot be."""
    found = measures(opinions)
    if found is None:
        return -math.inf
    values: tuple[float, ...] = astuple(found)
    return BIAS + sum(
        weight * min(high, max(low, value))
        for value, (low, high, weight) in zip(values, WEIGHTS, strict=True)
    )


def measures(opinions: Opinions) -> Measures | None:
    """The evidence; None where there are no words, or sound that no request has."""
    spoken = [span for span in opinions.request if span.word]
    if not spoken:
        return None
    end = 1 + max(span.last for span in (*opinions.request, *opinions.anything))
    here, there = _likelihoods(opinions.request, end), _likelihoods(opinions.anything, end)
    speech_here, speech_there = _speech(opinions.request, end), _speech(opinions.anything, end)
    speech = speech_here | speech_there
    gain = np.where(speech, here - there, 0.0)
    frames = int(speech_here.sum())
    letters = sum(len(span.word) for span in spoken)
    paces = [_frames(span) / len(span.word) for span in spoken]
    unexplained = int((speech_there & ~speech_here).sum())
    if (
        not _FRAMES_A_LETTER[0] < frames / letters < _FRAMES_A_LETTER[1]
        or max(paces) > _FRAMES_A_LETTER_OF_A_WORD
        or unexplained > _UNEXPLAINED * speech.sum()
    ):
        return None
    english = [span for span in opinions.anything if span.word]
    language = sum(span.language for span in english)
    return Measures(
        frames=float(np.log(frames)),
        letters=float(np.log(letters)),
        words=float(len(spoken)),
        slowest=max(paces),
        fastest=min(paces),
        pauses=float(np.log1p(_pauses(opinions.request))),
        acoustic=float(here[speech_here].sum() / frames),
        margin=float(gain.sum() / speech.sum()),
        worst_word=min(float(gain[s.first : s.last + 1].mean()) for s in spoken),
        worst_moment=float(np.convolve(gain, np.ones(_SMOOTH) / _SMOOTH, "same").min()),
        agreement=_agreement(spoken, english),
        unexplained=float(np.log1p(unexplained)),
        english=language / frames,
        english_word=language / max(1, len(english)),
    )


def _words(spans: Sequence[Span]) -> str:
    return " ".join(span.word for span in spans if span.word)


def _frames(span: Span) -> int:
    return span.last - span.first + 1


def _likelihoods(spans: Sequence[Span], end: int) -> NDArray[np.float64]:
    """Acoustic log likelihood of each frame, [end]; a span's is spread evenly over it."""
    frames = np.zeros(end)
    for span in spans:
        frames[span.first : span.last + 1] = span.acoustic / _frames(span)
    return frames


def _speech(spans: Sequence[Span], end: int) -> NDArray[np.bool_]:
    """Which frames are within a word, [end]."""
    frames = np.zeros(end, np.bool_)
    for span in spans:
        if span.word:
            frames[span.first : span.last + 1] = True
    return frames


def _pauses(spans: Sequence[Span]) -> int:
    """Frames of silence between the first word and the last."""
    places = [index for index, span in enumerate(spans) if span.word]
    return sum(_frames(s) for s in spans[places[0] : places[-1]] if not s.word)


def _agreement(here: Sequence[Span], there: Sequence[Span]) -> float:
    ours, theirs = [span.word for span in here], [span.word for span in there]
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / max(len(ours), len(theirs))
