"""Events become pieces; what is no chat completion is said to be none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.openai_chat.stream import Completion
from agent.engines import Text, ToolCall
from agent.errors import EngineError


def event(**choice):
    return f"data: {json.dumps({'choices': [{'index': 0, **choice}]})}\n\n".encode()


def feed(completion, data):
    return [
        piece for line in data.splitlines(keepends=True) if (piece := completion.feed(line))
    ]


def call(index=0, **function):
    return event(
        delta={"tool_calls": [{"index": index, "id": f"id{index}", "function": function}]}
    )


def test_text_comes_as_it_is_sent():
    completion = Completion(1)
    assert feed(completion, event(delta={"role": "assistant", "content": ""})) == []
    assert not completion.begun
    assert feed(completion, event(delta={"content": "It is"})) == [Text("It is")]
    assert completion.begun
    assert feed(completion, event(delta={"content": " noon."})) == [Text(" noon.")]


def test_it_is_complete_with_a_reason_and_over_with_the_last_word():
    completion = Completion(1)
    feed(completion, event(delta={}, finish_reason="stop"))
    assert (completion.done, completion.over) == (True, False)
    feed(completion, b"data: [DONE]\n\n")
    assert completion.over


def test_comments_counts_and_other_fields_are_no_tokens():
    completion = Completion(1)
    data = b': ping\n\nevent: x\nid: 3\nretry: 5\ndata: {"choices": [], "usage": {}}\n\n'
    assert feed(completion, data) == []
    assert not completion.begun


def test_lines_may_end_as_the_format_allows_and_data_may_take_several():
    completion = Completion(1)
    lines = [b'data:{"choices":\r\n', b'data: [{"delta": {"content": "a"}}]}\r\n', b"\r\n"]
    assert [completion.feed(line) for line in lines] == [None, None, Text("a")]


def test_a_tool_call_is_put_together_from_its_parts():
    completion = Completion(1)
    feed(completion, event(delta={"content": "Let me see."}))
    feed(completion, call(name="weather", arguments=""))
    for part in ('{"city": ', '"Paris"}'):
        feed(
            completion,
            event(delta={"tool_calls": [{"index": 0, "function": {"arguments": part}}]}),
        )
    feed(completion, call(1, name="now"))
    assert completion.calls() == [
        ToolCall("000001000", "weather", '{"city": "Paris"}'),
        ToolCall("000001001", "now", "{}"),
    ]


@pytest.mark.parametrize("servers", [{}, {"id": "functions.f:0"}])
def test_a_call_gets_an_id_of_nine_characters_that_no_other_turn_gives(servers):
    """Killed: a server's own, which may be the same each time: nothing was called twice."""
    ids = set()
    for turn in (1, 2, 1_000_001):
        completion = Completion(turn)
        feed(completion, event(delta={"tool_calls": [{"function": {"name": "f"}, **servers}]}))
        ids.update(each.id for each in completion.calls())
    assert {len(each) for each in ids} == {9}
    assert all(each.isalnum() for each in ids)
    assert len(ids) == 2  # after a million turns they begin again


@pytest.mark.parametrize("arguments", ['{"city": "Par', "[1]", "Paris"])
def test_half_a_call_is_an_error_with_a_remedy(arguments):
    completion = Completion(1)
    feed(completion, call(name="weather", arguments=arguments))
    with pytest.raises(EngineError, match=r"weather.*no JSON object.*max_tokens"):
        completion.calls()


@pytest.mark.parametrize(
    "line",
    [
        b"data: {not json}\n\n",
        b"data: [1, 2]\n\n",
        b"data: 7\n\n",
        b'data: {"choices": "none"}\n\n',
        b'data: {"choices": [{"delta": "text"}]}\n\n',
        b'data: {"choices": [{"delta": {"content": 3}}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [7]}}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [{"index": 99999}]}}]}\n\n',
        b"data: {}\n\n",
        b"<html>\n",
        b"\xff\xfe\n",
    ],
)
def test_garbage_is_an_engines_error_that_names_the_likely_mistake(line):
    with pytest.raises(EngineError, match=r"chat server sent .*openai_chat\.url"):
        feed(Completion(1), line)


@pytest.mark.parametrize(
    "event",
    [{"error": {"message": "out of memory"}}, {"object": "error", "message": "out of memory"}],
)
def test_an_error_in_the_stream_is_passed_on(event):
    with pytest.raises(EngineError, match="out of memory"):
        feed(Completion(1), f"data: {json.dumps(event)}\n\n".encode())


@given(st.lists(st.text(min_size=1)))
def test_the_pieces_are_the_text(texts):
    completion = Completion(1)
    data = b"".join(event(delta={"content": text}) for text in texts)
    lines = [line + b"\n" for line in data.split(b"\n")]
    pieces = [piece for line in lines if (piece := completion.feed(line))]
    assert [piece.text for piece in pieces] == texts


@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise_anything_else(data):
    try:
        feed(Completion(1), data)
    except EngineError:
        pass
