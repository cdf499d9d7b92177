"""A child gets one end of a socket, our import path, and nothing else of ours."""

import json
import os
import socket
import sys

from agent.host.child import spawn

MODULE = """
import json, os, socket, sys
line = socket.socket(fileno=int(sys.argv[1]))
print("a native library's chatter", flush=True)
line.sendall(json.dumps([sys.path, os.getsid(0) == os.getpid(), os.read(0, 1).hex(),
    os.environ["PATH"], os.environ["THREADS"]]).encode())
while line.recv(1):
    pass
"""


def test_a_child_is_spawned_at_a_socket_and_ends_with_it(tmp_path, monkeypatch, capfd) -> None:
    (tmp_path / "child_of_a_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            child = spawn("child_of_a_test", theirs, {"THREADS": "1"})
        paths, own_session, stdin, path, threads = json.loads(ours.recv(1 << 20))
        assert str(tmp_path) in paths
        assert {path or os.getcwd() for path in sys.path} <= set(paths)
        assert own_session  # Ctrl-C is ours
        assert stdin == ""
        assert (path, threads) == (os.environ["PATH"], "1")
        assert child.poll() is None
    assert child.wait(10) == 0
    shown = capfd.readouterr()
    assert (shown.out, "chatter" in shown.err) == ("", True)
