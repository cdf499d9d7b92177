"""The command line as an operator meets it."""

import subprocess
import sys
from importlib.metadata import version

import pytest

from agent.__main__ import main
from agent.errors import EngineError


def test_help_says_what_each_command_is_for(capsys) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    for command in ("serve", "doctor", "call", "monitor", "replay", "bench"):
        assert command in shown


def test_it_tells_its_version(capsys) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"voxline {version('voxline')}\n"


COMMANDS = [
    ["serve"],
    ["doctor"],
    ["call", "speech.wav"],
    ["monitor"],
    ["replay", "call.flight"],
    ["bench", "latency"],
    ["bench", "turns"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(command, capsys) -> None:
    with pytest.raises(SystemExit) as left:
        main([*command, "--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) > 5
    assert "../" not in shown, "a stranger has only what Voxline comes with"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["serve", "--set", "turns.end_of_turn=3"], "did you mean end_of_turn_ms"),
        (["serve", "--set", "nonsense"], "section.key=value"),
        (["serve", "--engine", "hal"], "agent.engine: 'hal' is not allowed; it must be one of"),
        (["serve", "--port", "99999"], "server.port: 99999 is not allowed"),
        (["serve", "--config", "/no/where.yaml"], "cannot read /no/where.yaml"),
        (["bench", "turns", "--set", "turns.x=3"], "turns.x: unknown key"),
    ],
)
def test_an_operators_mistake_is_one_line_and_no_traceback(
    arguments, complaint, capsys
) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr().err
    assert complaint in shown
    assert len(shown.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["latency", "turns"])
def test_the_help_says_what_recordings_are_wanted_and_what_happens_without(
    command, capsys
) -> None:
    with pytest.raises(SystemExit):
        main(["bench", command, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "$VOXLINE_RECORDINGS names" in shown
    assert {"latency": "do not come with Voxline", "turns": "are skipped"}[command] in shown


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_unknown_option_is_refused_with_those_of_its_command(command, capsys) -> None:
    with pytest.raises(SystemExit) as left:
        main([*command, "--wrong-flag"])
    assert left.value.code == 2
    shown = capsys.readouterr().err
    name = " ".join(word for word in command if "." not in word)
    assert shown.startswith(f"usage: voxline {name} [-h]")
    assert f"voxline {name}: error: unrecognized arguments: --wrong-flag" in shown


def test_an_unknown_option_before_the_command_is_refused_with_the_commands(capsys) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--wrong-flag", "bench", "turns"])
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith("usage: voxline [-h] [--version] COMMAND")


def test_an_unknown_command_is_refused_with_the_known_ones(capsys) -> None:
    with pytest.raises(SystemExit) as left:
        main(["sevre"])
    assert left.value.code == 2
    assert "serve" in capsys.readouterr().err


def test_help_does_not_wait_for_the_media_stack() -> None:
    script = (
        "import sys; from agent.__main__ import _parser; _parser();"
        "sys.exit('torch' in sys.modules or 'pocketsphinx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_whoever_reads_only_the_first_line_gets_no_traceback() -> None:
    """As in `voxline replay call.flight --json | head -1`."""
    script = (
        "import sys; from agent import __main__ as m;"
        "m._doctor = lambda args: print('line\\n' * 99999) or 0; sys.exit(m.main(['doctor']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as doctor:
        assert doctor.stdout.readline() == "line\n"
        doctor.stdout.close()
        assert doctor.stderr.read() == ""
    assert doctor.returncode == 141


def test_an_engine_that_fails_at_the_start_is_one_line_and_no_traceback(
    monkeypatch, capsys
) -> None:
    def serve(config):
        raise EngineError("no room on the GPU; free some")

    monkeypatch.setattr("agent.serve.serve", serve)
    assert main(["serve"]) == 1
    shown = capsys.readouterr().err
    assert shown == "voxline: no room on the GPU; free some\n"
