"""Tokens to pieces: text at once, sentences bounded, functions called or politely not."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.voxtral.tekken import Tekken
from agent.brains.voxtral.wording import Sentences, Wording
from agent.engines import Text, ToolCall
from agent.errors import EngineError

TOOL_CALLS = 9


@pytest.fixture(scope="module")
def tekken(checkpoint) -> Tekken:
    return Tekken(checkpoint / "tekken.json")


@pytest.fixture
def read(tekken):
    """All pieces of some tokens; a string stands for its own."""

    def read(*parts, sentences=0, functions=("weather", "time")):
        wording, pieces = Wording(tekken, functions, 7, sentences), []
        for part in parts:
            for token in [part] if isinstance(part, int) else tekken.encode(part):
                if not wording.over:
                    pieces += wording.push(token)
        return pieces + wording.finish()

    return read


def text(pieces) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


def calls(pieces):
    return [piece for piece in pieces if isinstance(piece, ToolCall)]


def test_each_token_is_a_piece(read) -> None:
    assert read("Hi.") == [Text("H"), Text("i"), Text(".")]


def test_a_letter_comes_when_it_is_whole(read) -> None:
    assert read("\u00e9\U0001f389") == [Text("\u00e9"), Text("\U0001f389")]


def test_half_a_letter_is_not_said(tekken, read) -> None:
    assert read("ab", tekken.encode("\u00e9")[0]) == [Text("a"), Text("b")]


def test_a_call_comes_after_the_text_and_is_not_spoken(read) -> None:
    listed = '[{"name": "weather", "arguments": {"place": "Z\u00fcrich"}, "id": "whatever1"}]'
    pieces = read("Let me see.", TOOL_CALLS, listed)
    assert text(pieces[:-1]) == "Let me see."
    assert pieces[-1] == ToolCall("000070000", "weather", '{"place": "Z\u00fcrich"}')


def test_several_calls_have_ids_of_their_own_in_the_models_format(read) -> None:
    listed = [{"name": "weather", "arguments": {"n": n}} for n in range(3)]
    called = calls(read(TOOL_CALLS, json.dumps(listed)))
    assert len({call.id for call in called}) == 3
    assert all(len(call.id) == 9 and call.id.isalnum() for call in called)


@pytest.mark.parametrize(
    "written",
    [
        '{"name": "time", "arguments": {}}',
        '[{"name": "time"}]',
        '[{"name": "time", "arguments": ""}]',
        '[{"name": "time", "arguments": "{}"}] and more',
        '  [{"name": "time", "arguments": {}}, {"name": "nobody", "arguments": {}}]',
    ],
)
def test_what_can_be_understood_is(read, written) -> None:
    assert calls(read(TOOL_CALLS, written)) == [ToolCall("000070000", "time", "{}")]


SLIPS = pytest.mark.parametrize(
    "written",
    [
        "",
        "[",
        '[{"name": "time", "arg',
        "null",
        "[[[]]]",
        '["time"]',
        '[{"name": ["time"]}]',
        '[{"name": "nobody", "arguments": {}}]',
        '[{"name": "time", "arguments": [1]}]',
        '[{"name": "time", "arguments": "not JSON"}]',
        "[" * 5000,
    ],
)


@SLIPS
def test_a_slip_of_the_model_after_words_is_no_failure(read, written, caplog) -> None:
    caplog.set_level(logging.INFO)
    pieces = read("One moment.", TOOL_CALLS, written)
    assert text(pieces) == "One moment."
    assert not calls(pieces)
    assert "cannot be read" in caplog.text
    assert "time" not in caplog.text, "what is said is not logged"


@SLIPS
@pytest.mark.parametrize("said", ["", " "])
def test_a_slip_that_leaves_nothing_to_hear_is_a_failure(read, said, written) -> None:
    told = r"cannot be read.*voxtral\.max_new_tokens"
    with pytest.raises(EngineError, match=told) as failure:
        read(said, TOOL_CALLS, written)
    assert '"' not in str(failure.value), "what is said is not told"


def test_without_functions_none_is_called(read) -> None:
    assert not calls(read("Well.", TOOL_CALLS, '[{"name": "time"}]', functions=()))


@pytest.mark.parametrize(
    ("sentences", "said"),
    [
        (0, "It is 3.5 degrees, Dr. Wu! Really?? Yes."),
        (1, "It is 3.5 degrees, Dr. Wu!"),
        (2, "It is 3.5 degrees, Dr. Wu! Really??"),
        (3, "It is 3.5 degrees, Dr. Wu! Really?? Yes."),
    ],
)
def test_a_reply_ends_with_its_last_sentence(read, sentences, said) -> None:
    whole = "It is 3.5 degrees, Dr. Wu! Really?? Yes."
    assert text(read(whole, sentences=sentences)) == said
    assert text(read(whole + " And so on.", sentences=3)) == whole


def test_what_was_cut_off_is_not_remembered(tekken) -> None:
    wording = Wording(tekken, (), 1, 1)
    for token in tekken.encode("Yes. No"):
        if not wording.over:
            wording.push(token)
    assert wording.said.tokens == list(tekken.encode("Yes."))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ('"Go on." he said.', '"Go on."'),
        ("I live in the U.S. now. Yes.", "I live in the U.S. now."),
        ("\u597d\u7684\u3002\u6ca1\u95ee\u9898\u3002", "\u597d\u7684\u3002"),
        ("Well... maybe.", "Well..."),
        ("See Fig. 3 of No. 5. Yes.", "See Fig. 3 of No. 5."),
        ("It was Aug. 5. Yes.", "It was Aug. 5."),
        ("A fig. Yes.", "A fig."),
        ("At 3 PM EST. Yes.", "At 3 PM EST."),
        ("No end", "No end"),
        ("Done.", "Done."),
    ],
)
def test_where_a_sentence_ends(text, first) -> None:
    assert Sentences(1).upto(text) == first


@given(st.text(alphabet='aB .!?\u2026"\u3002', max_size=30), st.integers(1, 3), st.data())
def test_how_the_text_is_cut_into_tokens_cannot_matter(text, most, data) -> None:
    whole = Sentences(most).upto(text)
    assert text.startswith(whole)
    sentences, said, at = Sentences(most), "", 0
    while at < len(text):
        size = data.draw(st.integers(1, 4))
        piece = text[at : at + size]
        kept = sentences.upto(piece)
        said += kept
        if kept != piece:
            break
        at += size
    assert said == whole
