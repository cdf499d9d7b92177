"""The brain behind HTTP, against a real server: what it says, and how it fails."""

import base64
import contextlib
import json
import logging
import queue
import re
import socket
import threading
from dataclasses import replace

import listener_laws as laws
import numpy as np
import pytest
from chat_server import (
    MODEL,
    chat_server,
    dies,
    form,
    raw,
    refuses,
    says,
    sends,
    silent,
    token,
)

from agent.audio.pcm16 import to_pcm16
from agent.brains.openai_chat import brain
from agent.brains.openai_chat.brain import OpenaiChatBrain
from agent.brains.openai_chat.wav import wav
from agent.config import OpenaiChat
from agent.engines import Conversation, Exchange, Heard, Text, Tool, ToolCall, ToolUse
from agent.errors import ConfigError, EngineError
from agent.host import wire
from agent.host.server import Server
from agent.voices.tone import ToneVoice

SPEECH = np.sin(np.arange(16_000, dtype=np.float32) / 20) / 2
PLAIN = Conversation("Be brief.", "en-US", turn=1)


@pytest.fixture
def server():
    with chat_server() as server:
        yield server


def brain_of(server, **settings):
    return OpenaiChatBrain(OpenaiChat(**{"url": server.url, "model": MODEL, **settings}))


@pytest.fixture
def listen(server):
    """Begin calls with settings of their own."""
    with contextlib.ExitStack() as calls:

        def listen(**settings):
            listener = brain_of(server, **settings).listen()
            calls.callback(listener.close)
            return listener

        yield listen


@pytest.fixture
def listener(listen):
    return listen()


def said(pieces):
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


# -- what it says


def test_a_reply_is_what_the_server_streams(server, listener):
    listener.hear(SPEECH)
    server.will(says("It is ", "noon."))
    assert list(listener.reply(PLAIN)) == [Text("It is "), Text("noon.")]


def test_text_comes_while_the_server_still_thinks(server, listener):
    server.will(sends(token("At once"), end=False))
    pieces = listener.reply(PLAIN)
    assert next(pieces) == Text("At once")
    server.waiting.get(timeout=20)
    pieces.close()
    assert server.gone.get(timeout=20)


def test_the_server_hears_the_utterance(server, listener):
    for frame in np.split(SPEECH, 50):
        listener.hear(frame)
    assert said(listener.reply(PLAIN)) == "16000 samples."
    [sent] = server.bodies()
    audio = sent["messages"][0]["content"][1]["input_audio"]["data"]
    assert base64.b64decode(audio) == wav(to_pcm16(SPEECH))


def test_it_obeys_the_laws_of_a_listener(server):
    brain, then = brain_of(server), SPEECH[:5000]
    laws.same_reply_twice(brain, SPEECH)
    laws.discarded_leaves_no_trace(brain, SPEECH, at=640)
    laws.closed_midway_leaves_no_trace(brain, SPEECH)
    laws.kept_begins_anew(brain, SPEECH, then)
    laws.kept_is_read_on_beside_another(brain, SPEECH, then)
    laws.forgotten_never_was(brain, SPEECH, then)


def test_what_was_kept_is_heard_again_as_audio_and_then_read_as_text(server, listen):
    listener = listen(audio_turns=2)
    past, kinds = (), []
    for turn in range(1, 5):
        listener.hear(SPEECH)
        list(listener.reply(Conversation("", "en-US", past, turn)))
        listener.keep()
        past += (Exchange(f"question {turn}", f"answer {turn}", turn),)
        users = [each for each in server.bodies()[-1]["messages"] if each["role"] == "user"]
        kinds.append([each["content"][0]["type"] for each in users])
    assert kinds == [
        ["input_audio"],
        ["input_audio"] * 2,
        ["input_audio"] * 3,
        ["text"] + ["input_audio"] * 3,
    ]


def test_no_request_has_more_audio_than_vllm_takes(server, listener):
    past = ()
    for turn in range(1, 9):
        listener.hear(SPEECH)
        list(listener.reply(Conversation("", "en-US", past, turn)))
        listener.keep()
        past += (Exchange("", "yes", turn),)
    parts = [p for m in server.bodies()[-1]["messages"] for p in m["content"] if "type" in p]
    assert sum(part["type"] == "input_audio" for part in parts) == 5


