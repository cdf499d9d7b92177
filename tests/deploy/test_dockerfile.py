"""The Dockerfile, as far as it can be checked without an engine: its Python is run."""

import ctypes
import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import pytest
import yaml

from agent.config_file import load

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# What the wheel on PyPI wants of cuda-toolkit. Whoever changes the pin looks it up:
# pip install --dry-run --report - torch==...
CUDA_OF_TORCH = {"torch==2.13.0": "13.0"}


def instructions():
    """(name, arguments) in order; lines that go on are joined, comments left out."""
    text = (DEPLOY / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", "")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def of(name):
    return [arguments for each, arguments in instructions() if each == name]


def final():
    """The instructions of the image that is shipped."""
    all_ = instructions()
    last = max(n for n, (name, _) in enumerate(all_) if name == "FROM")
    return all_[last:]


def test_only_instructions_that_there_are():
    known = "FROM RUN ARG ENV WORKDIR COPY USER VOLUME EXPOSE HEALTHCHECK ENTRYPOINT CMD"
    assert {name for name, _ in instructions()} <= set(known.split())


def test_the_base_is_pinned_and_of_the_cuda_that_torch_is_built_for():
    """Of an older one, a driver that is too old for torch would pass for good enough."""
    bases = {arguments.split()[0] for arguments in of("FROM")}
    assert len(bases) == 1
    base = re.fullmatch(r"nvidia/cuda:(\d+\.\d+)\.\d+-base-ubuntu24\.04", bases.pop())
    [pin] = [each for each in PROJECT["dependencies"] if each.startswith("torch==")]
    assert base[1] == CUDA_OF_TORCH[pin]


def test_the_image_has_what_triton_and_torch_compile_need_to_make_theirs(tmp_path):
    """Compilers and Python's headers: what is tried here is what Triton does at its start.

    Killed: an image in which torch.compile for the CPU ends with InvalidCxxCompiler.
    """
    [installed] = [run for name, run in final() if name == "RUN" and "apt-get install" in run]
    assert {"g++", "gcc", "libc6-dev", "python3-dev"} <= set(installed.split())
    build = pytest.importorskip("triton.runtime.build")
    if shutil.which("cc") is None:
        pytest.skip("no C compiler here")
    source = "#include <Python.h>\n#include <stdlib.h>\nint answer(void) { return 42; }\n"
    (tmp_path / "stub.c").write_text(source)
    made = build._build("stub", str(tmp_path / "stub.c"), str(tmp_path), [], [], [], [])
    assert ctypes.CDLL(made).answer() == 42


def test_what_is_copied_exists_and_reaches_the_builder():
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    let_through = {line[1:] for line in ignored if line.startswith("!")}
    for arguments in of("COPY"):
        if "--from" in arguments:
            continue
        *sources, _ = arguments.split()
        for source in sources:
            assert (ROOT / source).exists(), source
            assert source in let_through, source
    copied = {s for a in of("COPY") if "--from" not in a for s in a.split()[:-1]}
    assert copied == let_through
    assert "*" in ignored  # the rest, whatever it is, stays at home


def test_every_package_of_the_wheel_is_copied():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    copied = {s for a in of("COPY") if "--from" not in a for s in a.split()[:-1]}
    assert set(wheel["targets"]["wheel"]["packages"]) <= copied
    assert {PROJECT["readme"], *PROJECT["license-files"]} <= copied


def test_torch_comes_first_with_the_projects_own_pin():
    pips = [run for run in of("RUN") if "pip install" in run]
    command = re.search(r"\$\((sed .*)\)", pips[0])[1]
    shown = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    [pin] = [each for each in PROJECT["dependencies"] if each.startswith("torch==")]
    assert shown.stdout.strip() == pin


def test_int8_can_be_had_with_the_version_that_the_start_asks_for(tmp_path):
    """In the container nobody can install anything any more."""
    [name] = [argument.rstrip("=") for argument in of("ARG")]
    [run] = [run for run in of("RUN") if f'"${name}"' in run]
    (tmp_path / "pip").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "pip").chmod(0o755)
    asked = (ROOT / "agent/brains/voxtral/start.py").read_text()
    wanted = re.search(r"torchao==[\d.]+", asked)[0]
    for value, installed in ((wanted, f"install --no-deps {wanted}"), ("", "")):
        path = f"{tmp_path}:/bin:/usr/bin"
        shown = subprocess.run(
            ["sh", "-c", run], env={name: value, "PATH": path}, capture_output=True, text=True
        )
        assert (shown.returncode, shown.stdout.strip()) == (0, installed)
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert compose["services"]["voxline"]["build"]["args"] == {name: f"${{{name}:-}}"}
    assert f"#{name}={wanted}" in (DEPLOY / ".env.example").read_text().splitlines()


def test_the_other_packages_are_the_projects_own():
    [run] = [run for run in of("RUN") if "tomllib" in run]
    code = re.search(r"python3 -c '(.*?)'", run)[1]
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["voxtral"]]
    assert shown.stdout.splitlines() == wanted, shown.stderr


def test_it_does_not_run_as_root():
    users = [arguments for name, arguments in final() if name == "USER"]
    assert users == ["voxline"]
    assert any("useradd" in arguments and "voxline" in arguments for _, arguments in final())


def test_weights_lie_on_a_volume_that_the_user_owns():
    assert of("VOLUME") == ["/weights"]
    assert any("HF_HOME=/weights" in each for name, each in final() if name == "ENV")
    assert any("install -d -o voxline -g voxline /weights" in each for _, each in final())


def test_the_port_is_the_servers():
    port = load(DEPLOY / "config.yaml").server.port
    assert of("EXPOSE") == [str(port)]
    assert f"127.0.0.1:{port}/healthz" in of("HEALTHCHECK")[0]


def test_the_server_is_what_is_started():
    assert json.loads(of("ENTRYPOINT")[0]) == ["voxline"]
    assert json.loads(of("CMD")[0])[0] == "serve"
    assert "voxline" in PROJECT["scripts"]


def test_the_health_check_tells_a_server_from_none():
    """The command itself, against a server on another port, and then against nobody."""

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *args):
            pass

    [check] = of("HEALTHCHECK")
    _, code = json.loads(check.partition("CMD")[2].strip())[1:]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        code = code.replace(":8080", f":{server.server_address[1]}")
        healthy = subprocess.run([sys.executable, "-c", code], capture_output=True)
        server.shutdown()
    assert healthy.returncode == 0, healthy.stderr
    gone = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert gone.returncode != 0


def test_the_python_of_the_base_can_have_every_package():
    """Ubuntu 24.04 has 3.12: from 3.13 on pip would leave out kokoro without a word."""
    markers = [each for each in PROJECT["optional-dependencies"]["voxtral"] if ";" in each]
    assert markers
    assert all("python_version < '3.13'" in each for each in markers)


def test_shell_lines_can_be_parsed():
    for run in of("RUN"):
        checked = subprocess.run(["sh", "-n", "-c", run], capture_output=True)
        assert checked.returncode == 0, checked.stderr
