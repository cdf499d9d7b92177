"""Reading a reply: pieces as they come, nothing after a cancel."""

from dataclasses import replace

import numpy as np
import pytest
from fake_runner import BEGIN_AUDIO, END_INST, EOS, INST, FakeRunner, ids

from agent.brains.voxtral.detok import Detokenizer
from agent.brains.voxtral.recollection import Plan, View
from agent.brains.voxtral.reply import Asked, Transcript, VoxtralReply
from agent.brains.voxtral.scheduler import Scheduler
from agent.brains.voxtral.span import Utterance
from agent.brains.voxtral.tekken import Tekken
from agent.brains.voxtral.wording import Wording
from agent.engines import Conversation, Exchange, Heard, Sense, Text, ToolCall
from agent.errors import EngineError

NOBODY = Conversation("", "en", turn=3)
CALLS = [*ids("Yes."), 9, *ids('[{"name": "time"}]')]


@pytest.fixture(scope="module")
def tekken(checkpoint) -> Tekken:
    return Tekken(checkpoint / "tekken.json")


@pytest.fixture
def tokens_of():
    """The tokens of one answer."""
    schedulers = []

    def start(answer, limit=1000):
        runner = FakeRunner(slots=1, says=lambda prompt: answer)
        schedulers.append(Scheduler(runner, begin_audio=BEGIN_AUDIO, stop=EOS))
        span = [1, INST, Utterance(np.ones(9, np.float32)), END_INST]
        return schedulers[-1].answer(schedulers[-1].take(0), span, limit, None)

    yield start
    for scheduler in schedulers:
        scheduler.close()


@pytest.fixture
def reply_of(tokens_of, tekken):
    def start(answer, sentences=0, said=None, past=(), utterance=None, finished=None):
        """`said`: the tokens of what it answers; `finished`: whether that was all."""
        wording = Wording(tekken, ("time",), 3, sentences)
        asked = Asked(replace(NOBODY, past=past), utterance, Plan([], View()))
        if said is not None:
            said = Transcript(said, Detokenizer(tekken))
        return VoxtralReply(tokens_of(answer), wording, asked, said, finished)

    return start


def test_pieces_come_in_order_and_the_call_last(reply_of) -> None:
    reply = reply_of(CALLS)
    *told, call = reply
    assert told == [Text(letter) for letter in "Yes."]
    assert call == ToolCall("000030000", "time", "{}")
    assert reply.said.tokens == ids("Yes.")
    assert list(reply) == []


def test_the_last_sentence_ends_it(reply_of) -> None:
    reply = reply_of("Yes. No. Perhaps.", sentences=1)
    assert "".join(piece.text for piece in reply) == "Yes."
    assert list(reply) == []


def test_a_closed_reply_is_over(reply_of) -> None:
    reply = reply_of(CALLS)
    assert next(reply) == Text("Y")
    reply.close()
    reply.close()
    assert list(reply) == []


def test_a_cancelled_reply_calls_nothing(reply_of) -> None:
    reply = reply_of([*CALLS, *ids(" " * 5000)])
    for _ in range(4):
        next(reply)
    reply.cancel()
    assert list(reply) == []


SPOKEN = Utterance(np.ones(9, np.float32))
TOLD = Exchange("is it noon", "Let me see.", 2)
CALLED = Exchange("is it noon", "", 2)
TYPED = Exchange("is it noon", "", 3)
BRIDGED = Exchange("is it noon", "Let me see. One moment, please.", 2, bridged=True)


@pytest.mark.parametrize("answer", ["", " "])
@pytest.mark.parametrize(
    ("past", "utterance"),
    [
        *[((), SPOKEN), ((TOLD,), SPOKEN), ((TOLD, TYPED), None), ((CALLED,), None)],
        ((BRIDGED,), None),
    ],
)
def test_who_waits_for_an_answer_is_not_left_in_silence(
    reply_of, answer, past, utterance
) -> None:
    """Killed: a model that ends its answer at once, and a caller who hears nothing at all."""
    with pytest.raises(EngineError, match="voxtral said nothing"):
        list(reply_of(answer, past=past, utterance=utterance))


def test_a_result_needs_no_words_after_those_that_went_before_it(reply_of) -> None:
    assert list(reply_of("", past=(TOLD,))) == []


def test_a_call_alone_is_no_silence(reply_of) -> None:
    assert list(reply_of(CALLS[4:], utterance=SPOKEN)) == [ToolCall("000030000", "time", "{}")]


def test_a_reply_that_is_cancelled_before_its_first_word_has_not_failed(reply_of) -> None:
    reply = reply_of("Yes.", utterance=SPOKEN)
    reply.cancel()
    assert "".join(piece.text for piece in reply) in ("", *"Y Ye Yes Yes.".split())


