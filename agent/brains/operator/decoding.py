"""pocketsphinx's decoders as we use them: built of our words, each utterance judged by itself.

pocketsphinx keeps a running mean of the cepstra from utterance to utterance, which makes a
result depend on what was said before, and starts it with a mean that suits no telephone. Here
the mean is given to each search, and is that of the utterance's own sound.
"""

import math
from typing import Any, Final

import numpy as np
from pocketsphinx import Decoder, get_model_path

from agent.audio.frame import HEAR_HZ, Samples
from agent.brains.operator.automaton import Automaton
from agent.brains.operator.opinions import Span

LOG: Final = math.log(1.0001)  # pocketsphinx counts in powers of 1.0001
_FRAME: Final = HEAR_HZ // 100  # samples of the recogniser's frame
_FRONT: Final = "front"  # a search that recognises nothing

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


def in_a_room(samples: Samples, before: int) -> Samples:
    """[n] with a room's tone, `before` samples into the utterance."""
    room = _ROOM[np.arange(before, before + len(samples)) % len(_ROOM)]
    mixed: Samples = np.add(samples, room, dtype=np.float32)
    return mixed


def decoder_of(words: tuple[tuple[str, str], ...], **settings: float) -> Decoder:
    """A decoder that knows (word, phones). Raises RuntimeError."""
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


def add_front(decoder: Decoder) -> None:
    """What `mean_of` needs: a search so small that computing features is all it costs.

    The decoder knows the word "yes".
    """
    decoder.add_keyphrase(_FRONT, "yes")


def add_grammar(decoder: Decoder, name: str, net: Automaton) -> None:
    """A search for what an automaton allows."""
    arcs = [(state, to, 1.0, word) for state, word, to in net.arcs]
    ends = [(state, net.states, 1.0) for state in sorted(net.finals)]
    decoder.add_fsg(name, decoder.create_fsg(name, 0, net.states, arcs + ends))


def begin(decoder: Decoder, mean: str) -> None:
    """Begin an utterance in the search that is active."""
    decoder.reinit_feat()  # else the noise of the utterance before is subtracted from this one
    decoder.set_cmn(mean)
    decoder.start_utt()


def mean_of(decoder: Decoder, samples: Samples) -> str:
    """Mean cepstrum of [n], as pocketsphinx writes it; its running mean minus the start.

    Leaves the search of `add_front` active.
    """
    decoder.activate_search(_FRONT)
    begin(decoder, _written(_CMN))
    decoder.process_raw(pcm(samples), no_search=True)
    running = np.array([float(value) for value in decoder.get_cmn(True).split(",")])
    decoder.end_utt()
    frames = max(1, len(samples) // _FRAME - 3)
    return _written(running + (running - np.array(_CMN)) * _CMN_FRAMES / frames)


def spans(decoder: Decoder) -> tuple[Span, ...]:
    """What the search found so far; () where nothing fits."""
    if decoder.hyp() is None:
        return ()
    return tuple(
        Span(
            "" if segment.word[0] in "<[+" else segment.word.partition("(")[0],
            segment.start_frame,
            segment.end_frame,
            math.log(segment.ascore) / LOG,
            math.log(segment.lscore) / LOG,
        )
        for segment in decoder.seg()
        if segment.word != "(NULL)"
    )


def pcm(samples: Samples) -> bytes:
    """[n] as pocketsphinx takes them."""
    return (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()


def _written(mean: Any) -> str:
    return ",".join(f"{value:.2f}" for value in mean)
