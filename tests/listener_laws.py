"""The laws of `engines.Listener`, for any brain: a call may try, throw away and try again.

A brain's test module gives these a brain, and utterances of which it understands something.
"""

from agent.engines import Conversation

NOBODY = Conversation("", "en-US")
FRAME = 320


def hear(listener, samples) -> None:
    for at in range(0, len(samples), FRAME):
        listener.hear(samples[at : at + FRAME])


def answer(listener):
    return list(listener.reply(NOBODY))


def same_reply_twice(brain, samples) -> None:
    listener = brain.listen()
    hear(listener, samples)
    assert answer(listener) == answer(listener)
    listener.close()


def discarded_leaves_no_trace(brain, samples, *, at) -> None:
    """Tried early and thrown away, the utterance ends as if it had been heard in one go."""
    whole, tried = brain.listen(), brain.listen()
    hear(whole, samples)
    for part in (samples[:at], samples[at:]):
        hear(tried, part)
        early = answer(tried)
        tried.discard()
    assert early == answer(tried) == answer(whole)
    whole.close()
    tried.close()


def closed_midway_leaves_no_trace(brain, samples) -> None:
    listener = brain.listen()
    hear(listener, samples)
    pieces = listener.reply(NOBODY)
    first = next(pieces)
    pieces.close()
    listener.discard()
    assert answer(listener)[0] == first
    listener.close()


def kept_begins_anew(brain, samples, then) -> None:
    """An utterance that was answered has no part in the next one."""
    fresh, listener = brain.listen(), brain.listen()
    hear(fresh, then)
    hear(listener, samples)
    answer(listener)
    listener.keep()
    hear(listener, then)
    assert heard(answer(listener)) == heard(answer(fresh))
    fresh.close()
    listener.close()


def kept_is_read_on_beside_another(brain, samples, then) -> None:
    """A reply that was stopped for a word over it goes on as if that had not been said."""
    whole, listener = brain.listen(), brain.listen()
    hear(whole, samples)
    hear(listener, samples)
    held = listener.reply(NOBODY)
    read = [next(held)]
    listener.keep()
    hear(listener, then)
    draft = listener.reply(NOBODY)
    next(draft)
    draft.close()
    listener.discard()
    listener.forget()
    assert [*read, *held] == answer(whole)
    whole.close()
    listener.close()


def forgotten_never_was(brain, samples, then) -> None:
    fresh, listener = brain.listen(), brain.listen()
    hear(fresh, then)
    hear(listener, samples)
    answer(listener)
    listener.forget()
    hear(listener, then)
    assert answer(listener) == answer(fresh)
    fresh.close()
    listener.close()


def heard(pieces):
    return [piece for piece in pieces if type(piece).__name__ == "Heard"]
