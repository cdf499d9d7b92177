"""What the operator says to a request, and what it remembers of it.

Pure: the moment is passed in, and what is remembered is a value that comes back changed. The
brain adopts it only when the caller has really been answered.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never

from agent.backchannel import only_listens
from agent.brains.operator.grammar import understand
from agent.brains.operator.numbers import cardinal
from agent.brains.operator.requests import Intent, Request, same
from agent.brains.operator.spoken_time import spoken_date, spoken_day, spoken_time
from agent.engines import Act, Action, Heard, Piece, Text

JOKES: Final = (
    "Why did the telephone wear glasses? Because it lost its contacts.",
    "I would tell you a joke about silence, but you would not hear it.",
    "What do you call a bear with no teeth? A gummy bear.",
    "Why was the math book sad? It had too many problems.",
    "Parallel lines have so much in common. It is a shame they will never meet.",
)
LOST: Final = (
    "Sorry, I did not understand. I can tell you the time, the date or a joke, "
    "count to any number up to one hundred, or repeat after you.",
    "Sorry, I did not get that. You could ask what time it is.",
    "I still do not understand. Say: help, to hear what I can do.",
    "That is beyond me, sorry. You could ask me for a joke.",
)
ABILITIES: Final = (
    "I can tell you the time, the day, the date or a joke. I can count, and repeat after you. "
    "I can speak louder, quieter, slower or faster, hold the line, and hang up."
)
_NUMBERS_A_PIECE: Final = 5


@dataclass(frozen=True, slots=True)
class Mind:
    """What the operator knows of the call so far."""

    held: bool = False  # the caller is busy elsewhere: what they say is not meant for us
    jokes: int = 0  # told so far
    lost: int = 0  # utterances in a row that were not understood
    asked: Request | None = None  # "did you say ...?", just now


def answer(
    request: Request | None, mind: Mind, now: datetime
) -> tuple[tuple[Piece, ...], Mind]:
    """The reply to an utterance (None: not understood), and the mind after it was heard.

    On hold there is no reply to anything but being resumed or a goodbye. What is not sure is
    asked back, once: an answer that is not sure either is not understood.
    """
    meant = _meant(request, mind)
    if mind.held and (meant is None or meant.intent not in (Intent.RESUME, Intent.GOODBYE)):
        return (), replace(mind, asked=None)
    if meant is not None and not meant.is_sure and mind.asked is None:
        return (Text(f"Did you say: {_written(meant.words)}?"),), replace(mind, asked=meant)
    if request is None or meant is None or not meant.is_sure:
        lost: tuple[Piece, ...] = (Text(LOST[mind.lost % len(LOST)]),)
        if request is not None and _decides(request):
            lost = (Heard(_written(request.words)), *lost)
        return lost, replace(mind, lost=mind.lost + 1, asked=None)
    after = replace(
        mind,
        held=meant.intent is Intent.HOLD,
        jokes=mind.jokes + (meant.intent is Intent.JOKE),
        lost=0,
        asked=None,
    )
    return (Heard(_written(request.words)), *_pieces(meant, mind, now)), after


def answer_over(said: str, mind: Mind, now: datetime) -> tuple[tuple[Piece, ...], Mind]:
    """The reply to a word or two over a reply, which has stopped: that is the answer to most.

    Heard in a third of a second, they end no call without being asked back.
    """
    request = understand(said)
    pieces: tuple[Piece, ...] = ()
    after = replace(mind, asked=None)
    if request is not None and heeded(request.intent, mind):
        sure = request.intent is not Intent.GOODBYE
        pieces, after = answer(replace(request, is_sure=sure), mind, now)
    others = (piece for piece in pieces if not isinstance(piece, Heard))
    return (Heard(_written(said)), *others), after


def _decides(request: Request) -> bool:
    """Whether words that are no request are enough over a reply: to go on, or to stop."""
    return only_listens(request.words, "en") is True or request.intent is Intent.NO


def heeded(intent: Intent, mind: Mind) -> bool:
    """Whether a request means anything now: words as common as these are said for else too."""
    match intent:
        case Intent.RESUME:
            return mind.held
        case Intent.YES | Intent.NO:
            return mind.asked is not None
        case _:
            return True


def _meant(request: Request | None, mind: Mind) -> Request | None:
    """The request that an utterance stands for: "yes" for the one that we asked about."""
    if request is None or not heeded(request.intent, mind):
        return None
    if mind.asked is None:
        return request
    if request.intent is Intent.YES or same(request, mind.asked):
        return replace(mind.asked, is_sure=True)  # said twice is said for certain
    return replace(request, is_sure=True) if request.intent is Intent.NO else request


def _pieces(request: Request, mind: Mind, now: datetime) -> tuple[Piece, ...]:
    match request.intent:
        case Intent.GREETING:
            return (Text("Hello! How can I help you?"),)
        case Intent.TIME:
            return (Text(f"It is {spoken_time(now.time())}."),)
        case Intent.DATE:
            return (Text(f"It is {spoken_date(now.date())}."),)
        case Intent.DAY:
            return (Text(f"Today is {spoken_day(now.date())}."),)
        case Intent.JOKE:
            return (Text(JOKES[mind.jokes % len(JOKES)]),)
        case Intent.WHO:
            return (Text("I am the Voxline operator, a computer with a small vocabulary."),)
        case Intent.ABILITIES:
            return (Text(ABILITIES),)
        case Intent.REPEAT:
            return (Text(_repeated(request.phrase)),)
        case Intent.COUNT:
            return _count(request.number)
        case Intent.LOUDER:
            return (Act(Action.LOUDER), Text("I will speak louder."))
        case Intent.QUIETER:
            return (Act(Action.QUIETER), Text("I will speak more quietly."))
        case Intent.SLOWER:
            return (Act(Action.SLOWER), Text("I will speak more slowly."))
        case Intent.FASTER:
            return (Act(Action.FASTER), Text("I will speak faster."))
        case Intent.HOLD:
            return (Text("I will wait. Say: I'm back, when you are."), Act(Action.HOLD))
        case Intent.RESUME:
            return (Act(Action.RESUME), Text("I am here. How can I help you?"))
        case Intent.THANKS:
            return (Text("You are welcome."),)
        case Intent.STOP:
            return ()  # they spoke over us, and we have stopped: that is the answer
        case Intent.NEVER_MIND:
            return (Text("All right."),)
        case Intent.YES | Intent.NO:
            return (Text("Sorry. Please say it again."),)
        case Intent.GOODBYE:
            return (Text("Goodbye, and thank you for calling."), Act(Action.HANG_UP))
        case _:
            assert_never(request.intent)


def _repeated(phrase: str) -> str:
    if not phrase:
        return "Gladly. Say for example: repeat after me, go forward ten meters."
    return f"{_written(phrase)}."


def _count(last: int) -> tuple[Piece, ...]:
    """Some numbers a piece: the first are spoken while the rest are still to come."""
    numbers = [cardinal(number) for number in range(1, last + 1)]
    groups = [
        ", ".join(numbers[at : at + _NUMBERS_A_PIECE])
        for at in range(0, last, _NUMBERS_A_PIECE)
    ]
    groups[0] = groups[0].capitalize()
    return tuple(
        Text(f"{group}, " if group is not groups[-1] else f"{group}.") for group in groups
    )


def _written(words: str) -> str:
    """The recogniser's words as one writes them: "i'm back" -> "I'm back"."""
    cased = [w.capitalize() if w == "i" or w.startswith("i'") else w for w in words.split()]
    return " ".join([cased[0].capitalize(), *cased[1:]])
