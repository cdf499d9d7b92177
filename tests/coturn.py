"""Debian's TURN server, where it is installed, with the options that a test gives it."""

import contextlib
import shutil
import socket
import subprocess
import threading

PROGRAM = shutil.which("turnserver")


def _free_port():
    """One that is free for UDP and TCP; mostly the first is."""
    for _ in range(20):
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port = udp.getsockname()[1]
            with contextlib.suppress(OSError):
                tcp.bind(("127.0.0.1", port))
                return port
    raise AssertionError("no port is free for UDP and TCP")


@contextlib.contextmanager
def running(folder, *options):
    """Serve on a free port of 127.0.0.1, which is given."""
    port = _free_port()
    where = ["--listening-ip=127.0.0.1", f"--listening-port={port}", "--relay-ip=127.0.0.1"]
    files = [
        f"--userdb={folder}/turndb",
        f"--pidfile={folder}/pid",
        "--log-file=stdout",
        "-n",
        "--verbose",
    ]
    command = [PROGRAM, *where, *files, *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder
    ) as server:
        watch = threading.Timer(20, server.kill)
        watch.start()
        try:
            lines, unopened = [], {"TCP listener opened", "UDP listener opened"}
            for line in server.stdout:
                lines.append(line)
                unopened -= {opened for opened in unopened if opened in line}
                if not unopened:
                    break
            else:
                raise AssertionError("".join(lines))
            yield port
        finally:
            watch.cancel()
            server.terminate()
            server.stdout.read()
