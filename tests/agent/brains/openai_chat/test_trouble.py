"""Every trouble has a cause and a remedy, and it is known whether asking again can help."""

import http.client
import socket
import ssl

import pytest

from agent.brains.openai_chat.line import Refused
from agent.brains.openai_chat.trouble import is_too_long, of_network, of_refusal, passes
from agent.config import OpenaiChat

CONFIG = OpenaiChat(url="http://gpu.example:8000/v1", model="voice")


@pytest.mark.parametrize(
    ("error", "cause", "again"),
    [
        (TimeoutError("timed out"), "does not answer in time", True),
        (ConnectionRefusedError(111, "refused"), "nothing listens", True),
        (socket.gaierror(-2, "unknown"), "no host of that name", False),
        (ssl.SSLCertVerificationError(1, "self-signed"), "no secure connection", False),
        (ConnectionResetError(104, "reset"), "closed the connection", True),
        (http.client.RemoteDisconnected("x"), "closed the connection", True),
        (http.client.BadStatusLine("x"), "does not speak HTTP", True),
        (OSError(101, "Network is unreachable"), "Network is unreachable", True),
    ],
)
def test_a_network_that_fails_is_told_by_how(error, cause, again):
    said = of_network(error, CONFIG)
    assert cause in said
    assert CONFIG.url in said
    assert passes(error) is again


@pytest.mark.parametrize(
    ("status", "remedy", "again"),
    [
        (301, "openai_chat.url", False),
        (400, "refuses the request", False),
        (401, "VOXLINE_OPENAI_API_KEY", False),
        (403, "VOXLINE_OPENAI_API_KEY", False),
        (404, "openai_chat.model", False),
        (429, "limits.calls", True),
        (500, "its log says why", True),
        (503, "its log says why", True),
    ],
)
def test_a_refusal_is_told_by_its_status(status, remedy, again):
    refused = Refused(status, "the server's words")
    assert remedy in of_refusal(refused, CONFIG)
    assert passes(refused) is again


def test_the_servers_words_are_passed_on_except_where_they_hold_a_key():
    assert "no slots" in of_refusal(Refused(503, "no slots"), CONFIG)
    assert "sk-" not in of_refusal(Refused(401, "Incorrect API key: sk-ab***"), CONFIG)


@pytest.mark.parametrize(
    ("status", "words", "too_long"),
    [
        (400, "This model's maximum context length is 4096 tokens.", True),
        (
            400,
            "The prompt (length 5000) is longer than the maximum model length of 4096.",
            True,
        ),
        (400, "the request exceeds the available context size (4096 tokens)", True),
        (413, "prompt does not fit the context window", True),
        (400, "top_p must be in (0, 1]", False),
        (500, "out of context length", False),
    ],
)
def test_a_conversation_too_long_for_the_model_is_told_from_other_refusals(
    status, words, too_long
):
    assert is_too_long(Refused(status, words)) is too_long