def test_what_was_said_is_known_as_far_as_it_was_read(reply_of) -> None:
    reply = reply_of("Yes.")
    next(reply)
    next(reply)
    assert reply.said.tokens == ids("Ye")


def test_what_it_answers_is_told_first_and_once(reply_of, tokens_of) -> None:
    reply = reply_of("Yes.", said=tokens_of(" Stop. "))
    assert reply.tells
    assert next(reply) == Heard("Stop.")
    assert list(reply) == [Text(letter) for letter in "Yes."]
    assert reply.tells and not reply_of("Yes.").tells


@pytest.mark.parametrize("said", ["", "  "])
def test_where_nothing_was_said_the_reply_begins_with_its_text(
    reply_of, tokens_of, said
) -> None:
    assert next(reply_of("Yes.", said=tokens_of(said))) == Text("Y")


def test_not_to_know_what_was_said_is_no_reason_not_to_answer(reply_of, tekken, caplog) -> None:
    """Killed: a failure of the transcript that fails the reply."""

    def before(verb, slots):
        raise RuntimeError("device lost")

    scheduler = Scheduler(FakeRunner(slots=1, before=before), begin_audio=BEGIN_AUDIO, stop=EOS)
    try:
        reply = reply_of("Yes.", said=scheduler.note(scheduler.take(0), [1, INST], 9, None))
        assert "".join(piece.text for piece in reply) == "Yes."
        assert not reply.tells
        assert "no words of what was said over a reply" in caplog.text
        assert "device lost" in caplog.text
    finally:
        scheduler.close()


@pytest.mark.parametrize("verb", ["cancel", "close"])
def test_a_reply_that_is_unwanted_does_not_wait_for_what_was_said(
    reply_of, tokens_of, verb
) -> None:
    said = tokens_of("on and on " * 5000, limit=10**6)
    reply = reply_of("Yes.", said=said)
    getattr(reply, verb)()
    assert said.over and not said.whole
    assert not any(isinstance(piece, Heard) for piece in reply)


@pytest.mark.parametrize(
    ("answer", "heard"), [(" Hello. ", [Heard("Hello.")]), ("  ", []), ("", [])]
)
def test_a_transcript_is_one_piece_or_none(tokens_of, tekken, answer, heard) -> None:
    transcript = Transcript(tokens_of(answer), Detokenizer(tekken))
    assert list(transcript) == heard
    assert list(transcript) == []
    transcript.close()


# -- whether the caller has finished

YES, NEITHER = (0.6, 0.3, 0.1, 0.0), (0.1, 0.0, 0.1, 0.0)


class Weighed:
    """What a scheduler weighs: known after so many looks at it."""

    def __init__(self, chances, looks=0):
        self.chances, self.looks, self.cancelled = chances, looks, False

    @property
    def over(self):
        self.looks -= 1
        return self.looks < 0

    def take(self):
        if isinstance(self.chances, EngineError):
            raise self.chances
        return self.chances

    def cancel(self):
        if self.looks > 0:
            self.looks, self.chances, self.cancelled = 0, None, True


def told(reply):
    """Where in its text the odds were told, and which."""
    pieces = list(reply)
    return [(at, piece.odds) for at, piece in enumerate(pieces) if isinstance(piece, Sense)]


@pytest.mark.parametrize(("looks", "at"), [(0, 0), (1, 1), (3, 3), (4, 4)])
def test_the_odds_are_told_as_soon_as_they_are_known(reply_of, looks, at) -> None:
    weighed = Weighed(YES, looks)
    assert told(reply_of("Noon", finished=weighed)) == [(at, pytest.approx(0.9))]
    assert not weighed.cancelled


def test_a_reply_that_is_made_waits_for_no_odds(reply_of) -> None:
    """Killed: the only sentence of a reply, held back until it is known to be the last."""
    weighed = Weighed(YES, looks=99)
    assert told(reply_of("Noon", finished=weighed)) == []
    assert weighed.cancelled


@pytest.mark.parametrize("chances", [NEITHER, None, EngineError("no memory")], ids=str)
def test_who_cannot_tell_says_nothing_of_it_and_answers(reply_of, chances) -> None:
    reply = reply_of("Noon", finished=Weighed(chances))
    assert list(reply) == [Text(letter) for letter in "Noon"]


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_a_reply_that_is_not_wanted_weighs_no_more(reply_of, end) -> None:
    reply = reply_of("Noon", finished=(weighed := Weighed(YES, looks=99)))
    next(reply)
    getattr(reply, end)()
    assert weighed.cancelled
