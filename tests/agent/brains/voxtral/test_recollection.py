"""What the model is told of a conversation, and how rarely its beginning changes."""

import re
from dataclasses import replace

import numpy as np
import pytest
from fake_runner import NAMES, SPECIALS
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.brains.voxtral.prompt import Agent, Result, User, chat
from agent.brains.voxtral.recollection import Recollection
from agent.brains.voxtral.said import Said
from agent.brains.voxtral.span import Utterance, positions
from agent.brains.voxtral.tekken import Tekken
from agent.engines import Conversation, Exchange, Tool, ToolCall, ToolUse
from agent.errors import EngineError

BRIEF = Conversation("Be brief.", "en-US")
CALL = ToolCall("000010000", "time", "{}")
TIME = Tool("time", "The time", '{"type": "object", "properties": {}}')


@pytest.fixture(scope="module")
def tekken(checkpoint) -> Tekken:
    return Tekken(checkpoint / "tekken.json")


def utterance(seconds=1):
    return Utterance(np.zeros(seconds * 16_000, np.float32))


def said(tekken, text) -> Said:
    reply = Said()
    for token, letter in zip(tekken.encode(text), text, strict=True):
        reply.add(token, letter)
    return reply


def read(span, names=None) -> str:
    """As people read it; an utterance by its name."""
    text = ""
    for item in span:
        if isinstance(item, Utterance):
            text += f"<{(names or {}).get(item, 'audio')}>"
        else:
            text += NAMES[item] if item < SPECIALS else chr(item - SPECIALS)
    return text


class Talk:
    """A conversation that is remembered as a call does it."""

    def __init__(self, tekken, room=4000, audio_turns=4, conversation=BRIEF) -> None:
        self.tekken = tekken
        self.recollection = Recollection(tekken, room, audio_turns)
        self.conversation = conversation
        self.names = {}

    def turn(self, answer, heard=None, *, caller="", spoken=True):
        """One exchange. The span that the reply was given."""
        number = self.conversation.turn + 1
        self.conversation = replace(self.conversation, turn=number)
        heard_now = utterance() if spoken else None
        self.names[heard_now] = f"audio {number}"
        plan = self.recollection.reply(self.conversation, heard_now)
        self.recollection.keep(number, heard_now, said(self.tekken, answer), plan)
        heard = answer if heard is None else heard
        self.past(Exchange(caller, heard, number))
        return plan.span

    def past(self, exchange) -> None:
        past = (*self.conversation.past, exchange)
        self.conversation = replace(
            self.conversation, past=past, turn=max(exchange.turn, self.conversation.turn)
        )

    def read(self, span) -> str:
        return read(span, self.names)

    def expecting(self) -> str:
        return self.read(self.recollection.expecting(replace(self.conversation, turn=0), 1))


@pytest.fixture
def talk(tekken) -> Talk:
    return Talk(tekken)


def test_instructions_stand_before_the_first_utterance(talk) -> None:
    assert talk.read(talk.turn("Hi.")) == "<s>[INST]Be brief.<audio 1>[/INST]"


def test_a_greeting_answers_the_instructions(talk) -> None:
    talk.past(Exchange("", "Hello!", 1))
    assert talk.read(talk.turn("Hi.")) == (
        "<s>[INST]Be brief.[/INST]Hello!</s>[INST]<audio 2>[/INST]"
    )


def test_a_greeting_without_instructions(tekken) -> None:
    talk = Talk(tekken, conversation=Conversation("", "en"))
    talk.past(Exchange("", "Hello!", 1))
    assert talk.read(talk.turn("x")) == "<s>[INST][/INST]Hello!</s>[INST]<audio 2>[/INST]"


def test_another_language_is_asked_for(tekken) -> None:
    talk = Talk(tekken, conversation=Conversation("Be brief.", "de-DE"))
    assert "Be brief. Always answer in German.<audio" in talk.read(talk.turn("Hallo."))


def test_past_turns_are_heard_again_and_replies_cut_to_what_was_heard(talk) -> None:
    talk.turn("One, two, three.", "One,")
    talk.turn("Yes.")
    assert talk.read(talk.turn("x")) == (
        "<s>[INST]Be brief.<audio 1>[/INST]One,</s>[INST]<audio 2>[/INST]Yes.</s>"
        "[INST]<audio 3>[/INST]"
    )


