"""A runner without a model, as strict as the real one and honest about its cache.

What it says next is a function of every row of the slot's cache up to its position, and of
nothing else: a wrong prefix, a stale row or two slots mixed up change the answer. Ids are those
of the smallest tokenizer there is: 64 special tokens, then a token for each byte.
"""

import threading
import zlib
from dataclasses import dataclass, field
from itertools import pairwise

SPECIALS = 64
EOS = 2
INST, END_INST, AUDIO, BEGIN_AUDIO, TRANSCRIBE = 3, 4, 24, 25, 34
END_RESULTS = 8
NAMES = {
    **{1: "<s>", 2: "</s>", INST: "[INST]", END_INST: "[/INST]", BEGIN_AUDIO: "[BEGIN_AUDIO]"},
    **{5: "[AVAILABLE_TOOLS]", 6: "[/AVAILABLE_TOOLS]", 7: "[TOOL_RESULTS]"},
    **{END_RESULTS: "[/TOOL_RESULTS]", 9: "[TOOL_CALLS]", 19: "[TOOL_CONTENT]"},
    TRANSCRIBE: "[TRANSCRIBE]",
}
WORDS = "yes no the cat sat. on a mat, perhaps! who knows? tea is at four o'clock.".split()
CHUNK = 480_000


def ids(text):
    return [SPECIALS + byte for byte in text.encode()]


def label(samples):
    """What an utterance is called in a prompt."""
    return f"<{len(samples)} samples, {zlib.crc32(samples.tobytes()):08x}>"


@dataclass(frozen=True)
class FakeSound:
    label: str
    positions: int


def rows_of(span):
    """One row a position."""
    for before, item in pairwise([None, *span]):
        if isinstance(item, FakeSound):
            assert before == BEGIN_AUDIO
            yield from ((item.label, at) for at in range(item.positions))
        else:
            assert isinstance(item, int)
            yield item


def prompt_of(rows):
    """As people read it."""
    text, run = "", b""
    for row in [*rows, None]:
        if isinstance(row, int) and row >= SPECIALS:
            run += bytes([row - SPECIALS])
            continue
        text, run = text + run.decode(errors="replace"), b""
        if isinstance(row, int):
            text += NAMES[row]
        elif row is not None and row[1] == 0:
            text += row[0]
    return text


def some_words(prompt):
    """A short answer that is different for every prompt."""
    seed = zlib.crc32(prompt.encode())
    count = 1 + seed % 7
    return " ".join(WORDS[(seed >> 3 * at) % len(WORDS)] for at in range(count))


@dataclass
class _Cache:
    rows: list = field(default_factory=list)  # those past the position are stale
    position: int = 0
    pending: int | None = None


class FakeRunner:
    """`says(prompt)` is what the model answers: text, or ids."""

    def __init__(self, slots=3, context=4096, says=some_words, before=lambda *what: None):
        self.slots, self.context = slots, context
        self.says, self.before = says, before
        self.computed = []  # (verb, slot, positions), in order
        self._caches = [_Cache() for _ in range(slots)]
        self._thread = None

    def _begin(self, verb, slots):
        self._thread = self._thread or threading.get_ident()
        assert self._thread == threading.get_ident(), "two threads use one runner"
        self.before(verb, slots)

    def position(self, slot):
        return self._caches[slot].position

    def rewind(self, slot, position):
        self._begin("rewind", [slot])
        cache = self._caches[slot]
        assert 0 <= position <= cache.position
        if position != cache.position:
            cache.pending = None
        cache.position = position

    def embed_audio(self, samples):
        self._begin("embed_audio", [])
        assert len(samples)
        return FakeSound(label(samples), -(-len(samples) // CHUNK) * 375)

    def extend(self, slot, span):
        self._begin("extend", [slot])
        self._extend("extend", slot, span)

    def first(self, slot, span, sampling):
        self._begin("first", [slot])
        assert span, "there is nothing to go on from"
        return self._first("first", slot, span)

    def weigh(self, slot, span, tokens):
        """It is sure of what it says next."""
        self._begin("weigh", [slot])
        assert span, "there is nothing to go on from"
        said = self._first("weigh", slot, span)
        self._caches[slot].pending = None  # nothing was chosen
        return tuple(float(token == said) for token in tokens)

    def hear_and_answer(self, slot, samples, tail_ids, sampling):
        self._begin("hear_and_answer", [slot])
        assert 0 < len(samples) <= CHUNK
        sound = FakeSound(label(samples), 375)
        return sound, self._first("hear_and_answer", slot, [BEGIN_AUDIO, sound, *tail_ids])

    def step(self, slots):
        self._begin("step", slots)
        assert len(set(slots)) == len(slots) > 0
        for slot in slots:
            assert self._caches[slot].pending is not None, "no first token"
            self._extend("step", slot, [self._caches[slot].pending])
            self._caches[slot].pending = self._next(slot)
        return [self._caches[slot].pending for slot in slots]

    def free(self, slot):
        self._begin("free", [slot])
        self._caches[slot] = _Cache()

    def prompt(self, slot):
        """What its cache holds."""
        cache = self._caches[slot]
        return prompt_of(cache.rows[: cache.position])

    def positions_computed(self, *verbs):
        return sum(count for verb, _, count in self.computed if verb in verbs)

    def _first(self, verb, slot, span):
        self._extend(verb, slot, span)
        self._caches[slot].pending = self._next(slot)
        return self._caches[slot].pending

    def _extend(self, verb, slot, span):
        cache, rows = self._caches[slot], list(rows_of(span))
        assert cache.position + len(rows) <= self.context, "the cache is full"
        cache.rows[cache.position : cache.position + len(rows)] = rows
        cache.position += len(rows)
        cache.pending = None
        self.computed.append((verb, slot, len(rows)))

    def _next(self, slot):
        cache = self._caches[slot]
        rows = cache.rows[: cache.position]
        ends = (END_INST, END_RESULTS, TRANSCRIBE)
        at = max((n for n, row in enumerate(rows) if row in ends), default=-1) + 1
        answer = self.says(prompt_of(rows[:at]))
        answer = [*(ids(answer) if isinstance(answer, str) else answer), EOS]
        said = rows[at:]
        if said == answer[: len(said)] and len(said) < len(answer):
            return answer[len(said)]
        return SPECIALS + zlib.crc32(repr(rows).encode()) % 26 + ord("A")  # it went astray
