"""What the doctor finds, and that it names the remedy."""

import json
import socket

import pytest

from agent import doctor
from agent.config_file import load
from agent.doctor import FAIL, OK, WARN
from agent.errors import ConfigError, EngineError


@pytest.fixture
def config():
    return load(None, {"agent.engine": "scripted", "server.port": 0})


def test_a_machine_that_passes_the_tests_can_serve(config, capsys) -> None:
    assert doctor.doctor(config, as_json=False) == 0
    shown = capsys.readouterr().out
    for name in ("Python", "packages", "aiortc", "Opus", "voice activity", "engines", "port"):
        assert name in shown


def test_scripts_read_json(config, capsys) -> None:
    doctor.doctor(config, as_json=True)
    checks = json.loads(capsys.readouterr().out)
    assert all(set(check) == {"name", "status", "found", "remedy"} for check in checks)


def test_a_taken_port_is_found_and_fails(config, capsys) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        check = doctor.port(load(None, {"server.port": number}))
        assert check.status == FAIL
        assert str(number) in check.found
        assert "--port" in check.remedy
        config = load(None, {"agent.engine": "scripted", "server.port": number})
        assert doctor.doctor(config, as_json=False) == 1
    assert "--port" in capsys.readouterr().out


def test_a_public_address_warns_of_the_microphone() -> None:
    assert doctor.microphone(load(None)).status == OK
    check = doctor.microphone(load(None, {"server.host": "0.0.0.0"}))
    assert check.status == WARN
    assert "https" in check.remedy


@pytest.mark.parametrize("error", [ConfigError, EngineError])
def test_what_the_server_would_refuse_fails_in_its_own_words(error) -> None:
    def probe() -> str:
        raise error("no such thing; install it")

    check = doctor.attempt("thing", probe)
    assert (check.status, check.found, check.remedy) == (FAIL, "no such thing", "install it")


def test_a_missing_package_is_no_traceback() -> None:
    def probe() -> str:
        import no_such_package  # noqa: F401

    check = doctor.attempt("thing", probe)
    assert (check.status, check.remedy) == (FAIL, "run: make setup")


def test_a_wrong_pin_is_named(monkeypatch) -> None:
    monkeypatch.setattr(
        doctor, "requires", lambda name: ["aiortc==0.0.1", "nowhere==2", "av>1"]
    )
    check = doctor.packages()
    assert check.status == FAIL
    assert "wanted 0.0.1" in check.found
    assert "nowhere missing, wanted 2" in check.found


def test_a_bare_checkout_is_told_how_to_install(monkeypatch) -> None:
    def requires(name):
        raise doctor.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "requires", requires)
    assert doctor.packages().status == WARN
    assert "make setup" in doctor.packages().remedy


def test_more_calls_than_memory_warn() -> None:
    assert doctor.memory(load(None, {"limits.calls": 1})).status == OK
    assert doctor.memory(load(None, {"limits.calls": 1000})).status == WARN


def test_an_address_of_nobody_fails_with_its_name() -> None:
    config = load(None, {"ice.addresses": ["nonsense"]})
    checks = {check.name: check for check in doctor.examine(config)}
    assert checks["ICE addresses"].status == FAIL
    assert "nonsense" in checks["ICE addresses"].found
