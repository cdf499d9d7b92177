"""Ports, addresses and relays."""

import socket

import pytest

from agent.config_file import load
from agent.doctor import network
from agent.doctor.check import FAIL, OK, WARN
from agent.errors import ConfigError


def test_a_taken_port_fails_with_a_remedy():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        check = network.port(load(None, {"server.port": number}))
        assert check.status == FAIL
        assert str(number) in check.found
        assert "--port" in check.remedy
    assert network.port(load(None, {"server.port": 0})).status == OK


def test_the_range_of_udp_ports_is_told_with_the_firewall(monkeypatch, tmp_path):
    assert "firewall" not in network.udp_ports(load(None)).found
    public = load(None, {"server.host": "0.0.0.0"})
    ports = tmp_path / "range"
    ports.write_text("50000\t50999\n")
    monkeypatch.setattr(network, "_EPHEMERAL", ports)
    found = network.udp_ports(public).found
    assert "50000-50999" in found
    assert "firewall" in found
    monkeypatch.setattr(network, "_EPHEMERAL", tmp_path / "nowhere")
    assert network.udp_ports(public).status == OK


def test_offered_addresses_are_told():
    check = network.ice_addresses(load(None, {"ice.addresses": ["127.0.0.1"]}))
    assert (check.status, check.found) == (OK, "127.0.0.1")
    assert "behind NAT" in network.ice_addresses(load(None)).found
    with pytest.raises(ConfigError, match="nonsense"):
        network.ice_addresses(load(None, {"ice.addresses": ["nonsense"]}))


def test_no_relay_is_what_a_reachable_server_wants():
    [check] = network.relays(load(None))
    assert check.status == OK


def test_a_server_that_cannot_be_used_fails_before_it_is_asked(monkeypatch):
    monkeypatch.delenv("VOXLINE_TURN_USERNAME", raising=False)
    [check] = network.relays(load(None, {"ice.servers": ["turn:relay.example"]}))
    assert check.status == FAIL
    assert "VOXLINE_TURN_USERNAME" in check.remedy


def test_each_relay_is_asked():
    with socket.socket(type=socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        url = f"stun:127.0.0.1:{free.getsockname()[1]}"
    checks = list(network.relays(load(None, {"ice.servers": [url, url]})))
    assert [(check.name, check.status) for check in checks] == [(url, FAIL)] * 2


def test_a_public_address_warns_of_the_microphone():
    assert network.microphone(load(None)).status == OK
    assert network.microphone(load(None, {"server.host": "127.0.0.2"})).status == OK
    check = network.microphone(load(None, {"server.host": "0.0.0.0"}))
    assert check.status == WARN
    assert "https" in check.remedy
