"""HTTP over a kept connection, and waits that another thread can end."""

import http.client
import socket
import threading

import pytest
from chat_server import chat_server, raw, refuses, says, sends, silent, token

from agent.brains.openai_chat.line import Address, Errand, Line, Refused
from agent.errors import ConfigError

NEVER = threading.Event()


@pytest.fixture
def server():
    with chat_server() as server:
        yield server


@pytest.fixture
def line(server):
    line = Line(Address(server.url))
    yield line
    line.hang_up()


def ask(line, patience_s=5.0, unwanted=NEVER):
    return line.ask("POST", "/x", patience_s=patience_s, unwanted=unwanted, body=b"{}")


def read_all(line):
    lines = []
    while data := line.read_line(5.0):
        lines.append(data)
    return lines


def test_an_answer_is_read_line_by_line(server, line):
    server.will(sends("one", "two"))
    ask(line)
    assert read_all(line) == [b"one\n", b"\n", b"two\n", b"\n"]


def test_the_connection_is_kept(server, line):
    for _ in range(3):
        server.will(says("hello"))
        ask(line)
        while line.read_line(5.0).strip() != b"data: [DONE]":
            pass
        assert line.finish()
    assert server.connections == 1


def test_an_answer_that_does_not_end_behind_its_last_line_costs_the_connection(server, line):
    server.will(sends("data: [DONE]", end=False))
    ask(line)
    assert line.read_line(5.0) == b"data: [DONE]\n"
    assert not line.finish()


def test_a_kept_connection_that_the_server_closed_is_replaced_without_a_word(server, line):
    def once(handler):
        says("hello")(handler)
        handler.close_connection = True

    server.will(once, says("again"))
    ask(line)
    read_all(line)
    answer = ask(line)
    assert not isinstance(answer, Refused)
    assert len(read_all(line)) > 2
    assert server.connections == 2


def test_a_new_connection_that_closes_is_an_error(server, line):
    server.will(raw(b""))
    with pytest.raises(ConnectionError):
        ask(line)
    assert len(server.requests) == 1


def test_a_status_is_a_value_with_the_servers_words(server, line):
    server.will(refuses(503, '{"error": {"message": "no slots"}}'))
    assert ask(line) == Refused(503, "no slots")
    server.will(refuses(502, "<html>Bad Gateway</html>", "text/html"))
    assert ask(line) == Refused(502, "")


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_asked(server, line):
    server.will(silent)
    with pytest.raises(TimeoutError):
        ask(line, patience_s=0.05)
    assert server.gone.get(timeout=20)


def test_each_line_has_a_limit_of_its_own(server, line):
    server.will(sends("one", end=False))
    ask(line, patience_s=60)
    assert line.read_line(60) == b"one\n"
    assert line.read_line(60) == b"\n"
    with pytest.raises(TimeoutError):
        line.read_line(0.05)


def test_a_line_without_an_end_is_not_read_for_ever(server, line):
    server.will(sends("x" * (1 << 21)))
    ask(line)
    with pytest.raises(http.client.LineTooLong):
        line.read_line(5.0)


def test_what_is_no_http_is_an_error(server, line):
    server.will(raw(b"SSH-2.0-OpenSSH_9.2\r\n"))
    with pytest.raises(http.client.HTTPException):
        ask(line)


@pytest.mark.parametrize("behaviour", [silent, sends(token("one"), end=False)])
def test_a_wait_is_ended_from_another_thread_and_the_server_sees_it(server, line, behaviour):
    def run(unwanted):
        ask(line, 60, unwanted)
        while data := line.read_line(60):
            yield data

    server.will(behaviour)
    errand, ended = Errand(line, run), threading.Event()

    def wait():
        try:
            for _ in errand:
                pass
        except OSError:
            pass
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    server.waiting.get(timeout=20)
    errand.cancel()
    assert ended.wait(20)
    assert server.gone.get(timeout=20)
    thread.join()


def test_one_called_off_before_it_began_asks_nothing(server, line):
    def run(unwanted):
        yield ask(line, 5, unwanted)

    errand = Errand(line, run)
    errand.cancel()
    with pytest.raises(ConnectionAbortedError):
        next(errand)
    assert server.requests == []


def test_an_errand_that_is_called_off_calls_off_the_one_it_runs(server, line):
    def waits(unwanted):
        yield ask(other, 60, unwanted)

    server.will(silent)
    other = Line(Address(server.url))
    inner = Errand(other, waits)
    outer = Errand(line, lambda unwanted: (each for each in inner), inner)
    raised = []

    def read():
        try:
            next(outer)
        except (OSError, http.client.HTTPException) as error:
            raised.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    server.waiting.get(timeout=20)
    assert not inner.unwanted
    outer.cancel()
    reader.join(20)
    assert len(raised) == 1
    assert inner.unwanted


def test_cutting_an_idle_or_closed_line_is_nothing(server, line):
    line.cut()
    server.will(says("hello"), says("again"))
    ask(line)
    read_all(line)
    line.cut()
    ask(line)  # the cut connection is replaced
    line.hang_up()
    line.cut()


def test_a_key_is_sent_and_never_shown(server):
    address = Address(server.url, key="sk-secret")
    line = Line(address)
    server.will(refuses(400, '{"message": "you sent sk-secret"}'))
    assert ask(line) == Refused(400, "you sent ***")
    assert server.requests[0][2]["Authorization"] == "Bearer sk-secret"
    assert "secret" not in repr(address)


def test_without_a_key_there_is_no_such_header(server, line):
    server.will(says("x"))
    ask(line)
    assert "Authorization" not in server.requests[0][2]


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "ftp://x/v1", "http://", "http://x:99999/v1", "http://x/v1?a=b"],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ConfigError, match=r"openai_chat\.url.*write http://host:port/v1"):
        Line(Address(url))


def test_secrets_in_an_address_are_refused_and_not_repeated():
    with pytest.raises(ConfigError, match="no secrets") as refused:
        Line(Address("http://me:hunter2@x/v1"))
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("key", ["sk secret", "sk-secret\n", "sk-\u00e9secret"])
def test_a_key_that_cannot_be_one_is_refused_and_not_repeated(key):
    with pytest.raises(ConfigError, match="VOXLINE_OPENAI_API_KEY") as refused:
        Line(Address("http://x/v1", key))
    assert "secret" not in str(refused.value)


def test_nobody_listening_is_an_error_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(ConnectionRefusedError):
        ask(Line(Address(url)))
