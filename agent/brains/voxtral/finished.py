"""Has the caller finished? What Voxtral would say if it were asked, and how likely.

It is asked about the sound alone, apart from the conversation, and nothing of its answer is
read: the odds are those of the first token.
"""

from collections.abc import Sequence
from typing import Final

from agent.brains.voxtral.prompt import User, chat
from agent.brains.voxtral.span import Item, Utterance
from agent.brains.voxtral.tekken import Tekken

QUESTION: Final = (
    "Has the speaker finished the sentence, or will there be more? "
    "Answer with one word: Yes if it is finished, No if not."
)
_YES, _NO = ("Yes", "yes"), ("No", "no")
_ANSWERED: Final = 0.5  # as likely yes and no must be together, or it did not see the question


def question(tekken: Tekken, utterance: Utterance) -> list[Item]:
    """The prompt."""
    return chat(tekken, [User((utterance, QUESTION))])


def answers(tekken: Tekken) -> list[int]:
    """The tokens with which its answer may begin."""
    return [tekken.encode(word)[0] for word in _YES + _NO]


def odds(chances: Sequence[float]) -> float | None:
    """Of yes, 0..1, from the chances of `answers`; None: it says neither."""
    yes, no = sum(chances[: len(_YES)]), sum(chances[len(_YES) :])
    return yes / (yes + no) if yes + no >= _ANSWERED else None
