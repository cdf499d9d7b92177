"""Where a scenario can be played: over a network, or in virtual time. The port of both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.dialogue.account import Account
from benchmarks.dialogue.scenario import Answer, Scenario
from benchmarks.dialogue.sound import Soundtrack

_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


@dataclass(frozen=True, slots=True)
class Part:
    """A scenario with all that is needed to play it."""

    name: str
    scenario: Scenario
    sound: Soundtrack

    @property
    def session(self) -> dict[str, Any]:
        """What the client asks for with its offer: the answers of the scripted engine."""
        answers = (f"say: {written(answer)}" for answer in self.scenario.agent.answers)
        return {"instructions": "\n".join(answers)}


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds beside what the scenarios set themselves."""

    config: Path | None  # a config.yaml; None: all defaults
    overrides: Mapping[str, Any]


class World(Protocol):
    """Plays scenarios. Raises CallFailed, ServerFailed where there is no call at all."""

    name: str

    def play(
        self, parts: Sequence[Part], settings: Settings, done: Callable[[Part, Account], None]
    ) -> None:
        """Play all of them, in any order; tell of each as soon as it is done."""


def written(answer: Answer) -> str:
    """An answer as the scripted engine reads it."""
    words = answer.text or " ".join(map(_number, range(1, (answer.counts_to or 0) + 1)))
    return f"[{answer.thinks_ms} ms] {words}" if answer.thinks_ms else words


def _number(n: int) -> str:
    """One word: it is one tone."""
    if n < 20:
        return _NUMBERS[n - 1]
    tens, ones = divmod(n, 10)
    if n == 100:
        return "hundred"
    return _TENS[tens - 2] + (f"-{_NUMBERS[ones - 1]}" if ones else "")
