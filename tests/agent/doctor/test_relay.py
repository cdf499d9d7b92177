"""STUN and TURN servers are asked as a call would ask them."""

import socket
import threading

import coturn
import pytest
from aioice import stun
from aiortc import RTCIceServer

from agent.doctor import relay
from agent.doctor.check import FAIL, OK, WARN

needs_coturn = pytest.mark.skipif(coturn.PROGRAM is None, reason="coturn is not installed")
CREDENTIALS = ["--lt-cred-mech", "--user=me:secret", "--realm=test"]


@pytest.fixture
def udp():
    with socket.socket(type=socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(10)
        yield bound


def stun_url(bound):
    return f"stun:127.0.0.1:{bound.getsockname()[1]}"


def test_a_stun_server_tells_our_address(udp):
    def serve():
        udp.recvfrom(2048)  # lost: it is asked again
        data, caller = udp.recvfrom(2048)
        request = stun.parse_message(data)
        answer = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
        )
        answer.attributes["XOR-MAPPED-ADDRESS"] = ("203.0.113.7", caller[1])
        udp.sendto(b"not for you", caller)
        udp.sendto(bytes(answer), caller)

    thread = threading.Thread(target=serve)
    thread.start()
    url = stun_url(udp)
    check = relay.ask(url, RTCIceServer(urls=[url]))
    thread.join()
    assert (check.status, check.found) == (OK, "sees this machine as 203.0.113.7")


def test_one_that_says_nothing_is_waited_for_and_then_fails(udp, monkeypatch):
    monkeypatch.setattr(relay, "_PATIENCE_S", 0.05)
    url = stun_url(udp)
    check = relay.ask(url, RTCIceServer(urls=[url]))
    assert check.status == FAIL
    assert "no answer" in check.found
    assert "take it out" in check.remedy


def test_one_that_is_not_there_fails_at_once(udp):
    url = stun_url(udp)
    udp.close()
    check = relay.ask(url, RTCIceServer(urls=[url]))
    assert check.status == FAIL
    assert "cannot be reached" in check.found


def asked(tmp_path, *options, password="secret", transport="udp"):
    with coturn.running(tmp_path, *CREDENTIALS, *options) as port:
        url = f"turn:127.0.0.1:{port}?transport={transport}"
        return relay.ask(url, RTCIceServer([url], username="me", credential=password))


@needs_coturn
@pytest.mark.slow
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_turn_server_takes_our_password_and_lets_callers_in(tmp_path, transport):
    check = asked(tmp_path, "--server-relay", transport=transport)
    assert (check.status, check.found) == (OK, "relays for us at 127.0.0.1, for whoever comes")


@needs_coturn
@pytest.mark.slow
def test_one_that_lets_in_only_whom_it_was_told_of_is_warned_of(tmp_path):
    """A caller would never connect: nobody knows where they call from. Killed: an ok."""
    check = asked(tmp_path)
    assert check.status == WARN
    assert "lets in nobody" in check.found
    assert "--server-relay" in check.remedy


@needs_coturn
@pytest.mark.slow
def test_a_wrong_password_is_named(tmp_path):
    check = asked(tmp_path, password="wrong")
    assert check.status == FAIL
    assert "VOXLINE_TURN_PASSWORD" in check.remedy
    assert "wrong" not in check.found + check.remedy
