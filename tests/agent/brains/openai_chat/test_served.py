"""A wrong address or model stops the start, with what would be right."""

import socket

import pytest
from chat_server import MODEL, chat_server, raw, refuses, silent

from agent.brains.openai_chat.line import Address
from agent.brains.openai_chat.served import check, models
from agent.config import OpenaiChat
from agent.errors import ConfigError


@pytest.fixture
def server():
    with chat_server() as server:
        yield server


def examine(server, **settings):
    config = OpenaiChat(**{"url": server.url, "model": MODEL, **settings})
    check(config, Address(config.url))


def test_a_model_that_is_served_passes(server):
    examine(server)
    examine(server, url=f"{server.url}/")
    assert [path for _, path, _, _ in server.requests] == ["/v1/models"] * 2


def test_the_served_models_are_named(server):
    config = OpenaiChat(url=server.url)
    assert models(config, Address(server.url)) == (MODEL, "test/other")
    with pytest.raises(ConfigError, match=r"openai_chat\.model.*'typo' but test/voice, test/o"):
        examine(server, model="typo")


def test_a_server_that_serves_nothing_is_told_apart(server):
    server.models = []
    with pytest.raises(ConfigError, match="but nothing"):
        examine(server)


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (refuses(401, '{"error": "no"}'), "VOXLINE_OPENAI_API_KEY"),
        (refuses(404, '{"detail": "Not Found"}'), "ends in /v1"),
        (refuses(500, ""), "status 500"),
        (refuses(200, "<html>", "text/html"), "does not list models"),
        (refuses(200, '{"data": 3}'), "does not list models"),
        (refuses(200, "[]"), "does not list models"),
        (raw(b"220 mail.example ESMTP\r\n"), "does not speak HTTP"),
    ],
)
def test_another_kind_of_server_is_refused_with_a_remedy(server, behaviour, said):
    server.will(behaviour)
    with pytest.raises(ConfigError, match=r"^openai_chat\.url: ") as refused:
        examine(server)
    assert said in str(refused.value)


def test_a_server_that_says_nothing_does_not_hold_up_the_start(server):
    server.will(silent)
    with pytest.raises(ConfigError, match="does not answer in time"):
        examine(server, first_token_s=0.1)


def test_a_server_that_is_down_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(ConfigError, match=f"nothing listens at {url}; start the server"):
        check(OpenaiChat(url=url), Address(url))
