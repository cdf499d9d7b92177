import socket

import pytest

from agent.errors import ConfigError
from agent.media.addresses import Offered, is_loopback, resolve

NOT_OURS = "203.0.113.7"  # reserved for documentation (RFC 5737)


def test_nothing_configured_binds_everything():
    assert resolve(()) == Offered((), {})


def test_an_address_of_this_machine_is_bound_and_said():
    assert resolve(["127.0.0.1"]) == Offered(("127.0.0.1",), {})


def test_another_address_is_said_in_place_of_the_way_to_it(monkeypatch):
    ways = {NOT_OURS: "127.0.0.1"}
    connect = socket.socket.connect
    monkeypatch.setattr(
        socket.socket, "connect", lambda s, to: connect(s, (ways[to[0]], to[1]))
    )
    assert resolve([NOT_OURS]) == Offered(("127.0.0.1",), {"127.0.0.1": NOT_OURS})


def test_each_address_is_bound_once():
    assert resolve(["127.0.0.1", "127.0.0.1"]).bound == ("127.0.0.1",)


@pytest.mark.parametrize("wrong", ["", "localhost", "1.2.3", "10.0.0.1:5000", "stun:x"])
def test_what_is_no_address_is_refused_by_name(wrong):
    with pytest.raises(ConfigError, match=r"ice\.addresses"):
        resolve([wrong])


@pytest.mark.parametrize("nobody", ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"])
def test_what_is_not_the_address_of_one_machine_is_refused(nobody):
    with pytest.raises(ConfigError, match=f"{nobody} is no address .* leave the list empty"):
        resolve([nobody])


def test_an_address_without_a_way_to_it_is_refused(monkeypatch):
    def unreachable(self, to):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    with pytest.raises(ConfigError, match="nor is there a way"):
        resolve([NOT_OURS])


def test_no_socket_stays_open(monkeypatch):
    opened = []
    stock = socket.socket

    def counted(*args):
        opened.append(stock(*args))
        return opened[-1]

    monkeypatch.setattr(socket, "socket", counted)
    resolve(["127.0.0.1"])
    assert opened and all(each.fileno() == -1 for each in opened)


@pytest.mark.parametrize(
    ("host", "only_here"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("voxline.example", False),
    ],
)
def test_loopback_is_told_from_the_rest(host, only_here):
    assert is_loopback(host) is only_here