def test_what_was_discarded_or_forgotten_is_never_heard_again(server, listener):
    listener.hear(SPEECH)
    list(listener.reply(PLAIN))
    listener.discard()
    listener.forget()
    listener.keep()
    list(listener.reply(Conversation("", "en-US", (Exchange("", "Yes.", 1),), 2)))
    assert "input_audio" not in str(server.bodies()[-1])


def test_of_speech_without_end_the_end_is_kept(listener, monkeypatch):
    """Killed: 57 MB after half an hour that nobody answers, all of it sent with the next."""
    monkeypatch.setattr(brain, "_LONGEST_BYTES", 2 * len(SPEECH))
    for level in range(9):
        listener.hear(SPEECH * 0 + level / 10)
    listener.hear(SPEECH)
    assert len(listener._utterance) <= 4 * len(SPEECH)
    assert listener._utterance.endswith(to_pcm16(SPEECH))


def test_a_tool_is_asked_for_and_its_result_is_passed_on(server, listener):
    tool = Tool("weather", "Tells the weather.", '{"type": "object"}')
    function = {"name": "weather", "arguments": '{"city": "Paris"}'}
    server.will(says("Let me see.", calls=[{"index": 0, "id": "abc", "function": function}]))
    listener.hear(SPEECH)
    asked = Conversation("", "en-US", turn=1, tools=(tool,))
    call = ToolCall("000001000", "weather", '{"city": "Paris"}')
    assert list(listener.reply(asked)) == [Text("Let me see."), call]
    listener.keep()
    past = (Exchange("", "Let me see.", 1, (ToolUse(call, "sunny"),)),)
    list(listener.reply(Conversation("", "en-US", past, 2, (tool,))))
    assert server.bodies()[-1]["messages"][-1] == {
        "role": "tool",
        "tool_call_id": "000001000",
        "content": "sunny",
    }
    assert server.bodies()[-1]["tools"][0]["function"]["name"] == "weather"


# -- transcripts


def test_a_transcript_is_of_the_utterance_last_kept_and_asked_once(server, listener):
    listener.hear(SPEECH)
    list(listener.reply(PLAIN))
    assert list(listener.transcribe()) == []
    listener.keep()
    pieces = listener.transcribe()
    listener.hear(SPEECH)  # the next one
    assert list(pieces) == [Heard("what time is it")]
    assert list(listener.transcribe()) == []


def test_a_transcript_is_asked_for_in_the_language_of_the_call(server, listener):
    listener.hear(SPEECH)
    list(listener.reply(replace(PLAIN, language="fr-FR")))
    listener.keep()
    list(listener.transcribe())
    _, _, headers, body = server.requests[-1]
    assert form(headers, body)["language"] == b"fr"


def test_a_transcript_can_be_had_beside_the_next_reply(server, listener):
    listener.hear(SPEECH)
    listener.keep()
    server.will(silent, says("Meanwhile."))
    pieces, ended = listener.transcribe(), threading.Event()

    def wait():
        with pytest.raises(EngineError):
            next(pieces)
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert server.waiting.get(timeout=20) == "/v1/audio/transcriptions"
    assert said(listener.reply(PLAIN)) == "Meanwhile."
    pieces.cancel()
    assert ended.wait(20)
    thread.join()


# -- over a reply

OVER = replace(PLAIN, over_reply=True)


def asked(server):
    """What was asked of the server, in order, without the models."""
    posts = [path for method, path, _, _ in server.requests if method == "POST"]
    return [path.removeprefix("/v1/") for path in posts]


def test_what_was_said_over_a_reply_comes_before_the_answer(server, listener):
    server.transcript = "stop"
    listener.hear(SPEECH)
    assert next(pieces := listener.reply(OVER)) == Heard("stop")
    assert said(pieces) == "16000 samples."
    assert asked(server) == ["audio/transcriptions", "chat/completions"]
    listener.keep()
    assert list(listener.transcribe()) == [], "it was told already"
    assert len(asked(server)) == 2


def test_an_ordinary_turn_waits_for_no_words(server, listener):
    listener.hear(SPEECH)
    assert list(listener.reply(PLAIN)) == [Text("16000 "), Text("samples.")]
    assert asked(server) == ["chat/completions"]


