"""What the doctor finds, and that it names the remedy."""

import json
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


def test_scripts_read_json(config, capsys) -> None:
    report.doctor(config, as_json=True)
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


def test_the_table_has_a_line_for_each_finding_and_one_for_each_remedy() -> None:
    shown = report.table(
        [Check("a", OK, "fine"), Check("long name", FAIL, "broken", "mend it")]
    )
    assert shown.splitlines() == [
        "ok    a          fine",
        "fail  long name  broken",
        "                 -> mend it",
    ]
