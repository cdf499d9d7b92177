"""Two opinions of what is being said, worked out while it is being said.

One decoder knows only our requests and finds the likeliest of them in anything, even in a
sermon. The other knows a few thousand common words and which follow which: where its account of
the sound is the better one, the caller said something else (certainty.py judges).

pocketsphinx keeps a running mean of the cepstra from utterance to utterance, which makes a
result depend on what was said before, and starts it with a mean that suits no telephone. Here
each utterance is judged by itself: the mean is that of its own first second, which is why
decoding starts only then. Measured: as many requests right as with the mean of the whole.
What is shorter is decoded along, too, by the mean of its beginning: as many are right, and the
answer is ready 100 ms sooner.
"""

import math
from itertools import islice
from typing import Any, Final

import numpy as np
from pocketsphinx import Config, Decoder, LogMath, NGramModel, get_model_path

from agent.audio.frame import HEAR_HZ, Samples
from agent.brains.operator.grammar import automaton, vocabulary
from agent.brains.operator.lexicon import pronunciations, words_known
from agent.brains.operator.opinions import Opinions, Rival, Span

HEAD: Final = HEAR_HZ  # samples whose mean is the utterance's
EARLY: Final = HEAR_HZ * 7 // 10  # samples whose mean does for one that is no longer than HEAD
LONGEST: Final = 60 * HEAR_HZ  # samples of an utterance that are listened to
SHORT: Final = 8 * HEAR_HZ  # samples of an utterance that may be decoded again
_SLICE: Final = HEAR_HZ // 10  # samples at a time: the interpreter is held for about 5 ms
_COMMON_WORDS: Final = 4000
_WORD: Final = 1e-8  # what a further word must be worth: "eighty" is rarely "eighty-eight"
_ACCOUNTS: Final = 20  # looked at for rivals; later ones are no threat
_FRAME: Final = HEAR_HZ // 100  # samples of the recogniser's frame
_LOG: Final = math.log(1.0001)  # pocketsphinx counts in powers of 1.0001

# pocketsphinx starts with this mean, as if it had seen it in _CMN_FRAMES frames (CMN_WIN)
_CMN: Final = (
    41.0,
    -5.29,
    -0.12,
    5.09,
    2.48,
    -4.07,
    -1.37,
    -1.78,
    -5.08,
    -2.05,
    -6.45,
    -1.42,
    1.17,
)
_CMN_FRAMES: Final = 500

# Digital silence has no spectrum: pocketsphinx leaves such frames out of its mean. A room tone
# of -61 dB of full scale is added to everything, the same each time; louder, and whispers go.
_ROOM: Final = np.random.default_rng(0).standard_normal(HEAR_HZ).astype(np.float32) * 30 / 32768


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
        self._request = _decoder(
            knowledge.requests, lw=1.0, wip=_WORD, beam=1e-60, pbeam=1e-60, wbeam=1e-35
        )
        net = automaton()
        arcs = [(state, to, 1.0, word) for state, word, to in net.arcs]
        ends = [(state, net.states, 1.0) for state in sorted(net.finals)]
        self._request.add_fsg(
            "requests", self._request.create_fsg("requests", 0, net.states, arcs + ends)
        )
        # recognises nothing: a search so small that computing features is all it costs
        self._request.add_keyphrase("front", "yes")
        self._anything = _decoder(knowledge.common, beam=1e-30, pbeam=1e-30, wbeam=1e-15)
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
        room = _ROOM[np.arange(before, self._heard) % len(_ROOM)]
        samples = np.add(samples, room, dtype=np.float32)
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
            so_far = _spans(self._request)
            if self._heard <= SHORT:
                self._request.end_utt()
                self._ended = True
            self._opinions = Opinions(_spans(self._request), _spans(self._anything), so_far)
        return self._opinions

    def rivals(self) -> tuple[Rival, ...]:
        """What else the request may have been, the likeliest first; of a long one, none.

        Dear, 35 ms (p95 95), of other speech seconds: asked where a request is certain.
        """
        self.opinions()
        return _rivals(self._request) if self._ended else ()

    def _start(self) -> None:
        """Decode what is kept from its beginning."""
        self._stop()
        self._cepstral_mean = self._mean(self._kept[: HEAD if self._heard >= HEAD else EARLY])
        self._begin_request()
        _begin(self._anything, self._cepstral_mean)
        self._under_way = True
        self._feed(self._kept, self._request, self._anything)

    def _begin_request(self) -> None:
        _begin(self._request, self._cepstral_mean)
        self._ended = False

    def _stop(self) -> None:
        if self._under_way:
            self._anything.end_utt()
            if not self._ended:
                self._request.end_utt()
        self._under_way = False

    def _feed(self, samples: Samples, *decoders: Decoder) -> None:
        for at in range(0, len(samples), _SLICE):
            pcm = _pcm(samples[at : at + _SLICE])
            for decoder in decoders:
                decoder.process_raw(pcm)

    def _mean(self, head: Samples) -> str:
        """Mean cepstrum of [n], as pocketsphinx writes it; its running mean minus the start."""
        self._request.activate_search("front")
        _begin(self._request, _written(_CMN))
        self._request.process_raw(_pcm(head), no_search=True)
        running = np.array([float(value) for value in self._request.get_cmn(True).split(",")])
        self._request.end_utt()
        self._request.activate_search("requests")
        frames = max(1, len(head) // _FRAME - 3)
        return _written(running + (running - np.array(_CMN)) * _CMN_FRAMES / frames)


def _decoder(words: tuple[tuple[str, str], ...], **settings: float) -> Decoder:
    decoder = Decoder(
        hmm=get_model_path("en-us/en-us"),
        dict=None,
        lm=None,
        loglevel="FATAL",  # "the result does not match the grammar" is no error here
        fwdflat=False,
        bestpath=False,
        **settings,
    )
    for word, phones in words:
        decoder.add_word(word, phones, False)
    return decoder


def _begin(decoder: Decoder, mean: str) -> None:
    decoder.reinit_feat()  # else the noise of the utterance before is subtracted from this one
    decoder.set_cmn(mean)
    decoder.start_utt()


def _spans(decoder: Decoder) -> tuple[Span, ...]:
    if decoder.hyp() is None:
        return ()
    return tuple(
        Span(
            "" if segment.word[0] in "<[+" else segment.word.partition("(")[0],
            segment.start_frame,
            segment.end_frame,
            math.log(segment.ascore) / _LOG,
            math.log(segment.lscore) / _LOG,
        )
        for segment in decoder.seg()
        if segment.word != "(NULL)"
    )


def _rivals(decoder: Decoder) -> tuple[Rival, ...]:
    """The accounts that come next, each once; the search must have ended."""
    found: dict[str, float] = {}
    accounts = decoder.nbest() if decoder.hyp() else None  # None too where nothing fits
    for account in islice(accounts or (), _ACCOUNTS):
        if account is not None:
            found.setdefault(account.hypstr, math.log(account.score) / _LOG)
    best = max(found.values(), default=0.0)
    return tuple(Rival(words, best - score) for words, score in found.items())


def _pcm(samples: Samples) -> bytes:
    return (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()


def _written(mean: Any) -> str:
    return ",".join(f"{value:.2f}" for value in mean)
