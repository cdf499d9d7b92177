"""A word or two over a reply: do they want it to end, or only show that somebody listens?

A third of a second is too short to be certain of a request among all that may be said. Here
there are two answers, and each has a grammar; by how much better one explains the sound than
the other decides. `python -m benchmarks.overheard` fits the margin.
"""

from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Final

import numpy as np

from agent.audio.frame import HEAR_HZ, Samples
from agent.brains.operator.automaton import Automaton, compile_expansion, words_in
from agent.brains.operator.decoding import (
    add_front,
    add_grammar,
    begin,
    decoder_of,
    in_a_room,
    mean_of,
    pcm,
    spans,
)
from agent.brains.operator.interjections import COMMANDS, RULES, SIGNS, SOUNDS
from agent.brains.operator.lexicon import pronunciations
from agent.brains.operator.opinions import Span, words

LONGEST: Final = 3 * HEAR_HZ  # samples; more is no interjection
MARGIN: Final = 410.0  # as `Interjection.better`
# What is handed over ends with the last sound of the word ("stop"), and words end in silence.
_SILENCE: Final = np.zeros(HEAR_HZ // 4, np.float32)
_WORD: Final = 1e-8  # what a further word must be worth
_BEAMS: Final = {"beam": 1e-50, "pbeam": 1e-50, "wbeam": 1e-30}


@dataclass(frozen=True, slots=True)
class Interjection:
    """What was said, by the better of two accounts."""

    command: str  # the words if it was a command
    sign: str  # the words if it was a sign
    better: float  # log likelihood by which it is rather a command, in powers of 1.0001

    def is_command(self, margin: float = MARGIN) -> bool:
        """Whether it is one for certain."""
        return self.better >= margin

    @property
    def is_sign(self) -> bool:
        """Whether it is rather that; where it is neither, nothing is known."""
        return self.better < 0


class Overhearing:
    """Thread-safe: who speaks over a reply while another does waits 50 ms for them."""

    def __init__(self) -> None:
        """Takes 0.3 s and 8 MB. Raises RuntimeError or OSError."""
        nets = {"commands": _net(COMMANDS), "signs": _net(SIGNS)}
        known = vocabulary().difference(SOUNDS)
        sounds = [
            (word if number == 1 else f"{word}({number})", phones)
            for word, ways in SOUNDS.items()
            for number, phones in enumerate(ways, 1)
        ]
        self._decoder = decoder_of(
            (*pronunciations(known), *sounds), lw=1.0, wip=_WORD, **_BEAMS
        )
        for name, net in nets.items():
            add_grammar(self._decoder, name, net)
        add_front(self._decoder)
        self._lock = Lock()

    def listen(self, samples: Samples) -> Interjection | None:
        """[n] at HEAR_HZ, in a room (decoding.py); None where they are neither."""
        if not 0 < len(samples) <= LONGEST:
            return None
        samples = np.concatenate((samples, in_a_room(_SILENCE, len(samples))))
        with self._lock:
            mean = mean_of(self._decoder, samples)
            command, sign = (self._account(n, mean, samples) for n in ("commands", "signs"))
        if not command or not sign:
            return None
        return Interjection(
            words(command), words(sign), _likelihood(command) - _likelihood(sign)
        )

    def _account(self, search: str, mean: str, samples: Samples) -> tuple[Span, ...]:
        self._decoder.activate_search(search)
        begin(self._decoder, mean)
        self._decoder.process_raw(pcm(samples))
        self._decoder.end_utt()
        return spans(self._decoder)


@cache
def vocabulary() -> frozenset[str]:
    """Every word of an interjection."""
    return words_in((*COMMANDS, *SIGNS, *RULES.values()))


def _net(ways: tuple[str, ...]) -> Automaton:
    return compile_expansion(" | ".join(ways), RULES)


def _likelihood(account: tuple[Span, ...]) -> float:
    return sum(span.acoustic for span in account)
