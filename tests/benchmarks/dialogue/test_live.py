"""The same scenarios over a real peer connection, against a server of their own."""

import asyncio
import sys

import pytest
from dialogues import accounts, part

from agent.errors import ConfigError
from benchmarks import own_server
from benchmarks.caller import CallFailed
from benchmarks.dialogue import live
from benchmarks.dialogue.live import LiveWorld
from benchmarks.dialogue.verdict import judge
from benchmarks.dialogue.virtual import VirtualWorld
from benchmarks.dialogue.world import Settings
from benchmarks.own_server import ServerFailed

HELLO = {"when": "start", "after_ms": 800, "sounds": [{"say": "Hello, can you hear me?"}]}
HEARD_OUT = {"when": "agent_silent", "sounds": [{"silence_ms": 100}]}
# However busy the machine is: a reply is waited for, and what comes late is no silence.
PATIENTLY = {"listen_s": 1, "set": {"receive.stall_ms": 2000}}


@pytest.mark.slow
def test_a_dialogue_is_the_same_over_a_peer_connection() -> None:
    """Two calls at once on one server; what happens is what happens in virtual time.

    Not when: the machine may be busy. `voxline bench turns --live` measures that.
    """
    expect = [{"line": 1, "cut_ins": 0}, {"completed": 1, "cut": 0, "utterances": 1}]
    parts = [
        part(
            *(HELLO, HEARD_OUT),
            name=name,
            agent={"answers": [{"text": text}]},
            expect=expect,
            **PATIENTLY,
        )
        for name, text in (("one", "Loud and clear."), ("two", "Not a word."))
    ]
    one, two = accounts(parts, LiveWorld())
    for found, only in zip((one, two), parts, strict=True):
        [virtual] = accounts([only], VirtualWorld())
        assert found.heard == virtual.heard
        assert [v.measured for v in judge(only.scenario, found)] == ["0", "1", "1", "0"]
        assert found.lines[0].ended_s - found.lines[0].began_s > 0.5
        assert found.state == virtual.state == "listening"
    assert (one.heard, two.heard) == (("Loud and clear.",), ("Not a word.",))
    assert min(one.end_s, two.end_s) > max(one.start_s, two.start_s)  # at once


def commands(*parts, overrides=None, config=None):
    return [
        (command, [each.name for each in group])
        for command, group in live._groups(parts, Settings(config, overrides or {}))
    ]


def test_those_that_want_the_same_server_share_it() -> None:
    low = {"turns.eagerness": "low"}
    found = commands(
        part(name="a"),
        part(name="b", set=low),
        part(name="c", agent={"answers": [{"text": "Hm."}]}),
        part(name="d", agent={"engine": "operator"}),
        part(name="e", set=low),
    )
    assert [names for _, names in found] == [["a", "c"], ["b", "e"], ["d"]]
    assert all(command[:4] == [sys.executable, "-m", "agent", "serve"] for command, _ in found)
    assert 'turns.eagerness="low"' in found[1][0]
    assert found[2][0][found[2][0].index("--engine") + 1] == "operator"


def test_what_is_set_outside_reaches_the_server() -> None:
    [(command, _)] = commands(part(), overrides={"turns.withdraw_ms": 0}, config="my.yaml")
    assert "turns.withdraw_ms=0" in command
    assert command[command.index("--config") + 1] == "my.yaml"


def test_what_is_wrong_is_told_before_a_server_starts(monkeypatch) -> None:
    monkeypatch.setattr(own_server, "running", None)
    with pytest.raises(ConfigError, match=r"turns\.withdraw_ms: -1 is not allowed"):
        accounts([part()], LiveWorld(), {"turns.withdraw_ms": -1})


def test_a_server_that_does_not_start_ends_it(monkeypatch) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no port is free')"]
    monkeypatch.setattr(own_server, "command", lambda *args: command)
    with pytest.raises(ServerFailed, match="no port is free"):
        accounts([part()], LiveWorld())


def test_a_server_that_takes_no_calls_ends_it(monkeypatch) -> None:
    """One error of several calls at once, and it says what is wrong."""
    script = (
        "import http.server, threading\n"
        "server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), "
        "http.server.BaseHTTPRequestHandler)\n"
        "print('listening on http://127.0.0.1:%d' % server.server_port, flush=True)\n"
        "server.serve_forever()\n"
    )
    command = [sys.executable, "-c", script]
    monkeypatch.setattr(own_server, "command", lambda *args: command)
    with pytest.raises(CallFailed, match=r"^http\S+ (refused the call|cannot be called)"):
        accounts([part(name="a"), part(name="b")], LiveWorld())


def test_no_more_calls_are_on_the_line_than_asked_for(monkeypatch) -> None:
    now, most = 0, 0

    class Call:
        async def __aenter__(self):
            nonlocal now, most
            now += 1
            most = max(most, now)

        async def __aexit__(self, *error):
            nonlocal now
            now -= 1

    async def play(part, call):
        await asyncio.sleep(0.01)

    monkeypatch.setattr(live, "dial", lambda url, session: Call())
    monkeypatch.setattr(live, "play", play)
    script = "print('listening on http://x', flush=True); input()"
    monkeypatch.setattr(own_server, "command", lambda *args: [sys.executable, "-c", script])
    accounts([part(name=str(n)) for n in range(5)], LiveWorld(2))
    assert most == 2