@pytest.mark.parametrize("heard", [True, False])
def test_where_there_is_nothing_to_write_down_or_nobody_to_do_it_nothing_is_asked(
    server, listen, heard
):
    listener = listen(transcript=not heard)
    if heard:
        listener.hear(SPEECH)
    assert not any(isinstance(piece, Heard) for piece in listener.reply(OVER))
    assert asked(server) == ["chat/completions"]


@pytest.mark.parametrize(
    "behaviour",
    [silent, refuses(500, "{}"), refuses(200, "{}"), raw(b""), dies()],
    ids=["silent", "fails", "no transcript", "no HTTP", "dies"],
)
def test_words_that_cannot_be_had_lose_no_reply(server, listener, behaviour, caplog):
    server.will(behaviour)
    listener.hear(SPEECH)
    assert list(listener.reply(OVER)) == [Text("16000 "), Text("samples.")]
    assert "no words of what was said over a reply" in caplog.text
    listener.keep()
    assert list(listener.transcribe()) == [Heard("what time is it")], "asked again, later"


def test_a_reply_that_fails_after_the_words_is_a_failure(server, listen):
    listener = listen(retries=0)
    listener.hear(SPEECH)
    pieces = listener.reply(OVER)
    assert next(pieces) == Heard("what time is it")
    server.will(refuses(500, "{}"))
    with pytest.raises(EngineError, match="status 500"):
        list(pieces)


def test_a_draft_that_is_unwanted_lets_go_of_the_words(server, listener):
    server.will(silent)
    listener.hear(SPEECH)
    pieces = listener.reply(OVER)
    found = []
    reader = threading.Thread(target=lambda: found.extend(pieces))
    reader.start()
    assert server.waiting.get(timeout=20) == "/v1/audio/transcriptions"
    pieces.cancel()
    reader.join(20)
    assert not reader.is_alive()
    assert found == []
    assert server.gone.get(timeout=20) == "/v1/audio/transcriptions"
    assert asked(server) == ["audio/transcriptions"], "nobody wants the answer either"
    listener.discard()
    listener.hear(SPEECH)
    assert said(listener.reply(PLAIN)) == "32000 samples."


def test_a_draft_that_is_kept_unread_tells_what_was_said_once(server, listener):
    listener.hear(SPEECH)
    pieces = listener.reply(OVER)
    listener.keep()
    assert list(listener.transcribe()) == []
    assert next(pieces) == Heard("what time is it")
    assert said(pieces) == "16000 samples."


def test_transcripts_can_be_turned_off(server, listen):
    listener = listen(transcript=False)
    listener.hear(SPEECH)
    listener.keep()
    assert list(listener.transcribe()) == []
    assert [path for _, path, _, _ in server.requests] == ["/v1/models"]


# -- how it fails


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (refuses(401, '{"error": {"message": "bad key"}}'), "VOXLINE_OPENAI_API_KEY"),
        (refuses(404, '{"message": "no such model"}'), "no such model"),
        (refuses(400, '{"message": "no tool parser"}'), "no tool parser"),
        (sends("data: {not json}"), "chat completion was expected"),
        (sends("<html>"), "chat completion was expected"),
        (sends('data: {"error": {"message": "out of memory"}}'), "out of memory"),
    ],
)
def test_what_asking_again_cannot_help_is_asked_once(server, listener, behaviour, cause):
    server.will(behaviour)
    with pytest.raises(EngineError) as failed:
        list(listener.reply(PLAIN))
    assert cause in str(failed.value)
    assert len(server.bodies()) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        refuses(429, ""),
        refuses(503, '{"message": "loading"}'),
        dies(),
        dies(": ping"),
        sends(": ping"),  # ended before it began
        raw(b"nonsense\r\n"),
    ],
)
def test_before_the_first_token_it_is_asked_again(server, listener, behaviour):
    server.will(behaviour, says("There."))
    assert said(listener.reply(PLAIN)) == "There."
    first, second = server.bodies()
    assert first == second


TOO_LONG = refuses(
    400,
    '{"error": {"message": "This model\'s maximum context length is 4096 tokens. However, you '
    'requested 4400 tokens.", "type": "BadRequestError", "code": 400}}',
)


def exchanges(turns):
    return tuple(Exchange(f"question {turn}", f"answer {turn}", turn) for turn in turns)


