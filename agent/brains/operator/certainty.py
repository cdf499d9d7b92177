"""Was it really a request? Pure: two opinions in, the request or None out.

The recogniser finds a request in any speech. Here the sound decides, and how well English
explains it otherwise: a logistic score of a dozen measures, fitted by
benchmarks/understanding_fit.py, and limits that no request exceeds. Frames are 10 ms.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from difflib import SequenceMatcher
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.brains.operator.grammar import understand
from agent.brains.operator.opinions import Opinions, Rival, Span, pauses, words
from agent.brains.operator.requests import Intent, Request, same
from agent.brains.operator.sentences import sentences
from agent.brains.operator.weights import BIAS, DOUBT, THRESHOLD, WEIGHTS

_HANG_UP: Final = 1.5  # log odds more than others need: a wrong goodbye ends the call
_ANSWER_WORDS: Final = 2
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


def certain_request(
    opinions: Opinions, rivals: Callable[[], Sequence[Rival]]
) -> Request | None:
    """The request, if it was one for certain; whether it was this one is `is_sure`.

    `rivals` takes long, and is asked for those only where they matter.
    """
    request = understand(words(opinions.request))
    if request is None or (found := log_odds(opinions)) < THRESHOLD:
        return None
    sure = is_sure(request.intent, found - THRESHOLD, closest_rival(request, rivals()))
    return replace(request, is_sure=sure)


def short_answer(opinions: Opinions) -> Request | None:
    """A yes or a no in a word or two, for where we have just asked: there no more is wanted.

    Of other speech, it is the long that is taken for an answer, and in whole sentences.
    """
    request = understand(words(opinions.request))
    return request if request and is_short_answer(request) else None


def is_short_answer(request: Request) -> bool:
    """Whether it is one that needs no score; see `short_answer`."""
    is_answer = request.intent in (Intent.YES, Intent.NO)
    return is_answer and len(request.words.split()) <= _ANSWER_WORDS


def is_sure(intent: Intent, above: float, rival: float, doubt: float = DOUBT) -> bool:
    """Whether a request so much above the threshold, and its rival so far behind, is acted on.

    One that is not is asked back.
    """
    return rival >= doubt and (intent is not Intent.GOODBYE or above >= _HANG_UP)


def closest_rival(request: Request | None, rivals: Sequence[Rival]) -> float:
    """How far behind the likeliest other request is; infinity where there is none near."""
    others = ((understand(rival.words), rival.behind) for rival in rivals)
    return min(
        (behind for other, behind in others if other and not same(other, request)),
        default=math.inf,
    )


def log_odds(opinions: Opinions) -> float:
    """That the first opinion is right, as one sentence or as two: their mean, for who says a
    request for certain has hardly said by chance what sounds like one before it.
    """
    parts = [score(part) for part in sentences(opinions)]
    return max(score(opinions), sum(parts) / len(parts) if parts else -math.inf)


def score(opinions: Opinions) -> float:
    """The same as one sentence; minus infinity where it cannot be."""
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
    paces = [span.frames / len(span.word) for span in spoken]
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
        pauses=float(np.log1p(sum(each.frames for each in pauses(opinions.request)))),
        acoustic=float(here[speech_here].sum() / frames),
        margin=float(gain.sum() / speech.sum()),
        worst_word=min(float(gain[s.first : s.last + 1].mean()) for s in spoken),
        worst_moment=float(np.convolve(gain, np.ones(_SMOOTH) / _SMOOTH, "same").min()),
        agreement=_agreement(spoken, english),
        unexplained=float(np.log1p(unexplained)),
        english=language / frames,
        english_word=language / max(1, len(english)),
    )


def _likelihoods(spans: Sequence[Span], end: int) -> NDArray[np.float64]:
    """Acoustic log likelihood of each frame, [end]; a span's is spread evenly over it."""
    frames = np.zeros(end)
    for span in spans:
        frames[span.first : span.last + 1] = span.acoustic / span.frames
    return frames


def _speech(spans: Sequence[Span], end: int) -> NDArray[np.bool_]:
    """Which frames are within a word, [end]."""
    frames = np.zeros(end, np.bool_)
    for span in spans:
        if span.word:
            frames[span.first : span.last + 1] = True
    return frames


def _agreement(here: Sequence[Span], there: Sequence[Span]) -> float:
    ours, theirs = [span.word for span in here], [span.word for span in there]
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / max(len(ours), len(theirs))
