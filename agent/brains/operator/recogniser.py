"""Two opinions of what is being said, worked out while it is being said.

One decoder knows only our requests and finds the likeliest of them in anything, even in a
sermon. The other knows a few thousand common words and which follow which: where its account of
the sound is the better one, the caller said something else (certainty.py judges).

An utterance is judged by the mean of its own first second, which is why decoding starts only
then. Measured: as many requests right as with the mean of the whole. What is shorter is decoded
along, too, by the mean of its beginning: as many are right, and the answer is ready 100 ms
sooner.
"""

import math
from itertools import islice
from typing import Final

import numpy as np
from pocketsphinx import Config, Decoder, LogMath, NGramModel, get_model_path

from agent.audio.frame import HEAR_HZ, Samples
from agent.brains.operator.decoding import (
    LOG,
    add_front,
    add_grammar,
    begin,
    decoder_of,
    in_a_room,
    mean_of,
    pcm,
    spans,
)
from agent.brains.operator.grammar import automaton, vocabulary
from agent.brains.operator.lexicon import pronunciations, words_known
from agent.brains.operator.opinions import Opinions, Rival

HEAD: Final = HEAR_HZ  # samples whose mean is the utterance's
EARLY: Final = HEAR_HZ * 7 // 10  # samples whose mean does for one that is no longer than HEAD
LONGEST: Final = 60 * HEAR_HZ  # samples of an utterance that are listened to
SHORT: Final = 8 * HEAR_HZ  # samples of an utterance that may be decoded again
_SLICE: Final = HEAR_HZ // 10  # samples at a time: the interpreter is held for about 5 ms
_COMMON_WORDS: Final = 4000
_WORD: Final = 1e-8  # what a further word must be worth: "eighty" is rarely "eighty-eight"
_ACCOUNTS: Final = 20  # looked at for rivals; later ones are no threat


class Knowledge:
    """What all recognisers share: 34 MB of it."""

    def __init__(self) -> None:
        model = Config(hmm=get_model_path("en-us/en-us"), lm=None, dict=None)
        self.english = NGramModel(model, LogMath(), get_model_path("en-us/en-us.lm.bin"))
        likely = sorted(words_known(), key=lambda word: (-self.english.prob([word]), word))
        self.requests = pronunciations(vocabulary())
        self.common = pronunciations(frozenset(likely[:_COMMON_WORDS]) | vocabulary())


class Recogniser:
    """Hears one utterance at a time; `begin` before each. Used by one thread at a time.

    25 MB each beside what they share. Decoding holds the interpreter, a few ms at a time, and
    that is also why recognisers may share a language model that keeps a cache.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        # what it costs to find rivals grows with the square of the words that `wbeam` lets end
        self._request = decoder_of(
            knowledge.requests, lw=1.0, wip=_WORD, beam=1e-60, pbeam=1e-60, wbeam=1e-35
        )
        add_grammar(self._request, "requests", automaton())
        add_front(self._request)
        self._anything = decoder_of(knowledge.common, beam=1e-30, pbeam=1e-30, wbeam=1e-15)
        self._anything.add_lm("english", knowledge.english)
        self._anything.activate_search("english")
        self._under_way = self._ended = False
        self._cepstral_mean = ""
        self.begin()

    def begin(self) -> None:
        """A new utterance. What came before has no influence on it."""
        self._stop()
        self._kept = np.empty(0, np.float32)  # [n <= SHORT]: what may have to be decoded again
        self._heard = 0  # samples
        self._opinions: Opinions | None = None

    def hear(self, samples: Samples) -> None:
        """Take the next samples, [n] at HEAR_HZ; those beyond LONGEST are not listened to."""
        samples = samples[: LONGEST - self._heard]
        if not len(samples):
            return
        self._opinions = None
        before, self._heard = self._heard, self._heard + len(samples)
        samples = in_a_room(samples, before)
        self._kept = np.concatenate((self._kept, samples[: SHORT - len(self._kept)]))
        if self._heard < EARLY:
            return
        if any(before < mark <= self._heard for mark in (EARLY, HEAD)):
            self._start()
            samples = samples[len(self._kept) - before :]
        elif self._ended:
            self._begin_request()
            self._feed(self._kept[:before], self._request)
        self._feed(samples, self._request, self._anything)

    def opinions(self) -> Opinions:
        """What was said so far; the utterance may go on, and this will not have mattered.

        Only an ended search insists on a whole request. It is ended, and begun again should the
        utterance go on, while that is cheap.
        """
        if not self._heard:
            return Opinions((), ())
        if self._opinions is None:
            if self._heard < EARLY:
                self._start()
            so_far = spans(self._request)
            if self._heard <= SHORT:
                self._request.end_utt()
                self._ended = True
            self._opinions = Opinions(spans(self._request), spans(self._anything), so_far)
        return self._opinions

    @property
    def heard(self) -> Samples:
        """What was said so far, [n <= SHORT] of it, as it is decoded."""
        return self._kept

    def rivals(self) -> tuple[Rival, ...]:
        """What else the request may have been, the likeliest first; of a long one, none.

        Dear, 35 ms (p95 95), of other speech seconds: asked where a request is certain.
        """
        self.opinions()
        return _rivals(self._request) if self._ended else ()

    def _start(self) -> None:
        """Decode what is kept from its beginning."""
        self._stop()
        head = self._kept[: HEAD if self._heard >= HEAD else EARLY]
        self._cepstral_mean = mean_of(self._request, head)
        self._request.activate_search("requests")
        self._begin_request()
        begin(self._anything, self._cepstral_mean)
        self._under_way = True
        self._feed(self._kept, self._request, self._anything)

    def _begin_request(self) -> None:
        begin(self._request, self._cepstral_mean)
        self._ended = False

    def _stop(self) -> None:
        if self._under_way:
            self._anything.end_utt()
            if not self._ended:
                self._request.end_utt()
        self._under_way = False

    def _feed(self, samples: Samples, *decoders: Decoder) -> None:
        for at in range(0, len(samples), _SLICE):
            part = pcm(samples[at : at + _SLICE])
            for decoder in decoders:
                decoder.process_raw(part)


def _rivals(decoder: Decoder) -> tuple[Rival, ...]:
    """The accounts that come next, each once; the search must have ended."""
    found: dict[str, float] = {}
    accounts = decoder.nbest() if decoder.hyp() else None  # None too where nothing fits
    for account in islice(accounts or (), _ACCOUNTS):
        if account is not None:
            found.setdefault(account.hypstr, math.log(account.score) / LOG)
    best = max(found.values(), default=0.0)
    return tuple(Rival(words, best - score) for words, score in found.items())
