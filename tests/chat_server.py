"""A real HTTP server that speaks OpenAI's chat API with audio, and misbehaves when told to.

What it does for the next requests is a list of behaviours; without one it answers how much it
heard, so that a reply depends on the audio and on nothing else.
"""

import base64
import contextlib
import io
import json
import queue
import socket
import sys
import threading
import wave
from collections import deque
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "test/voice"
WAIT_S = 60  # longer than any test waits for what it did to end a wait


class ChatServer:
    """`requests` holds what was asked; `gone` gets an item when a client ended a wait."""

    def __init__(self):
        self.requests = []  # (method, path, headers, body)
        self.behaviours = deque()
        self.models = [MODEL, "test/other"]
        self.transcript = "what time is it"
        self.connections = 0
        self.waiting = queue.SimpleQueue()
        self.gone = queue.SimpleQueue()
        outer = self

        class Handler(_Handler):
            chat = outer

        self._http = _Server(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def close(self):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def will(self, *behaviours):
        self.behaviours.extend(behaviours)

    def bodies(self):
        """The JSON of the chat completions that were asked for."""
        return [
            json.loads(body)
            for _, path, _, body in self.requests
            if path == "/v1/chat/completions"
        ]


@contextlib.contextmanager
def chat_server():
    server = ChatServer()
    try:
        yield server
    finally:
        server.close()


# -- behaviours


def says(*texts, calls=()):
    """Stream texts, then tool calls, as vLLM does."""

    def behave(handler):
        handler.begin_stream()
        handler.event(delta={"role": "assistant", "content": ""})
        for text in texts:
            handler.event(delta={"content": text})
        for call in calls:
            handler.event(delta={"tool_calls": [call]})
        handler.event(delta={}, finish_reason="tool_calls" if calls else "stop")
        handler.line('data: {"choices": [], "usage": {"total_tokens": 9}}')
        handler.line("data: [DONE]")
        handler.end_stream()

    return behave


def sends(*lines, end=True):
    """Stream lines as they stand; then end the answer in order, or let it hang."""

    def behave(handler):
        handler.begin_stream()
        for line in lines:
            handler.line(line)
        if end:
            handler.end_stream()
        else:
            handler.wait_for_the_client_to_go()

    return behave


def token(text):
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]})


def dies(*lines):
    """Stream lines, then break the connection."""

    def behave(handler):
        if lines:
            handler.begin_stream()
            for line in lines:
                handler.line(line)
        handler.break_off()

    return behave


def silent(handler):
    """Take the request and say nothing at all."""
    handler.wait_for_the_client_to_go()


def refuses(status, body, kind="application/json"):
    def behave(handler):
        handler.answer(status, body.encode() if isinstance(body, str) else body, kind)

    return behave


def raw(data):
    """Bytes that are no HTTP."""

    def behave(handler):
        handler.wfile.write(data)
        handler.break_off()

    return behave


# -- the server


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):  # clients may leave
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    chat = None

    def setup(self):
        super().setup()
        self.chat.connections += 1

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.chat.requests.append(("GET", self.path, dict(self.headers), b""))
        if self.chat.behaviours:
            self.chat.behaviours.popleft()(self)
        elif self.path == "/v1/models":
            listed = {"object": "list", "data": [{"id": name} for name in self.chat.models]}
            self.answer(200, json.dumps(listed).encode())
        else:
            self.answer(404, b'{"detail": "Not Found"}')

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.chat.requests.append(("POST", self.path, dict(self.headers), body))
        if self.chat.behaviours:
            self.chat.behaviours.popleft()(self)
        elif self.path == "/v1/chat/completions":
            said = heard_samples(json.loads(body)["messages"])
            says(f"{said} ", "samples.")(self)
        elif self.path == "/v1/audio/transcriptions":
            fields = form(self.headers, body)
            assert fields["model"].decode() == MODEL
            assert samples_of(fields["file"]) > 0
            self.answer(200, json.dumps({"text": self.chat.transcript}).encode())
        else:
            self.answer(404, b'{"detail": "Not Found"}')

    def answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def event(self, **choice):
        self.line("data: " + json.dumps({"choices": [{"index": 0, **choice}]}))

    def line(self, text):
        data = (text if isinstance(text, bytes) else text.encode()) + b"\n\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self):
        self.wfile.write(b"0\r\n\r\n")

    def break_off(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def wait_for_the_client_to_go(self):
        self.close_connection = True
        self.chat.waiting.put(self.path)
        self.connection.settimeout(WAIT_S)
        with contextlib.suppress(ConnectionError):
            assert self.connection.recv(1) == b""
        self.chat.gone.put(self.path)


def heard_samples(messages):
    """Samples in the last user message, 0 for none."""
    parts = messages[-1]["content"] if messages[-1]["role"] == "user" else []
    audio = [part["input_audio"] for part in parts if part["type"] == "input_audio"]
    assert all(part["format"] == "wav" for part in audio)
    return sum(samples_of(base64.b64decode(part["data"], validate=True)) for part in audio)


def samples_of(file):
    with wave.open(io.BytesIO(file)) as reader:
        form = reader.getnchannels(), reader.getsampwidth(), reader.getframerate()
        assert form == (1, 2, 16_000)
        return reader.getnframes()


def form(headers, body):
    """The parts of a multipart form by name, read by the standard library."""
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    message = message_from_bytes(head + body, policy=policy.HTTP)
    assert message.is_multipart()
    return {
        part.get_param("name", header="Content-Disposition"): part.get_payload(decode=True)
        for part in message.iter_parts()
    }