def test_a_reply_that_is_cut_when_it_was_over_is_told_as_it_was_cut(talk) -> None:
    talk.turn("One, two, three.")
    assert "One, two, three.</s>" in talk.read(talk.turn("Yes."))
    first, *later = talk.conversation.past
    past = (replace(first, agent="One,"), *later)
    talk.conversation = replace(talk.conversation, past=past)
    assert talk.read(talk.turn("x")) == (
        "<s>[INST]Be brief.<audio 1>[/INST]One,</s>[INST]<audio 2>[/INST]Yes.</s>"
        "[INST]<audio 3>[/INST]"
    )


def test_older_turns_are_read_as_text(tekken) -> None:
    talk = Talk(tekken, audio_turns=2)
    for number in range(1, 4):
        talk.turn(f"Answer {number}.", caller=f"Question {number}?")
    span = talk.read(talk.turn("x"))
    assert "Be brief.\n\nQuestion 1?[/INST]Answer 1.</s>[INST]Question 2?[/INST]" in span
    assert "<audio 3>[/INST]Answer 3.</s>[INST]<audio 4>[/INST]" in span


def test_without_audio_all_of_the_past_is_text(tekken) -> None:
    talk = Talk(tekken, audio_turns=0)
    talk.turn("Yes.", caller="Is it?")
    talk.turn("No.")
    span = talk.read(talk.turn("x"))
    assert span.count("<audio") == 1
    assert "Is it?[/INST]Yes.</s>[INST]\u2026[/INST]No.".encode() in span.encode("latin-1")


def test_nobody_heard_the_reply_but_the_caller_was_heard(talk) -> None:
    """Not even listed, when it was not understood in time."""
    talk.turn("Never spoken", "")
    listed = talk.conversation.past
    for past in (listed, ()):
        talk.conversation = replace(talk.conversation, past=past)
        plan = talk.recollection.reply(replace(talk.conversation, turn=2), other := utterance())
        talk.names[other] = "audio 2"
        assert talk.read(plan.span) == "<s>[INST]Be brief.<audio 1><audio 2>[/INST]"


def test_an_apology_is_remembered_behind_what_was_said(talk) -> None:
    talk.turn("It is te", "It is te Sorry, say that again.")
    assert "[/INST]It is te Sorry, say that again.</s>[INST]" in talk.read(talk.turn("x"))


def test_what_the_caller_typed_stands_before_what_they_said(talk) -> None:
    talk.past(Exchange("In Z", "", 1))
    talk.conversation = replace(talk.conversation, turn=0)
    first = talk.turn("Fine.")
    assert talk.read(first) == "<s>[INST]Be brief.\n\nIn Z<audio 1>[/INST]"
    talk.conversation = replace(
        talk.conversation, past=(Exchange("In Z\nas spoken", "Fine.", 1),)
    )
    assert talk.read(talk.turn("x")).startswith(talk.read(first) + "Fine.</s>[INST]<audio 2>")


def test_what_is_typed_without_a_turn_yet_comes_last(talk) -> None:
    talk.turn("Yes.")
    talk.past(Exchange("And now?", "", 0))
    assert talk.expecting().endswith("Yes.</s>[INST]And now?")


def test_a_function_and_its_result(tekken) -> None:
    talk = Talk(tekken, conversation=replace(BRIEF, tools=(TIME,)))
    first = talk.read(talk.turn("Let me see."))
    tools = first[3 : first.index("[INST]")]
    assert tools.startswith("[AVAILABLE_TOOLS][{") and tools.endswith("}][/AVAILABLE_TOOLS]")
    used = Exchange("", "Let me see.", 1, (ToolUse(CALL, "ten"),))
    talk.conversation = replace(talk.conversation, past=(used,))
    again = talk.read(talk.turn("It is ten.", spoken=False))
    call = '[TOOL_CALLS][{"name": "time", "arguments": {}, "id": "000010000"}]</s>'
    result = "[TOOL_RESULTS]000010000[TOOL_CONTENT]ten[/TOOL_RESULTS]"
    assert again == f"{first}Let me see.{call}{result}"
    later = talk.read(talk.turn("x"))
    assert later == (
        f"<s>[INST]Be brief.<audio 1>[/INST]Let me see.{call}{result}It is ten.</s>"
        f"{tools}[INST]<audio 3>[/INST]"
    )


def test_a_result_that_is_not_there_yet_is_empty(tekken) -> None:
    talk = Talk(tekken)
    talk.past(Exchange("Time?", "", 1, (ToolUse(CALL),)))
    assert "000010000[TOOL_CONTENT][/TOOL_RESULTS][INST]" in talk.read(talk.turn("x"))


