"""Words of a phrase into Kokoro's phonemes, word by word, with nothing downloaded.

English by misaki's lexicon: with spaCy's `en_core_web_sm` where somebody installed it, else
with `tagger`'s rules. Words the lexicon lacks, and five other languages, by espeak-ng, of which
phonemizer loads a private copy for each reader (espeak-ng is one set of global variables; the
espeak voice of this process has its own).
"""

import logging
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, Protocol

import spacy.lang.en
from misaki import en, espeak
from spacy.tokenizer import Tokenizer
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex
from spacy.vocab import Vocab

from agent.errors import EngineError
from agent.voices.kokoro.figures import readable
from agent.voices.kokoro.languages import ENGLISH, ESPEAK, EXTRAS
from agent.voices.kokoro.spoken_text import marked, spoken_text
from agent.voices.kokoro.spot import English
from agent.voices.kokoro.tagger import tags

_MODEL: Final = "en_core_web_sm"
_EXTRA_READERS: Final[Mapping[str, str]] = MappingProxyType({"j": "JAG2P", "z": "ZHG2P"})


class Reader(Protocol):
    """Reads one language aloud, in phonemes. May be used by several threads."""

    def read(self, words: Sequence[str]) -> list[str]:
        """The phonemes of each word and of the marks on it, "" where nothing is said."""


def reader(code: str) -> Reader:
    """A reader for one of Kokoro's languages; takes seconds. Raises EngineError."""
    # A filter, since phonemizer sets the level itself, each time that it is loaded.
    logging.getLogger("phonemizer").addFilter(_is_error)
    try:
        if code in ENGLISH:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", DeprecationWarning
                )  # how misaki opens its files
                return EnglishReader(English(code))
        if code in ESPEAK:
            return WholeReader(espeak.EspeakG2P(language=ESPEAK[code]), code)
        return WholeReader(_extra(code), code)
    except (RuntimeError, OSError) as error:
        raise EngineError(f"espeak-ng cannot be loaded for Kokoro: {error}") from error


def _is_error(record: logging.LogRecord) -> bool:
    """phonemizer warns of each phrase whose words merge, or of which one is foreign."""
    return record.levelno >= logging.ERROR


def _extra(code: str) -> Callable[[str], Any]:
    """misaki's reader for Japanese or Chinese, if what it needs is installed."""
    name = EXTRAS[code]
    try:
        made: Callable[[str], Any] = getattr(
            import_module(f"misaki.{name}"), _EXTRA_READERS[code]
        )()
    except (ImportError, LookupError) as error:
        raise EngineError(
            f"Kokoro cannot read {name!r} without packages that are not installed here "
            f"({error}); pip install 'misaki[{name}]'"
        ) from error
    return made


class EnglishReader:
    """American or British English."""

    def __init__(self, english: English) -> None:
        self._english = english
        british = english is English.BRITISH
        fallback = espeak.EspeakFallback(british=british)
        if spacy.util.is_package(_MODEL):  # else its constructor would download it
            self._g2p: en.G2P = en.G2P(british=british, fallback=fallback, unk="")
        else:
            self._g2p = _RuleG2P(british, fallback)
        self._lock = threading.Lock()

    def read(self, words: Sequence[str]) -> list[str]:
        said = spoken_text(words, self._english)
        text = " ".join(filter(None, said))
        if not text:
            return [""] * len(words)
        with self._lock:
            _, tokens = self._g2p(text, preprocess=False)
        spoken: list[list[str]] = [[]]
        for token in tokens:
            pieces = spoken[-1]
            pieces.append((token.phonemes or "") + (" " if token.whitespace else ""))
            if token.whitespace:
                spoken.append([])
        return _share_out(said, ["".join(pieces).strip() for pieces in spoken])


class _RuleG2P(en.G2P):  # type: ignore[misc]  # misaki has no types
    """misaki's G2P around a tokenizer without a model, tagged by our rules."""

    def __init__(self, british: bool, fallback: Callable[..., Any]) -> None:
        # Not the parent's constructor: it would download what is missing.
        self.version, self.british, self.unk = None, british, ""
        self.nlp = _tokenizer()
        self.lexicon = en.Lexicon(british)
        self.fallback = fallback

    def tokenize(self, text: str, tokens: Any, features: Any) -> list[Any]:
        found: list[Any] = super().tokenize(text, tokens, features)
        spaced = [bool(token.whitespace) for token in found]
        for token, tag in zip(found, tags([t.text for t in found], spaced), strict=True):
            token.tag = tag
        return found


def _tokenizer() -> Tokenizer:
    """spaCy's for English. spacy.blank("en") has it too, and imports every plug-in: 3 s."""
    rules: Any = spacy.lang.en.English.Defaults
    return Tokenizer(
        Vocab(),
        rules=rules.tokenizer_exceptions,
        prefix_search=compile_prefix_regex(rules.prefixes).search,
        suffix_search=compile_suffix_regex(rules.suffixes).search,
        infix_finditer=compile_infix_regex(rules.infixes).finditer,
        token_match=rules.token_match,
        url_match=rules.url_match,
    )


class WholeReader:
    """A language whose words sound by what stands beside them: the phrase is read as one.

    Liaison and merged words make the phonemes' words others than the written ones; then each
    written word gets its share by letters.
    """

    def __init__(self, g2p: Callable[[str], Any], code: str) -> None:
        self._g2p, self._code = g2p, code
        self._lock = threading.Lock()

    def read(self, words: Sequence[str]) -> list[str]:
        said = readable(marked(words), self._code)
        text = " ".join(filter(None, said))
        if not text:
            return [""] * len(words)
        with self._lock:
            phonemes, _ = self._g2p(text)
        return _share_out(said, phonemes.split())


def _share_out(said: Sequence[str], spoken: Sequence[str]) -> list[str]:
    """Give each written word its phonemes, in order; `spoken` are theirs, word by word.

    Written words may hold several spoken ones ("$12.50") or none.
    """
    counts = [len(text.split()) for text in said]
    if sum(counts) != len(spoken):
        counts = _shares([len(text) for text in said], len(spoken))
    rest = iter(spoken)
    return [" ".join(filter(None, (next(rest) for _ in range(count)))) for count in counts]


def _shares(letters: Sequence[int], total: int) -> list[int]:
    """Divide `total` in proportion to `letters`, leaving none over."""
    whole = max(1, sum(letters))
    ends = [round(total * sum(letters[: i + 1]) / whole) for i in range(len(letters))]
    return [end - start for start, end in zip([0, *ends[:-1]], ends, strict=True)]
