"""What the doctor finds, and that it names the remedy."""

import json
import logging
import socket
from dataclasses import replace

import pytest

from agent.config_file import load
from agent.doctor import report, software
from agent.doctor.check import FAIL, OK, WARN, Check


@pytest.fixture
def config():
    return load(None, {"agent.engine": "scripted", "server.port": 0})


def test_a_machine_that_passes_the_tests_can_serve(config, capsys) -> None:
    assert report.doctor(config, as_json=False) == 0
    shown = capsys.readouterr().out
    for name in ("Python", "packages", "aiortc", "Opus", "voice activity", "espeak", "memory"):
        assert name in shown
    for name in ("disk", "GPU", "weights", "engines", "port", "UDP", "ICE", "microphone"):
        assert name in shown


def loading(capsys, shown):
    """Engines that take their time, and what there is to see meanwhile."""

    def engines(config, choice):
        logging.getLogger("agent.brains.voxtral.progress").info("Loading weights: 10 %")
        logging.getLogger("httpx").info("GET https://store/weights?signature=secret")
        shown.append(capsys.readouterr())
        yield Check("engines", OK, "loaded")

    return engines


def test_findings_and_progress_are_shown_as_they_come(config, monkeypatch, capsys) -> None:
    """Killed: nothing was to be seen while 9.7 GB were fetched, nor of what crashed at all."""
    shown = []
    monkeypatch.setattr(report.models, "engines", loading(capsys, shown))
    before = logging.getLogger("agent").level, [*logging.getLogger("agent").handlers]
    report.doctor(config, as_json=False)
    [meanwhile] = shown
    assert meanwhile.out.startswith("ok    Python ")
    assert "weights of kokoro" in meanwhile.out
    assert "microphone" not in meanwhile.out
    assert meanwhile.err == "      Loading weights: 10 %\n"
    assert "engines" in (after := capsys.readouterr()).out
    assert after.err == ""
    assert (logging.getLogger("agent").level, logging.getLogger("agent").handlers) == before


def test_scripts_read_json(config, monkeypatch, capsys) -> None:
    shown = []
    monkeypatch.setattr(report.models, "engines", loading(capsys, shown))
    report.doctor(config, as_json=True)
    assert shown[0].out == ""
    assert "Loading" in shown[0].err
    checks = json.loads(capsys.readouterr().out)
    assert all(set(check) == {"name", "status", "found", "remedy"} for check in checks)
    assert {check["status"] for check in checks} <= {OK, WARN, FAIL}


def test_one_failure_is_a_failure(capsys) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        config = load(None, {"agent.engine": "scripted", "server.port": number})
        assert report.doctor(config, as_json=False) == 1
    assert "--port" in capsys.readouterr().out


def test_a_check_that_breaks_down_does_not_end_the_others(config, monkeypatch) -> None:
    def broken():
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(software, "packages", broken)
    checks = {check.name: check for check in report.examine(config)}
    assert checks["microphone"].status == OK
    assert any("ZeroDivisionError" in check.found for check in checks.values())


def test_every_finding_that_is_not_fine_has_a_remedy() -> None:
    settings = {
        "server.host": "0.0.0.0",
        "limits.calls": 1000,
        "agent.engine": "voxtral",
        "voxtral.model": "/no/such/folder",
        "kokoro.model": "/no/such/folder",
        "ice.addresses": ["nonsense"],
        "ice.servers": ["nonsense"],
    }
    checks = list(report.examine(load(None, settings)))
    bad = [check for check in checks if check.status != OK]
    assert {"ICE addresses", "ICE servers", "engines", "microphone"} <= {c.name for c in bad}
    for check in bad:
        assert check.remedy or check.name == "ICE addresses", check


def test_an_engine_for_a_gpu_has_its_weights_and_settings_checked() -> None:
    settings = {
        "agent.engine": "voxtral",
        "voxtral.model": "/no/such/folder",
        "kokoro.model": "/none",
    }
    checks = {check.name: check for check in report.examine(load(None, settings))}
    assert checks["weights of voxtral"].status == FAIL
    assert {"torch", "C compiler"} <= set(checks)
    settings["agent.engine"] = "scripted"
    assert "C compiler" not in {check.name for check in report.examine(load(None, settings))}


def test_what_lacks_is_told_once_and_nothing_is_loaded_for_it(monkeypatch) -> None:
    monkeypatch.setattr(report.models, "engines", lambda *_: pytest.fail("it was tried"))
    settings = {"agent.engine": "voxtral", "agent.voice": "tone", "voxtral.model": "/none"}
    checks = list(report.examine(load(None, settings)))
    assert len([check for check in checks if "/none" in check.found]) == 1
    [engines] = [check for check in checks if check.name == "engines"]
    assert (engines.status, engines.found) == (
        WARN,
        "not loaded, for want of weights of voxtral",
    )


def test_the_operators_functions_are_imported(config) -> None:
    def tools(*paths):
        found = report.examine(replace(config, agent=replace(config.agent, tools=paths)))
        return [check for check in found if check.name == "tools"]

    assert tools() == []
    [check] = tools("tool_functions:weather", "tool_functions:stock")
    assert (check.status, check.found) == (OK, "weather, stock")
    [check] = tools("tool_functions:nothing")
    assert check.status == FAIL
    assert "has no function nothing" in check.found


@pytest.mark.parametrize(
    ("name", "key", "good", "bad"),
    [
        ("flight records", "record.folder", "{tmp}/calls", "{tmp}/file/calls"),
        ("web origins", "server.cors_origins", ["https://shop.example"], ["https://shop/x"]),
    ],
)
def test_what_would_stop_the_start_fails(tmp_path, name, key, good, bad) -> None:
    """Killed: everything ok, and a server that does not start."""
    (tmp_path / "file").touch()

    def found(value):
        if isinstance(value, str):
            value = value.format(tmp=tmp_path)
        agreed = {"agent.engine": "scripted", "record.callers_agreed": True}
        checks = report.examine(load(None, {**agreed, key: value}))
        return [check for check in checks if check.name == name]

    assert found(type(good)()) == [], "nothing is wanted"
    [check] = found(good)
    assert check.status == OK
    [check] = found(bad)
    assert check.status == FAIL
    assert check.found.startswith(f"{key}: ")
    assert check.remedy


def test_a_finding_is_a_line_and_its_remedy_another() -> None:
    assert report.rows(Check("a", OK, "fine")) == "ok    a                   fine"
    shown = report.rows(Check("turn:relay.example.org:3478", FAIL, "broken", "mend it"))
    assert shown.splitlines() == [
        "fail  turn:relay.example.org:3478  broken",
        "                          -> mend it",
    ]
