"""A driver's nvidia-smi that says what a test wants: a program on the PATH, as the real one."""

import os
import stat
from functools import cache

from agent import machine

H100 = "0, GPU-aaa1, NVIDIA H100 80GB HBM3, 580.95.05, 81559, 81000, 9.0"
T4 = "1, GPU-bbb2, Tesla T4, 580.95.05, 15360, 15000, 7.5"


def install(monkeypatch, folder, *lines, status=0, cuda="13.0", listed=""):
    """From now on the machine has these GPUs, one line of CSV each, and a driver for `cuda`;
    -L prints what is `listed`."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    _forget(monkeypatch)
    (folder / "gpus.csv").write_text("".join(f"{line}\n" for line in lines))
    (folder / "q").write_text(f"\n===NVSMI LOG===\n\nCUDA Version           : {cuda}\n")
    (folder / "L").write_text(listed)
    program = folder / "nvidia-smi"
    program.write_text(
        f'#!/bin/sh\necho "$1" >> "{folder}/asked"\n'
        f'case $1 in -q) cat "{folder}/q";; -L) cat "{folder}/L";;'
        f' *) cat "{folder}/gpus.csv"; exit {status};; esac\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def uninstall(monkeypatch, folder):
    """From now on it has no driver."""
    _forget(monkeypatch)
    monkeypatch.setenv("PATH", str(folder))


def _forget(monkeypatch):
    """The driver is asked anew, and what it says is forgotten after the test."""
    monkeypatch.setattr(machine, "gpus", cache(machine.gpus.__wrapped__))