class Fetching(Talk):
    """A conversation in which functions are called."""

    def fetch(self, *sizes, spoken=True):
        """A turn whose reply calls a function for each size; so long are the results."""
        span = self.turn("Let me see.", spoken=spoken)
        number = self.conversation.turn
        uses = tuple(
            ToolUse(ToolCall(f"{number:05}{at:04}", "stock", "{}"), "0123456789" * (size // 10))
            for at, size in enumerate(sizes)
        )
        *past, last = self.conversation.past
        self.conversation = replace(self.conversation, past=(*past, replace(last, tools=uses)))
        return span

    def asked(self):
        """The plan for what comes of the results."""
        return self.recollection.reply(
            replace(self.conversation, turn=self.conversation.turn + 1), None
        )


def test_a_result_for_which_there_is_no_room_is_cut_and_the_rest_stays(tekken) -> None:
    """Killed: an apology, and at the next utterance all was forgotten up to the result."""
    talk = Fetching(tekken, room=3840)
    talk.past(Exchange("", "Hello!", 1))
    talk.turn("Yes.", caller="Is it?")
    talk.fetch(16_380)
    plan = talk.asked()
    before = "<s>[INST]Be brief.[/INST]Hello!</s>[INST]<audio 2>[/INST]Yes.</s>[INST]<audio 3>"
    assert talk.read(plan.span).startswith(f"{before}[/INST]Let me see.[TOOL_CALLS]")
    [result] = re.findall(r"TENT\](.*)\[/TOOL_RESULTS\]$", talk.read(plan.span))
    assert result.startswith("0123456789" * 100)
    assert result.endswith(" ... [cut here: the rest is too long]")
    [cut] = plan.cut
    assert (cut.name, cut.positions, cut.told) == ("stock", 16_380, len(result))
    assert talk.read(talk.turn("There are ten.", spoken=False)) == talk.read(plan.span)
    for _ in range(2):
        expected = talk.expecting()
        span = talk.read(talk.turn("Yes."))
        assert span.startswith(expected)
        assert span.startswith(talk.read(plan.span) + "There are ten.</s>[INST]<audio 5>")


def test_a_long_result_is_told_whole_while_there_is_room(tekken) -> None:
    talk = Fetching(tekken, room=3840)
    talk.fetch(2800)
    plan = talk.asked()
    assert plan.cut == ()
    assert "0123456789" * 280 + "[/TOOL_RESULTS]" in talk.read(plan.span)
    talk.turn("Ten.", spoken=False)
    assert talk.read(talk.turn("Yes.")).startswith(talk.read(plan.span))
    plan = talk.recollection.reply(replace(talk.conversation, turn=4), utterance())
    assert "<audio 1>" in talk.read(plan.span)
    assert [cut.positions for cut in plan.cut] == [2800], "cut, where it would have to go"


def test_results_fetched_together_or_one_after_another_share_the_room(tekken) -> None:
    """With a short one among them; and the caller's question is not lost for them."""
    for fetches in ([(9000, 40, 9000)], [(9000,), (40,), (9000,)]):
        talk = Fetching(tekken, room=3840)
        for number, sizes in enumerate(fetches):
            talk.fetch(*sizes, spoken=number == 0)
            plan = talk.asked()
            assert positions(plan.span) <= 3840
        assert talk.read(plan.span).startswith("<s>[INST]Be brief.<audio 1>[/INST]")
        assert [cut.positions for cut in plan.cut] == [9000, 9000]
        assert len({cut.told for cut in plan.cut}) == 1
        assert "[TOOL_CONTENT]" + "0123456789" * 4 + "[/TOOL" in talk.read(plan.span)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([0, 300, 2000, 16_380]), max_size=3), min_size=1, max_size=8
    ),
    st.sampled_from([1600, 3840]),
)
def test_whatever_functions_return_is_answered(tekken, turns, room) -> None:
    talk = Fetching(tekken, room=room)
    for sizes in turns:
        expected = talk.expecting()
        span = talk.fetch(*sizes)
        assert talk.read(span).startswith(expected)
        if sizes:
            plan = talk.asked()
            assert positions(plan.span) <= room
            assert "<s>[INST]Be brief." in talk.read(plan.span)
            assert talk.turn("Ten.", spoken=False) == plan.span


def test_a_reply_to_nothing_is_asked_for_with_nothing(talk) -> None:
    assert talk.read(talk.turn("Hello?", spoken=False)) == "<s>[INST]Be brief.[/INST]"
    assert talk.read(talk.turn("x", spoken=False)).endswith("Hello?</s>[INST][/INST]")