def test_what_the_servers_context_has_no_room_for_is_left_out_oldest_first(server, listen):
    listener = listen(retries=0)
    past = exchanges(range(1, 7))
    server.will(TOO_LONG, TOO_LONG, says("There."))
    assert said(listener.reply(Conversation("", "en-US", past, 7))) == "There."
    assert [body_turns(body) for body in server.bodies()] == [
        [1, 2, 3, 4, 5, 6],
        [4, 5, 6],
        [5, 6],
    ]
    list(listener.reply(Conversation("", "en-US", (*past, *exchanges([7])), 8)))
    assert body_turns(server.bodies()[-1]) == [5, 6, 7], (
        "and stays so: nobody waits for it again"
    )


def test_what_is_too_long_with_nothing_left_to_leave_out_is_an_error(server, listener):
    server.will(TOO_LONG, TOO_LONG)
    with pytest.raises(EngineError, match="maximum context length is 4096"):
        list(listener.reply(Conversation("", "en-US", exchanges([1, 2]), 3)))
    assert [body_turns(body) for body in server.bodies()] == [[1, 2], [2]]


def body_turns(body):
    """Of which exchanges it tells."""
    return [int(turn) for turn in re.findall(r"question (\d)", json.dumps(body))]


def test_after_the_last_attempt_it_is_an_error(server, listen):
    listener = listen(retries=1)
    server.will(refuses(503, '{"message": "loading"}'), refuses(503, '{"message": "loading"}'))
    with pytest.raises(EngineError, match=r"status 503 \(loading\)"):
        list(listener.reply(PLAIN))
    assert len(server.bodies()) == 2


@pytest.mark.parametrize("cut", [dies(token("Well")), sends(token("Well"))])
def test_after_the_first_token_it_is_never_asked_again(server, listener, cut):
    server.will(cut)
    pieces = listener.reply(PLAIN)
    assert next(pieces) == Text("Well")
    with pytest.raises(EngineError, match="closed the connection"):
        next(pieces)
    assert len(server.bodies()) == 1


def test_a_server_that_does_not_begin_is_given_up(server, listen):
    listener = listen(first_token_s=0.1, retries=1)
    server.will(silent, sends(": ping", end=False))
    with pytest.raises(EngineError, match="does not answer in time"):
        list(listener.reply(PLAIN))
    assert len(server.bodies()) == 2
    assert [server.gone.get(timeout=20) for _ in range(2)]


def test_a_server_that_keeps_the_line_open_without_a_token_is_given_up(server, listen):
    """Comments count for nothing: the limit runs from the request to the first token."""
    stop = threading.Event()

    def pings(handler):
        handler.begin_stream()
        try:
            while not stop.is_set():
                handler.line(": ping")
        except ConnectionError:
            stop.set()

    listener = listen(first_token_s=0.2, retries=0)
    server.will(pings)
    with pytest.raises(EngineError, match="does not answer in time"):
        list(listener.reply(PLAIN))
    assert stop.wait(20)


def test_a_server_that_stops_in_the_middle_is_given_up(server, listen):
    listener = listen(token_s=0.1)
    server.will(sends(token("Well"), end=False))
    pieces = listener.reply(PLAIN)
    assert next(pieces) == Text("Well")
    with pytest.raises(EngineError, match="does not answer in time"):
        next(pieces)
    assert server.gone.get(timeout=20)


def test_a_whole_reply_that_is_not_closed_is_a_whole_reply(server, listen):
    listener = listen(token_s=0.1)
    end = 'data: {"choices": [{"delta": {"content": "."}, "finish_reason": "stop"}]}'
    server.will(sends(token("Well"), end, end=False))
    assert said(listener.reply(PLAIN)) == "Well."


def test_the_call_lives_on_after_a_failure(server, listener):
    server.will(refuses(400, ""), says("There."))
    with pytest.raises(EngineError):
        list(listener.reply(PLAIN))
    assert said(listener.reply(PLAIN)) == "There."


TOLD = Exchange("is it noon", "Let me see.", 1)
TYPED = Exchange("is it noon", "", 2)
BRIDGED = Exchange("is it noon", "One moment, please.", 1, bridged=True)
CALL = {"index": 0, "id": "abc123XYZ", "function": {"name": "now", "arguments": "{}"}}


