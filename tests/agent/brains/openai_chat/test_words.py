"""Of a server's error there is a short account, without secrets and without what was said."""

import json

import pytest

from agent.brains.openai_chat.words import of_error, shortened


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "no such model", "type": "x"}},  # OpenAI, vLLM
        {"object": "error", "message": "no such model"},  # older vLLM
        {"error": "no such model"},  # others
    ],
)
def test_the_message_is_found_in_each_shape(body):
    assert of_error(json.dumps(body).encode(), "") == "no such model"


def test_plain_text_is_a_message_and_a_page_is_none():
    assert of_error(b"upstream is down", "") == "upstream is down"
    assert of_error(b"<html><h1>502 Bad Gateway</h1></html>", "") == ""
    assert of_error(b"", "") == ""


@pytest.mark.parametrize(
    "body", [b"[1]", b"7", b'{"detail": []}', b"\xff\xfe", b'{"error": 3}']
)
def test_any_other_shape_is_survived(body):
    assert isinstance(of_error(body, ""), str)


def test_a_key_is_blotted_out_wherever_it_stands():
    key = "sk-" + "0123456789" * 5
    padding = "x" * 180  # the key would be cut in two, and its first half shown
    assert "sk-" not in of_error(f"{padding} {key} is wrong".encode(), key)


@pytest.mark.parametrize(
    "message",
    [
        "1 validation error\n  what the caller said",
        "[{'type': 'x', 'msg': 'too long', 'input': 'what the caller said'}]",
        "too long [type=x, input_value='what the caller said', input_type=str]",
    ],
)
def test_what_was_said_is_not_repeated(message):
    assert "caller" not in shortened(message)
    assert shortened(message)


def test_it_is_short():
    assert len(shortened("a" * 10_000)) == 200
