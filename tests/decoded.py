"""What a decoder made of words, without a sound or a decoder."""

from agent.brains.operator.opinions import Span


def spoken(*words, pace=8, acoustic=-10.0, language=-20.0):
    """A decoding: 30 frames of silence, then words of so many frames a letter, then silence."""
    spans, at = [Span("", 0, 29, -100.0, -50.0)], 30
    for word in words:
        frames = pace * len(word) if word else 40
        spans.append(Span(word, at, at + frames - 1, acoustic * frames, language))
        at += frames
    return (*spans, Span("", at, at + 29, -100.0, -50.0))
