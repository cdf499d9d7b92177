"""A server that cannot be used is the operator's mistake, found before the first call."""

import pytest

from agent.config import Config, Ice
from agent.errors import ConfigError
from agent.media import upstream
from agent.media.ice_servers import ice_servers


def config(*servers):
    return Config(ice=Ice(addresses=("127.0.0.1",), servers=servers))


@pytest.fixture
def account(monkeypatch):
    monkeypatch.setenv("VOXLINE_TURN_USERNAME", "us")
    monkeypatch.setenv("VOXLINE_TURN_PASSWORD", "secret")


@pytest.fixture
def no_account(monkeypatch):
    monkeypatch.delenv("VOXLINE_TURN_USERNAME", raising=False)
    monkeypatch.delenv("VOXLINE_TURN_PASSWORD", raising=False)


@pytest.mark.parametrize("url", ["stun:stun.example.com", "stun:stun.example.com:3478"])
def test_stun_needs_no_account_and_is_given_none(account, url):
    (server,) = ice_servers(config(url))
    assert (server.urls, server.username, server.credential) == ([url], None, None)


@pytest.mark.parametrize(
    "url",
    [
        "turn:turn.example.com",
        "turn:turn.example.com:3478?transport=udp",
        "turn:turn.example.com:3478?transport=tcp",
        "turns:turn.example.com:5349",
    ],
)
def test_turn_has_its_account_from_the_environment(account, url):
    (server,) = ice_servers(config(url))
    assert (server.urls, server.username, server.credential) == ([url], "us", "secret")


@pytest.mark.parametrize(
    "url",
    [
        "stun.example.com:3478",
        "http://stun.example.com",
        "stun:",
        "stun:host:port",
        "stun:host:0",
        "stun:host:99999",  # each call would wait five seconds for it
        "turn:host:65536?transport=udp",
        "stun:host?transport=udp",
        "stuns:host",  # aiortc would pass over it
        "turn:host?transport=sctp",  # and over this
        "turns:host?transport=udp",  # and over this
        "stunning",
        "",
    ],
)
def test_what_is_no_server_is_refused_at_the_start_with_the_right_form(account, url):
    with pytest.raises(ConfigError) as refused:
        upstream.install(config(url))
    message = str(refused.value)
    assert message.startswith(f"ice.servers: {url!r} ")
    assert "stun:host:port" in message and "turn:host:port?transport=udp" in message


@pytest.mark.parametrize("missing", ["VOXLINE_TURN_USERNAME", "VOXLINE_TURN_PASSWORD"])
def test_turn_without_an_account_is_refused_at_the_start(account, monkeypatch, missing):
    monkeypatch.delenv(missing)
    with pytest.raises(ConfigError, match=missing):
        upstream.install(config("turn:turn.example.com"))


def test_without_servers_no_account_is_missed(no_account):
    assert ice_servers(config()) == []
    assert ice_servers(config("stun:stun.example.com"))
