"""A driver's nvidia-smi that says what a test wants: a program on the PATH, as the real one."""

import os
import stat

H100 = "0, GPU-aaa1, NVIDIA H100 80GB HBM3, 570.86.15, 81559, 81000, 9.0"
T4 = "1, GPU-bbb2, Tesla T4, 570.86.15, 15360, 15000, 7.5"


def install(monkeypatch, folder, *lines, status=0):
    """From now on the machine has these GPUs, one line of CSV each."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (folder / "gpus.csv").write_text("".join(f"{line}\n" for line in lines))
    program = folder / "nvidia-smi"
    program.write_text(f'#!/bin/sh\ncat "{folder}/gpus.csv"\nexit {status}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def uninstall(monkeypatch, folder):
    """From now on it has no driver."""
    monkeypatch.setenv("PATH", str(folder))