@pytest.mark.parametrize("texts", [(), (" ", "\n")])
@pytest.mark.parametrize(
    ("past", "heard"),
    [
        *[((), SPEECH), ((TOLD,), SPEECH), ((TOLD, TYPED), SPEECH[:0])],
        ((BRIDGED,), SPEECH[:0]),
    ],
)
def test_who_waits_for_an_answer_is_not_left_in_silence(server, listener, texts, past, heard):
    """Killed: a model that thought until its tokens were used up, and silence in the call."""
    listener.hear(heard)
    server.will(says(*texts))
    with pytest.raises(EngineError, match=r"said nothing.*openai_chat\.max_tokens"):
        list(listener.reply(replace(PLAIN, past=past, turn=2)))


def test_a_result_needs_no_words_after_those_that_went_before_it(server, listener):
    server.will(says())
    assert list(listener.reply(replace(PLAIN, past=(TOLD,), turn=2))) == []


def test_a_call_alone_is_no_silence(server, listener):
    listener.hear(SPEECH)
    server.will(says(calls=[CALL]))
    assert list(listener.reply(PLAIN)) == [ToolCall("000001000", "now", "{}")]


def test_a_server_that_went_away_is_named(server, listener):
    server.close()
    with pytest.raises(EngineError, match=r"nothing listens.*start the server"):
        list(listener.reply(PLAIN))


def test_a_wrong_address_or_model_stops_the_start(server):
    with pytest.raises(ConfigError, match=r"does not serve 'typo' but test/voice"):
        brain_of(server, model="typo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(ConfigError, match="nothing listens"):
        brain_of(server, url=url)


def test_the_key_comes_from_the_environment_and_is_never_logged(
    server, listen, monkeypatch, caplog
):
    monkeypatch.setenv("VOXLINE_OPENAI_API_KEY", "sk-secret")
    caplog.set_level(logging.DEBUG)
    listener = listen()
    server.will(refuses(500, '{"message": "sk-secret"}'), refuses(400, "sk-secret"))
    with pytest.raises(EngineError) as failed:
        list(listener.reply(PLAIN))
    assert "sk-secret" not in str(failed.value) + caplog.text + repr(vars(listener))
    assert all(
        headers["Authorization"] == "Bearer sk-secret" for _, _, headers, _ in server.requests
    )


# -- in a call


class Hosted:
    """The brain behind the engines' process's server, as a call has it."""

    def __init__(self, brain):
        self.sent = queue.SimpleQueue()
        self.server = Server(brain, ToneVoice(), self.sent.put)
        self.server.receive(wire.OpenCall(1))

    def give(self, *messages):
        for message in messages:
            self.server.receive(message)

    def next(self):
        return self.sent.get(timeout=20)


def test_a_cancelled_reply_closes_the_connection_at_once_and_the_next_one_begins(server):
    hosted = Hosted(brain_of(server, first_token_s=60, token_s=60))
    server.will(silent, sends(token("Well"), end=False), says("Now."))
    hosted.give(wire.Hear(1, SPEECH), wire.StartReply(1, 5, 1, PLAIN))
    server.waiting.get(timeout=20)
    hosted.give(wire.Cancel(1, 5), wire.Discard(1, 1))
    assert server.gone.get(timeout=20)
    hosted.give(wire.StartReply(1, 6, 2, PLAIN))
    assert hosted.next() == wire.Said(6, Text("Well"))
    server.waiting.get(timeout=20)
    hosted.give(wire.Cancel(1, 6), wire.Discard(1, 2))
    assert server.gone.get(timeout=20)
    hosted.give(wire.StartReply(1, 7, 3, PLAIN))
    assert [hosted.next(), hosted.next()] == [wire.Said(7, Text("Now.")), wire.Finished(7)]
    hosted.server.close()


def test_a_call_that_is_over_leaves_no_request_behind(server):
    hosted = Hosted(brain_of(server, first_token_s=60))
    server.will(silent)
    hosted.give(wire.Hear(1, SPEECH), wire.StartReply(1, 5, 1, PLAIN))
    server.waiting.get(timeout=20)
    hosted.give(wire.CloseCall(1))
    assert server.gone.get(timeout=20)
