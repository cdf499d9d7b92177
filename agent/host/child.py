"""A Python process of ours, at the other end of a socket."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping


def spawn(
    module: str, theirs: socket.socket, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Run `module` with one end of a socket pair, our import path and our stderr.

    `env` is laid over our environment. Its first argument is the socket's file descriptor. It
    is to end when the socket does.
    """
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    return subprocess.Popen(
        [sys.executable, "-m", module, str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        env={**os.environ, "PYTHONPATH": paths, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=2,  # native libraries like to print; our stdout may be someone's JSON
        start_new_session=True,
    )
