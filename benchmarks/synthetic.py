"""Turns for whoever has no recordings: sentences that espeak-ng says, each to its end.

The same samples each time. A voice made by rule pauses by rule, so how well an agent judges
pauses is not measured by it: what is, is the way there and back. Every second turn is a request
that the operator understands.
"""

from benchmarks import speech
from benchmarks.dialogue.voice import Saying, say
from benchmarks.speech import Speech

MAKER = "espeak-ng"
_TURNS = {
    "time": Saying("What time is it?"),
    "train": Saying("I would like to go to Hamburg on Monday, if there is a train.", "en-gb"),
    "joke": Saying("Could you tell me a joke, please?", speed=1.1),
    "bus": Saying("We had to leave early, because the last bus goes at ten.", speed=0.9),
    "meters": Saying("Repeat after me: go forward ten meters.", "en-gb", speed=0.9),
    "room": Saying("I need two lamps, a table, four chairs, and a rug."),
    "who": Saying("Who are you?"),
    "number": Saying("My number is five five five, zero one four two, seven nine."),
    "date": Saying("What is the date today?", speed=0.9),
}


def turns(only: str) -> tuple[Speech, ...]:
    """Say those that match; `only` as in `speech.choose`. Raises ConfigError."""
    names = speech.matching(list(_TURNS), only)
    spoken = []
    for name, said in zip(names, say([_TURNS[name] for name in names]), strict=True):
        last = speech.last_speech_sample(said.samples)
        assert last is not None  # these words are no silence
        spoken.append(Speech(name, said.samples, last))
    return tuple(spoken)