def test_it_is_what_the_prompt_makes_of_the_same_texts(talk, tekken) -> None:
    talk.past(Exchange("", "Hello!", 1))
    talk.past(Exchange("Time?", "Let me see.", 2, (ToolUse(CALL, "ten"),)))
    talk.past(Exchange("", "Ten.", 3))
    span = talk.turn("x")
    last = span[-2]
    assert span == chat(
        tekken,
        [
            User(("Be brief.",)),
            Agent("Hello!"),
            User(("Time?",)),
            Agent("Let me see.", (CALL,)),
            Result(CALL.id, "ten"),
            Agent("Ten."),
            User((last,)),
        ],
    )


def test_expecting_the_caller_all_but_the_utterance_is_there(talk) -> None:
    for _ in range(3):
        expected = talk.expecting()
        assert talk.read(talk.turn("Yes."))[: len(expected)] == expected
        assert expected.endswith("[INST]") or expected.endswith("Be brief.")


def test_while_a_reply_is_heard_its_tokens_are_expected_to_stay(talk) -> None:
    first = talk.turn("One, two, three.")
    over = talk.conversation
    talk.conversation = replace(over, past=())  # it is not over yet
    assert talk.expecting() == talk.read(first) + "One, two, three."
    talk.conversation = over
    assert talk.expecting() == talk.read(first) + "One, two, three.</s>[INST]"


def test_planning_changes_nothing(talk, tekken) -> None:
    other = Talk(tekken)
    for number in range(12):
        for _ in range(2):
            talk.expecting()
            talk.recollection.reply(talk.conversation, utterance(31))
        spans = [t.read(t.turn("Yes.", caller=f"Question {number}")) for t in (talk, other)]
        assert spans[0] == spans[1]


def test_an_utterance_has_the_room_that_instructions_leave(tekken) -> None:
    head = positions(chat(tekken, [User(("Be brief.", utterance()))])) - 375
    recollection = Recollection(tekken, head + 2 * 375, 4)
    assert recollection.chunks(BRIEF) == 2
    plan = recollection.reply(BRIEF, utterance(60))
    assert positions(plan.span) == head + 2 * 375
    with pytest.raises(EngineError, match=r"does not fit .* voxtral\.context_tokens"):
        recollection.reply(BRIEF, utterance(61))
    with pytest.raises(EngineError, match="instructions and functions take"):
        recollection.chunks(replace(BRIEF, instructions="x" * 2000))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.text("ab .", min_size=1, max_size=300), st.booleans(), st.booleans()),
        min_size=1,
        max_size=25,
    ),
    st.integers(0, 4),
)
def test_it_always_fits_and_never_loses_the_instructions(tekken, turns, audio_turns) -> None:
    room = 1600
    talk = Talk(tekken, room, audio_turns)
    for answer, understood, spoken in turns:
        before = talk.conversation
        expected = talk.recollection.expecting(replace(before, turn=0), 1)
        span = talk.turn(answer.strip() or "x", caller="Q?" * understood, spoken=spoken)
        assert positions(span) <= room
        assert positions(expected) <= room - 376
        over, talk.conversation = talk.conversation, before
        during = talk.recollection.expecting(replace(before, turn=0), 1)
        assert positions(during) <= room - 376 or during[: len(span)] == span
        talk.conversation = over
        assert talk.read(span).startswith("<s>[INST]Be brief.")
        assert span[-2] in talk.names or not spoken


def test_while_a_reply_is_heard_room_is_made_for_the_next_utterance(tekken) -> None:
    talk = Talk(tekken, room=1300)
    for _ in range(3):
        before = talk.conversation
        talk.turn("x" * 20)
    during = talk.recollection.expecting(replace(before, turn=0), 1)
    assert positions(during) <= 1300 - 376
    talk.names[other := utterance()] = "audio 4"
    plan = talk.recollection.reply(replace(talk.conversation, turn=4), other)
    assert talk.read(plan.span).startswith(talk.read(during))


def test_what_is_kept_of_a_long_call_is_bounded(tekken) -> None:
    talk = Talk(tekken, room=2000)
    for _ in range(40):
        talk.turn("It is. " * 15, caller="Is it?")
    kept = talk.recollection._kept.values()
    assert len(kept) < 20
    assert sum(one.utterance is not None for one in kept) <= 5


def test_the_beginning_changes_rarely(tekken) -> None:
    """Not at every turn once the context is full, nor once all past turns cannot be heard."""
    talk = Talk(tekken, room=3000, audio_turns=4)
    changes, before = 0, ""
    for number in range(60):
        span = talk.read(talk.turn("It is. " * 15, caller=f"Question {number}, and more"))
        changes += not span.startswith(before)
        before = span[: -len("[/INST]")]
        assert number < 4 or span.count("<audio") >= 3, "two past turns at least"
    assert 5 < changes < 32
