"""What the caller said, as the server wrote it down."""

import threading

import numpy as np
import pytest
from chat_server import MODEL, chat_server, form, raw, refuses

from agent.audio.pcm16 import to_pcm16
from agent.brains.openai_chat import transcript as module
from agent.brains.openai_chat.line import Address, Line
from agent.brains.openai_chat.transcript import transcript
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


def test_no_audio_can_end_a_part_early():
    loud = to_pcm16(np.random.default_rng(1).uniform(-1, 1, 100_000).astype(np.float32))
    for file in (wav(loud), b"\r\n--" * 100):
        body = module.form({"a": "b"}, file)
        boundary = body.split(b"\r\n")[0][2:].decode()
        parts = form({"Content-Type": f"multipart/form-data; boundary={boundary}"}, body)
        assert parts == {"a": b"b", "file": file}
