"""What the caller said, as the server wrote it down."""

import threading

import numpy as np
import pytest
from chat_server import MODEL, chat_server, form, raw, refuses, silent

from agent.audio.pcm16 import to_pcm16
from agent.brains.openai_chat import transcript as module
from agent.brains.openai_chat.line import Address, Errand, Line
from agent.brains.openai_chat.transcript import in_time, transcript
from agent.brains.openai_chat.wav import wav
from agent.config import OpenaiChat
from agent.engines import Heard
from agent.errors import EngineError

SAID = to_pcm16(np.linspace(-1, 1, 16_000, dtype=np.float32))


@pytest.fixture
def server():
    with chat_server() as server:
        yield server


def write_down(server, language=""):
    config, line = OpenaiChat(url=server.url, model=MODEL), Line(Address(server.url))
    return list(transcript(line, config, SAID, language, threading.Event()))


def test_the_server_hears_the_utterance_and_writes_it_down(server):
    server.transcript = " What time is it? "
    assert write_down(server) == [Heard("What time is it?")]
    [(method, path, headers, body)] = server.requests
    assert (method, path) == ("POST", "/v1/audio/transcriptions")
    fields = form(headers, body)
    assert fields["file"] == wav(SAID)
    assert fields["model"].decode() == MODEL
    assert fields["response_format"] == b"json"
    assert "language" not in fields


def test_the_language_is_named_where_it_is_known(server):
    write_down(server, "de")
    [(_, _, headers, body)] = server.requests
    assert form(headers, body)["language"] == b"de"


def test_an_utterance_of_nothing_has_no_transcript(server):
    server.transcript = "  "
    assert write_down(server) == []


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (refuses(200, "no JSON"), "openai_chat.transcript to false"),
        (refuses(200, '{"words": []}'), "openai_chat.transcript to false"),
        (refuses(200, '{"text": null}'), "openai_chat.transcript to false"),
        (refuses(404, '{"detail": "Not Found"}'), "openai_chat.model"),
        (raw(b""), "closed the connection"),
    ],
)
def test_a_server_without_transcripts_is_an_error_with_a_remedy(server, behaviour, said):
    server.will(behaviour)
    with pytest.raises(EngineError) as failed:
        write_down(server)
    assert said in str(failed.value)


@pytest.fixture
def errand(server):
    config, line = OpenaiChat(url=server.url, model=MODEL), Line(Address(server.url))
    return Errand(line, lambda unwanted: transcript(line, config, SAID, "", unwanted))


def in_all(generator):
    """What it yields, and returns."""
    found = []
    while True:
        try:
            found.append(next(generator))
        except StopIteration as end:
            return found, end.value


def test_in_time_it_is_what_it_is_later(server, errand):
    assert in_all(in_time(errand, 20)) == ([Heard("what time is it")], True)


def test_to_hear_nothing_is_to_know_it(server, errand):
    server.transcript = ""
    assert in_all(in_time(errand, 20)) == ([], True)


def test_a_server_that_takes_too_long_is_not_waited_for(server, errand, caplog):
    server.will(silent)
    assert in_all(in_time(errand, 0.05)) == ([], False)
    assert server.gone.get(timeout=20) == "/v1/audio/transcriptions", "it may stop its work"
    assert "none came within 0.05 s" in caplog.text


def test_a_server_that_sends_a_little_now_and_then_is_not_waited_for(server, errand, caplog):
    """Killed: a limit for each wait instead of one for all."""
    stop = threading.Event()

    def behave(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not stop.wait(0.02):
            handler.wfile.write(b"X-More: to come\r\n")

    server.will(behave)
    try:
        assert in_all(in_time(errand, 0.2)) == ([], False)
    finally:
        stop.set()
    assert "none came within 0.2 s" in caplog.text


def test_what_goes_wrong_is_said_in_the_log_and_nowhere_else(server, errand, caplog):
    server.will(refuses(404, '{"detail": "Not Found"}'))
    assert in_all(in_time(errand, 20)) == ([], False)
    assert "openai_chat.model" in caplog.text


def test_who_calls_it_off_is_not_told_that_it_failed(server, errand, caplog):
    errand.cancel()
    assert in_all(in_time(errand, 20)) == ([], False)
    assert caplog.text == ""


def test_no_audio_can_end_a_part_early():
    loud = to_pcm16(np.random.default_rng(1).uniform(-1, 1, 100_000).astype(np.float32))
    for file in (wav(loud), b"\r\n--" * 100):
        body = module.form({"a": "b"}, file)
        boundary = body.split(b"\r\n")[0][2:].decode()
        parts = form({"Content-Type": f"multipart/form-data; boundary={boundary}"}, body)
        assert parts == {"a": b"b", "file": file}
