"""Which words of a reply have been heard: the ground of memory and transcript.

Knows where each word begins in the reply's audio, and is asked with a count of samples that
were heard; and which samples had left by when. Knows no clock and no network.
"""

from bisect import bisect_left, bisect_right
from collections import deque

from agent.audio.frame import FRAME_MS, SPEAK_HZ, Samples
from agent.engines import Speech

_DEPARTURES = 512  # packets: ten seconds
_AUDIBLE = 0.01  # peak, -40 dB of full scale
_PAUSE = SPEAK_HZ // 50  # samples; what is shorter is a consonant
_JOINTS = " ,;:-–—،、，；："  # noqa: RUF001 - marks that join a word to the next


class Ledger:
    """The words of one reply, in order, and where in its audio they stand."""

    def __init__(self) -> None:
        self._words: list[tuple[str, int]] = []  # text, first sample
        self._promised: deque[str] = deque()  # phrases that have no audio yet
        self._rest = ""  # of the phrase being voiced: the words not placed yet
        self._phrase_start = 0
        self._end = 0  # samples so far
        self._ended = False  # all of the text is known
        self._pauses: list[tuple[int, int]] = []  # first sample, and the first after it
        self._quiet_from = 0  # behind the last audible sample

    def promise(self, phrase: str) -> None:
        """A phrase was decided on; its audio is yet to come."""
        self._promised.append(phrase)

    def end(self) -> None:
        """The last phrase was promised: what follows its last word joins it to no other."""
        self._ended = True

    def begin(self) -> None:
        """The audio of the oldest promised phrase begins."""
        self._rest = self._promised.popleft()
        self._phrase_start = self._end

    def add(self, speech: Speech) -> None:
        """The next stretch of that audio, and what is known of its words."""
        for word in speech.words:
            self._words.append((word.text, self._phrase_start + word.start))
            self._rest = self._rest.removeprefix(word.text).lstrip()
        self._note_pauses(speech.samples)
        self._end += len(speech.samples)

    def finish(self) -> None:
        """That phrase has no more audio. What the voice gave no time belongs to the last word
        that has one; where there is none, the phrase is one word.
        """
        if not self._rest:
            return
        word, start = self._rest, self._phrase_start
        if self._words and self._words[-1][1] >= start:
            before, start = self._words.pop()
            word = f"{before} {word}"
        self._words.append((word, start))
        self._rest = ""

    def abandon(self) -> None:
        """The voice failed: what has no audio by now was never said, and is forgotten."""
        self._rest = ""
        self._promised.clear()

    def split(self, left: int) -> tuple[str, str]:
        """The text heard and not heard when `left` samples of the reply have left.

        One behind the other they are the whole text, spaces included. A word counts as heard
        when half of its sound was, the pause behind it not included: people recall a word they
        can name. A comma between two words has no sound, and is heard with the second.
        """
        starts = [start for _, start in self._words]
        ends = [*starts[1:], self._end] if starts else []
        halves = [
            (start + self._fell_silent(start, end)) / 2
            for start, end in zip(starts, ends, strict=True)
        ]
        heard = sum(half <= left for half in halves) if left else 0
        texts = [text for text, _ in self._words]
        owed = [text for text in (self._rest, *self._promised) if text]
        whole = " ".join([*texts, *owed])
        cut = len(" ".join(texts[:heard]))
        if cut < len(whole) or not self._ended:
            cut = len(whole[:cut].rstrip(_JOINTS))
        return whole[:cut], whole[cut:]

    def _note_pauses(self, samples: Samples) -> None:
        loud = (abs(samples) >= _AUDIBLE).nonzero()[0] + self._end
        if not len(loud):
            return
        if loud[0] - self._quiet_from >= _PAUSE:
            self._pauses.append((self._quiet_from, int(loud[0])))
        for index in (loud[1:] - loud[:-1] > _PAUSE).nonzero()[0]:
            self._pauses.append((int(loud[index]) + 1, int(loud[index + 1])))
        self._quiet_from = int(loud[-1]) + 1

    def _fell_silent(self, start: int, end: int) -> int:
        """Where the sound between two samples ends, if the second is in a pause."""
        index = bisect_left(self._pauses, (end, 0)) - 1  # the last that begins before `end`
        pauses = [(self._quiet_from, self._end)]
        if index >= 0:
            pauses.append(self._pauses[index])
        return next((a for a, b in pauses if start < a < end <= b), end)


class Departures:
    """When the packets of one reply left. Times are the loop's, in seconds."""

    def __init__(self) -> None:
        self._left: deque[tuple[float, int]] = deque([(-1.0, 0)], _DEPARTURES)

    def note(self, now: float, left: int) -> None:
        """A packet left; with it, `left` samples of the reply have."""
        self._left.append((now, left))

    def by(self, time_s: float) -> int:
        """How many samples had been heard at `time_s` by a listener at our end of the line.

        Who is `d` seconds away has heard so many at `time_s` + d. A packet is heard while it
        lasts, hence a part of it may have been.
        """
        index = bisect_right(self._left, time_s, key=lambda packet: packet[0]) - 1
        if index < 1:
            return self._left[0][1]
        (_, before), (began_s, after) = self._left[index - 1], self._left[index]
        lasted_s = min(time_s - began_s, FRAME_MS / 1000)
        return min(after, before + round(lasted_s * SPEAK_HZ))
