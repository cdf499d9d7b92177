"""Python, packages and the native libraries that come with them."""

import os
import platform
import shutil
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from agent.capable import python_lacks
from agent.config import Config
from agent.doctor.check import FAIL, OK, WARN, Check
from agent.errors import installs
from agent.toolbox import load_toolbox

_EXTRA = "voxtral"
_INSTALL_EXTRA = f"run: {installs(_EXTRA)}"


def python() -> Check:
    """For bug reports; pip has refused any version that will not do."""
    where = f"{platform.system()} {platform.machine()}, {sys.executable}"
    return Check("Python", OK, f"{platform.python_version()} on {where}")


def packages() -> Check:
    """Whether what pyproject.toml asks for is what is installed."""
    try:
        wanted = _wanted(extra="")
    except PackageNotFoundError:
        return Check("packages", WARN, "Voxline itself is not installed", "run: make setup")
    wrong = [line for each in wanted if (line := _wrong(each))]
    if wrong:
        return Check("packages", FAIL, "; ".join(wrong), "run: make setup")
    return Check("packages", OK, f"{len(wanted)} packages as wanted, torch {version('torch')}")


def extra(needed: tuple[str, ...]) -> Check:
    """The packages of the engines for a GPU; `needed` names those engines that will run."""
    name = f"packages [{_EXTRA}]"
    if "kokoro" in needed and (lack := python_lacks()):
        found, _, remedy = lack.partition("; ")
        return Check(name, FAIL, found, f"{remedy}, or set agent.voice to espeak")
    try:
        wanted = _wanted(extra=_EXTRA)
    except PackageNotFoundError:
        return Check(name, WARN, "Voxline itself is not installed", "run: make setup")
    wrong = [line for each in wanted if (line := _wrong(each))]
    missing = [line for line in wrong if " missing," in line]
    if not wrong:
        return Check(name, OK, f"{len(wanted)} packages as wanted")
    if needed:
        return Check(name, FAIL, "; ".join(wrong), _INSTALL_EXTRA)
    if len(missing) == len(wrong):
        return Check(name, OK, f"not all installed, and not needed: {'; '.join(missing)}")
    return Check(name, WARN, "; ".join(wrong), _INSTALL_EXTRA)


def upstream() -> str:
    from agent.media import upstream

    upstream.check()
    return f"aiortc {version('aiortc')}, aioice {version('aioice')}: as expected inside"


def opus() -> str:
    from agent.media import opus

    return opus.check()


def silero() -> str:
    from agent.vad.silero import model_path

    return f"silero-vad {version('silero-vad')} ({model_path().stat().st_size // 1024} kB)"


def espeak() -> str:
    from agent.voices.espeak import EspeakVoice

    return f"espeakng-loader {version('espeakng-loader')}, {len(EspeakVoice().voices())} voices"


def compiler() -> Check:
    """What Triton needs at run time to launch Voxtral's own kernels, and torch.compile."""
    name, lacking = "C compiler", []
    found = os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")
    if not found:
        lacking.append("C compiler")
    headers = Path(sysconfig.get_paths()["include"])
    if not (headers / "Python.h").is_file():
        lacking.append(f"Python.h in {headers}")
    if lacking:
        told = f"no {' and no '.join(lacking)}: Voxtral's own kernels cannot be built"
        remedy = "on Debian or Ubuntu: apt install gcc libc6-dev python3-dev"
        return Check(name, WARN, told, remedy)
    return Check(name, OK, f"{found}, and Python's headers")


def tools(config: Config) -> str:
    """The operator's own functions. Raises ConfigError."""
    return ", ".join(tool.name for tool in load_toolbox(config.agent.tools, 1).tools)


def _wanted(extra: str) -> list[Requirement]:
    """What Voxline, or an extra of its own, asks for on this Python and system."""
    lines = [Requirement(line) for line in requires("voxline") or []]
    return [
        each for each in lines if _applies(each, extra) and not (extra and _applies(each, ""))
    ]


def _applies(wanted: Requirement, extra: str) -> bool:
    return wanted.marker is None or wanted.marker.evaluate({"extra": extra})


def _wrong(wanted: Requirement) -> str:
    try:
        have = version(wanted.name)
    except PackageNotFoundError:
        have = "missing"
    else:
        if wanted.specifier.contains(have, prereleases=True):
            return ""
    return f"{wanted.name} {have}, wanted {wanted.specifier}"
